"""Find the factors of the Oxford weights' filters, and those of averages.

    python tools/calibrate.py [--write]

prints how far the factors in use are from those found here; ``--write`` makes
the found ones those in use. It takes about ten minutes.

(docstring filled in later)
"""

import argparse
from itertools import combinations

import numpy

from gluon_style.chapter.images import preprocess_antialiased
from gluon_style.chapter.vgg import (
    AVERAGE_SCALES,
    freeze,
    network_of,
    pretrained_vgg,
)
from gluon_style.layers import (
    CONV_SHAPES,
    NETWORKS,
    STYLE_LAYERS,
    block_of,
)
from gluon_style.methods.gatys.stylize import stylize
from gluon_style.pictures.read import read_picture
from gluon_style.samples import PAINTING
from gluon_style.weights import Weights, fold_bgr, load_weights
from gluon_style.weights.formats import read_layers
from gluon_style.weights.scaling import OXFORD_SCALES, oxford_scales
from gluon_style.weights.sources import fetch

# isort: split
# After gluon_style, which prepares NumPy for MXNet.
from gradient_match import State, gram, match_gradients
from mxnet import np, npx
from mxnet.gluon import nn

IMAGE_SHAPE = (320, 240)
# Layers whose filters have factors of their own, and how often the distance
# of their gradients is computed.
MATCHED = {'conv1_1': 40, 'conv2_1': 40, 'conv3_1': 40}
# Content and style of the states in which gradients are compared.
PAIRS = (
    ('astronaut', 'painting'),
    ('coffee', 'painting'),
    ('chelsea', 'hubble'),
    ('chelsea', 'astronaut'),
)
STATE_SHAPE = (192, 144)
TRIM = {}


def load_pictures():
    """Return the pictures to measure with, by name.

    They are in the public domain: NASA's or CC0 1.0. They come with
    scikit-image; the painting is the project's own.
    """
    from skimage import data

    return {
        'astronaut': data.astronaut(),
        'chelsea': data.chelsea(),
        'coffee': data.coffee(),
        'rocket': data.rocket(),
        'hubble': data.hubble_deep_field(),
        'painting': read_picture(PAINTING),
    }


def oxford_net():
    """Return VGG-19 with Oxford's weights, not scaled."""
    layers, _ = read_layers(fetch('oxford'))
    weights = Weights('oxford', 'vgg19', '', '', '', fold_bgr(layers))
    return _frozen(weights)


def vgg16_net():
    """Return torchvision's VGG-16."""
    return _frozen(load_weights('torchvision', network='vgg16'))


def _frozen(weights):
    net = pretrained_vgg(weights)
    freeze(net)
    return net


def features(net, X, layers):
    """Return the features of ``X`` before their ReLUs, by the layer's name."""
    found = {}
    for name, layer in zip(network_of(net).layer_names, net.features):
        X = layer(X)
        if name in layers:
            found[name] = X
        if len(found) == len(layers):
            break
    return found


def counterpart(layer):
    """Return VGG-16's layer for one of VGG-19: the last for a block's last."""
    block = block_of(layer)
    last = NETWORKS['vgg16'].num_convs[block - 1]
    return f'conv{block}_{min(int(layer[-1]), last)}'


def find_filters(oxford, vgg16, pictures):
    """Return factors of the filters of ``MATCHED``, by layer."""
    states = make_states(pictures)

    def tap(net, layer):
        return lambda X: features(net, X, [layer])[layer]

    return {
        layer: match_gradients(
            tap(oxford, layer), tap(vgg16, layer), states, evaluations
        )
        for layer, evaluations in MATCHED.items()
    }


def make_states(pictures):
    """Return two ``State`` a pair: VGG-16's result, and half-way to it."""
    states = []
    for content, style in PAIRS:
        content_X, style_X = (
            preprocess_antialiased(pictures[name], STATE_SHAPE).asnumpy()
            for name in (content, style)
        )
        result = stylize(
            pictures[content],
            pictures[style],
            'chapter',
            network='vgg16',
            weights='torchvision',
            content_layers='conv4_3',
            size=STATE_SHAPE,
            antialias=True,
            epochs=60,
            lr_decay_epoch=6,
            observers=(),
        )
        X = preprocess_antialiased(result.image, STATE_SHAPE).asnumpy()
        states += [State(X, style_X), State((content_X + X) / 2, style_X)]
    return states


def find_scales(oxford, vgg16, pictures, filters):
    """Return the factors of each layer's filters, by layer.

    ``filters`` are those of ``find_filters``, which a layer's level
    multiplies. Filters of other layers all have the level alone.
    """
    X = [preprocess_antialiased(p, IMAGE_SHAPE) for p in pictures.values()]
    X = np.concatenate(X)
    wanted = distances(vgg16, X, {})
    scales = {}
    for layer, unscaled in distances(oxford, X, filters).items():
        ratios = numpy.log(wanted[counterpart(layer)]) - numpy.log(unscaled)
        # The style loss has the fourth power of a factor, others the second.
        power = 4 if layer in STYLE_LAYERS else 2
        level = TRIM.get(layer, 1) * numpy.exp(ratios.mean() / power)
        pattern = filters.get(layer, numpy.ones(CONV_SHAPES[layer][0]))
        scales[layer] = (level * pattern).astype('float32')
    return scales


def distances(net, X, filters):
    """Return the losses of each two pictures of ``X`` at each convolution.

    A style layer has the style loss, others the content loss. ``filters``
    multiply the features of layers, by name. The result has arrays, by layer.
    """
    found = {}
    for name, layer in zip(network_of(net).layer_names, net.features):
        X = layer(X)
        if not name.startswith('conv'):
            continue
        Y = X * np.array(filters.get(name, [1.0]))[:, None, None]
        Y = Y.astype('float32')
        if name in STYLE_LAYERS:
            Y = [gram(Y[i : i + 1]) for i in range(len(Y))]
        losses = [np.square(a - b).mean() for a, b in combinations(Y, 2)]
        found[name] = numpy.array([float(loss) for loss in losses])
    return found


def find_average_scales(X):
    """Return the factor of the averages at each pooling, as {name: float}.

    ``X`` are preprocessed pictures. The factor is the root mean square after
    the maxima of a net of maxima, over that after the averages of a net of
    averages whose earlier poolings are scaled already.
    """
    net = _frozen(load_weights('oxford'))
    averaging = nn.AvgPool2D(pool_size=2, strides=2)
    maxima, averages, scales = list(X), list(X), {}
    for name, layer in zip(network_of(net).layer_names, net.features):
        maxima = [layer(X) for X in maxima]
        if not name.startswith('pool'):
            averages = [layer(X) for X in averages]
            continue
        averages = [averaging(X) for X in averages]
        ratios = [_rms(X) / _rms(Y) for X, Y in zip(maxima, averages)]
        scales[name] = float(numpy.mean(ratios))
        averages = [X * scales[name] for X in averages]
    return scales


def _rms(Y):
    return float((Y * Y).mean()) ** 0.5


def main():
    """Print how the factors compare. ``gluon-style figure`` shows them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        '--write', action='store_true', help='use the factors found'
    )
    args = parser.parse_args()
    npx.set_np()
    pictures = load_pictures()
    oxford, vgg16 = oxford_net(), vgg16_net()
    filters = find_filters(oxford, vgg16, pictures)
    scales = find_scales(oxford, vgg16, pictures, filters)
    if args.write:
        numpy.savez(OXFORD_SCALES, **scales)
    for layer, found in scales.items():
        in_use = oxford_scales()[layer]
        change = abs(found / in_use - 1).max()
        print(f'{layer}: median {numpy.median(found):.6f}, {change:.1%} off')
    X = [preprocess_antialiased(p, IMAGE_SHAPE) for p in pictures.values()]
    for name, scale in find_average_scales(X).items():
        print(f'{name}: {scale:.2f}, in use {AVERAGE_SCALES[name]:.2f}')


if __name__ == '__main__':
    main()
