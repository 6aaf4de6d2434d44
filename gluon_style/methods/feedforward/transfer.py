"""The transfer net: a picture and a style vector in, the picture painted out.

Its numbers are those of the plain net: reflection, convolution, instance
normalization, ReLU. ``graph`` computes them.
"""

from mxnet import autograd
from mxnet.gluon import HybridBlock

from gluon_style._mxnet import legacy_block, new_parameter, padded
from gluon_style.methods.feedforward.graph import painted
from gluon_style.methods.feedforward.trunks import STEP


class TransferNet(HybridBlock):
    """The net of a ``Trunk``; ``net(X, style_vector)`` paints a picture.

    ``X`` is (1, 3, height, width), RGB from 0 to 1, of at least
    ``LEAST_SIDE`` pixels either way. ``style_vector`` has the scales and
    then the shifts of all normalized channels, ``trunk.style_size`` numbers.
    Returns a picture of the shape of ``X``, from 0 to 1.

    Its parameters are named as in ``trunk.shapes``, with '_' for '.'. The
    others are running means and variances of batch normalization, which
    nothing reads.
    """

    def __init__(self, trunk):
        super().__init__()
        self.trunk = trunk
        for name, shape in trunk.shapes.items():
            name = name.replace('.', '_')
            setattr(self, name, new_parameter(self, name, shape))
        for channels in _channel_counts(trunk):
            for kind, init in (('means', 'zeros'), ('variances', 'ones')):
                name = f'{kind}_{channels}'
                parameter = new_parameter(self, name, (channels,))
                parameter.grad_req = 'null'
                parameter.initialize(init)
                setattr(self, name, parameter)
        self.graph = legacy_block(self._painted, [self])
        # MXNet 1.9.1 takes wrong gradients of the graph, NaN among them.
        self.recorded = legacy_block(self._painted, [self], hybridize=False)

    def hybridize(self, *args, **kwargs):
        """Do nothing: the graph is hybridized, and the rest needs shapes."""

    def forward(self, X, style_vector):
        """Return the picture ``X`` in the style of a vector."""
        height, width = X.shape[2:]
        X = padded(X, (0, -height % STEP, 0, -width % STEP), 'reflect')
        paint = self.recorded if autograd.is_recording() else self.graph
        # Instance normalization is batch normalization in training.
        with autograd.train_mode():
            return paint(X, style_vector)[:, :, :height, :width]

    def _painted(self, F, X, style_vector, arrays):
        weights = dict(zip(self.trunk.shapes, arrays))
        unused = iter(arrays[len(weights) :])
        running = {
            channels: (next(unused), next(unused))
            for channels in _channel_counts(self.trunk)
        }
        return painted(F, self.trunk, X, style_vector, weights, running)


def _channel_counts(trunk):
    return sorted(set(trunk.channels))
