"""Find the scales of the Oxford weights: python -m gluon_style.calibrate.

The chapter's hyperparameters fit the model zoo's VGG-19, which was trained
on standardized pixels; the Oxford weights are another network, trained on
pixels of 0 to 255, and give losses of 1e11 with them. VGG is positively
homogeneous, so each layer's activations can be multiplied by a scale without
changing what the network sees. The scales here are

    scale = PROFILE / (root mean square, averaged over two pictures) * FIT

PROFILE is the root mean square of another ImageNet-trained VGG that takes
standardized pixels (torchvision's VGG-16) on the chapter's pictures; it sets
the layers' balance. FIT moves the chapter's final losses to the published
ones, with one factor for each of them: the style layers' (their factor f
multiplies the style loss by f ** 4), the content layer's (f ** 2), and
conv5_1's, whose loss stays near its floor and so adds to the style loss
without changing the picture much. The total variation follows the balance.
Three full runs (--check) led to FIT:

    style 0.931, conv5_1 1.225, content 0.546 gave 9.21, 2.79 and 5.51;
    style 0.931, conv5_1 1.565, content 0.546 gave FIXME;
    published                                      8.85, 4.16 and 5.38.
"""

import argparse

import numpy

from gluon_style.formats import read_layers
from gluon_style.images import preprocess, read_image
from gluon_style.layers import CONTENT_LAYERS, CONV_SHAPES, STYLE_LAYERS
from gluon_style.settings import preset
from gluon_style.sources import fetch
from gluon_style.stylize import stylize
from gluon_style.vgg import extract_features, pretrained_vgg19
from gluon_style.weights import OXFORD_SCALES, Weights, fold_bgr

IMAGE_SHAPE = (450, 300)
PUBLISHED = {'content': 8.85, 'style': 4.16, 'tv': 5.38}
PROFILE = {
    'conv1_1': 1.26,
    'conv2_1': 5.2,
    'conv3_1': 11.6,
    'conv4_1': 16.3,
    'conv4_4': 10.5,
    'conv5_1': 6.1,
}
FIT = {
    'conv1_1': 3.0,
    'conv2_1': 2.8,
    'conv3_1': 0.84,
    'conv4_1': 0.81,
    'conv4_4': 0.575,
    'conv5_1': 2.0,
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
            rms[layer].append(float((Y * Y).mean()) ** 0.5)
    return {layer: numpy.mean(values) for layer, values in rms.items()}


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
    """Print the scales; with --check also the final losses they lead to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('content', help="the chapter's content picture")
    parser.add_argument('style', help="the chapter's style picture")
    parser.add_argument(
        '--check',
        action='store_true',
        help="run the chapter's 500 epochs and compare its losses",
    )
    args = parser.parse_args()
    pictures = [read_image(path) for path in (args.content, args.style)]
    scales = find_scales([preprocess(p, IMAGE_SHAPE) for p in pictures])
    for layer, scale in scales.items():
        print(f'{layer}: {scale:.6f}, in use {OXFORD_SCALES[layer]:.6f}')
    if args.check:
        settings = preset('chapter').changed({'weights': 'oxford'})
        result = stylize(*pictures, settings.changed({'size': IMAGE_SHAPE}))
        for name, published in PUBLISHED.items():
            loss = result.history[-1][name]
            ratio = loss / published - 1
            print(f'{name}: {loss:.2f}, published {published} ({ratio:+.0%})')


if __name__ == '__main__':
    main()
