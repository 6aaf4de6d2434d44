"""Find the scales of the Oxford weights: python -m gluon_style.calibrate.

It also finds those of average pooling.

The chapter's hyperparameters fit the model zoo's VGG-19, which was trained
on standardized pixels; the Oxford weights are another network, trained on
pixels of 0 to 255, and give losses of 1e11 with them. VGG is positively
homogeneous, so each layer's activations can be multiplied by a scale without
changing what the network sees. The scales here are

    scale = PROFILE / (root mean square, averaged over two pictures) * FIT

PROFILE is the root mean square of another ImageNet-trained VGG that takes
standardized pixels (torchvision's VGG-16) on the chapter's pictures; it sets
the layers' balance. FIT then moves the chapter's final losses to the
published ones. Full runs of the chapter led to it:

    conv1_1  conv2_1  conv3_1  conv4_1  conv5_1  conv4_4 | content style TV
    0.96     0.96     0.96     0.96     1.32     0.59    | 9.21    2.79  5.51
    0.96     0.96     0.96     0.96     1.69     0.59    | 10.13   3.27  5.49
    0.98     0.98     0.98     0.98     2.04     0.51    | 9.50    3.79  5.75
    1.24     1.37     0.93     0.92     1.59     0.66    | 11.02   3.16  5.03
    2.37     2.21     0.80     0.77     1.38     0.63    | 8.95    2.45  4.47
    3.00     2.80     0.84     0.81     2.00     0.575   | 10.14   3.61  5.62
    3.20     3.00     0.84     0.81     2.10     0.54    | 9.80    3.78  5.98
    published                                            | 8.85    4.16  5.38

With one factor for all style layers but the last (the first three rows) the
losses come close, but the mountains drown in texture, which they do not in
the published figure. The Gram matrices of the low layers hold color and fine
strokes and disturb the layout least, so the style loss was moved there, and
to conv5_1, whose loss stays near its floor whatever one does.
"""

import argparse

import numpy
from mxnet.gluon import nn

from gluon_style.chapter.images import preprocess, read_image
from gluon_style.chapter.vgg import (
    AVERAGE_SCALES,
    extract_features,
    pretrained_vgg19,
)
from gluon_style.layers import (
    CONTENT_LAYERS,
    CONV_SHAPES,
    LAYER_NAMES,
    STYLE_LAYERS,
)
from gluon_style.weights import (
    OXFORD_SCALES,
    Weights,
    fold_bgr,
    load_weights,
)
from gluon_style.weights.formats import read_layers
from gluon_style.weights.sources import fetch

IMAGE_SHAPE = (450, 300)
PROFILE = {
    'conv1_1': 1.26,
    'conv2_1': 5.2,
    'conv3_1': 11.6,
    'conv4_1': 16.3,
    'conv4_4': 10.5,
    'conv5_1': 6.1,
}
FIT = {
    'conv1_1': 3.2,
    'conv2_1': 3.0,
    'conv3_1': 0.84,
    'conv4_1': 0.81,
    'conv4_4': 0.54,
    'conv5_1': 2.1,
}


def measure_rms(images):
    """Return each tapped layer's root mean square, averaged over ``images``.

    ``images`` are preprocessed pictures, (1, 3, height, width); the weights
    are Oxford's, unscaled.
    """
    tapped = [*STYLE_LAYERS, *CONTENT_LAYERS]
    wanted = list(CONV_SHAPES)[: list(CONV_SHAPES).index('conv5_1') + 1]
    layers, _ = read_layers(fetch('oxford'), wanted)
    net = pretrained_vgg19(Weights('oxford', '', '', '', fold_bgr(layers)))
    rms = {layer: [] for layer in tapped}
    features = net.features[:29]
    for X in images:
        contents, styles = extract_features(features, X)
        for layer, Y in zip(tapped, styles + contents):
            rms[layer].append(_rms(Y))
    return {layer: numpy.mean(values) for layer, values in rms.items()}


def find_average_scales(images):
    """Return what averages are to be multiplied by, for each pooling.

    ``images`` are as for ``measure_rms``. The ratio is that of maxima in a
    net of maxima to averages in a net of averages, scaled so far.
    """
    features = pretrained_vgg19(load_weights('oxford')).features
    averaging = nn.AvgPool2D(pool_size=2, strides=2)
    maxima, averages, scales = list(images), list(images), {}
    for layer, name in zip(features, LAYER_NAMES):
        maxima = [layer(X) for X in maxima]
        if not name.startswith('pool'):
            averages = [layer(X) for X in averages]
            continue
        averages = [averaging(X) for X in averages]
        ratios = [_rms(X) / _rms(Y) for X, Y in zip(maxima, averages)]
        scales[name] = numpy.mean(ratios)
        averages = [X * scales[name] for X in averages]
    return scales


def _rms(Y):
    return float((Y * Y).mean()) ** 0.5


def find_scales(images):
    """Return the scale of each convolution up to conv5_4, in order.

    A layer that is not tapped takes the scale of the tapped layer before
    it; those between conv4_1 and conv4_4 take that of conv4_4.
    """
    rms = measure_rms(images)
    scales, tap = {}, None
    for layer in CONV_SHAPES:
        tap = layer if layer in PROFILE else tap
        if layer in ('conv4_2', 'conv4_3'):
            tap = 'conv4_4'
        scales[layer] = float(PROFILE[tap] / rms[tap] * FIT[tap])
    return scales


def main():
    """Print the scales; gluon-style figure chapter shows what they do."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('content', help="the chapter's content picture")
    parser.add_argument('style', help="the chapter's style picture")
    args = parser.parse_args()
    pictures = [read_image(path) for path in (args.content, args.style)]
    images = [preprocess(p, IMAGE_SHAPE) for p in pictures]
    for found, used in (
        (find_scales(images), OXFORD_SCALES),
        (find_average_scales(images), AVERAGE_SCALES),
    ):
        for layer, scale in found.items():
            print(f'{layer}: {scale:.6f}, in use {used[layer]:.6f}')


if __name__ == '__main__':
    main()
