"""Tell which arrays of a weights file belong to which layers of a network."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy

from gluon_style.errors import WeightsError
from gluon_style.layers import NETWORKS, Network

# The names that others give to the arrays. Keras writes blockB_convI, in up to
# three folders; quantized copies of its file keep a table of 256 values a
# layer. Torchvision and gluon number the layers of `features`. Gluon 1.x also
# numbers the convolutions, and so does Flax. This package writes convB_I.
_KERAS = re.compile(
    r'(?:.*/)?block(\d)_conv(\d)'
    r'(?:[/_](W_q|W_table|W|kernel|b|bias)(?:_\d+)?(?::0)?)$'
)
_FEATURES = re.compile(r'(?:.*\.)?features\.(\d{1,2})\.(weight|bias)$')
_COUNTED = re.compile(r'(?:arg:)?vgg\d+_conv(\d{1,2})_(weight|bias)$')
_FLAX = re.compile(r'(?:.*/)?VGG\d*_\d+/Conv_(\d{1,2})/(kernel|bias)$')
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
    """Where an array belongs, and what is special about it.

    ``hwio``: a weight is (height, width, input, output channels). ``bgr``:
    the file is Keras's, whose first layer takes BGR.
    """

    layer: str
    kind: str
    hwio: bool = False
    bgr: bool = False


def _place(name: str, network: Network) -> _Place | None:
    """Return where the array of a name belongs, or None if nowhere."""
    place, layers = None, tuple(network.conv_shapes)
    if match := _KERAS.match(name):
        block, i, kind = match.groups()
        kind = _KERAS_KINDS[kind]
        place = _Place(f'conv{block}_{i}', kind, hwio=True, bgr=True)
    elif match := _FLAX.match(name):
        kind = _KERAS_KINDS[match[2]]
        place = _Place(_nth(layers, match[1]), kind, hwio=True)
    elif match := _FEATURES.match(name):
        place = _Place(_nth(network.layer_names, match[1]), match[2])
    elif match := _COUNTED.match(name):
        place = _Place(_nth(layers, match[1]), match[2])
    elif match := _OURS.match(name):
        place = _Place(match[1], match[2])
    return place if place and place.layer in layers else None


def _nth(layers: tuple[str, ...], index: str) -> str:
    return layers[int(index)] if int(index) < len(layers) else ''


def choose_network(
    shapes: Iterable[tuple[str, tuple[int, ...]]], first: str = 'vgg19'
) -> str:
    """Return the name of the network that a file's arrays belong to.

    ``shapes`` has each array's name and shape. A network without a
    convolution of another has its arrays under other numbers, so their shapes
    tell; and names that tell the layer leave a gap in the wrong network. Of
    networks that fit equally, such as those of a file that ends before they
    differ, it is ``first``, or else the first of ``NETWORKS``.
    """
    shapes = list(shapes)
    names = sorted(NETWORKS, key=lambda name: name != first)
    return min(names, key=lambda name: _misfits(NETWORKS[name], shapes))


def _misfits(
    network: Network, shapes: list[tuple[str, tuple[int, ...]]]
) -> int:
    """Count the arrays that are not the network's, and the gaps they leave."""
    weights, misfits = set(), 0
    for name, shape in shapes:
        # Whether it is an array of a network at all.
        if not any(_place(name, other) for other in NETWORKS.values()):
            continue
        place = _place(name, network)
        if place is None or shape != _expected_shape(place, network):
            misfits += 1
        else:
            weights.add(place.layer)
    layers = list(network.conv_shapes)
    num_used = max((layers.index(name) + 1 for name in weights), default=0)
    return misfits + num_used - len(weights)


class Selection:
    """The arrays of a file that belong to the wanted layers.

    ``names`` maps (layer, kind) to the name of an array in the file.
    """

    def __init__(
        self, path: Path, layers: tuple[str, ...], network: Network
    ) -> None:
        self.path, self.layers, self.network = path, layers, network
        self.names: dict[tuple[str, str], str] = {}
        self.bgr = False

    def wants(
        self, name: str, shape: tuple[int, ...], dtype: numpy.dtype
    ) -> bool:
        """Return whether to read an array.

        Raises WeightsError if the array is one of a wanted layer, but of the
        wrong shape or type.
        """
        place = _place(name, self.network)
        if place is None or place.layer not in self.layers:
            return False
        layer, kind, _, bgr = place
        if (layer, kind) in self.names:
            raise self.error(layer, kind, 'occurs twice')
        expected = _expected_shape(place, self.network)
        if shape != expected:
            raise self.error(layer, kind, f'has shape {shape}, not {expected}')
        if not _is_expected_type(kind, dtype):
            raise self.error(layer, kind, _NOT_FLOATS)
        self.names[layer, kind] = name
        self.bgr = self.bgr or bgr
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
        elif (
            weight is not None
            and weight.shape != self.network.conv_shapes[layer]
        ):
            # Keras's and Flax's: (height, width, input, output channels).
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
            f'weights {str(self.path)!r} are not those of '
            f'{self.network.title}: the '
            f'{_KINDS[kind]} of {layer} {problem}'
        )


def _expected_shape(place: _Place, network: Network) -> tuple[int, ...]:
    shape = network.conv_shapes[place.layer]
    if place.kind == 'W_table':
        return (256,)
    if place.kind == 'bias':
        return shape[:1]
    if place.kind == 'weight' and place.hwio:
        return (*shape[2:], *shape[1::-1])
    return shape


def _is_expected_type(kind: str, dtype: numpy.dtype) -> bool:
    if kind == 'W_q':
        return dtype == 'uint8'
    return dtype.kind == 'f' and dtype.itemsize <= 8
