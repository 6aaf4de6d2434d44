"""A record repeats its run to the pixel."""

import json

import numpy
import pytest
from conftest import picture
from PIL import Image

from gluon_style import (
    Checkpoint,
    GluonStyleError,
    Observer,
    Settings,
    reconstruct,
    stylize,
    texture,
)
from gluon_style.methods.gatys.config import read_config, read_settings
from gluon_style.methods.gatys.presets import PRESETS
from gluon_style.pictures.read import read_picture
from gluon_style.records.result import read_record

TINY = {
    'size': (32, 24),
    'epochs': 6,
    'lr': 0.1,
    'content_layers': 'conv1_1',
    'style_layers': 'conv1_2',
}
KINDS = {
    'adam': {},
    'stage': {
        'first': {'scale': 0.5, 'epochs': 3, 'lr': 0.2, 'lr_decay_epoch': 2}
    },
    'noise': {'init': 'blend:0.5', 'seed': 3, 'bounded': True},
    'original size': {'original_size': True, 'size': 48},
    'lbfgs': {'optimizer': 'lbfgs', 'stop_after': 5},
    'antialiased': {'antialias': True},
}


@pytest.fixture
def settings(weights_file):
    return Settings(weights=weights_file, **TINY)


def repeated(path):
    """Run what the record says; return the result."""
    config = read_config(path)
    assert config.command == 'run'
    return stylize(
        config.pictures['content'],
        config.pictures['style'],
        Settings(**config.settings),
        mask=config.pictures.get('mask'),
    )


@pytest.fixture
def beside(pictures, tmp_path):
    """Copies of the pictures beside the record."""
    paths = []
    for name, source in zip(('content.png', 'style.png'), pictures):
        Image.open(source).save(tmp_path / name)
        paths.append(str(tmp_path / name))
    return paths


@pytest.mark.parametrize('kind', KINDS)
def test_a_record_repeats_its_run(settings, beside, tmp_path, kind):
    result = stylize(*beside, settings.changed(KINDS[kind]))
    result.save(tmp_path / 'out.png')
    again = repeated(tmp_path / 'out.json')
    assert (again.image == result.image).all()
    assert again.record.losses == result.record.losses
    assert again.record.pictures == result.record.pictures
    assert again.record.resized_to == result.record.resized_to


def test_original_pixels_of_the_same_number_are_recorded(settings, beside):
    changes = {'original_size': True, 'size': (60, 40)}
    result = stylize(*beside, settings.changed(changes))
    assert result.image.shape == (40, 60, 3)
    assert result.record.resized_to == (60, 40)
    plain = stylize(*beside, settings.changed({'size': (60, 40)}))
    assert (plain.image == result.image).all()
    assert plain.record.resized_to is None


class Stop(Observer):
    def __init__(self, epochs):
        self.left = epochs

    def stop(self):
        self.left -= 1
        return 'SIGINT' if self.left == 0 else None


def test_an_interrupted_and_resumed_run_is_repeated(
    settings, beside, tmp_path
):
    settings = settings.changed({'optimizer': 'lbfgs', 'time_limit': 1000.0})
    folder = tmp_path / 'saved'
    stylize(
        *beside,
        settings,
        observers=[Checkpoint(folder, save_every=2), Stop(3)],
    )
    resumed = Checkpoint(folder, save_every=2, resume=True)
    result = stylize(*beside, settings, observers=[resumed, Stop(3)])
    assert result.record.stopped == 'SIGINT'
    result.save(tmp_path / 'out.tif')
    config = read_config(tmp_path / 'out.json')
    assert config.settings['stop_after'] == result.record.epochs == 5
    assert config.settings['time_limit'] is None
    assert config.settings['restarts'] == (2, 4)
    again = repeated(tmp_path / 'out.json')
    assert (again.pixels == result.pixels).all()


def test_a_mask_several_styles_and_a_start_are_repeated(
    settings, beside, tmp_path
):
    mask = numpy.zeros((40, 60), 'uint8')
    mask[:, :30] = 255
    start = numpy.full((40, 60, 3), 99, 'uint8')
    for name, img in (('mask.png', mask), ('start.png', start)):
        Image.fromarray(img).save(tmp_path / name)
    content, style = beside
    settings = settings.changed({'init': str(tmp_path / 'start.png')})
    result = stylize(
        *(content, [style, content], settings), mask=tmp_path / 'mask.png'
    )
    result.save(tmp_path / 'out.png')
    (tmp_path / 'start.png').rename(tmp_path / 'renamed.png')
    again = repeated(tmp_path / 'out.json')
    assert (again.image == result.image).all()
    only = read_config(tmp_path / 'out.json', settings_only=True)
    assert only.settings['init'] == str(tmp_path / 'renamed.png')
    assert only.pictures == {}


def test_a_texture_and_a_reconstruction_say_their_command(
    settings, beside, tmp_path
):
    texture(beside[1], settings).save(tmp_path / 'a.png')
    reconstruct(beside[0], 'conv1_2', settings).save(tmp_path / 'b.png')
    a, b = (read_config(tmp_path / name) for name in ('a.json', 'b.json'))
    assert (a.command, b.command) == ('texture', 'reconstruct')
    assert a.pictures == {'style': [beside[1]]}
    assert b.pictures == {'content': beside[0]}


def test_a_record_of_version_0_1_0_is_repeated(settings, beside, tmp_path):
    result = stylize(*beside, settings)
    result.save(tmp_path / 'out.png')
    path = tmp_path / 'out.json'
    table = json.loads(path.read_text())
    # Then there was one method, without a name.
    assert table.pop('method') == 'gatys'
    path.write_text(json.dumps(table))
    record, history = read_record(path)
    assert (record, history) == (result.record, result.history)
    assert (repeated(path).image == result.image).all()


def test_a_setting_younger_than_a_record_is_as_it_was_then(
    command, settings, beside, tmp_path
):
    result = stylize(*beside, settings)
    result.save(tmp_path / 'out.png')
    path = tmp_path / 'out.json'
    table = json.loads(path.read_text())
    assert table['settings'].pop('antialias') is False
    path.write_text(json.dumps(table))
    # The default preset, which other configs change, is antialiased.
    assert PRESETS['fast'].antialias
    assert read_settings(path).antialias is False
    assert (repeated(path).image == result.image).all()
    again = tmp_path / 'again.png'
    code, _, err = command('run', '--config', path, '-o', again, '--quiet')
    assert code == 0, err
    assert (read_picture(again) == result.image).all()
    record, _ = read_record(again.with_suffix('.json'))
    assert record.settings['antialias'] is False


def test_settings_are_a_preset_a_path_or_settings(settings, tmp_path):
    assert read_settings(settings) is settings
    assert read_settings('quick') == PRESETS['quick']
    path = tmp_path / 'run.toml'
    path.write_text("preset = 'quick'\nepochs = 7\nsize = [64, 48]\n")
    expected = PRESETS['quick'].changed({'epochs': 7, 'size': (64, 48)})
    assert read_settings(path) == read_settings(str(path)) == expected
    # Without a preset the settings are those of the default one.
    path.write_text('epochs = 7\n')
    assert read_settings(path) == PRESETS['fast'].changed({'epochs': 7})
    for wrong in (None, 5, {'epochs': 5}, ['fast']):
        with pytest.raises(GluonStyleError, match='settings is .* Settings'):
            read_settings(wrong)
    with pytest.raises(GluonStyleError, match="preset 'fats'.*'fast'"):
        read_settings('fats')


def test_given_pictures_are_taken_wherever_the_record_lies(
    command, settings, beside, tmp_path
):
    result = stylize(*beside, settings)
    far, empty = tmp_path / 'far', tmp_path / 'empty'
    far.mkdir()
    empty.mkdir()
    result.save(far / 'out.png')
    words = ['run', '--config', far / 'out.json', '-o', 'a.png', '--quiet']
    code, _, err = command(*words, cwd=empty)
    assert code == 2 and 'not found by its hash' in err
    # A copy under another name is the same picture.
    copy = tmp_path / 'copy.png'
    copy.write_bytes((tmp_path / 'content.png').read_bytes())
    code, _, err = command(*words, copy, beside[1], cwd=empty)
    assert (code, err) == (0, '')
    assert (read_picture(empty / 'a.png') == result.image).all()


def test_a_given_picture_that_is_another_one_is_said(
    command, settings, beside, tmp_path
):
    array = read_picture(beside[0])
    stylize(array, beside[1], settings).save(tmp_path / 'out.png')
    empty = tmp_path / 'empty'
    empty.mkdir()
    words = ['run', '--config', '../out.json', '-o', 'a.png', '--quiet']
    # The file has the pixels of the array.
    code, _, err = command(*words, '../content.png', '../style.png', cwd=empty)
    assert (code, err) == (0, '')
    other = picture(60, 40, seed=7)
    Image.fromarray(other).save(tmp_path / 'other.png')
    code, _, err = command(*words, '../content.png', '../other.png', cwd=empty)
    assert (code, err) == (
        0,
        "gluon-style: the style picture '../other.png' is not the one of the "
        'run to be repeated: the result will be another one\n',
    )
    changed, _ = read_record(empty / 'a.json')
    assert changed.pictures['style'].file == 'other.png'
    code, _, err = command(*words, '../none.png', '../style.png', cwd=empty)
    assert code == 2 and "picture '../none.png' is not a file" in err
