import json
import logging
import math
from dataclasses import fields

import numpy
import pytest
from conftest import picture
from hypothesis import example, given, settings, strategies
from PIL import Image

from gluon_style import Settings, samples
from gluon_style.errors import GluonStyleError
from gluon_style.methods.gatys.config import read_config
from gluon_style.records.record import PictureId
from gluon_style.weights.scaling import oxford_scaling


def write(path, text):
    path.write_text(text, 'utf-8')
    return path


def test_toml_says_settings_pictures_and_preset(tmp_path):
    path = write(
        tmp_path / 'run.toml',
        """
        preset = 'quick'
        content = 'photo.jpg'
        style = ['a.jpg', '/pictures/b.jpg']
        mask = 'mask.png'
        output = 'out.png'
        size = [304, 200]
        style-weight = 1e3
        style_layers = ['conv1_1', 'conv4_1:0.5']
        style_blend = [2, 1]
        tileable = true
        """,
    )
    config = read_config(path)
    assert config.preset == 'quick'
    assert config.pictures == {
        'content': str(tmp_path / 'photo.jpg'),
        'style': [str(tmp_path / 'a.jpg'), '/pictures/b.jpg'],
        'mask': str(tmp_path / 'mask.png'),
        'output': str(tmp_path / 'out.png'),
    }
    assert config.settings == {
        'size': (304, 200),
        'style_weight': 1e3,
        'style_layers': ('conv1_1', 'conv4_1:0.5'),
        'style_blend': (2, 1),
        'tileable': True,
    }


def test_toml_may_say_little(tmp_path):
    config = read_config(write(tmp_path / 'run.toml', "style = 'a.jpg'"))
    assert config.pictures == {'style': [str(tmp_path / 'a.jpg')]}
    assert (config.settings, config.preset) == ({}, None)


@pytest.mark.parametrize(
    'name, file', [('init', 'start.png'), ('weights', 'own.npz')]
)
def test_a_start_and_weights_beside_the_file_are_found(
    tmp_path, monkeypatch, name, file
):
    (tmp_path / file).write_bytes(b'')
    path = write(tmp_path / 'run.toml', f"{name} = '{file}'")
    monkeypatch.chdir('/')
    assert read_config(path).settings[name] == str(tmp_path / file)


@pytest.mark.parametrize(
    'name, value',
    [
        ('init', 'noise'),
        ('init', 'content'),
        ('init', 'blend:0.3'),
        ('weights', 'auto'),
        ('weights', 'oxford'),
    ],
)
def test_a_known_name_is_not_a_file_of_that_name(tmp_path, name, value):
    (tmp_path / value).write_bytes(b'')
    path = write(tmp_path / 'run.toml', f"{name} = '{value}'")
    assert read_config(path).settings == {name: value}


def picture_id(source):
    """Return what a record says of a picture."""
    return PictureId.of(source).to_json()


LOSSES = {'content': 1.0, 'style': 2.0, 'tv': 3.0, 'total': 6.0}


@pytest.fixture
def record(tmp_path):
    """A record, and the pictures it names beside it."""
    for i, name in enumerate(('content', 'style', 'other', 'mask')):
        Image.fromarray(picture(8, 8, seed=i)).save(tmp_path / f'{name}.png')
    record = {
        'content': picture_id(tmp_path / 'content.png'),
        'style': picture_id(tmp_path / 'style.png'),
        'others': {
            'style 2': picture_id(tmp_path / 'other.png'),
            'mask': picture_id(tmp_path / 'mask.png'),
        },
        'settings': Settings(epochs=7, weights='auto').to_json(),
        'width': 300,
        'height': 200,
        'weights': {
            'source': 'oxford-8bit',
            'sha256': 'x',
            'scaling': oxford_scaling(),
        },
        'tile': None,
        'device': 'cpu(0)',
        'versions': {},
        'epochs': 7,
        'losses': {'epoch': 7, 'scale': [300, 200], **LOSSES},
        'history': [],
    }

    def save(*without, **changes):
        record.update(changes)
        kept = {key: record[key] for key in record if key not in without}
        return write(tmp_path / 'out.json', json.dumps(kept))

    return save


def test_a_record_repeats_its_run(record, tmp_path):
    config = read_config(record())
    folder = str(tmp_path)
    assert config.pictures == {
        'content': f'{folder}/content.png',
        'style': [f'{folder}/style.png', f'{folder}/other.png'],
        'mask': f'{folder}/mask.png',
    }
    # What 'auto' was then, it is again.
    expected = Settings(
        epochs=7, weights='oxford-8bit', tile='off', device='cpu'
    )
    assert Settings(**config.settings) == expected
    assert read_config(record(tile=256)).settings['tile'] == 256
    assert read_config(record('tile')).settings['tile'] == 'off'
    assert read_config(record()).settings['device'] == 'cpu'
    config = read_config(record(device='gpu(1)'))
    assert config.settings['device'] == 'gpu:1'
    assert config.settings['stop_after'] is None
    config = read_config(record(stopped='SIGINT', epochs=4))
    assert config.settings['stop_after'] == 4
    assert config.settings['time_limit'] is None


def test_renamed_pictures_are_found_by_their_hashes(record, tmp_path):
    path = record()
    (tmp_path / 'content.png').rename(tmp_path / 'photo.png')
    found = read_config(path).pictures['content']
    assert found == str(tmp_path / 'photo.png')


def test_the_samples_are_found(record):
    content = picture_id(samples.photograph())
    config = read_config(
        record(content=content, style=picture_id(samples.PAINTING))
    )
    assert (config.pictures['content'] == samples.photograph()).all()
    assert config.pictures['style'][0] == str(samples.PAINTING)


def test_a_changed_picture_is_not_taken_for_the_old_one(record, tmp_path):
    path = record()
    Image.fromarray(picture(8, 8, seed=9)).save(tmp_path / 'style.png')
    with pytest.raises(FileNotFoundError, match="style picture 'style.png' "):
        read_config(path)


def test_a_record_leads_to_no_other_folder(record, tmp_path, monkeypatch):
    folder = tmp_path / 'away'
    folder.mkdir()
    Image.fromarray(picture(9, 9, seed=9)).save(folder / 'far.png')
    far = {**picture_id(folder / 'far.png'), 'file': 'away/far.png'}
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match='was not found by its hash'):
        read_config(record(style=far))


def test_weights_of_a_file_must_be_the_same(record, tmp_path):
    weights = tmp_path / 'w.npz'
    numpy.savez(weights, x=1)
    digest = picture_id(weights)['sha256']
    settings = Settings(weights=str(weights)).to_json()
    path = record(
        settings=settings, weights={'source': 'file', 'sha256': digest}
    )
    assert read_config(path).settings['weights'] == str(weights)
    numpy.savez(weights, x=2)
    with pytest.raises(
        GluonStyleError, match='are not the file that the run had'
    ):
        read_config(path)


def test_other_versions_are_said(record, caplog):
    with caplog.at_level(logging.WARNING, 'gluon_style'):
        read_config(record(versions={'numpy': '0.1'}))
    assert 'numpy 0.1, here' in caplog.text
    assert 'mxnet' not in caplog.text
    caplog.clear()
    with caplog.at_level(logging.WARNING, 'gluon_style'):
        read_config(record(versions={'mxnet': '1\n\x1b[31m' + 'x' * 999}))
    [message] = caplog.messages
    assert 'mxnet 1\\n\\x1b[31mxxx' in message and len(message) < 200


@pytest.mark.parametrize(
    'then, words', [(None, 'layer by layer'), ('by\nhand', 'by\\nhand')]
)
def test_other_factors_of_oxfords_filters_are_said(
    record, caplog, then, words
):
    weights = {'source': 'oxford', 'sha256': 'x', 'scaling': then}
    with caplog.at_level(logging.WARNING, 'gluon_style'):
        read_config(record(weights=weights))
    [message] = caplog.messages
    assert message == (
        f"the run to be repeated had Oxford's weights scaled {words}, here "
        f'they are scaled {oxford_scaling()}: the picture will differ'
    )


def test_another_number_of_threads_is_said(record, caplog, monkeypatch):
    monkeypatch.setenv('OMP_NUM_THREADS', '2')
    with caplog.at_level(logging.WARNING, 'gluon_style'):
        read_config(record(threads='2'))
        read_config(record(threads=None))
        assert caplog.text == ''
        read_config(record(threads='16'))
    assert 'the run to be repeated had threads 16, here 2: ' in caplog.text


def test_a_record_tells_which_command_made_it(record):
    absent = {'file': None, 'sha256': None}
    painting = picture_id(samples.PAINTING)
    assert read_config(record(others={})).command == 'run'
    assert read_config(record(content=absent)).command == 'texture'
    made = record(content=painting, style=absent)
    assert read_config(made).command == 'reconstruct'


@pytest.mark.parametrize(
    'changes, problem',
    [
        ({'settings': [['weights', 'auto']]}, 'settings is list, not'),
        ({'settings': {'lrate': 1}}, "setting 'lrate' is unknown"),
        ({'settings': {'weights': 5}}, 'weights is 5: it must be'),
        ({'settings': {'weights': None}}, 'weights is None: it must be'),
        ({'settings': {'first': {'epochs': 0}}}, 'epochs is 0: it must be'),
        ({'settings': {'first': {'steps': 5}}}, "setting 'steps' is unknown"),
        ({'settings': {'first': [5]}}, 'first is [5]: it must be a Stage'),
        ({'weights': {'source': []}}, 'source of weights is list, not text'),
        ({'weights': {}}, 'source of weights is missing'),
        ({'content': {'file': 'a', 'sha256': 3}}, 'sha256 of content is 3,'),
        ({'content': {'file': 'a', 'sha256': 'A'}}, 'sha256 of content is'),
        ({'content': 'cat.png'}, "content is 'cat.png', not a table"),
        ({'content': None}, 'content is missing'),
        ({'others': [1]}, 'others is list, not a table'),
        ({'others': {'mask': 1}}, 'mask is 1, not a table'),
        ({'device': 'cpu(0) '}, "the device 'cpu(0) ', not cpu(0)"),
        ({'method': 'sketch'}, "of the method 'sketch'"),
        ({'stopped': 'limit', 'epochs': 'x'}, "epochs is 'x', not a whole"),
        ({'stopped': 'limit', 'epochs': 0}, 'stop_after is 0: it must be'),
        ({'tile': [1]}, 'tile is list, not a whole number'),
        ({'tile': 33}, 'tile is 33: it must be auto, off or a multiple'),
        ({'width': 10**400}, 'width is too large, not'),
        ({'width': float('nan')}, 'width is nan, not a whole number'),
        ({'resized_to': []}, 'resized_to is list, not (width, height)'),
        (
            {'losses': {'epoch': 1, 'scale': [3, 2]}},
            'content of losses is missing',
        ),
        ({'history': 3}, 'its history is not a list'),
        (
            {'settings': {'weights': 'a', 'style_layers': [float('inf')]}},
            'style_layers has inf: it must be names or indices of layers',
        ),
    ],
)
def test_odd_records_are_sentences(record, changes, problem):
    require_refused(record(**changes), problem)


@pytest.mark.parametrize(
    'key', ['settings', 'width', 'weights', 'device', 'versions', 'losses']
)
def test_a_record_that_lacks_a_part_is_refused(record, key):
    require_refused(record(key), f'{key} is missing')


def require_refused(path, problem):
    with pytest.raises(GluonStyleError) as error:
        read_config(path)
    sentence = str(error.value)
    assert problem in sentence
    assert len(sentence.splitlines()) == 1 and len(sentence) < 1000


@pytest.mark.parametrize(
    'name, text, problem',
    [
        ('a.yaml', '', "a.yaml' must end in .toml, or in .json"),
        ('a.toml', 'x = ', "a.toml' cannot be read as TOML (Invalid value"),
        ('a.toml', 'preset = 3', 'preset is 3: it must be a name'),
        ('a.toml', 'content = 3', "content is 3: it must be a file's path"),
        ('a.toml', 'style = []', "style is []: it must be a file's path"),
        ('a.toml', 'style = [3]', "style is 3: it must be a file's path"),
        ('a.toml', 'mask = ["a"]', "mask is ['a']: it must be a file's path"),
        (
            'a.toml',
            'lrate = 3',
            "setting 'lrate' is unknown: choose from size, epochs",
        ),
        (
            'a.toml',
            'lr-decay = 1\nlr_decay = 1',
            "has 'lr_decay' twice, once with a dash: leave out one",
        ),
        ('a.toml', 'lr = "x"', "lr is 'x': it must be a finite number"),
        ('a.toml', 'first = {a = 1}', "setting 'a' is unknown: choose from"),
        ('a.toml', 'a = ' + '[' * 5000, 'TOML (it is nested too deeply)'),
        ('a.toml', 'lr = ' + '9' * 5000, 'TOML (a number has too many'),
        ('a.toml', 'size = 0x' + 'f' * 5000, 'size is too large to show'),
        (
            'a.toml',
            'size = [0x' + 'f' * 5000 + ', 3]',
            'size is too large to show',
        ),
        ('a.toml', 'epochs = 0x' + 'f' * 5000, 'epochs is too large to show'),
        ('a.toml', 'restarts = [0x' + 'f' * 5000 + ']', 'restarts is too'),
        ('a.toml', 'seed = 0x' + 'f' * 5000, 'seed is too large to show'),
        ('a.toml', 'content_layers = 0x' + 'f' * 5000, 'content_layers has'),
        ('a.toml', 'color = 0x' + 'f' * 5000, 'color is too large to show'),
        ('a.toml', 'lr = "' + 'x' * 5000 + '"', "lr is 'xxx"),
        ('a.json', '[]', "a.json' is not one of this package (a record is"),
        ('a.json', '{"settings": {}}', 'content is missing'),
        ('a.json', '{"settings": ', 'Expecting value'),
        ('a.json', '[' * 100000, 'lists and objects deep'),
    ],
)
def test_mistakes_are_sentences(tmp_path, name, text, problem):
    require_refused(write(tmp_path / name, text), problem)


ANYTHING = strategies.recursive(
    strategies.one_of(
        strategies.booleans(),
        strategies.integers(-(2**63), 2**63 - 1),
        strategies.floats(),
        strategies.text(),
        strategies.datetimes(),
        strategies.dates(),
        strategies.times(),
        strategies.sampled_from(['conv1_1', 'auto', 'blend:', '2:1', 32, 96]),
    ),
    lambda inner: strategies.one_of(
        strategies.lists(inner, max_size=3),
        strategies.dictionaries(strategies.text(), inner, max_size=3),
    ),
    max_leaves=5,
)


@given(strategies.sampled_from(fields(Settings)), ANYTHING)
@example('lr', -math.inf)
@settings(max_examples=500, deadline=None)
def test_a_setting_of_any_value_is_kept_or_refused(field, value):
    name = getattr(field, 'name', field)
    try:
        made = Settings(**{name: value})
    except GluonStyleError as error:
        assert len(str(error).splitlines()) == 1
    else:
        # What a record keeps of it gives the same setting again.
        assert Settings(**json.loads(json.dumps(made.to_json()))) == made


def test_missing_and_huge_files(tmp_path):
    with pytest.raises(FileNotFoundError, match="none.toml' is not a file"):
        read_config(tmp_path / 'none.toml')
    huge = tmp_path / 'huge.toml'
    with open(huge, 'wb') as file:
        file.truncate((1 << 20) + 1)
    with pytest.raises(
        GluonStyleError, match='1048577 bytes: at most 1048576 ar'
    ):
        read_config(huge)


def test_what_is_not_utf8(tmp_path):
    (tmp_path / 'a.toml').write_bytes(b'\xff\xfe')
    require_refused(tmp_path / 'a.toml', 'TOML (it is not UTF-8)')
    (tmp_path / 'a.json').write_bytes(b'{"\xff": 1}')
    require_refused(tmp_path / 'a.json', "a.json' is not one of this package")


def test_it_does_not_load_mxnet(without_mxnet):
    without_mxnet(
        'import gluon_style.methods.gatys.config, gluon_style.cli.request'
    )
