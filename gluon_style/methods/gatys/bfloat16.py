"""Layers of the network in bfloat16, through oneDNN, as one graph.

bfloat16 has float32's range and 8 bits of its 24 bits of precision. On a
processor with instructions for it, convolutions take half the time.

MXNet has no NumPy functions for it. Only operators that oneDNN computes in
bfloat16 may be used: ``relu`` and ``*`` are not among them, and take twenty
times as long.
"""

# Importing it tells NumPy, which MXNet asks, of the type.
import ml_dtypes  # noqa: F401
from mxnet.gluon import nn

from gluon_style._mxnet import legacy_block

_WIDTHS = (0, 0, 0, 0, 1, 1, 1, 1)


def bfloat16_block(layers, indices, border):
    """Return a block from features to those after some layers, a list.

    All are in float32, (1, channels, height, width). ``indices`` are of
    consecutive ``layers`` of a net, in order, and the block shares their
    parameters. ``border`` is as in ``feature_maps``. Gradients that meet at a
    layer are added in bfloat16; with one block a layer they were added in
    float32, which took longer.
    """
    layers = layers[: indices[-1] + 1]

    def compute(F, X, arrays):
        # Averages are multiplied by a scale: the next convolution does it.
        arrays, scale, found = iter(arrays), 1, []
        X = to_bfloat16(F, X)
        for index, layer in enumerate(layers):
            if isinstance(layer, nn.Conv2D):
                weight, bias = next(arrays), next(arrays)
                if scale != 1:
                    weight, scale = weight * scale, 1
                X = _convolution(F, X, weight, bias, layer, border)
            elif isinstance(layer, nn.Activation):
                X = F.Activation(X, act_type='relu')
            elif isinstance(layer, nn.MaxPool2D):
                X = _pooling(F, X, 'max')
            else:
                X, scale = _pooling(F, X, 'avg'), layer.scale
            if index in indices:
                features = to_float32(F, X)
                found.append(features if scale == 1 else features * scale)
        return found

    convolutions = [each for each in layers if isinstance(each, nn.Conv2D)]
    return legacy_block(compute, convolutions)


def to_bfloat16(F, X):
    return F.amp_cast(X, dtype='bfloat16')


def to_float32(F, X):
    return F.amp_cast(X, dtype='float32')


def _convolution(F, X, weight, bias, layer, border):
    pad = (1, 1)
    if border == 'replicate':
        # Padding is not computed in bfloat16.
        X = F.Pad(to_float32(F, X), pad_width=_WIDTHS, mode='edge')
        X, pad = to_bfloat16(F, X), (0, 0)
    return F.Convolution(
        X,
        to_bfloat16(F, weight),
        to_bfloat16(F, bias),
        kernel=(3, 3),
        pad=pad,
        num_filter=layer.weight.shape[0],
    )


def _pooling(F, X, kind):
    return F.Pooling(X, kernel=(2, 2), stride=(2, 2), pool_type=kind)
