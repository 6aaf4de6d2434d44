"""A piece of the network that computes in bfloat16, through oneDNN.

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

# The modes of padding, by the names of borders.
_MODES = {'replicate': 'edge', 'reflect': 'reflect'}
_WIDTHS = (0, 0, 0, 0, 1, 1, 1, 1)


def bfloat16_segment(layers, border):
    """Return consecutive layers of a net of ``build_net`` as one block.

    It takes and returns features in float32, (1, channels, height, width),
    and shares the parameters of ``layers``. ``border`` is as in ``segments``,
    or 'reflect', which repeats the features but the outermost.
    """

    def compute(F, X, arrays):
        arrays = iter(arrays)
        # Averages are multiplied by a scale: the next convolution does it.
        Y, scale = to_bfloat16(F, X), 1
        for layer in layers:
            if isinstance(layer, nn.Conv2D):
                weight, bias = next(arrays), next(arrays)
                if scale != 1:
                    weight, scale = weight * scale, 1
                Y = _convolution(F, Y, weight, bias, layer, border)
            elif isinstance(layer, nn.Activation):
                Y = F.Activation(Y, act_type='relu')
            elif isinstance(layer, nn.MaxPool2D):
                Y = _pooling(F, Y, 'max')
            else:
                Y, scale = _pooling(F, Y, 'avg'), layer.scale
        Y = to_float32(F, Y)
        return Y if scale == 1 else Y * scale

    convolutions = [each for each in layers if isinstance(each, nn.Conv2D)]
    return legacy_block(compute, convolutions)


def to_bfloat16(F, X):
    return F.amp_cast(X, dtype='bfloat16')


def to_float32(F, X):
    return F.amp_cast(X, dtype='float32')


def _convolution(F, Y, weight, bias, layer, border):
    pad = (1, 1)
    if border in _MODES:
        # Padding is not computed in bfloat16.
        Y = F.Pad(to_float32(F, Y), pad_width=_WIDTHS, mode=_MODES[border])
        Y, pad = to_bfloat16(F, Y), (0, 0)
    return F.Convolution(
        Y,
        to_bfloat16(F, weight),
        to_bfloat16(F, bias),
        kernel=(3, 3),
        pad=pad,
        num_filter=layer.weight.shape[0],
    )


def _pooling(F, Y, kind):
    return F.Pooling(Y, kernel=(2, 2), stride=(2, 2), pool_type=kind)
