"""AdaIN: the formula, the encoder and the decoder, beside plain NumPy."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy
import psutil
import pytest
from conftest import picture, random_layers
from mxnet import init, np
from PIL import Image

from gluon_style import GluonStyleError, stylize as every_stylize
from gluon_style._mxnet import numpy_mode
from gluon_style.chapter.vgg import build_net
from gluon_style.cli import main
from gluon_style.errors import OutOfMemoryError
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
from gluon_style.pictures.color import transfer_map, transferred
from gluon_style.records.result import Result
from gluon_style.weights.formats import write_layers

DATA = Path(__file__).with_name('data')
RNG = numpy.random.RandomState(0)


@pytest.fixture(scope='module')
def weights_file(tmp_path_factory):
    """Random weights of VGG-16's first layers, as a file."""
    path = tmp_path_factory.mktemp('weights') / 'random.npz'
    names = list(NETWORKS['vgg16'].conv_shapes)[:8]
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
    rms = RNG.uniform(0.5, 2, 512).astype('float32')
    encoder = Encoder(rms, weights_file)
    X = array(1, 3, 17, 24)
    net = build_net(['conv4_1'], [], network='vgg16', weights=weights_file)
    Y, convolutions = (
        X.asnumpy()[0],
        [net[i] for i in (0, 2, 5, 7, 10, 12, 14, 17)],
    )
    for k, layer in enumerate(convolutions):
        Y = numpy.maximum(convolved(Y, *numbers(layer)), 0)
        if k in (1, 3, 6):
            height, width = Y.shape[1] // 2, Y.shape[2] // 2
            Y = Y[:, : 2 * height, : 2 * width].reshape(
                len(Y), height, 2, width, 2
            )
            Y = Y.max(axis=(2, 4))
    expected = Y / rms[:, None, None]
    found = encoder(X).asnumpy()
    assert found.shape == (1, 512, 2, 3)
    scale = numpy.abs(expected).max()
    assert found[0] == pytest.approx(expected, abs=1e-5 * scale)


@pytest.fixture
def decoder():
    decoder = Decoder()
    decoder.initialize(init.Normal(0.05))
    return decoder


def test_the_decoder_is_the_mirrored_encoder(decoder):
    features = array(1, 512, 3, 2)
    X, layers = features.asnumpy()[0], iter(decoder.convolutions)
    for step in DECODER:
        if step == 'x2':
            X = X.repeat(2, axis=1).repeat(2, axis=2)
            continue
        X = convolved(X, *numbers(next(layers)))
        if step[1] != 3:
            X = numpy.maximum(X, 0)
    found = decoder(features).asnumpy()
    assert found.shape == (1, 3, 24, 16)
    assert found[0] == pytest.approx(X, abs=1e-5 * numpy.abs(X).max())


CONTENT, STYLE = picture(27, 21, seed=1), picture(24, 32, seed=2)
RMS = numpy.linspace(0.5, 2, 512).astype('float32')


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
    content, style = CONTENT[:16, :24], STYLE
    result = stylize(content, style, nets=nets, strength=1, color='style')
    mixed = adain(features(nets, content), features(nets, style))
    assert result.pixels == pytest.approx(painted(nets, mixed), abs=1e-5)
    record = result.record
    assert (record.method, record.epochs, record.losses) == ('adain', 0, None)
    assert record.weights.sha256 == nets.file.sha256
    assert set(record.pictures) == {'content', 'style'}


def test_strength_and_blend_are_means_of_features(nets):
    content, other = CONTENT[:16, :24], STYLE[::-1] // 2
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
        color='style',
    )
    assert result.pixels == pytest.approx(painted(nets, mixed), abs=1e-5)


def test_odd_sides_are_padded_by_reflection_and_cut_again(nets):
    content = numpy.pad(CONTENT, ((0, 3), (0, 5), (0, 0)), 'reflect')
    mixed = adain(features(nets, content), features(nets, STYLE))
    expected = painted(nets, mixed)[: len(CONTENT), : CONTENT.shape[1]]
    options = {'strength': 1, 'color': 'style'}
    result = stylize(CONTENT, STYLE, nets=nets, **options)
    assert result.image.shape == CONTENT.shape
    assert result.pixels == pytest.approx(expected, abs=1e-5)


def test_luminance_keeps_the_colors_of_the_content(nets):
    gray = numpy.repeat(CONTENT[..., :1], 3, axis=2)
    image = stylize(gray, STYLE, nets=nets, color='luminance').pixels
    assert numpy.ptp(image, axis=2).max() < 0.01
    assert (
        numpy.ptp(stylize(gray, STYLE, nets=nets).pixels, axis=2).max() > 0.05
    )


def test_content_and_result_get_the_styles_colors(nets):
    options = {'nets': nets, 'strength': 1}
    result = stylize(CONTENT, STYLE, **options)
    colored = transferred(CONTENT, [STYLE], [1])
    plain = stylize(colored, STYLE, color='style', **options).pixels
    matrix, offset = transfer_map(plain, [STYLE], [1])
    expected = (plain @ matrix.T + offset).clip(0, 1)
    assert result.pixels == pytest.approx(expected, abs=1e-5)
    assert numpy.abs(result.pixels - plain).mean() > 0.05


def test_a_strength_of_0_leaves_the_colors(nets):
    options = {'nets': nets, 'strength': 0}
    result = stylize(CONTENT, STYLE, **options)
    plain = stylize(CONTENT, STYLE, color='style', **options)
    assert result.pixels == pytest.approx(plain.pixels, abs=1e-5)


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
        (STYLE, {'size': 15}, 'the encoder needs at least 16 either way'),
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


def test_a_picture_that_memory_cannot_hold_is_refused(nets, monkeypatch):
    free = 40 * 40 * 2200
    monkeypatch.setattr(
        psutil,
        'virtual_memory',
        lambda: SimpleNamespace(available=free),
    )
    stylize(CONTENT, STYLE, nets=nets, size=(40, 40))
    with pytest.raises(OutOfMemoryError, match='choose a size of 38 or less'):
        stylize(CONTENT, STYLE, nets=nets, size=(41, 40))
    large = picture(48, 40)
    with pytest.raises(OutOfMemoryError, match='choose a style_size of'):
        stylize(CONTENT, large, nets=nets)


@pytest.fixture
def files(tmp_path, nets, monkeypatch):
    """The current folder, with photo.png and painting.png, and nets."""
    monkeypatch.setattr(module, 'shipped_nets', lambda device: nets)
    monkeypatch.chdir(tmp_path)
    Image.fromarray(CONTENT).save('photo.png')
    Image.fromarray(STYLE).save('painting.png')
    return tmp_path


WORDS = 'run', 'photo.png', 'painting.png', '--method', 'adain'


def test_the_command_paints_and_its_record_repeats(files, nets, capsys):
    assert main([*WORDS, '-o', 'out.png', '--strength', '0.7']) == 0
    out = capsys.readouterr().out
    assert out.startswith('out.png: 27x21 pixels in ')
    first = Result.load('out.png')
    assert first.record.method == 'adain'
    expected = stylize('photo.png', 'painting.png', nets=nets, strength=0.7)
    assert (first.image == expected.image).all()
    assert main(['run', '--config', 'out.json', '-o', 'again.png']) == 0
    assert (Result.load('again.png').image == first.image).all()


def test_the_command_paints_a_folder(files):
    (files / 'in').mkdir()
    Image.fromarray(CONTENT).save('in/a.png')
    (files / 'in/b.jpg').write_text('no picture')
    words = 'run', 'in', 'painting.png', '--method', 'adain', '-o', 'out'
    assert main(words) == 2
    assert [path.name for path in (files / 'out').glob('*.png')] == ['a.png']


@pytest.mark.parametrize(
    ('words', 'problem'),
    [
        (('net:3',), "picture 'net:3' is not a file"),
        (('none.png',), "picture 'none.png' is not a file"),
        ((), 'no style is given: name a painting\n'),
        (('painting.png', '--epochs', '3'), 'option --epochs means nothing'),
        (('painting.png', '--net-size', '64'), 'option --net-size means'),
        (('painting.png', '--strength', '2'), 'strength'),
        (('painting.png', '--size', '9'), 'at least 16 either way'),
    ],
)
def test_wrong_words_are_one_sentence(files, words, problem, capsys):
    code = main(
        ['run', 'photo.png', *words, '--method', 'adain', '-o', 'o.png']
    )
    assert code == 2
    assert problem in capsys.readouterr().err
    assert not (files / 'o.png').exists()


def test_the_call_for_every_method_knows_it(files, nets):
    first = every_stylize(CONTENT, STYLE, method='adain', style_size=24)
    expected = stylize(CONTENT, STYLE, nets=nets, style_size=24)
    assert (first.image == expected.image).all()


@pytest.mark.long
def test_the_shipped_decoder_paints_as_the_trained_one():
    """The picture of PyTorch's nets, which tools/train_adain.py trained."""
    with numpy.load(DATA / 'adain.npz') as file:
        stored = {name: file[name] for name in file.files}
    pair = stored['content'], stored['style']
    result = stylize(*pair, strength=1, color='style')
    difference = numpy.abs(result.pixels - stored['pixels'])
    assert difference.max() < 2e-3


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
            {'conv1.bias': numpy.full(256, numpy.nan, 'float16')},
            "'conv1.bias' has numbers that are not usable",
        ),
        ({'rms': numpy.zeros(512, 'float32')}, "'rms' has numbers that are"),
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
    assert 'tools/adain_decoder.py' in str(caught.value)


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
