"""The networks and their layers: the one table of names, indices and shapes.

Simonyan & Zisserman 2015, configurations D (VGG-16) and E (VGG-19). A layer's
index is its place in the ``features`` of the model zoo's network. The output
of a ``conv`` layer is taken before its ReLU, as the chapter takes it.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from numbers import Integral

from gluon_style.errors import GluonStyleError

# Mean and deviation of the pixels, from 0 to 1, that the networks were trained
# on (chapter: Preprocessing). Red, green, blue.
RGB_MEAN = (0.485, 0.456, 0.406)
RGB_STD = (0.229, 0.224, 0.225)

# The output channels of the convolutions in each of the five blocks.
CHANNELS = (64, 128, 256, 512, 512)


def block_of(layer: str) -> int:
    """Return the number of a layer's block, from 1 to 5, by its name."""
    return int(layer[len('conv')])


@dataclass(frozen=True)
class Network:
    """A VGG, by the number of convolutions in each of its five blocks.

    ``name`` is its name in the model zoo. ``content_layers`` are what it
    takes where the user names no content layer.
    """

    name: str
    title: str
    num_convs: tuple[int, ...]
    content_layers: tuple[str, ...]

    @cached_property
    def layer_names(self) -> tuple[str, ...]:
        """The names of all layers: ``features[i]`` is ``layer_names[i]``."""
        names = []
        for block, num_convs in enumerate(self.num_convs, start=1):
            for i in range(1, num_convs + 1):
                names += [f'conv{block}_{i}', f'relu{block}_{i}']
            names.append(f'pool{block}')
        return tuple(names)

    @cached_property
    def conv_shapes(self) -> dict[str, tuple[int, ...]]:
        """Each convolution's weight: (output, input channels, 3, 3)."""
        shapes, in_channels = {}, 3
        for name in self.layer_names:
            if name.startswith('conv'):
                channels = CHANNELS[block_of(name) - 1]
                shapes[name] = (channels, in_channels, 3, 3)
                in_channels = channels
        return shapes

    def index(self, layer: str | int) -> int:
        """Return the index of a layer in ``features``.

        ``layer`` is a name ('conv4_1'), an index (19) or an index as text
        ('19'). Raises GluonStyleError if the network has no such layer.
        """
        if layer in self.layer_names:
            return self.layer_names.index(layer)
        index = -1
        if isinstance(layer, (Integral, str)):
            with contextlib.suppress(ValueError):
                index = int(layer)
        if 0 <= index < len(self.layer_names):
            return index
        last = [name for name in self.layer_names if name[:4] == 'conv'][-1]
        raise GluonStyleError(
            f'layer {layer!r} is not in {self.title}: give a name such as '
            f'{self.content_layers[0]} (conv1_1 to {last}, relu, pool) or an '
            f'index from 0 to {len(self.layer_names) - 1}'
        )

    def indices(self, layers: Iterable[str | int]) -> list[int]:
        """Return the indices of several layers, in their order."""
        return [self.index(layer) for layer in layers]

    def halo(self, layer: str | int) -> int:
        """Return how many pixels around it a feature depends on, rounded up.

        A feature depends on the pixels under it and on those up to this
        distance away. The distance is rounded up to a multiple of
        2 ** ``num_poolings(layer)``.
        """
        radius, scale = 0, 1
        for name in self.layer_names[: self.index(layer) + 1]:
            if name.startswith('relu'):
                continue
            # A convolution reads its neighbors, a pooling the next place only.
            radius += scale
            if name.startswith('pool'):
                scale *= 2
        return -(-radius // scale) * scale


# A third network costs a row here, and its sources in weights/sources.py.
#
# The chapter's content index, 25, is conv4_4. The chapter's text calls it
# conv4_2, which is 21; its code and its figure use 25. VGG-16 ends that block
# with conv4_3.
NETWORKS = {
    network.name: network
    for network in (
        Network('vgg19', 'VGG-19', (2, 2, 4, 4, 4), ('conv4_4',)),
        Network('vgg16', 'VGG-16', (2, 2, 3, 3, 3), ('conv4_3',)),
    )
}


def get_network(name: str) -> Network:
    """Return a network by its name, or raise GluonStyleError."""
    if name not in NETWORKS:
        raise GluonStyleError(
            f'network {name!r} is unknown: choose from {", ".join(NETWORKS)}'
        )
    return NETWORKS[name]


# The chapter's network: VGG-19. Its style indices are 0, 5, 10, 19, 28.
_CHAPTER = NETWORKS['vgg19']
LAYER_NAMES, CONV_SHAPES = _CHAPTER.layer_names, _CHAPTER.conv_shapes
STYLE_LAYERS = ('conv1_1', 'conv2_1', 'conv3_1', 'conv4_1', 'conv5_1')
CONTENT_LAYERS = _CHAPTER.content_layers


def layer_index(layer: str | int, network: str = 'vgg19') -> int:
    """Return the index of a layer in a network's ``features``.

    Raises GluonStyleError as ``Network.index`` does.
    """
    return get_network(network).index(layer)


def layer_indices(
    layers: Iterable[str | int], network: str = 'vgg19'
) -> list[int]:
    """Return the indices of several layers, in their order."""
    return get_network(network).indices(layers)


def split_weight(layer: str | int) -> tuple[str, float]:
    """Return a layer and its weight in the sum: 'conv4_1:0.5' is two values.

    A name or an index alone has the weight 1. Raises GluonStyleError for a
    weight that is not a number above 0.
    """
    name, colon, text = str(layer).partition(':')
    try:
        weight = float(text) if colon else 1.0
    except ValueError:
        weight = math.nan
    if not 0 < weight < math.inf:
        raise GluonStyleError(
            f'layer {layer!r} has the weight {text!r}: it must be a number '
            'above 0, as in conv4_1:0.5'
        )
    return name, weight


def num_poolings(layer: str) -> int:
    """Return the number of poolings up to and including a layer, by name."""
    return block_of(layer) - (not layer.startswith('pool'))


def least_side(layers: Iterable[str]) -> int:
    """Return the least width and height, in pixels, that reach ``layers``.

    Layers are names. Each pooling on the way halves the picture. The total
    variation needs two pixels in each direction.
    """
    return max(2, 2 ** max(map(num_poolings, layers)))
