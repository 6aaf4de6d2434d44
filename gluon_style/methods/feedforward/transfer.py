"""The transfer net: a picture and a style vector in, the picture painted out.

The numbers are those of the plain net: reflection, convolution, instance
normalization, ReLU. Four things are computed otherwise, since MXNet's plain
operators are slow on a CPU; times are for 1024x1024 pixels, one thread, and
MXNet 1.9.1.

- Instance normalization is batch normalization of a batch of one, 40 ms where
  the first layer's instance normalization takes seconds.
- ``npx.relu``, a sum of two arrays and ``npx.sigmoid`` take 20 times as long
  as the same operations of oneDNN: 542 and 18 ms for the first layer's ReLU.
- A convolution of nearest-neighbor pixels needs no such pixels: each of the
  four places in a doubled pixel has a kernel of its own for the small
  features. So ``expand.0`` and ``expand.1`` take 40 ms and not 213.
- oneDNN wants 16 output channels, and the last layer has 3. It computes four
  pixels at once, 12 channels, with a kernel of 10x10: 60 ms and not 200.
"""

import numpy
from mxnet import autograd, np, npx
from mxnet.gluon import HybridBlock

from gluon_style._mxnet import (
    added,
    cut,
    joined,
    new_parameter,
    padded,
)
from gluon_style.methods.feedforward.trunks import EPSILON, STEP

# The output channels that oneDNN computes at once.
_LANES = 16
# With so many channels a whole reflected copy takes longer than strips.
_MANY = 32


class TransferNet(HybridBlock):
    """The net of a ``Trunk``; ``net(X, style_vector)`` paints a picture.

    ``X`` is (1, 3, height, width), RGB from 0 to 1, of at least
    ``LEAST_SIDE`` pixels either way. ``style_vector`` has the scales and
    then the shifts of all normalized channels, ``trunk.style_size`` numbers.
    Returns a picture of the shape of ``X``, from 0 to 1.

    Its parameters are named as in ``trunk.shapes``, with '_' for '.'.
    """

    def __init__(self, trunk):
        super().__init__()
        self.trunk = trunk
        for name, shape in trunk.shapes.items():
            name = name.replace('.', '_')
            setattr(self, name, new_parameter(self, name, shape))
        self._constants = {}

    def hybridize(self, *args, **kwargs):
        """Do nothing: the operators take all the time.

        MXNet 1.9.1 would not record ``forward``, and MXNet 2.x records no
        array that is made outside of it, as the kernels' maps are.
        """

    def forward(self, X, style_vector):
        """Return the picture ``X`` in the style of a vector."""
        height, width = X.shape[2:]
        X = padded(X, (0, -height % STEP, 0, -width % STEP), 'reflect')
        styles = self._by_layer(style_vector)
        contract, residual, expand = self._parts()
        for layer in contract:
            X = npx.activation(self._layer(X, layer, styles), act_type='relu')
        for first, second in zip(residual[::2], residual[1::2]):
            Y = self._layer(X, first, styles)
            Y = npx.activation(Y, act_type='relu')
            X = added(X, self._layer(Y, second, styles))
        for layer in expand[:-1]:
            Y = self._upsampled_layer(X, layer, styles)
            X = self._joined(npx.activation(Y, act_type='relu'))
        Y = self._last_layer(X, expand[-1], styles)
        X = self._joined(npx.activation(Y, act_type='sigmoid'))
        return X[:, :, :height, :width]

    def _parts(self):
        """Return the layers that contract, of the residuals, that expand."""
        layers = self.trunk.layers
        return layers[:3], layers[3:-3], layers[-3:]

    def _by_layer(self, style_vector):
        """Return (scales, shifts) by the name of a normalized layer."""
        styles, at, half = {}, 0, self.trunk.style_size // 2
        for layer in self.trunk.layers:
            if layer.normalized:
                end = at + layer.channels
                shifts = style_vector[half + at : half + end]
                styles[layer.name] = style_vector[at:end], shifts
                at = end
        return styles

    def _layer(self, X, layer, styles):
        weight, bias = self._data(layer, 'weight', X), None
        if not layer.normalized:
            bias = self._data(layer, 'bias', X)
        if layer.stride == 2 and layer.in_channels >= _MANY:
            Y = _halved(X, weight, bias)
        else:
            X = padded(X, (layer.kernel // 2,) * 4, 'reflect')
            Y = _convolution(X, weight, layer.stride, bias)
        if not layer.normalized:
            return Y
        return self._normalized(Y, styles[layer.name])

    def _upsampled_layer(self, X, layer, styles):
        """Return the four pixels of each place, (4, channels, height, width).

        Reflection beyond the doubled pixels repeats the outermost one.
        """
        X = padded(X, (1, 1, 1, 1), 'edge')
        kernel = self._kernel(X, layer, _SUBPIXEL)
        return self._of_four(_convolution(X, kernel), layer, styles)

    def _last_layer(self, X, layer, styles):
        """Return the four pixels of each place, as ``_upsampled_layer``."""
        X = padded(X, (layer.kernel // 2,) * 4, 'reflect')
        kernel = self._kernel(X, layer, _PAIRS)
        return self._of_four(_convolution(X, kernel, 2), layer, styles)

    def _kernel(self, X, layer, maps):
        """Return the kernels of four pixels, (4 * channels, inputs, K, K).

        ``maps`` has a matrix (K, kernel) for the first and the second of a
        pair of pixels.
        """
        _, K, k = maps.shape
        whole = numpy.einsum('aik,bjl->abijkl', maps, maps)
        whole = self._constant(
            f'{layer.name} kernel', whole.reshape(4 * K * K, k * k), X
        )
        weight = self._data(layer, 'weight', X).reshape(-1, k * k)
        kernels = np.dot(whole, weight.T)
        shape = 4, K, K, layer.channels, layer.in_channels
        kernels = kernels.reshape(shape).transpose(0, 3, 4, 1, 2)
        return kernels.reshape(-1, layer.in_channels, K, K)

    def _of_four(self, Y, layer, styles):
        """Normalize four pixels at each place as one channel's pixels."""
        Y = Y.reshape(4, layer.channels, *Y.shape[2:])
        return self._normalized(Y, styles[layer.name])

    def _normalized(self, Y, style):
        """Return instance normalization of one picture.

        Batch normalization in training takes the mean and the variance over
        batch and places; the running ones that it updates are not used.
        """
        channels = Y.shape[1]
        unused = [
            self._constant(f'{value} {channels}', [value] * channels, Y)
            for value in (0, 1)
        ]
        with autograd.train_mode():
            return npx.batch_norm(
                Y, *style, *unused, eps=EPSILON, fix_gamma=False
            )

    def _joined(self, Y):
        """Return four pixels at each place as a picture of twice the sides.

        A transposed convolution that copies takes a fifth of the time of
        ``transpose``.
        """
        channels = Y.shape[1]
        copying = numpy.einsum(
            'ac,bd,op->abopcd',
            numpy.eye(2),
            numpy.eye(2),
            numpy.eye(channels),
        )
        kernel = self._constant(
            f'joined {channels}', copying.reshape(-1, channels, 2, 2), Y
        )
        return npx.deconvolution(
            Y.reshape(1, -1, *Y.shape[2:]),
            kernel,
            kernel=(2, 2),
            stride=(2, 2),
            num_filter=channels,
            no_bias=True,
        )

    def _data(self, layer, kind, X):
        name = f'{layer.name}.{kind}'.replace('.', '_')
        return getattr(self, name).data(X.ctx)

    def _constant(self, name, values, X):
        """Return an array that is made once for each device."""
        key = name, str(X.ctx)
        if key not in self._constants:
            self._constants[key] = np.array(values, dtype='float32', ctx=X.ctx)
        return self._constants[key]


# Of a pair of doubled pixels, what each takes of the three small pixels
# around, by the kernel's three places.
_SUBPIXEL = numpy.array(
    [
        [[1, 0, 0], [0, 1, 1], [0, 0, 0]],
        [[0, 0, 0], [1, 1, 0], [0, 0, 1]],
    ],
    'float32',
)
# Of a pair of neighbors, what each takes of ten pixels by the kernel's nine.
_PAIRS = numpy.stack([numpy.eye(10, 9, k=-i) for i in (0, 1)])


def _halved(X, weight, bias):
    """Return a convolution of 3x3 and stride 2, reflected at the edges.

    Sides are even, so that only the first row and the first column of the
    result see beyond an edge. They are computed from strips.
    """
    Y = _convolution(X, weight, 2, bias, pad=1)
    rows = joined([cut(X, {2: (1, 2)}), cut(X, {2: (0, 2)})], 2)
    rows = joined([cut(rows, {3: (1, 2)}), rows], 3)
    columns = joined([cut(X, {3: (1, 2)}), cut(X, {3: (0, 2)})], 3)
    # The first one is in the rows already.
    columns = cut(columns, {2: (1, None)})
    first_row = _in_order(_convolution(rows, weight, 2, bias))
    first_column = _in_order(_convolution(columns, weight, 2, bias))
    inner = cut(Y, {2: (1, None), 3: (1, None)})
    below = joined([first_column, inner], 3)
    return _in_order(joined([first_row, below], 2))


def _in_order(X):
    """Return features in MXNet's order, as reshaping leaves them.

    oneDNN takes the order of what it joins from the first part. A row alone
    has an order that makes the next normalization take 100 times as long.
    """
    return X.reshape(-1).reshape(X.shape)


def _convolution(X, weight, stride=1, bias=None, pad=0):
    """Return a convolution in 16 channels or more, padded with zeros."""
    channels = weight.shape[0]
    lacking = max(0, _LANES - channels) if bias is None else 0
    if lacking:
        nothing = np.zeros((lacking, *weight.shape[1:]), ctx=X.ctx)
        weight = np.concatenate([weight, nothing])
    Y = npx.convolution(
        X,
        weight,
        *([] if bias is None else [bias]),
        kernel=weight.shape[2:],
        stride=(stride, stride),
        pad=(pad, pad),
        num_filter=channels + lacking,
        no_bias=bias is None,
    )
    return Y[:, :channels] if lacking else Y
