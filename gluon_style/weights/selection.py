"""Tell which arrays of a weights file belong to which layers of VGG-19."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import numpy

from gluon_style.errors import WeightsError
from gluon_style.layers import CONV_SHAPES, LAYER_NAMES

# The names that others give to the arrays. Keras writes blockB_convI, in up to
# three folders; quantized copies of its file keep a table of 256 values a
# layer. Torchvision and gluon number the layers of `features`. Gluon 1.x also
# numbers the convolutions. This package writes convB_I.
_KERAS = re.compile(
    r'(?:.*/)?block(\d)_conv(\d)'
    r'(?:[/_](W_q|W_table|W|kernel|b|bias)(?:_\d+)?(?::0)?)$'
)
_FEATURES = re.compile(r'(?:.*\.)?features\.(\d{1,2})\.(weight|bias)$')
_COUNTED = re.compile(r'(?:arg:)?vgg\d+_conv(\d{1,2})_(weight|bias)$')
_OURS = re.compile(r'(conv\d_\d)[._](weight|bias)$')
_KERAS_KINDS = {
    'W': 'weight',
    'kernel': 'weight',
    'b': 'bias',
    'bias': 'bias',
    'W_q': 'W_q',
    'W_table': 'W_table',
}
# What an array is for its layer, as errors name it.
_KINDS = {
    'weight': 'weight',
    'bias': 'bias',
    'W_q': 'quantized weight',
    'W_table': 'table of values',
}
_NOT_FLOATS = 'does not consist of finite floats'


class _Place(NamedTuple):
    """Where an array belongs; ``keras`` tells Keras's order of the axes."""

    layer: str
    kind: str
    keras: bool


def _place(name: str) -> _Place | None:
    """Return where the array of a name belongs, or None if nowhere."""
    if match := _KERAS.match(name):
        block, i, kind = match.groups()
        return _Place(f'conv{block}_{i}', _KERAS_KINDS[kind], True)
    if match := _FEATURES.match(name):
        return _place_by_index(LAYER_NAMES, *match.groups())
    if match := _COUNTED.match(name):
        return _place_by_index(tuple(CONV_SHAPES), *match.groups())
    if match := _OURS.match(name):
        layer, kind = match.groups()
        return _Place(layer, kind, False)
    return None


def _place_by_index(
    names: tuple[str, ...], index: str, kind: str
) -> _Place | None:
    if int(index) >= len(names):
        return None
    return _Place(names[int(index)], kind, False)


class Selection:
    """The arrays of a file that belong to the wanted layers.

    ``names`` maps (layer, kind) to the name of an array in the file.
    """

    def __init__(self, path: Path, layers: tuple[str, ...]) -> None:
        self.path, self.layers = path, layers
        self.names: dict[tuple[str, str], str] = {}
        self.keras = False

    def wants(
        self, name: str, shape: tuple[int, ...], dtype: numpy.dtype
    ) -> bool:
        """Return whether to read an array.

        Raises WeightsError if the array is one of a wanted layer, but of the
        wrong shape or type.
        """
        place = _place(name)
        if place is None or place.layer not in self.layers:
            return False
        layer, kind, keras = place
        if (layer, kind) in self.names:
            raise self.error(layer, kind, 'occurs twice')
        expected = _expected_shape(place)
        if shape != expected:
            raise self.error(layer, kind, f'has shape {shape}, not {expected}')
        if not _is_expected_type(kind, dtype):
            raise self.error(layer, kind, _NOT_FLOATS)
        self.names[layer, kind] = name
        self.keras = self.keras or keras
        return True

    def layer_of(
        self, layer: str, arrays: dict[str, numpy.ndarray]
    ) -> tuple[numpy.ndarray, numpy.ndarray]:
        """Return the (weight, bias) of a layer, in float32.

        Raises WeightsError if one is missing or not finite.
        """
        parts = {
            kind: arrays[self.names[layer, kind]]
            for kind in _KINDS
            if (layer, kind) in self.names
        }
        weight = parts.get('weight')
        if 'W_q' in parts and 'W_table' in parts:
            weight = parts['W_table'][parts['W_q']]
        elif weight is not None and weight.shape != CONV_SHAPES[layer]:
            # Keras's order: (height, width, input, output channels).
            weight = weight.transpose(3, 2, 0, 1)
        return (
            self._as_float32(layer, 'weight', weight),
            self._as_float32(layer, 'bias', parts.get('bias')),
        )

    def _as_float32(
        self, layer: str, kind: str, array: numpy.ndarray | None
    ) -> numpy.ndarray:
        if array is None:
            raise self.error(layer, kind, 'is missing')
        # A number too large for float32 becomes infinite, and is refused.
        with numpy.errstate(over='ignore'):
            array = array.astype('float32')
        if not numpy.isfinite(array).all():
            raise self.error(layer, kind, _NOT_FLOATS)
        return array

    def error(self, layer: str, kind: str, problem: str) -> WeightsError:
        return WeightsError(
            f'weights {str(self.path)!r} are not those of VGG-19: the '
            f'{_KINDS[kind]} of {layer} {problem}'
        )


def _expected_shape(place: _Place) -> tuple[int, ...]:
    shape = CONV_SHAPES[place.layer]
    if place.kind == 'W_table':
        return (256,)
    if place.kind == 'bias':
        return shape[:1]
    if place.kind == 'weight' and place.keras:
        return (*shape[2:], *shape[1::-1])
    return shape


def _is_expected_type(kind: str, dtype: numpy.dtype) -> bool:
    if kind == 'W_q':
        return dtype == 'uint8'
    return dtype.kind == 'f' and dtype.itemsize <= 8
