"""One call for every method: gluon_style.stylize and the table."""

import numpy
import pytest
from conftest import picture

from gluon_style import GluonStyleError, Settings, get_method, stylize
from gluon_style.methods.gatys.presets import preset
from gluon_style.methods.gatys.stylize import stylize as optimize

STYLE = 'net:15'


@pytest.fixture(scope='module')
def photo():
    return picture(63, 45, seed=3)


@pytest.fixture(scope='module')
def painted(photo):
    feedforward = get_method('feedforward')
    return feedforward.stylize(photo, STYLE, feedforward.settings())


def test_the_method_is_named(photo, painted):
    result = stylize(photo, STYLE, method='feedforward')
    assert numpy.array_equal(result.image, painted.image)
    assert result.record == painted.record


def test_the_settings_say_the_method_and_keywords_change_them(photo, painted):
    settings = get_method('feedforward').settings(strength=0.5)
    result = stylize(photo, STYLE, settings, size=32)
    assert result.record.method == 'feedforward'
    assert result.record.settings['strength'] == 0.5
    assert (result.record.width, result.record.height) == (32, 23)


def test_a_former_record_says_the_method(photo, tmp_path):
    first = stylize(photo, STYLE, method='feedforward', strength=0.4)
    first.save(tmp_path / 'out.png')
    again = stylize(photo, STYLE, tmp_path / 'out.json')
    assert numpy.array_equal(again.image, first.image)
    assert again.record == first.record


def test_the_chapters_method_is_the_default(photo, weights_file):
    options = {'size': (48, 32), 'epochs': 2, 'weights': weights_file}
    expected = optimize(photo, photo[::-1], 'chapter', **options)
    for method in (None, 'gatys'):
        result = stylize(
            photo, photo[::-1], 'chapter', method=method, **options
        )
        assert numpy.array_equal(result.image, expected.image)


@pytest.mark.parametrize(
    ('options', 'sentence'),
    [
        (
            {'method': 'feedforward', 'epochs': 3},
            'epochs means nothing to the method feedforward: leave it out',
        ),
        (
            {'net_size': 300},
            'net_size means nothing to the method gatys: leave it out',
        ),
        (
            {'method': 'feedforward', 'mask': 'mask.png'},
            'mask means nothing to the method feedforward: leave it out',
        ),
        (
            {'method': 'feedforward', 'strenght': 1},
            "setting 'strenght' is unknown: did you mean 'strength'?",
        ),
        (
            {'method': 'feedforward', 'settings': 'quick'},
            "settings is 'quick' and presets are of the method gatys: give a "
            'Settings of the method feedforward',
        ),
        (
            {'method': 'feedforward', 'settings': Settings()},
            "settings are of the method gatys and method is 'feedforward': "
            'leave out one of them',
        ),
        (
            {'method': 'feedforwad'},
            "method 'feedforwad' is unknown: did you mean 'feedforward'?",
        ),
    ],
)
def test_what_cannot_work_is_one_sentence(photo, options, sentence):
    with pytest.raises(GluonStyleError) as caught:
        stylize(photo, photo, **options)
    assert str(caught.value).startswith(sentence)
    assert '\n' not in str(caught.value)


def test_a_record_that_does_not_exist_is_named(photo):
    with pytest.raises(FileNotFoundError, match="config 'no.json' is not a"):
        stylize(photo, photo, 'no.json')


def test_a_method_has_the_defaults_of_pictures_to_show():
    assert get_method('gatys').default_settings() == preset('fast')
    for name in ('feedforward', 'adain', 'diffusion'):
        method = get_method(name)
        assert method.default_settings() == method.settings()
