import json
import logging

import numpy
import pytest
from conftest import picture
from PIL import Image

from gluon_style import Settings, samples
from gluon_style.methods.gatys.config import read_config
from gluon_style.records.result import picture_record


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
def test_a_known_name_is_no_file_of_that_name(tmp_path, name, value):
    (tmp_path / value).write_bytes(b'')
    path = write(tmp_path / 'run.toml', f"{name} = '{value}'")
    assert read_config(path).settings == {name: value}


@pytest.fixture
def record(tmp_path):
    """A record, and the pictures it names beside it."""
    for i, name in enumerate(('content', 'style', 'other', 'mask')):
        Image.fromarray(picture(8, 8, seed=i)).save(tmp_path / f'{name}.png')
    record = {
        'content': picture_record(tmp_path / 'content.png'),
        'style': picture_record(tmp_path / 'style.png'),
        'others': {
            'style 2': picture_record(tmp_path / 'other.png'),
            'mask': picture_record(tmp_path / 'mask.png'),
        },
        'settings': dict(vars(Settings(epochs=7, weights='auto'))),
        'weights': {'source': 'oxford-8bit', 'sha256': 'x'},
        'tile': None,
        'device': 'cpu(0)',
        'versions': {},
    }

    def save(**changes):
        record.update(changes)
        return write(tmp_path / 'out.json', json.dumps(record))

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
    content = picture_record(samples.photograph())
    config = read_config(
        record(content=content, style=picture_record(samples.PAINTING))
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
    far = {**picture_record(folder / 'far.png'), 'file': 'away/far.png'}
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match='was not found by its hash'):
        read_config(record(style=far))


def test_weights_of_a_file_must_be_the_same(record, tmp_path):
    weights = tmp_path / 'w.npz'
    numpy.savez(weights, x=1)
    digest = picture_record(weights)['sha256']
    settings = dict(vars(Settings(weights=str(weights))))
    path = record(
        settings=settings, weights={'source': 'file', 'sha256': digest}
    )
    assert read_config(path).settings['weights'] == str(weights)
    numpy.savez(weights, x=2)
    with pytest.raises(ValueError, match='are not the file that the run had'):
        read_config(path)


def test_other_versions_are_said(record, caplog):
    with caplog.at_level(logging.WARNING, 'gluon_style'):
        read_config(record(versions={'numpy': '0.1', 'mxnet': None}))
    assert 'numpy 0.1, here' in caplog.text
    caplog.clear()
    with caplog.at_level(logging.WARNING, 'gluon_style'):
        read_config(record(versions={'mxnet': '1\n\x1b[31m' + 'x' * 999}))
    [message] = caplog.messages
    assert 'mxnet 1\\n\\x1b[31mxxx' in message and len(message) < 200


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
    painting = picture_record(samples.PAINTING)
    assert read_config(record(others={})).command == 'run'
    assert read_config(record(content=absent)).command == 'texture'
    made = record(content=painting, style=absent)
    assert read_config(made).command == 'reconstruct'


@pytest.mark.parametrize(
    'changes, sentence',
    [
        ({'settings': {'lr': 1}}, "no record of a run (KeyError: 'weights')"),
        ({'settings': {'weights': 5}}, '(TypeError: int in place of str)'),
        ({'settings': {'weights': None}}, '(TypeError: NoneType in place of'),
        ({'settings': [['weights', 'auto']]}, '(TypeError: list in place of'),
        ({'weights': {'source': []}}, '(TypeError: list in place of str)'),
        ({'weights': {}}, "(KeyError: 'source')"),
        ({'content': {'file': 'a', 'sha256': 3}}, '(TypeError: int in place'),
        ({'others': [1]}, '(TypeError: list in place of dict)'),
        ({'device': 'cpu(0) '}, "has no attribute 'groups'"),
        ({'stopped': 'limit', 'epochs': 'x'}, "stop_after is 'x'"),
        ({'tile': [1]}, 'tile is (1,): it must be auto, off or a multiple'),
        (
            {'settings': {'weights': 'a', 'style_layers': [float('inf')]}},
            'layer inf is not in VGG-19',
        ),
    ],
)
def test_odd_records_are_sentences(record, changes, sentence):
    path = record(**changes)
    with pytest.raises(ValueError) as error:
        read_config(path)
    assert sentence in str(error.value)
    assert '\n' not in str(error.value)


@pytest.mark.parametrize(
    'name, text, sentence',
    [
        ('a.yaml', '', "a.yaml' must end in .toml, or in .json"),
        ('a.toml', 'x = ', "a.toml' is no TOML: "),
        ('a.toml', 'preset = 3', 'preset is 3: it must be a name'),
        ('a.toml', 'content = 3', "content is 3: it must be a file's path"),
        ('a.toml', 'style = []', "style is []: it must be a file's path"),
        ('a.toml', 'style = [3]', "style is 3: it must be a file's path"),
        ('a.toml', 'mask = ["a"]', "mask is ['a']: it must be a file's path"),
        ('a.toml', 'lrate = 3', "has 'lrate', which is no setting: choose"),
        (
            'a.toml',
            'lr-decay = 1\nlr_decay = 1',
            "has 'lr_decay' twice, once with a dash: leave out one",
        ),
        ('a.toml', 'lr = "x"', "lr is 'x': it must be a finite number"),
        ('a.toml', 'first = {a = 1}', 'has a value of the wrong kind'),
        ('a.json', '[]', "a.json' is no record of a run (TypeError"),
        ('a.json', '{"settings": {}}', "no record of a run (KeyError: 'wei"),
        ('a.json', '[' * 100000, 'cannot be read (RecursionError)'),
    ],
)
def test_mistakes_are_sentences(tmp_path, name, text, sentence):
    with pytest.raises(ValueError) as error:
        read_config(write(tmp_path / name, text))
    assert sentence in str(error.value)
    assert '\n' not in str(error.value)


def test_missing_and_huge_files(tmp_path):
    with pytest.raises(FileNotFoundError, match="none.toml' is not a file"):
        read_config(tmp_path / 'none.toml')
    huge = tmp_path / 'huge.toml'
    with open(huge, 'wb') as file:
        file.truncate((1 << 20) + 1)
    with pytest.raises(ValueError, match='1048577 bytes: at most 1048576 ar'):
        read_config(huge)


def test_no_utf8(tmp_path):
    (tmp_path / 'a.toml').write_bytes(b'\xff\xfe')
    with pytest.raises(ValueError, match=r'cannot be read \(UnicodeDecodeEr'):
        read_config(tmp_path / 'a.toml')


def test_it_does_not_load_mxnet(without_mxnet):
    without_mxnet(
        'import gluon_style.methods.gatys.config, gluon_style.cli.request'
    )
