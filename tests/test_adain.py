"""AdaIN: the formula, the encoder and the decoder, beside plain NumPy."""

import numpy
import pytest
from conftest import random_layers
from mxnet import autograd, init, np

from gluon_style._mxnet import numpy_mode
from gluon_style.chapter.vgg import build_net
from gluon_style.layers import NETWORKS, RGB_MEAN, RGB_STD
from gluon_style.methods.adain.net import (
    DECODER,
    Decoder,
    Encoder,
    adain,
    mean_and_deviation,
    normalized,
    pixels,
)
from gluon_style.weights.formats import write_layers

RNG = numpy.random.RandomState(0)


@pytest.fixture(scope='module')
def weights_file(tmp_path_factory):
    """Random weights of VGG-16's first layers, as a file."""
    path = tmp_path_factory.mktemp('weights') / 'random.npz'
    names = list(NETWORKS['vgg16'].conv_shapes)[:7]
    write_layers(path, random_layers(names), 'vgg16')
    return str(path)


@pytest.fixture(autouse=True)
def mode():
    with numpy_mode():
        yield


def array(*shape):
    return np.array(RNG.normal(size=shape).astype('float32'))


def test_adain_by_hand():
    content = np.array([0.0, 2, 0, 2]).reshape(1, 1, 2, 2)
    style = np.array([5.0, 11, 11, 5, 8, 8]).reshape(1, 1, 2, 3)
    # The content has mean 1 and deviation 1, the style 8 and the root of 6.
    low, high = 8 - 6**0.5, 8 + 6**0.5
    expected = numpy.array([low, high, low, high]).reshape(1, 1, 2, 2)
    assert adain(content, style).asnumpy() == pytest.approx(expected, 1e-4)


def test_adain_gives_the_styles_statistics_and_leaves_the_contents_places():
    content, style = 3 * array(2, 5, 6, 7) + 1, 0.5 * array(2, 5, 9, 4) - 2
    mixed = adain(content, style)
    for own, wanted in zip(
        mean_and_deviation(mixed), mean_and_deviation(style)
    ):
        assert own.asnumpy() == pytest.approx(wanted.asnumpy(), abs=1e-3)
    for channel, before in zip(mixed.asnumpy()[0], content.asnumpy()[0]):
        together = numpy.corrcoef(channel.ravel(), before.ravel())[0, 1]
        assert together == pytest.approx(1, abs=1e-6)


def test_adain_of_a_picture_with_itself_changes_nothing():
    content = array(1, 3, 5, 4)
    assert adain(content, content).asnumpy() == pytest.approx(
        content.asnumpy(), abs=1e-5
    )


def test_pixels_go_there_and_back():
    X = np.array(RNG.rand(1, 3, 4, 5).astype('float32'))
    Y = normalized(X).asnumpy()
    mean, std = (
        numpy.array(values).reshape(1, 3, 1, 1)
        for values in (RGB_MEAN, RGB_STD)
    )
    assert Y == pytest.approx((X.asnumpy() - mean) / std, abs=1e-5)
    assert pixels(normalized(X)).asnumpy() == pytest.approx(
        X.asnumpy(), abs=1e-6
    )
    far = pixels(np.array([[[[-9.0]], [[0]], [[9]]]])).asnumpy().ravel()
    assert far == pytest.approx([0, RGB_MEAN[1], 1])


def convolved(X, weight, bias):
    """Return a convolution of 3x3 that sees reflected features, in NumPy."""
    _, height, width = X.shape
    X = numpy.pad(X, ((0, 0), (1, 1), (1, 1)), 'reflect')
    total = sum(
        numpy.einsum(
            'oc,chw->ohw',
            weight[:, :, i, j],
            X[:, i : i + height, j : j + width],
        )
        for i in range(3)
        for j in range(3)
    )
    return total + bias[:, None, None]


def numbers(layer):
    return (each.data().asnumpy() for each in (layer.weight, layer.bias))


def test_the_encoder_is_the_truncated_vgg_with_reflected_edges(
    weights_file,
):
    rms = RNG.uniform(0.5, 2, 256).astype('float32')
    encoder = Encoder(rms, weights_file)
    X = array(1, 3, 9, 12)
    net = build_net(['conv3_1'], [], network='vgg16', weights=weights_file)
    Y, convolutions = X.asnumpy()[0], [net[i] for i in (0, 2, 5, 7, 10)]
    for k, layer in enumerate(convolutions):
        Y = numpy.maximum(convolved(Y, *numbers(layer)), 0)
        if k in (1, 3):
            height, width = Y.shape[1] // 2, Y.shape[2] // 2
            Y = Y[:, : 2 * height, : 2 * width].reshape(
                len(Y), height, 2, width, 2
            )
            Y = Y.max(axis=(2, 4))
    expected = Y / rms[:, None, None]
    found = encoder(X).asnumpy()
    assert found.shape == (1, 256, 2, 3)
    scale = numpy.abs(expected).max()
    assert found[0] == pytest.approx(expected, abs=1e-5 * scale)


@pytest.fixture
def decoder():
    decoder = Decoder()
    decoder.initialize(init.Normal(0.05))
    return decoder


def test_the_decoder_is_the_mirrored_encoder(decoder):
    features = array(1, 256, 3, 2)
    X, layers = features.asnumpy()[0], iter(decoder.convolutions)
    for step in DECODER:
        if step == 'x2':
            X = X.repeat(2, axis=1).repeat(2, axis=2)
            continue
        X = convolved(X, *numbers(next(layers)))
        if step[1] != 3:
            X = numpy.maximum(X, 0)
    found = decoder(features).asnumpy()
    assert found.shape == (1, 3, 12, 8)
    assert found[0] == pytest.approx(X, abs=1e-5 * numpy.abs(X).max())


def test_the_gradients_of_the_decoder_are_those_of_finite_differences(decoder):
    features, wanted = array(1, 256, 2, 2), array(1, 3, 8, 8)
    layer = decoder.convolutions[2]

    def loss():
        return (decoder(features) * wanted).sum()

    with autograd.record():
        l = loss()
    l.backward()
    slope = layer.weight.grad().asnumpy()
    weight = layer.weight.data().asnumpy()
    direction = RNG.normal(size=weight.shape).astype('float32')
    losses = []
    for step in (-1e-3, 1e-3):
        layer.weight.set_data(np.array(weight + step * direction))
        losses.append(float(loss()))
    difference = (losses[1] - losses[0]) / 2e-3
    assert difference == pytest.approx((slope * direction).sum(), rel=0.02)
