"""The network in bfloat16, through oneDNN, as one graph.

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


def bfloat16_features(net, indices, border):
    """Return a block from a picture to the features at ``indices``, a list.

    The picture and the features are in float32. ``net``, ``indices`` and
    ``border`` are as in ``feature_maps``, and the block shares the net's
    parameters. Gradients that meet at a layer are added in bfloat16; with one
    block a layer they were added in float32, which took longer.

    The convolution that sees the pixels is in float32: with pixels in
    bfloat16 the cosine of the gradients with those in float32 falls from
    0.9990 to 0.9980. It takes little time, for pixels have three channels.
    """
    layers = net[: max(indices) + 1]

    def compute(F, X, arrays):
        # Averages are multiplied by a scale: the next convolution does it.
        arrays, scale, found = iter(arrays), 1, []
        for index, layer in enumerate(layers):
            if index == 0:
                features = _in_float32(F, X, *_two(arrays), layer, border)
                X = to_bfloat16(F, features)
            elif isinstance(layer, nn.Conv2D):
                weight, bias = _two(arrays)
                if scale != 1:
                    weight, scale = weight * scale, 1
                X = _in_bfloat16(F, X, weight, bias, layer, border)
            elif isinstance(layer, nn.Activation):
                X = F.Activation(X, act_type='relu')
            elif isinstance(layer, nn.MaxPool2D):
                X = _pooling(F, X, 'max')
            else:
                X, scale = _pooling(F, X, 'avg'), layer.scale
            if index in indices:
                if index > 0:
                    features = to_float32(F, X)
                found.append(features if scale == 1 else features * scale)
        return found

    convolutions = [each for each in layers if isinstance(each, nn.Conv2D)]
    return legacy_block(compute, convolutions)


def to_bfloat16(F, X):
    return F.amp_cast(X, dtype='bfloat16')


def to_float32(F, X):
    return F.amp_cast(X, dtype='float32')


def _two(arrays):
    """Return the next weight and bias."""
    return next(arrays), next(arrays)


def _in_bfloat16(F, X, weight, bias, layer, border):
    weight, bias = to_bfloat16(F, weight), to_bfloat16(F, bias)
    if border == 'replicate':
        # Padding is not computed in bfloat16.
        X = to_bfloat16(F, _padded(F, to_float32(F, X)))
    return _convolution(F, X, weight, bias, layer, border)


def _in_float32(F, X, weight, bias, layer, border):
    if border == 'replicate':
        X = _padded(F, X)
    return _convolution(F, X, weight, bias, layer, border)


def _padded(F, X):
    """Return features with the outermost ones repeated."""
    return F.Pad(X, pad_width=_WIDTHS, mode='edge')


def _convolution(F, X, weight, bias, layer, border):
    pad = 0 if border == 'replicate' else 1
    return F.Convolution(
        X,
        weight,
        bias,
        kernel=(3, 3),
        pad=(pad, pad),
        num_filter=layer.weight.shape[0],
    )


def _pooling(F, X, kind):
    return F.Pooling(X, kernel=(2, 2), stride=(2, 2), pool_type=kind)
