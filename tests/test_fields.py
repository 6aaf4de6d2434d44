"""How a setting is declared: its kind of values, its options, its checks."""

from __future__ import annotations

import json
import math
from dataclasses import FrozenInstanceError, dataclass

import numpy
import pytest

from gluon_style.errors import GluonStyleError
from gluon_style.methods.fields import (
    COMMANDS,
    Choice,
    Integer,
    Number,
    Optional,
    Switch,
    Text,
    Validated,
    kind_of,
    meaningless,
    options_of,
    require_known,
    setting,
)
from gluon_style.methods.gatys.kinds import (
    Init,
    Layers,
    Restarts,
    Tile,
)
from gluon_style.methods.gatys.settings import FirstStage, Settings, Stage
from gluon_style.methods.kinds import Blend, Size


@dataclass(frozen=True)
class Brush(Validated):
    """Settings as a method would declare them."""

    width: int = setting(3, Integer(1, most=9), 'width in pixels')
    color: str = setting('red', Choice('red', 'blue'), 'its color', ('run',))
    pressure: float | None = setting(
        None, Optional(Number(0)), 'pressure', ('run', 'texture')
    )
    dry: bool = setting(False, Switch(), 'paint without water')
    hairs: tuple[int, ...] = setting((), Restarts(), commands=('run',))


ONE_TO_NINE, UNIT = Integer(1, most=9), Number(0, most=1)
CHOICE, SWITCH = Choice('red', 'blue'), Switch()


@pytest.mark.parametrize(
    'kind, value, kept',
    [
        (UNIT, 0, 0),
        (UNIT, 1, 1),
        (UNIT, 0.25, 0.25),
        (Number(1e-30), 3.4e38, 3.4e38),
        (ONE_TO_NINE, 1, 1),
        (ONE_TO_NINE, 9, 9),
        (Integer(0), 10**12, 10**12),
        (CHOICE, 'blue', 'blue'),
        (SWITCH, True, True),
        (SWITCH, False, False),
        (SWITCH, 0, False),
        (SWITCH, 1, True),
        (Text('FILE'), 'a.png', 'a.png'),
        (Optional(ONE_TO_NINE), None, None),
        (Optional(ONE_TO_NINE), 4, 4),
        (Size(), 450, 450),
        (Size(), [450, 300], (450, 300)),
        (Layers(), 'conv4_2', ('conv4_2',)),
        # A network gives an index its name, and no kind knows the network.
        (Layers(), 21, ('21',)),
        (Layers(), ['0', 'conv2_1:0.5'], ('0', 'conv2_1:0.5')),
        (Layers(), {'conv1_1': 2, 5: 1}, ('conv1_1:2.0', '5')),
        (Layers(own=True), 'auto', 'auto'),
        (Layers(own=True), ['auto'], 'auto'),
        (Blend(), (2, 1), (2, 1)),
        (Blend(), [0, 1], (0, 1)),
        (Blend(), '2: 0.5', (2, 0.5)),
        (Tile(), 'auto', 'auto'),
        (Tile(), 'off', 'off'),
        (Tile(), 64, 64),
        (Init(), 'noise', 'noise'),
        (Init(), 'blend:0.3', 'blend:0.3'),
        (Init(), 'a.png', 'a.png'),
        (Restarts(), [3, 9], (3, 9)),
        (FirstStage(), {'epochs': 7}, Stage(epochs=7)),
        (FirstStage(), Stage(), Stage()),
    ],
)
def test_a_kind_keeps_what_it_accepts(kind, value, kept):
    checked = kind.check('name', value)
    assert checked == kept and type(checked) is type(kept)


@pytest.mark.parametrize(
    'kind, value, words',
    [
        (UNIT, -0.1, ('-0.1', 'a finite number from 0 to 1')),
        (UNIT, 1.5, ('1.5', 'from 0 to 1')),
        (UNIT, math.nan, ('nan', 'finite')),
        (Number(0), math.inf, ('inf', 'finite')),
        (UNIT, True, ('True', 'number')),
        (UNIT, False, ('False', 'number')),
        (UNIT, '1', ("'1'", 'number')),
        (UNIT, None, ('None', 'number')),
        (ONE_TO_NINE, 0, ('0', 'a whole number from 1 to 9')),
        (ONE_TO_NINE, 10, ('10', 'from 1 to 9')),
        (Integer(1), 0, ('0', 'at least 1')),
        (ONE_TO_NINE, 2.0, ('2.0', 'whole')),
        (ONE_TO_NINE, True, ('True', 'whole')),
        (CHOICE, 'green', ("'green'", 'red or blue')),
        (CHOICE, None, ('None', 'red or blue')),
        (SWITCH, 'yes', ("'yes'", 'True or False')),
        (SWITCH, 2, ('2', 'True or False')),
        (Optional(ONE_TO_NINE), 0, ('0', 'from 1 to 9')),
        (Size(), (9, 9, 9), ('(9, 9, 9)', '(width, height)')),
        (Size(), (9, 0), ('0', 'at least 1')),
        (Size(), 'x', ("'x'", 'whole')),
        (Layers(), (), ('empty', 'at least one')),
        (Layers(), 2.5, ('2.5', 'names or indices')),
        (Layers(), None, ('None', 'names or indices')),
        (Blend(), (0, 0), ('(0, 0)', 'above 0', '2:1')),
        (Blend(), '2:x', ("'2:x'", '2:1')),
        (Blend(), 2, ('2', '2:1')),
        (Blend(), (1, -1), ('-1', 'finite number')),
        (Tile(), 16, ('16', 'auto, off or a multiple of 32')),
        (Tile(), 100, ('100', 'a multiple of 32')),
        (Tile(), True, ('True', 'a multiple of 32')),
        (Tile(), 'on', ("'on'", 'auto, off')),
        (Init(), 'blend:2', ("'blend:2'", 'from 0 to 1', 'blend:0.3')),
        (Init(), 'blend:', ("'blend:'", 'from 0 to 1')),
        (Restarts(), 40, ('40', 'a list of epochs')),
        (Restarts(), [0], ('0', 'at least 1')),
        (FirstStage(), 3, ('3', 'Stage')),
        (FirstStage(), {'epoch': 3}, ("'epoch'", "'epochs'")),
    ],
)
def test_a_kind_names_what_it_refuses(kind, value, words):
    with pytest.raises(GluonStyleError) as error:
        kind.check('name', value)
    for word in words:
        assert word in str(error.value)
    # A start has one name only; a stage's settings have names of their own.
    assert 'name' in str(error.value) or type(kind) in (Init, FirstStage)
    assert '\n' not in str(error.value)


def test_a_text_may_be_a_path(tmp_path):
    assert Text('FILE').check('weights', tmp_path) == str(tmp_path)


@pytest.mark.parametrize(
    'kind, text, value',
    [
        (UNIT, '0.25', 0.25),
        (UNIT, '1e-2', 0.01),
        (ONE_TO_NINE, '7', 7),
        (CHOICE, 'blue', 'blue'),
        (Text('FILE'), 'a,b.png', 'a,b.png'),
        (Optional(UNIT), '0.5', 0.5),
        (Size(), '450', 450),
        (Size(), '450x300', (450, 300)),
        (Size(), '450X300', (450, 300)),
        (Layers(), 'conv1_1, 5:0.5,', ('conv1_1', '5:0.5')),
        (Blend(), '2:0.5', (2.0, 0.5)),
        (Tile(), 'off', 'off'),
        (Tile(), '64', 64),
        (Init(), 'blend:0.3', 'blend:0.3'),
    ],
)
def test_a_word_has_a_value(kind, text, value):
    assert kind.parse(text) == value


@pytest.mark.parametrize(
    'kind, text',
    [
        (UNIT, 'x'),
        (UNIT, ''),
        (ONE_TO_NINE, '1.5'),
        (ONE_TO_NINE, ''),
        (Optional(UNIT), 'none'),
        (Size(), 'large'),
        (Size(), '9x'),
        (Size(), '9x9x9'),
        (Blend(), '2:'),
        (Blend(), '2,1'),
        (Tile(), 'x'),
    ],
)
def test_a_word_without_a_value_is_named(kind, text):
    with pytest.raises(GluonStyleError) as error:
        kind.parse(text)
    assert any(
        repr(part) in str(error.value)
        for part in (text, text.partition(':')[2])
    )


@pytest.mark.parametrize(
    'kind, value, text',
    [
        (UNIT, 0.5, '0.5'),
        (UNIT, 1e4, '10000'),
        (UNIT, 3, '3'),
        (ONE_TO_NINE, 7, '7'),
        (CHOICE, 'blue', 'blue'),
        (SWITCH, True, 'yes'),
        (SWITCH, False, 'no'),
        (Text('FILE'), 'a.png', 'a.png'),
        (Optional(UNIT), None, 'none'),
        (Optional(UNIT), 0.5, '0.5'),
        (Optional(Blend()), (2.0, 1.5), '2:1.5'),
        (Size(), 450, '450'),
        (Size(), (450, 300), '450x300'),
        (Layers(), ('conv1_1', 'conv2_1:0.5'), 'conv1_1,conv2_1:0.5'),
        (Blend(), (2, 1), '2:1'),
        (Tile(), 64, '64'),
    ],
)
def test_a_value_has_words(kind, value, text):
    assert kind.words(value) == text


@pytest.mark.parametrize(
    'kind, text, values',
    [
        (UNIT, '0.5, 1', [0.5, 1.0]),
        (ONE_TO_NINE, '7', [7]),
        (CHOICE, 'red,blue', ['red', 'blue']),
        (Size(), '450,90x60', [450, (90, 60)]),
        (Blend(), '2:1,1:2', [(2.0, 1.0), (1.0, 2.0)]),
    ],
)
def test_a_sweep_has_several_values(kind, text, values):
    assert kind.choices(text) == values


def test_every_default_is_a_value_with_words():
    for field in Settings.__dataclass_fields__.values():
        kind = kind_of(field)
        assert kind.check(field.name, field.default) == field.default
        words = kind.words(field.default)
        assert isinstance(words, str)
        # What a word means is the value again.
        if field.metadata['help'] and words not in ('none', 'yes', 'no'):
            parsed = kind.parse(words)
            assert kind.check(field.name, parsed) == field.default


def test_settings_are_checked_and_frozen():
    brush = Brush(width=5, hairs=[1, 2])
    assert (brush.width, brush.hairs, brush.color) == (5, (1, 2), 'red')
    with pytest.raises(FrozenInstanceError):
        brush.width = 6
    with pytest.raises(GluonStyleError, match='width is 10: '):
        Brush(width=10)


def test_numbers_of_numpy_become_pythons():
    brush = Brush(
        width=numpy.int64(5),
        pressure=numpy.float32(0.5),
        dry=numpy.bool_(True),
        hairs=numpy.array([1, 2]),
    )
    assert json.loads(json.dumps(brush.to_json())) == {
        'width': 5,
        'color': 'red',
        'pressure': 0.5,
        'dry': True,
        'hairs': [1, 2],
    }
    assert type(brush.width) is int and type(brush.dry) is bool


def test_changed_settings_are_new_and_checked():
    brush = Brush()
    assert brush.changed({'width': 9, 'dry': True}) == Brush(9, dry=True)
    assert brush == Brush()
    with pytest.raises(GluonStyleError, match='color is 1: '):
        brush.changed({'color': 1})
    assert brush.changed({}) == brush


def test_an_unknown_setting_suggests_the_nearest():
    with pytest.raises(GluonStyleError) as error:
        Brush().changed({'widht': 3})
    assert "setting 'widht' is unknown" in str(error.value)
    assert "did you mean 'width'?" in str(error.value)
    with pytest.raises(GluonStyleError) as error:
        Brush().changed({'xyz': 3})
    assert 'did you mean' not in str(error.value)
    for name in ('width', 'color', 'pressure', 'dry', 'hairs'):
        assert name in str(error.value)


def test_known_names_are_accepted():
    require_known([], ['a'], 'noun')
    require_known({'a': 1, 'b': 2}, {'a': 0, 'b': 0, 'c': 0}, 'noun')
    with pytest.raises(GluonStyleError, match="noun 'd' is unknown: "):
        require_known(['a', 'd'], ['a', 'b'], 'noun')
    # Names may be anything.
    with pytest.raises(GluonStyleError, match='noun 3 is unknown: '):
        require_known([3, 'x'], ['a'], 'noun')


def names(fields):
    return [field.name for field in fields]


def test_options_are_the_settings_of_a_command_that_have_help():
    brush = Brush()
    options = {
        command: names(options_of(brush, command)) for command in COMMANDS
    }
    assert options == {
        'run': ['width', 'color', 'pressure', 'dry'],
        'texture': ['width', 'pressure', 'dry'],
        'reconstruct': ['width', 'dry'],
    }
    assert names(options_of(Brush, 'run')) == options['run']


def test_meaningless_settings_are_those_of_other_commands():
    assert meaningless(Brush(), 'run') == []
    assert meaningless(Brush, 'texture') == ['color', 'hairs']
    assert meaningless(Brush, 'reconstruct') == ['color', 'pressure', 'hairs']


def test_a_texture_has_no_options_for_a_content_picture():
    lacking = set(meaningless(Settings, 'texture'))
    assert lacking == {
        'strength',
        'content_weight',
        'content_layers',
        'color',
        'feather',
        'original_size',
        'alpha',
    }
    assert not lacking & set(names(options_of(Settings, 'texture')))
    lacking = set(meaningless(Settings, 'reconstruct'))
    assert lacking == {
        'strength',
        'style_weight',
        'style_layers',
        'style_repeats',
        'style_loss',
        'style_blend',
        'style_scale',
        'tv_target',
        'color',
        'feather',
    }
    assert meaningless(Settings, 'run') == []


def test_a_metavar_stands_for_the_value():
    assert Number(0).metavar == 'X'
    assert Integer(0).metavar == 'N'
    assert CHOICE.metavar == 'red|blue'
    assert Text('FILE').metavar == 'FILE'
    assert Optional(CHOICE).metavar == 'red|blue'
