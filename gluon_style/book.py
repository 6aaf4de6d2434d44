"""Let the chapter's listing run as printed: ``import gluon_style.book``.

Import it before the listing. It changes MXNet and d2l for the whole process:

* MXNet 1.9.1 gets two features of MXNet 2.x that the listing uses.
* ``vgg19(pretrained=True)`` finds its weights as ``load_weights`` does, and
  so does ``vgg16``.
* d2l 0.17.0 gets what it lacks: a function, and one of an older IPython.

d2l also sets MXNet's NumPy mode, as the listing does.
"""

from mxnet import gluon
from mxnet.gluon import nn
from mxnet.gluon.model_zoo import vision

from gluon_style._mxnet import reset_device
from gluon_style.chapter.vgg import pretrained_vgg
from gluon_style.layers import NETWORKS
from gluon_style.weights import load_weights


def _register_assigned_parameters():
    """Make a block of 1.9.1 register a parameter assigned to it."""
    set_attribute = nn.Block.__setattr__

    def __setattr__(self, name, value):
        set_attribute(self, name, value)
        if isinstance(value, gluon.Parameter):
            self.params.update({value.name: value})

    nn.Block.__setattr__ = __setattr__


def _find_weights_of(network):
    """Make the model zoo's function of this name load our weights."""
    make_vgg = getattr(vision, network)

    def vgg(pretrained=False, ctx=None, device=None, root=None, **kwargs):
        """Return a VGG; pretrained weights come from ``load_weights``."""
        device = device or ctx
        if pretrained:
            weights = load_weights(network=network)
            return pretrained_vgg(weights, device, **kwargs)
        if device is not None:
            kwargs['ctx'] = device
        return make_vgg(**kwargs)

    vgg.__name__ = network
    setattr(vision, network, vgg)


def _complete_old_d2l():
    """Provide what d2l 0.17.0 expects of IPython, and what it lacks."""
    from IPython import display
    from matplotlib_inline.backend_inline import set_matplotlib_formats

    if not hasattr(display, 'set_matplotlib_formats'):
        display.set_matplotlib_formats = set_matplotlib_formats
    from d2l import mxnet as d2l

    if not hasattr(d2l, 'reduce_mean'):
        d2l.reduce_mean = lambda x, *args, **kwargs: x.mean(*args, **kwargs)


if not hasattr(nn.Block, 'reset_ctx'):
    nn.Block.reset_ctx = reset_device
    _register_assigned_parameters()
for _network in NETWORKS:
    _find_weights_of(_network)
_complete_old_d2l()
