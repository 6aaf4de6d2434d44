"""The layers of VGG-19 by name: the one table from names to indices.

Simonyan & Zisserman 2015, configuration E. The index is the layer's place in
the model zoo's ``vgg19().features``; a ``conv`` layer's output is taken before
its ReLU, as the chapter takes it.
"""

import contextlib
import math
from numbers import Integral

from gluon_style.errors import GluonStyleError

# Mean and deviation of the pixels, 0 to 1, that VGG-19 was trained on
# (chapter: Preprocessing). Red, green, blue.
RGB_MEAN = (0.485, 0.456, 0.406)
RGB_STD = (0.229, 0.224, 0.225)

# Convolutions and output channels of each of the five blocks.
_BLOCKS = ((2, 64), (2, 128), (4, 256), (4, 512), (4, 512))


def _layers():
    names, shapes, in_channels = [], {}, 3
    for block, (num_convs, channels) in enumerate(_BLOCKS, start=1):
        for i in range(1, num_convs + 1):
            shapes[f'conv{block}_{i}'] = (channels, in_channels, 3, 3)
            in_channels = channels
            names += [f'conv{block}_{i}', f'relu{block}_{i}']
        names.append(f'pool{block}')
    return tuple(names), shapes


# LAYER_NAMES[i] is the name of features[i]. CONV_SHAPES maps each convolution
# to its weight's shape: (output channels, input channels, height, width).
LAYER_NAMES, CONV_SHAPES = _layers()

# The chapter's indices 0, 5, 10, 19, 28 and 25. Its prose calls the content
# layer conv4_2, which is 21; its code and its published figure use 25.
STYLE_LAYERS = ('conv1_1', 'conv2_1', 'conv3_1', 'conv4_1', 'conv5_1')
CONTENT_LAYERS = ('conv4_4',)


def layer_index(layer):
    """Return the index into ``vgg19().features`` of a layer.

    ``layer`` is a name ('conv4_4'), an index (25) or an index as text.
    Raises ValueError for a layer that VGG-19 does not have.
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


def layer_indices(layers):
    """Return the indices of several layers, names or indices, in order."""
    return [layer_index(layer) for layer in layers]


def weighted(layer):
    """Return the name and the weight of a layer that may have a weight.

    'conv4_1:0.5' is ('conv4_1', 0.5); a name or an index alone has the
    weight 1. Raises ValueError for an unknown layer, or a weight that is no
    number above 0.
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


def names_of(layers):
    """Return the names of layers that may have weights, in order."""
    return [weighted(layer)[0] for layer in layers]


def num_poolings(layer):
    """Return how many poolings there are up to a layer, an index."""
    names = LAYER_NAMES[: layer + 1]
    return sum(name.startswith('pool') for name in names)


def halo(layer):
    """Return how far, in pixels, a layer's features see, rounded up.

    ``layer`` is an index. A feature depends on the pixels under it and up to
    this distance from them, a multiple of 2 to the number of poolings.
    """
    radius, scale = 0, 1
    for name in LAYER_NAMES[: layer + 1]:
        if name.startswith('relu'):
            continue
        # A convolution sees its neighbors, a pooling one further place.
        radius += scale
        if name.startswith('pool'):
            scale *= 2
    return -(-radius // scale) * scale


def least_side(layers):
    """Return the least width and height, in pixels, that reach ``layers``.

    Each pooling on the way halves the picture; the total variation needs
    two pixels either way.
    """
    return max(2, 2 ** num_poolings(max(layer_indices(layers))))
