"""Find the factors of the Oxford weights' filters, and those of averages.

    python tools/calibrate.py [--write]

prints how far the factors in use are from those found here; ``--write`` makes
the found ones those in use. It takes about ten minutes.

The chapter's hyperparameters fit the model zoo's VGG-19, which was trained
on standardized pixels. Oxford's weights were trained on pixels of 0 to 255:
with these hyperparameters they give losses of 1e11, and a few filters outweigh
all others. VGG is positively homogeneous, so each filter's activations can be
multiplied by a factor without changing what the network sees. The factors are
to make Oxford's losses pull at the pixels as those of torchvision's VGG-16 do,
which gives the published picture with no factor at all. Three steps lead to
them, on pictures in the public domain:

1. The ratios of a layer's filters are those whose style loss has the gradient
   that VGG-16's has at the same pixels: see ``gradient_match``.
2. The level of a layer is the one at which two different pictures are as far
   apart as VGG-16 sees them.
3. ``WEIGHTS`` and ``HIGH_PASS`` correct the levels, found by full runs of the
   chapter, 500 epochs of Adam. Adam's first steps put noise over the whole
   picture. In VGG-16 the loss at conv2_1 removes it, and the layout stays.
   Oxford's conv2_1 is weaker, and its conv5_1 and conv4_1 move whole shapes
   before the noise is gone. So conv2_1 gets more weight, most of all its
   filters of fine detail, which do not change colors; the deep ones get less.

Those runs, with the chapter's pictures, beside the published picture: the
correlation of luminance, the same after a blur of two pixels, and the root
mean square of the difference (0 to 255). ``gluon-style figure chapter
--reference`` measures them.

    conv4_4  1_1  2_1  3_1  4_1   5_1   high | losses         | picture
    one factor a layer, fitted to losses     |  9.8  3.8  6.0 | .66  .92  67
    the filters of all six layers have ratios found by step 1:
    1        1    1    1    1     1     0    | 22.3  6.6  6.2 | .72  .923 64
    .6       10   18   .3   .18   .06   0    | 10.1  3.1  4.8 | .777 .948 62.9
    .7       1    24   .25  .12   .04   0    | 11.3  3.6  5.5 | .799 .955 62.8
    .7       1    24   .25  .12   .04   1.4  | 11.4  4.7  5.4 | .799 .958 59.9
    .7       1    20   .2   .1    .03   1.6  | 10.6  4.5  5.0 | .796 .958 60.2
    .85      1    14   .14  .07   .02   1.6  | 10.3  4.0  4.3 | .799 .960 59.3
    only those of ``MATCHED``, the first three:
    .85      1    14   .14  .07   .02   1.6  | 16.3 20.7  6.8 | .907 .987 48.1
    1.02     .05  .7   .007 .0035 .001  1.6  |  5.1  2.6  2.8 | .914 .989 44.6
    .68      .15  2.1  .021 .0105 .003  1.6  |  6.4  4.3  4.5 | .910 .988 46.4
    published                                |  8.9  4.2  5.4 | 1    1    0

The last but one was run in bfloat16. A trial by L-BFGS, which puts no noise
over the picture, does not tell them apart: the second line ends at .807 .967
57.7 so.
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
# That of ``AVERAGE_SCALES``: smaller pictures have larger ratios.
AVERAGES_SHAPE = (300, 200)
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
# Step 3: what multiplies a layer's loss, and the power of a filter's share of
# fine detail that multiplies its factor.
WEIGHTS = {
    'conv1_1': 0.15,
    'conv2_1': 2.1,
    'conv3_1': 0.021,
    'conv4_1': 0.0105,
    'conv5_1': 0.003,
    'conv4_4': 0.68,
}
HIGH_PASS = {'conv2_1': 1.6}


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
        weighted = WEIGHTS.get(layer, 1) * numpy.exp(ratios.mean())
        level = weighted ** (1 / power)
        pattern = filters.get(layer, numpy.ones(CONV_SHAPES[layer][0]))
        if layer in HIGH_PASS:
            Y = features(oxford, X, [layer])[layer].asnumpy()
            pattern = pattern * fineness(Y) ** HIGH_PASS[layer]
        scales[layer] = (level * pattern).astype('float32')
    return scales


def fineness(Y):
    """Return each filter's share of fine detail; the median filter has 1.

    It is what remains of features (pictures, channels, height, width) after
    their four neighbors' mean is taken away, over their root mean square.
    """
    neighbors = [numpy.roll(Y, k, axis) for k in (-1, 1) for axis in (2, 3)]
    detail = (Y - numpy.mean(neighbors, axis=0)).std((0, 2, 3))
    shares = detail / numpy.square(Y).mean((0, 2, 3)) ** 0.5
    return shares / numpy.median(shares)


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


def find_average_scales(net, images):
    """Return the factor of the averages at each pooling, as {name: float}.

    ``images`` are preprocessed pictures. The factor is the root mean square
    after the maxima of a net of maxima, over that after the averages of a net
    of averages whose earlier poolings are scaled already.
    """
    averaging = nn.AvgPool2D(pool_size=2, strides=2)
    maxima, averages, scales = list(images), list(images), {}
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
    images = [
        preprocess_antialiased(p, AVERAGES_SHAPE) for p in pictures.values()
    ]
    for net in (oxford, vgg16):
        network = network_of(net)
        for name, scale in find_average_scales(net, images).items():
            in_use = AVERAGE_SCALES[network.name][name]
            print(f'{network.title} {name}: {scale:.2f}, in use {in_use:.2f}')


if __name__ == '__main__':
    main()
