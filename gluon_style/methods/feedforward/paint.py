"""Paint a picture with a style; predict the style of a painting."""

import numpy
from mxnet import np

from gluon_style._mxnet import lock_of, naming_lack_of_memory, numpy_mode
from gluon_style.chapter.devices import device_of
from gluon_style.methods.feedforward.build import (
    own_transfer_net,
    predictor,
    transfer_net,
)
from gluon_style.methods.feedforward.layout import PREDICTOR_SIDE
from gluon_style.methods.feedforward.styles import from_bottleneck
from gluon_style.methods.one_pass import BYTES_PER_PIXEL, require_memory
from gluon_style.pictures.resize import resized

# The most memory that a pixel takes, measured with 1200x1000 of them and
# MXNet 1.9.1; 2.0.0b1 takes less. Nearly all is the first layer's, of 32
# channels and of 8, several times over.
_BYTES_PER_PIXEL = {'styles26': 570, 'any-style': BYTES_PER_PIXEL}


def painted(picture, style, device='auto'):
    """Return a picture in a style, at its own size.

    ``picture`` is an array (height, width, 3) of uint8, or of floats from 0
    to 1. Returns float32 from 0 to 1. Raises OutOfMemoryError for a picture
    that would need more memory than is free.
    """
    height, width = picture.shape[:2]
    need = _BYTES_PER_PIXEL[style.trunk]
    require_memory('net_size', (width, height), need)
    return _painted(picture, style, device)


@numpy_mode()
@naming_lack_of_memory()
def _painted(picture, style, device):
    net = transfer_net(style.trunk, device)
    if style.weights:
        net = own_transfer_net(style, device)
    with lock_of(net):
        X = as_pixels(picture, device_of(net))
        vector = np.array(style.vector, ctx=X.ctx)
        return net(X, vector)[0].asnumpy().transpose(1, 2, 0)


@numpy_mode()
def predicted(picture, device='auto'):
    """Return the ``Style`` of a painting, for the net of any style.

    The predictor sees it squashed to 256x256 pixels.
    """
    net = predictor(device)
    small = resized(picture, (PREDICTOR_SIDE, PREDICTOR_SIDE))
    with lock_of(net):
        numbers = net(as_pixels(small, device_of(net)))[0].asnumpy()
    return from_bottleneck(numbers)


def as_pixels(picture, ctx):
    """Return a picture (height, width, 3) as (1, 3, height, width)."""
    picture = numpy.asarray(picture)
    scale = 255 if picture.dtype == 'uint8' else 1
    pixels = picture.transpose(2, 0, 1)[None].astype('float32') / scale
    return np.array(pixels, ctx=ctx)
