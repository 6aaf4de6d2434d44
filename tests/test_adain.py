"""AdaIN: the formula, the encoder and the decoder, beside plain NumPy."""

import json

import numpy
import pytest
from conftest import picture, random_layers
from mxnet import autograd, init, np
from PIL import Image

from gluon_style import GluonStyleError
from gluon_style._mxnet import numpy_mode
from gluon_style.chapter.vgg import build_net
from gluon_style.layers import NETWORKS, RGB_MEAN, RGB_STD
from gluon_style.methods.adain import stylize as module
from gluon_style.methods.adain.decoder import read_decoder, write_decoder
from gluon_style.methods.adain.layout import DECODER, SHAPES
from gluon_style.methods.adain.net import (
    Decoder,
    Encoder,
    adain,
    mean_and_deviation,
    normalized,
    pixels,
)
from gluon_style.methods.adain.settings import Settings
from gluon_style.methods.adain.stylize import Nets, stylize
from gluon_style.records.result import Result
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
    steepest = slope / numpy.linalg.norm(slope)
    losses = []
    # Larger steps cross the kinks of the ReLUs.
    for step in (-0.002, 0.002):
        layer.weight.set_data(np.array(weight + step * steepest))
        losses.append(float(loss()))
    difference = (losses[1] - losses[0]) / 0.004
    assert difference == pytest.approx(numpy.linalg.norm(slope), rel=0.02)


CONTENT, STYLE = picture(21, 18, seed=1), picture(24, 28, seed=2)
RMS = numpy.linspace(0.5, 2, 256).astype('float32')


@pytest.fixture(scope='module')
def decoder_file(tmp_path_factory, weights_file):
    """A decoder of random weights for the encoder of random weights."""
    rng = numpy.random.RandomState(3)
    weights = {
        name: 0.1 * rng.normal(size=shape) for name, shape in SHAPES.items()
    }
    with numpy_mode():
        encoder = Encoder(RMS, weights_file)
    about = {
        'iterations': 7,
        'encoder': {
            'source': weights_file,
            'sha256': encoder.weights.sha256,
        },
    }
    path = tmp_path_factory.mktemp('decoder') / 'decoder.npz'
    write_decoder(path, weights, RMS, about)
    return path


@pytest.fixture(scope='module')
def nets(decoder_file):
    return Nets(decoder_file)


def features(nets, img):
    X = np.array((img / 255).transpose(2, 0, 1)[None].astype('float32'))
    return nets.encode(normalized(X))


def painted(nets, mixed):
    return pixels(nets.decode(mixed)).asnumpy()[0].transpose(1, 2, 0)


def test_a_picture_has_the_contents_places_and_the_styles_statistics(nets):
    content, style = CONTENT[:16, :20], STYLE
    result = stylize(content, style, nets=nets)
    mixed = adain(features(nets, content), features(nets, style))
    assert result.pixels == pytest.approx(painted(nets, mixed), abs=1e-5)
    record = result.record
    assert (record.method, record.epochs, record.losses) == ('adain', 0, None)
    assert record.weights.sha256 == nets.file.sha256
    assert set(record.pictures) == {'content', 'style'}


def test_strength_and_blend_are_means_of_features(nets):
    content, other = CONTENT[:16, :20], STYLE[::-1] // 2
    own = features(nets, content)
    first, second = (
        adain(own, features(nets, style)) for style in (STYLE, other)
    )
    mixed = 0.4 * own + 0.6 * (0.75 * first + 0.25 * second)
    result = stylize(
        content,
        [STYLE, other],
        nets=nets,
        strength=0.6,
        style_blend=(3, 1),
    )
    assert result.pixels == pytest.approx(painted(nets, mixed), abs=1e-5)


def test_odd_sides_are_padded_by_reflection_and_cut_again(nets):
    content = numpy.pad(CONTENT, ((0, 2), (0, 3), (0, 0)), 'reflect')
    mixed = adain(features(nets, content), features(nets, STYLE))
    expected = painted(nets, mixed)[: len(CONTENT), : CONTENT.shape[1]]
    result = stylize(CONTENT, STYLE, nets=nets)
    assert result.image.shape == CONTENT.shape
    assert result.pixels == pytest.approx(expected, abs=1e-5)


def test_luminance_keeps_the_colors_of_the_content(nets):
    gray = numpy.repeat(CONTENT[..., :1], 3, axis=2)
    image = stylize(gray, STYLE, nets=nets, color='luminance').pixels
    assert numpy.ptp(image, axis=2).max() < 0.01
    assert (
        numpy.ptp(stylize(gray, STYLE, nets=nets).pixels, axis=2).max() > 0.05
    )


def test_a_result_is_saved_and_loaded(nets, tmp_path):
    result = stylize(CONTENT, STYLE, nets=nets, size=(24, 16))
    result.save(tmp_path / 'out.png')
    loaded = Result.load(tmp_path / 'out.png')
    assert loaded.record == result.record
    with Image.open(tmp_path / 'out.png') as img:
        assert img.size == (24, 16)


@pytest.mark.parametrize(
    ('style', 'changes', 'problem'),
    [
        (STYLE, {'size': 7}, 'the encoder needs at least 8 either way'),
        (STYLE[:5], {}, 'the style would have 24x5 pixels'),
        (STYLE, {'size': (9000, 9000)}, 'MXNet can hold'),
        (STYLE, {'strength': 2}, 'strength is 2'),
        ([STYLE, STYLE], {'style_blend': (1,)}, 'style_blend has 1 parts'),
        ([], {}, 'no style is given'),
        (STYLE, {'epochs': 3}, "setting 'epochs' is unknown"),
    ],
)
def test_what_cannot_work_is_one_sentence(nets, style, changes, problem):
    with pytest.raises(GluonStyleError) as caught:
        stylize(CONTENT, style, nets=nets, **changes)
    assert problem in str(caught.value)
    assert '\n' not in str(caught.value)


def test_the_settings_of_another_method_are_refused(nets):
    with pytest.raises(GluonStyleError, match='settings is'):
        stylize(CONTENT, STYLE, module, nets=nets)
    assert Settings().method == 'adain'


def changed(path, **changes):
    """Write a decoder's file with some arrays changed; return its path."""
    with numpy.load(path) as arrays:
        arrays = {**arrays, **changes}
    arrays = {name: each for name, each in arrays.items() if each is not None}
    numpy.savez(path, **arrays)
    return path


def text(**about):
    return numpy.frombuffer(json.dumps(about).encode(), 'uint8')


@pytest.mark.parametrize(
    ('changes', 'problem'),
    [
        ({'rms': None}, "it lacks 'rms'"),
        ({'conv1.bias': numpy.zeros(3, 'float16')}, "it lacks 'conv1.bias'"),
        (
            {'conv1.bias': numpy.full(128, numpy.nan, 'float16')},
            "'conv1.bias' has numbers that are not usable",
        ),
        ({'rms': numpy.zeros(256, 'float32')}, "'rms' has numbers that are"),
        ({'about': text(format='x')}, 'it does not say that it is a decoder'),
        (
            {'about': text(format='gluon_style adain decoder', version=2)},
            'it is of another version of this program',
        ),
        (
            {'about': text(format='gluon_style adain decoder', version=1)},
            'it does not say which encoder',
        ),
    ],
)
def test_a_decoder_that_is_unfit_is_one_sentence(
    decoder_file, tmp_path, changes, problem
):
    path = tmp_path / 'decoder.npz'
    path.write_bytes(decoder_file.read_bytes())
    with pytest.raises(GluonStyleError) as caught:
        read_decoder(changed(path, **changes))
    assert problem in str(caught.value)
    assert 'tools/train_adain.py' in str(caught.value)


def test_a_decoder_of_another_encoder_is_refused(decoder_file, tmp_path):
    file = read_decoder(decoder_file)
    about = {**file.about, 'encoder': {**file.about['encoder'], 'sha256': '0'}}
    path = tmp_path / 'decoder.npz'
    write_decoder(path, file.weights, file.rms, about)
    with pytest.raises(GluonStyleError, match='trained with other weights'):
        Nets(path)


def test_a_cut_decoder_is_refused(decoder_file, tmp_path):
    path = tmp_path / 'decoder.npz'
    path.write_bytes(decoder_file.read_bytes()[:1000])
    with pytest.raises(GluonStyleError, match='cannot be read'):
        read_decoder(path)
    with pytest.raises(FileNotFoundError, match='is not a file'):
        read_decoder(tmp_path / 'no.npz')
