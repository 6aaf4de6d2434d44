"""Build the nets of one pass with the weights of the package, once each."""

import functools

import numpy
from mxnet import np

from gluon_style._mxnet import numpy_mode, reset_device
from gluon_style.chapter.devices import get_device
from gluon_style.chapter.vgg import freeze
from gluon_style.methods.feedforward.layout import BLOCKS
from gluon_style.methods.feedforward.nets import read_net
from gluon_style.methods.feedforward.predictor import Predictor
from gluon_style.methods.feedforward.transfer import TransferNet
from gluon_style.methods.feedforward.trunks import TRUNKS


@numpy_mode()
def build_transfer_net(name, device=None):
    """Return a new ``TransferNet`` with the weights of the package.

    ``name`` is one of ``TRUNKS``. Its parameters are frozen.
    """
    return _transfer_net(TRUNKS[name], read_net(name), device)


def _transfer_net(trunk, arrays, device):
    net = TransferNet(trunk)
    for each in trunk.shapes:
        _set(getattr(net, each.replace('.', '_')), arrays[each])
    return _ready(net, device)


@numpy_mode()
def build_predictor(device=None):
    """Return a new ``Predictor`` with the weights of the package."""
    arrays, net = read_net('any-style'), Predictor()
    parts = {'stem': net.stem, 'last': net.last, 'bottleneck': net.bottleneck}
    for block, made in zip(BLOCKS, net.blocks):
        parts[f'{block.name}.depthwise'] = made.depthwise
        parts[f'{block.name}.project'] = made.project
        if block.expansion > 1:
            parts[f'{block.name}.expand'] = made.expand
    for name, part in parts.items():
        _set(part.weight, arrays[f'{name}.weight'])
        _set(part.bias, arrays[f'{name}.bias'])
    return _ready(net, device)


def _set(parameter, array):
    parameter.initialize()
    parameter.set_data(np.array(numpy.ascontiguousarray(array)))


def _ready(net, device):
    freeze(net)
    if device is not None:
        reset_device(net, device)
    return net


@functools.lru_cache(maxsize=8)
def _shared(build, device, *names):
    return build(*names, device=get_device(device))


def transfer_net(name, device='auto'):
    """Return the one net of this process that serves every call.

    ``device`` is a setting's: 'auto', 'cpu', 'gpu' or 'gpu:1'. Hold
    ``lock_of`` it while you compute.
    """
    return _shared(build_transfer_net, device, name)


def predictor(device='auto'):
    """Return the one predictor of this process, as ``transfer_net``."""
    return _shared(build_predictor, device)


@numpy_mode()
def own_transfer_net(style, device='auto'):
    """Return a new net with the weights that a style has of its own."""
    trunk = TRUNKS[style.trunk]
    return _transfer_net(trunk, style.weights, get_device(device))
