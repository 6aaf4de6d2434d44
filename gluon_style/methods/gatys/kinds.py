"""The kinds of values that only this method's settings have."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gluon_style.errors import GluonStyleError
from gluon_style.layers import NETWORKS, split_weight
from gluon_style.methods.fields import (
    Integer,
    Kind,
    Text,
    shown,
    unfit,
)

# What the method of one pass paints is a start, by the method's name.
ONE_PASS = 'feedforward'
INITS = ('content', 'style', 'noise', ONE_PASS)


class Layers(Kind):
    """Layers of the network, each alone or with its weight in the sum."""

    metavar = 'A,B'

    def __init__(self, own: bool = False) -> None:
        # Where the word auto means the network's own layers.
        self.own = own

    def check(self, name: str, value: Any) -> tuple[str, ...] | str:
        if self.own and value in ('auto', ('auto',), ['auto']):
            return 'auto'
        if isinstance(value, (str, int)):
            value = (value,)
        if isinstance(value, dict):
            value = [
                f'{_text(layer)}:{_text(weight)}'
                for layer, weight in value.items()
            ]
        if not isinstance(value, Iterable):
            raise unfit(name, value, 'names or indices of layers')
        layers = tuple(_layer(name, layer) for layer in value)
        if not layers:
            raise GluonStyleError(f'{name} is empty: name at least one layer')
        return layers

    def parse(self, text: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in text.split(',') if part.strip())

    def words(self, value: Any) -> str:
        return value if isinstance(value, str) else ','.join(value)


class Tile(Kind):
    """auto, off, or a side in pixels that all poolings divide."""

    metavar = 'auto|off|N'

    def check(self, name: str, value: Any) -> str | int:
        integer = isinstance(value, int) and not isinstance(value, bool)
        fits = integer and value >= 32 and value % 32 == 0
        if not fits and value not in ('auto', 'off'):
            raise unfit(name, value, 'auto, off or a multiple of 32')
        return value

    def parse(self, text: str) -> str | int:
        if text in ('auto', 'off'):
            return text
        return Integer(least=32).parse(text)


class Init(Kind):
    """What the optimization starts from: a word, a blend, a picture's file."""

    metavar = f'{"|".join(INITS)}|blend:X|FILE'

    def check(self, name: str, value: Any) -> str:
        text = Text(self.metavar).check(name, value)
        noise_part(text)
        return text


class Restarts(Kind):
    """A list of epochs."""

    def check(self, name: str, value: Any) -> tuple[int, ...]:
        if not isinstance(value, (tuple, list)):
            raise unfit(name, value, 'a list of epochs')
        return tuple(Integer(least=1).check(name, epoch) for epoch in value)


def _text(value: Any) -> str:
    # Python writes no whole number of thousands of digits.
    return shown(value) if isinstance(value, int) else str(value)


def _layer(name: str, layer: Any) -> str:
    """Return a layer, by name or index, with its weight unless that is 1."""
    index = isinstance(layer, int) and not isinstance(layer, bool)
    # Python writes no whole number of thousands of digits.
    if not isinstance(layer, str) and not (index and abs(layer) < 1e9):
        raise GluonStyleError(
            f'{name} has {shown(layer)}: it must be names or indices of '
            'layers, such as conv4_4'
        )
    layer, weight = split_weight(layer)
    return layer if weight == 1 else f'{layer}:{weight!r}'


def named_layers(
    name: str, layers: Iterable[str], network: str
) -> tuple[str, ...]:
    """Return a setting's layers of a network, with names for indices.

    ``name`` is the setting's. Raises GluonStyleError for a layer that the
    network does not have, and for one that is named twice.
    """
    table = NETWORKS[network]
    weights: dict[str, float] = {}
    for layer in layers:
        layer, weight = split_weight(layer)
        layer = table.layer_names[table.index(layer)]
        if layer in weights:
            raise GluonStyleError(
                f'{name} has {layer} twice: name each layer once'
            )
        weights[layer] = weight
    return tuple(
        layer if weight == 1 else f'{layer}:{weight!r}'
        for layer, weight in weights.items()
    )


def require_init(init: str) -> None:
    """Raise GluonStyleError for a start that is not a word or a file."""
    is_word = init in INITS or init.partition(':')[0] == 'blend'
    if not (is_word or Path(init).is_file()):
        raise GluonStyleError(
            f'init is {init!r}: it must be {", ".join(INITS)}, blend:0.3 or '
            'the file of a picture'
        )


def noise_part(init: str) -> float:
    """Return the part of noise in a start: 1 in 'noise', 0.3 in 'blend:0.3'.

    It is 0 for a picture. Raises GluonStyleError where it is not from 0 to 1.
    """
    if init == 'noise':
        return 1
    blend, colon, text = init.partition(':')
    if blend != 'blend' or not colon:
        return 0
    try:
        part = float(text)
    except ValueError:
        part = -1
    if not 0 <= part <= 1:
        raise GluonStyleError(
            f'init is {shown(init)}: the part of noise must be from 0 to 1, '
            'as in blend:0.3'
        )
    return part
