"""What a user types: what is accepted, and what a mistake is answered with."""

import io
import json
import sys
from pathlib import Path

import numpy
import pytest
from conftest import picture
from PIL import Image

from gluon_style import Result, Settings, stylize
from gluon_style.cli.parser import parse_arguments
from gluon_style.cli.request import read_request
from gluon_style.errors import GluonStyleError
from gluon_style.methods.gatys.config import read_config
from gluon_style.pictures.read import read_picture
from gluon_style.weights.formats import read_network

TINY = ['--preset', 'chapter', '--size', '32x24', '--epochs', '1']
TINY += ['--lr', '0.1']


@pytest.fixture
def folder(pictures, tmp_path, monkeypatch):
    """A folder of a content and a style picture of one shape."""
    monkeypatch.chdir(tmp_path)
    for name, seed in (('photo.png', 1), ('style.png', 2)):
        Image.fromarray(picture(40, 30, seed=seed)).save(name)
    return tmp_path


@pytest.fixture
def make(command, folder, weights_file):
    def call(*words):
        return command(*words, *TINY, '--weights', weights_file)

    return call


@pytest.mark.parametrize(
    'words, sentence',
    [
        (
            ['phto.png', 'style.png'],
            "picture 'phto.png' is not a file: did you mean 'photo.png'?",
        ),
        (['zzz.png', 'style.png'], "picture 'zzz.png' is not a file"),
        (
            ['photo.png', 'https://a.org/b.jpg'],
            "picture 'https://a.org/b.jpg' is not a file but an address: "
            'download the picture, and name its file',
        ),
        (
            ['photo.png', '..'],
            "picture '..' is not a file but a folder: name a picture in it",
        ),
        *(
            (
                ['photo.png', 'style.png', '--init', init],
                f'init is {init!r}: it must be content, style, noise, '
                'feedforward, blend:0.3 or the file of a picture',
            )
            for init in ('random', '..')
        ),
        (
            ['photo.png', 'style.png', '-o', '.'],
            "output '.' must end in .png, .jpg, .jpeg, .webp, .tif or .tiff",
        ),
        (['-', '-'], 'standard input (-) is given twice: it has one picture'),
    ],
)
def test_a_mistake_says_what_is_accepted(make, words, sentence):
    assert make('run', '-o', 'out.png', *words) == (
        2,
        '',
        f'gluon-style: {sentence}\n',
    )


class Bytes:
    """A standard stream of bytes."""

    def __init__(self, data=b''):
        self.buffer = io.BytesIO(data)

    def write(self, text):
        raise AssertionError(f'{text!r} is not part of a picture')

    def flush(self):
        pass


def test_a_picture_comes_from_a_pipe_and_goes_into_one(
    make, folder, monkeypatch
):
    plain = make('run', 'photo.png', 'style.png', '-o', 'plain.png')
    assert plain[0] == 0
    data = Path('photo.png').read_bytes()
    monkeypatch.setattr(sys, 'stdin', Bytes(data))
    out = Bytes()
    monkeypatch.setattr(sys, 'stdout', out)
    before = sorted(folder.iterdir())
    code, _, err = make('run', '-', 'style.png', '-o', '-')
    assert code == 0 and 'standard output: 32x24 pixels, 1 epochs' in err
    # Nothing but the picture is printed, and no file is left.
    made = Image.open(io.BytesIO(out.buffer.getvalue()))
    assert (numpy.asarray(made) == read_picture('plain.png')).all()
    assert sorted(folder.iterdir()) == before


def test_standard_input_without_a_picture_is_a_sentence(make, monkeypatch):
    monkeypatch.setattr(sys, 'stdin', Bytes(b'text'))
    code, _, err = make('run', '-', 'style.png', '-o', 'out.png')
    assert code == 2
    assert 'picture of standard input is not in a format that' in err
    code, _, err = make(
        *('run', 'photo.png', 'style.png', '-o', '-', '--save-every', '1')
    )
    assert code == 2 and '--save-every writes beside the output' in err


def test_a_pipe_gives_a_default_name(folder, monkeypatch):
    data = Path('photo.png').read_bytes()
    monkeypatch.setattr(sys, 'stdin', Bytes(data))
    request = read_request(parse_arguments(['run', '-', 'style.png']))
    assert request.output == 'stdin-style.png'
    assert (read_picture(request.content) == picture(40, 30, seed=1)).all()


def test_lists_are_json_for_programs(command, make, folder, monkeypatch):
    from gluon_style.classroom import doctor
    from gluon_style.classroom.findings import PROBLEM, Finding

    def examine():
        yield Finding('Python 3.11')
        yield Finding('no weights', PROBLEM, 'fetch them')

    monkeypatch.setattr(doctor, 'examine', examine)
    code, out, _ = command('doctor', '--json')
    assert code == 1
    assert json.loads(out) == [
        {'text': 'Python 3.11', 'level': 'good', 'mend': ''},
        {'text': 'no weights', 'level': 'PROBLEM', 'mend': 'fetch them'},
    ]
    code, out, _ = command('weights', 'list', '--json')
    sources = {each['name']: each for each in json.loads(out)}
    assert code == 0 and sources['oxford']['network'] == 'vgg19'
    assert sources['zoo']['state'] in ('in the cache', 'not in the cache')
    code, out, _ = command('figure', '--list', '--json')
    assert code == 0 and 'gram' in json.loads(out)
    assert make('run', 'photo.png', 'style.png', '-o', 'out.png')[0] == 0
    code, out, _ = command('report', '.', '-o', 'a.HTML', '--json')
    size = Path('a.HTML').stat().st_size
    expected = {'path': 'a.HTML', 'results': 1, 'bytes': size}
    assert (code, json.loads(out)) == (0, expected)


def test_a_figure_is_json_for_programs(command, monkeypatch, tmp_path):
    import gluon_style.figures as figures

    checks = [figures.Check('it is so', True), figures.Check('open', None)]
    monkeypatch.setattr(
        figures, 'draw', lambda *about, **options: (Path('a.png'), checks)
    )
    code, out, _ = command('figure', 'gram', '--json', '-o', tmp_path)
    assert code == 0
    assert json.loads(out) == {
        'path': 'a.png',
        'checks': [
            {'text': 'it is so', 'good': True},
            {'text': 'open', 'good': None},
        ],
    }


def test_suffixes_are_of_any_case(make, weights_file):
    words = ['run', 'photo.png', 'style.png', '-o', 'out.PNG']
    assert make(*words, '--plot', 'a.SVG', '--animation', 'a.GIF')[0] == 0
    assert Result.load('out.PNG').image.shape == (24, 32, 3)
    assert b'<svg' in Path('a.SVG').read_bytes()
    assert Path('a.GIF').read_bytes()[:3] == b'GIF'
    # Each is recognized as the program's own.
    assert make(*words, '--plot', 'a.SVG', '--animation', 'a.GIF')[0] == 0
    Path('w.NPZ').write_bytes(Path(weights_file).read_bytes())
    assert read_network('w.NPZ', 'vgg19') == 'vgg19'
    Path('a.TOML').write_text('epochs = 7')
    assert read_config('a.TOML').settings == {'epochs': 7}


def test_toml_of_other_editors_is_read(tmp_path):
    path = tmp_path / 'a.toml'
    path.write_bytes(b'\xef\xbb\xbfsize = "64x48"\nepochs = 2\n')
    settings = {'size': (64, 48), 'epochs': 2}
    assert read_config(path).settings == settings
    assert Settings(size='64x48').size == (64, 48)
    assert Settings(size='64').size == 64
    with pytest.raises(
        GluonStyleError, match="size is 'large': it must be a wh"
    ):
        Settings(size='large')


@pytest.mark.parametrize(
    'options, sentences',
    [
        (
            ['--preset', 'fast', '--lr', '0.1'],
            ['option --lr has no effect, because the optimizer is lbfgs'],
        ),
        (
            ['--preset', 'chapter', '--lr', '0.1', '--feather', '0.1'],
            ['option --feather has no effect, because there is no mask'],
        ),
        (
            ['--seed', '1'],
            [
                'option --seed has no effect, because init is content, '
                'without noise'
            ],
        ),
        (['--seed', '1', '--init', 'blend:0.5'], []),
        (['--feather', '0.1', '--mask', 'style.png'], []),
    ],
)
def test_options_without_effect_are_said(folder, caplog, options, sentences):
    words = ['run', 'photo.png', 'style.png', '-o', 'out.png']
    read_request(parse_arguments([*words, *options]))
    assert caplog.messages == sentences


def test_pictures_that_are_stretched_are_said_once(
    folder, weights_file, caplog
):
    caplog.set_level('INFO', 'gluon_style')
    wide, tall = picture(60, 20), picture(20, 60, seed=3)
    Image.fromarray(wide).save('wide.png')
    settings = Settings(
        size=48, epochs=2, scales=2, lr=0.1, weights=weights_file
    )
    plain = picture(40, 30, seed=1)
    stylize(plain, plain, settings)
    assert 'stretched' not in caplog.text
    caplog.clear()
    stylize(plain, tall, settings, init='wide.png')
    said = [each for each in caplog.messages if 'stretched' in each]
    assert said == [
        'the init picture of 60x20 pixels is stretched to the proportions of '
        '48x36',
        'the style picture of 20x60 pixels is stretched to the proportions of '
        '48x36: style_scale=1 (--style-scale 1) keeps its own',
    ]
    caplog.clear()
    stylize(plain, tall, settings, style_scale=1)
    assert 'stretched' not in caplog.text


def test_a_loss_that_has_exploded_is_said_at_the_end(weights_file, caplog):
    options = {'size': 32, 'weights': weights_file, 'epochs': 12}
    pair = picture(40, 30, seed=1), picture(40, 30, seed=2)
    stylize(*pair, 'chapter', **options)
    assert 'exploded' not in caplog.text
    result = stylize(*pair, 'chapter', **options, lr=100)
    last, first = result.history[-1], result.history[0]
    assert last.total > 10 * first.total
    name = max(('content', 'style', 'tv'), key=lambda n: getattr(last, n))
    assert (
        f'the loss has exploded: it ends at {last.total:.3g}, mostly the '
        f'{name} loss, and began at {first.total:.3g}; try a smaller lr'
    ) in caplog.text


def test_a_record_of_an_array_is_repeated(command, folder, weights_file):
    # A demo's photograph is an array, not a word.
    from gluon_style import samples

    settings = Settings(size=32, epochs=1, lr=0.1, weights=weights_file)
    result = stylize(samples.photograph(), samples.PAINTING, settings)
    result.save('demo.png')
    words = ['run', '--config', 'demo.json', '-o', 'again.png', '--quiet']
    assert command(*words) == (0, '', '')
    assert (read_picture('again.png') == result.image).all()
