"""The whole objective against an independent one in NumPy and SciPy."""

import numpy
import pytest
from conftest import picture, random_layers
from mxnet import autograd, np
from scipy.signal import correlate2d

from gluon_style.formats import write_layers
from gluon_style.images import preprocess
from gluon_style.losses import compute_loss, gram
from gluon_style.vgg import build_net, extract_features

CONTENT, STYLE = ('conv2_2',), ('conv1_1', 'conv2_1')
NAMES = ('conv1_1', 'conv1_2', 'conv2_1', 'conv2_2')
WEIGHTS = {'content_weight': 2, 'style_weight': 300, 'tv_weight': 5}


def convolve(X, weight, bias):
    padded = numpy.pad(X, ((0, 0), (1, 1), (1, 1)))
    return numpy.stack(
        [
            sum(
                correlate2d(padded[i], weight[o, i], 'valid')
                for i in range(len(X))
            )
            + bias[o]
            for o in range(len(weight))
        ]
    )


def pool(X):
    channels, height, width = X.shape
    X = X[:, : height // 2 * 2, : width // 2 * 2]
    X = X.reshape(channels, height // 2, 2, width // 2, 2)
    return X.max(axis=(2, 4))


def oracle_features(layers, X):
    features = {}
    for name in NAMES:
        if name == 'conv2_1':
            X = pool(X)
        X = convolve(X, *(a.astype('float64') for a in layers[name]))
        features[name] = X
        X = numpy.maximum(X, 0)
    return features


def oracle_gram(Y):
    Y = Y.reshape(len(Y), -1)
    return Y @ Y.T / Y.size


def oracle_loss(layers, X, content_X, style_X):
    found = oracle_features(layers, X)
    content = oracle_features(layers, content_X)
    style = oracle_features(layers, style_X)
    loss = 5 * 0.5 * abs(numpy.diff(X, axis=1)).mean()
    loss += 5 * 0.5 * abs(numpy.diff(X, axis=2)).mean()
    for name in CONTENT:
        loss += 2 * ((found[name] - content[name]) ** 2).mean()
    for name in STYLE:
        error = oracle_gram(found[name]) - oracle_gram(style[name])
        loss += 300 * (error**2).mean()
    return loss


@pytest.fixture(scope='module')
def case(tmp_path_factory):
    layers = random_layers(NAMES)
    path = tmp_path_factory.mktemp('objective') / 'small.npz'
    write_layers(path, layers)
    net = build_net(CONTENT, STYLE, weights=path)
    pictures = [
        preprocess(np.array(picture(11, 8, seed), dtype='uint8'), (11, 8))
        for seed in (1, 2, 3)
    ]
    return layers, net, pictures


def test_loss_and_gradient_are_the_oracles(case):
    layers, net, (X, content_X, style_X) = case
    contents_Y, _ = extract_features(net, content_X, CONTENT, STYLE)
    _, styles_Y = extract_features(net, style_X, CONTENT, STYLE)
    X.attach_grad()
    with autograd.record():
        features = extract_features(net, X, CONTENT, STYLE)
        grams = [gram(Y) for Y in styles_Y]
        *_, l = compute_loss(X, *features, contents_Y, grams, **WEIGHTS)
    l.backward()

    pixels = [
        a.asnumpy()[0].astype('float64') for a in (X, content_X, style_X)
    ]
    expected = oracle_loss(layers, *pixels)
    assert float(l) == pytest.approx(expected, rel=1e-5)

    rng = numpy.random.RandomState(0)
    for _ in range(2):
        direction = 1e-5 * rng.normal(size=pixels[0].shape)
        slope = sum(
            sign
            * oracle_loss(layers, pixels[0] + sign * direction, *pixels[1:])
            for sign in (1, -1)
        )
        found = 2 * (X.grad.asnumpy()[0] * direction).sum()
        assert found == pytest.approx(slope, rel=1e-3)
