"""The operators of a transfer net, of which MXNet makes one graph.

Some things are not computed as the papers write them, since MXNet's plain
operators are slow on a CPU. Times are for 1024x1024 pixels, one thread, and
MXNet 1.9.1, where nothing else is said.

- Instance normalization is batch normalization of a batch of one, 40 ms where
  the first layer's instance normalization takes seconds.
- ``npx.relu``, a sum of two arrays and ``npx.sigmoid`` take 20 times as long
  as the same operations of oneDNN: 542 and 18 ms for the first layer's ReLU.
- A convolution of nearest-neighbor pixels needs no such pixels: each of the
  four places in a doubled pixel has a kernel of its own for the small
  features. So ``expand.0`` and ``expand.1`` take 40 ms and not 213.
- oneDNN wants 16 output channels, and the last layer has 3. It computes four
  pixels at once, 12 channels, with a kernel of 10x10: 60 ms and not 200.
- Called one by one from Python, the 250 operators take a fifth longer at
  450x300 pixels, with two threads.

``F`` is the module of MXNet's older operators everywhere; features are its
arrays or symbols, (batch, channels, height, width).
"""

from gluon_style._mxnet import cut, with_rim
from gluon_style.methods.feedforward.trunks import EPSILON

# The output channels that oneDNN computes at once.
_LANES = 16
# With so many channels a whole reflected copy takes longer than strips.
_MANY = 32
# The four pixels of each place: the second row or not, the second column or
# not.
_FOUR = [(0, 0), (0, 1), (1, 0), (1, 1)]


def painted(F, trunk, X, style_vector, weights, running):
    """Return the picture ``X`` in the style of a vector.

    The sides of ``X`` are multiples of ``STEP``. ``weights`` are the arrays of
    ``trunk.shapes``. ``running`` has, for each number of normalized channels,
    the running mean and variance that batch normalization writes.
    """
    layers = _Layers(F, trunk, style_vector, weights, running)
    contract, residual, expand = (
        trunk.layers[:3],
        trunk.layers[3:-3],
        trunk.layers[-3:],
    )
    for layer in contract:
        X = _relu(F, layers.plain(X, layer))
    for first, second in zip(residual[::2], residual[1::2]):
        Y = _relu(F, layers.plain(X, first))
        X = F.elemwise_add(X, layers.plain(Y, second))
    for layer in expand[:-1]:
        Y = _relu(F, layers.upsampled(X, layer))
        X = _joined(F, Y, layer.channels)
    Y = layers.last(X, expand[-1])
    pixels = F.Activation(Y, act_type='sigmoid')
    return _joined(F, pixels, expand[-1].channels)


class _Layers:
    """The layers of a net, as functions of features."""

    def __init__(self, F, trunk, style_vector, weights, running):
        self._F, self._weights, self._running = F, weights, running
        self._styles = _by_layer(F, trunk, style_vector)

    def plain(self, X, layer):
        F, weight = self._F, self._weights[f'{layer.name}.weight']
        bias = self._weights.get(f'{layer.name}.bias')
        if layer.stride == 2 and layer.in_channels >= _MANY:
            Y = _halved(F, X, weight, layer.shape, bias)
        else:
            X = _reflected(F, X, layer.kernel // 2)
            Y = _convolution(F, X, weight, layer.shape, layer.stride, bias)
        return self._normalized(Y, layer) if layer.normalized else Y

    def upsampled(self, X, layer):
        """Return the four pixels of each place, (4, channels, height, width).

        Reflection beyond the doubled pixels repeats the outermost one.
        """
        F, weight = self._F, self._weights[f'{layer.name}.weight']
        # Of pixels that are the same small one, the kernel's places add up.
        kernels = [
            F.Pooling(
                _with_zeros(F, weight, (1 + row, 2 - row, 1 + col, 2 - col)),
                kernel=(2, 2),
                stride=(2, 2),
                pool_type='sum',
            )
            for row, col in _FOUR
        ]
        return self._of_four(with_rim(F, X, 0), layer, kernels, 3, 1)

    def last(self, X, layer):
        """Return the four pixels of each place, as ``upsampled``."""
        F, weight = self._F, self._weights[f'{layer.name}.weight']
        kernels = [
            _with_zeros(F, weight, (row, 1 - row, col, 1 - col))
            for row, col in _FOUR
        ]
        X = _reflected(F, X, layer.kernel // 2)
        return self._of_four(X, layer, kernels, layer.kernel + 1, 2)

    def _of_four(self, X, layer, kernels, side, stride):
        """Normalize four pixels at each place as one channel's pixels."""
        F, shape = self._F, (4 * layer.channels, layer.in_channels, side, side)
        kernel = F.concat(*kernels, dim=0)
        Y = _convolution(F, X, kernel, shape, stride)
        return self._normalized(F.reshape(Y, shape=(4, -1, 0, 0)), layer)

    def _normalized(self, Y, layer):
        """Return instance normalization of one picture.

        Batch normalization in training takes the mean and the variance over
        batch and places.
        """
        return self._F.BatchNorm(
            Y,
            *self._styles[layer.name],
            *self._running[layer.channels],
            eps=EPSILON,
            fix_gamma=False,
        )


def _by_layer(F, trunk, style_vector):
    """Return (scales, shifts) by the name of a normalized layer."""
    styles, at, half = {}, 0, trunk.style_size // 2
    for layer in trunk.layers:
        if layer.normalized:
            styles[layer.name] = [
                F.slice_axis(
                    style_vector,
                    axis=0,
                    begin=start,
                    end=start + layer.channels,
                )
                for start in (at, half + at)
            ]
            at += layer.channels
    return styles


def _joined(F, Y, channels):
    """Return four pixels at each place as a picture of twice the sides.

    A transposed convolution that copies takes a fifth of the time of
    ``transpose``.
    """
    copying = F.reshape(F.eye(4 * channels), shape=(-1, 4, channels))
    copying = F.transpose(copying, axes=(0, 2, 1))
    return F.Deconvolution(
        F.reshape(Y, shape=(1, -1, 0, 0)),
        F.reshape(copying, shape=(-1, channels, 2, 2)),
        kernel=(2, 2),
        stride=(2, 2),
        num_filter=channels,
        no_bias=True,
    )


def _halved(F, X, weight, shape, bias):
    """Return a convolution of 3x3 and stride 2, reflected at the edges.

    Sides are even, so that only the first row and the first column of the
    result see beyond an edge. They are computed from strips.
    """

    def first(X, axis):
        parts = cut(F, X, axis, 1, 2), cut(F, X, axis, 0, 2)
        return F.concat(*parts, dim=axis)

    rows = first(X, 2)
    rows = F.concat(cut(F, rows, 3, 1, 2), rows, dim=3)
    # The first one is in the rows already.
    columns = cut(F, first(X, 3), 2, 1, None)
    row, column = (
        _in_order(F, _convolution(F, strip, weight, shape, 2, bias))
        for strip in (rows, columns)
    )
    Y = _convolution(F, X, weight, shape, 2, bias, pad=1)
    inner = cut(F, cut(F, Y, 2, 1, None), 3, 1, None)
    below = F.concat(column, inner, dim=3)
    return _in_order(F, F.concat(row, below, dim=2))


def _in_order(F, X):
    """Return features in MXNet's order, as reshaping leaves them.

    oneDNN takes the order of what it joins from the first part. A row alone
    has an order that makes the next normalization take 100 times as long.
    """
    return F.reshape_like(F.reshape(X, shape=(-1,)), X)


def _reflected(F, X, width):
    """Return features with ``width`` more at each edge."""
    if width == 1:
        return with_rim(F, X, 1)
    return F.Pad(X, pad_width=(0, 0, 0, 0, *[width] * 4), mode='reflect')


def _with_zeros(F, X, widths):
    return F.Pad(X, pad_width=(0, 0, 0, 0, *widths), mode='constant')


def _convolution(F, X, weight, shape, stride=1, bias=None, pad=0):
    """Return a convolution in 16 channels or more, padded with zeros.

    ``shape`` is that of ``weight``.
    """
    channels, *others = shape
    lacking = max(0, _LANES - channels) if bias is None else 0
    if lacking:
        weight = F.concat(weight, F.zeros((lacking, *others)), dim=0)
    Y = F.Convolution(
        X,
        weight,
        *([] if bias is None else [bias]),
        kernel=shape[2:],
        stride=(stride, stride),
        pad=(pad, pad),
        num_filter=channels + lacking,
        no_bias=bias is None,
    )
    if not lacking:
        return Y
    return F.slice_axis(Y, axis=1, begin=0, end=channels)


def _relu(F, X):
    return F.Activation(X, act_type='relu')
