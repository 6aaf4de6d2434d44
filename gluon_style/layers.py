"""The layers of VGG-19: the one table of their names, indices and shapes.

Simonyan & Zisserman 2015, configuration E. A layer's index is its place in
the model zoo's ``vgg19().features``. The output of a ``conv`` layer is taken
before its ReLU, as the chapter takes it.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable
from numbers import Integral

from gluon_style.errors import GluonStyleError

# Mean and deviation of the pixels, from 0 to 1, that VGG-19 was trained on
# (chapter: Preprocessing). Red, green, blue.
RGB_MEAN = (0.485, 0.456, 0.406)
RGB_STD = (0.229, 0.224, 0.225)

# The number of convolutions and of output channels in each of the five blocks.
_BLOCKS = ((2, 64), (2, 128), (4, 256), (4, 512), (4, 512))


def _names_and_shapes() -> tuple[tuple[str, ...], dict[str, tuple[int, ...]]]:
    names, shapes, in_channels = [], {}, 3
    for block, (num_convs, channels) in enumerate(_BLOCKS, start=1):
        for i in range(1, num_convs + 1):
            shapes[f'conv{block}_{i}'] = (channels, in_channels, 3, 3)
            in_channels = channels
            names += [f'conv{block}_{i}', f'relu{block}_{i}']
        names.append(f'pool{block}')
    return tuple(names), shapes


# LAYER_NAMES[i] is the name of features[i]. CONV_SHAPES maps each convolution
# to the shape of its weight: (output channels, input channels, height, width).
LAYER_NAMES, CONV_SHAPES = _names_and_shapes()

# The chapter's indices 0, 5, 10, 19, 28 and 25. The chapter's text calls the
# content layer conv4_2, which is 21; its code and its figure use 25.
STYLE_LAYERS = ('conv1_1', 'conv2_1', 'conv3_1', 'conv4_1', 'conv5_1')
CONTENT_LAYERS = ('conv4_4',)


def layer_index(layer: str | int) -> int:
    """Return the index of a layer in ``vgg19().features``.

    ``layer`` is a name ('conv4_4'), an index (25) or an index as text ('25').
    Raises GluonStyleError if VGG-19 has no such layer.
    """
    if layer in LAYER_NAMES:
        return LAYER_NAMES.index(layer)
    index = -1
    if isinstance(layer, (Integral, str)):
        with contextlib.suppress(ValueError):
            index = int(layer)
    if 0 <= index < len(LAYER_NAMES):
        return index
    raise GluonStyleError(
        f'layer {layer!r} is not in VGG-19: give a name such as conv4_4 '
        f'(conv1_1 to conv5_4, relu, pool) or an index from 0 to '
        f'{len(LAYER_NAMES) - 1}'
    )


def layer_indices(layers: Iterable[str | int]) -> list[int]:
    """Return the indices of several layers, in their order."""
    return [layer_index(layer) for layer in layers]


def weighted(layer: str | int) -> tuple[str, float]:
    """Return the name and the weight of a layer that may carry a weight.

    'conv4_1:0.5' gives ('conv4_1', 0.5). A name or an index alone has the
    weight 1. Raises GluonStyleError for an unknown layer, and for a weight
    that is not a number above 0.
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
    return LAYER_NAMES[layer_index(name if colon else layer)], weight


def names_of(layers: Iterable[str | int]) -> list[str]:
    """Return the names of layers that may carry weights, in their order."""
    return [weighted(layer)[0] for layer in layers]


def num_poolings(layer: int) -> int:
    """Return the number of poolings up to and including a layer's index."""
    names = LAYER_NAMES[: layer + 1]
    return sum(name.startswith('pool') for name in names)


def halo(layer: int) -> int:
    """Return how many pixels around it a feature depends on, rounded up.

    ``layer`` is an index. A feature depends on the pixels under it and on
    those up to this distance away. The distance is rounded up to a multiple
    of 2 ** ``num_poolings(layer)``.
    """
    radius, scale = 0, 1
    for name in LAYER_NAMES[: layer + 1]:
        if name.startswith('relu'):
            continue
        # A convolution reads its neighbors, a pooling the next place only.
        radius += scale
        if name.startswith('pool'):
            scale *= 2
    return -(-radius // scale) * scale


def least_side(layers: Iterable[str | int]) -> int:
    """Return the least width and height, in pixels, that reach ``layers``.

    Each pooling on the way halves the picture. The total variation needs two
    pixels in each direction.
    """
    return max(2, 2 ** num_poolings(max(layer_indices(layers))))
