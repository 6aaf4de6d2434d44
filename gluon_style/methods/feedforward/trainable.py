"""A style whose numbers a ``Trainer`` moves, with the net that paints it."""

from mxnet import gluon, np

from gluon_style._mxnet import get_moments, named_parameters, set_moments
from gluon_style.methods.feedforward.build import build_transfer_net
from gluon_style.methods.feedforward.styles import Style


class TrainableStyle:
    """Begins as ``style``. With ``whole_net`` the net's weights move, too.

    ``steps`` is how many were made before, for Adam.
    """

    def __init__(self, style, device, whole_net=False, steps=0):
        self._device, self._whole_net = device, whole_net
        self._net = build_transfer_net(style.trunk, device)
        self._vector = gluon.Parameter('vector', shape=style.vector.shape)
        self._vector.initialize(ctx=device)
        self._vector.set_data(np.array(style.vector))
        for name, parameter in self._weights().items():
            if whole_net:
                parameter.grad_req = 'write'
            if style.weights:
                parameter.set_data(np.array(style.weights[name]))
        self._trainer = gluon.Trainer(
            named_parameters(self._parameters()),
            'adam',
            {'begin_num_update': steps},
        )

    def _weights(self):
        """Return the parameters of the net by their names."""
        return {
            name: getattr(self._net, name.replace('.', '_'))
            for name in self._net.trunk.shapes
        }

    def _parameters(self):
        weights = self._weights() if self._whole_net else {}
        return {'vector': self._vector, **weights}

    def paint(self, X):
        """Return pixels (1, 3, height, width), painted."""
        return self._net(X, self._vector.data(self._device))

    def step(self, lr):
        """Move the numbers against their gradients."""
        self._trainer.set_learning_rate(lr)
        self._trainer.step(1)

    @property
    def moments(self):
        """Adam's two moments of each parameter, by its name."""
        return get_moments(self._trainer, self._parameters())

    @moments.setter
    def moments(self, moments):
        set_moments(self._trainer, self._parameters(), moments)

    def style(self, record):
        """Return the ``Style`` as it is now, with a record."""
        weights = {}
        if self._whole_net:
            weights = {
                name: parameter.data(self._device).asnumpy()
                for name, parameter in self._weights().items()
            }
        vector = self._vector.data(self._device).asnumpy()
        return Style(self._net.trunk.name, vector, record, weights)
