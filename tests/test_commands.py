"""The commands and their options, as a user meets them without a picture."""

import dataclasses
import re
import subprocess
import sys
import time

import pytest

from gluon_style.cli.parser import COMMANDS, parse_arguments
from gluon_style.cli.request import read_request
from gluon_style.methods.fields import Switch, kind_of
from gluon_style.methods.gatys.settings import Settings

FIELDS = {field.name: field for field in dataclasses.fields(Settings)}
PICTURES = {'run': ['a', 'b'], 'texture': ['b'], 'reconstruct': ['a']}
# A word of the command line for each setting, and what Python has for it.
VALUES = {
    'size': ('40x32', (40, 32)),
    'epochs': ('7', 7),
    'lr': ('0.5', 0.5),
    'lr_decay_epoch': ('9', 9),
    'lr_decay': ('0.3', 0.3),
    'strength': ('0.3', 0.3),
    'content_weight': ('2', 2),
    'style_weight': ('3e3', 3000),
    'tv_weight': ('4', 4),
    'content_layers': ('conv3_1, 5', ('conv3_1', '5')),
    'style_layers': ('conv1_1:0.5,conv2_1', {'conv1_1': 0.5, 'conv2_1': 1}),
    'style_repeats': ('2', 2),
    'network': ('vgg16', 'vgg16'),
    'pooling': ('max', 'max'),
    'border': ('zero', 'zero'),
    'precision': ('float32', 'float32'),
    'style_loss': ('w2', 'w2'),
    'tv_norm': ('l2', 'l2'),
    'tv_target': ('zero', 'zero'),
    # A texture has another default.
    ('texture', 'tv_target'): ('style', 'style'),
    'style_blend': ('2:1', (2, 1)),
    'style_scale': ('0.5', 0.5),
    'color': ('match', 'match'),
    'alpha': ('keep', 'keep'),
    'feather': ('0.1', 0.1),
    'init': ('blend:0.3', 'blend:0.3'),
    'seed': ('5', 5),
    'weights': ('zoo', 'zoo'),
    'device': ('gpu:1', 'gpu:1'),
    'optimizer': ('adam', 'adam'),
    'scales': ('2', 2),
    'tile': ('64', 64),
    'stop_at': ('30', 30),
    'stop_after': ('50', 50),
    'time_limit': ('60', 60),
}


def flag(name):
    return f'--{name.replace("_", "-")}'


def offered(name, command):
    """Return whether a setting is an option of a command."""
    meta = FIELDS[name].metadata
    return bool(meta['help']) and command in meta['commands']


def cases(wanted):
    return [
        (command, name)
        for command in PICTURES
        for name in FIELDS
        if offered(name, command) == wanted
    ]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder in which the pictures' files exist."""
    monkeypatch.chdir(tmp_path)
    for name in 'ab':
        (tmp_path / name).touch()


def requested(command, *options):
    words = [command, *PICTURES[command], '-o', 'out.png', *options]
    return read_request(parse_arguments(words)).settings


@pytest.mark.parametrize('command, name', cases(True))
def test_an_option_is_the_keyword(folder, command, name):
    plain = requested(command)
    if isinstance(kind_of(FIELDS[name]), Switch):
        given = [([flag(name)], True), ([f'--no-{flag(name)[2:]}'], False)]
    else:
        # A new setting needs a line in VALUES.
        word, value = VALUES.get((command, name), VALUES.get(name))
        given = [([flag(name), word], value)]
        assert plain != plain.changed({name: value}) or name == 'optimizer'
    for words, value in given:
        assert requested(command, *words) == plain.changed({name: value})


@pytest.mark.parametrize('name, setting', cases(False))
def test_a_command_does_not_offer_what_it_cannot_use(command, name, setting):
    assert flag(setting) not in options_in(command(name, '--help')[1])
    for words in ([flag(setting)], [flag(setting), '1']):
        code, _, err = command(name, *words)
        assert (code, err.count('\n')) == (2, 1)
        assert f'option {flag(setting)!r} is unknown' in err


def test_pictures_that_a_command_cannot_use_are_not_offered(command):
    helps = {name: options_in(command(name, '--help')[1]) for name in PICTURES}
    assert {'--style', '--mask'} <= set(helps['run'])
    for name in ('texture', 'reconstruct'):
        assert not {'--style', '--mask', '--content'} & set(helps[name])
    assert [name for name in helps if '--layer' in helps[name]] == [
        'reconstruct'
    ]


def options_in(shown):
    """Return what a help says of each option."""
    said, flags = {}, []
    for line in shown.splitlines():
        if re.match('  -', line):
            # Two spaces part an option and its help.
            names, _, text = line.strip().partition('  ')
            flags = re.findall(r'--?[a-z][a-z-]*', names)
            said.update(dict.fromkeys(flags, text.strip()))
        elif line.startswith(' ' * 10):
            said.update({each: f'{said[each]} {line}' for each in flags})
        else:
            flags = []
    return said


@pytest.mark.parametrize('name', COMMANDS)
def test_every_option_has_its_help(command, name):
    code, shown, err = command(name, '--help')
    assert (code, err) == (0, '')
    for option, text in options_in(shown).items():
        # A default alone says nothing.
        assert re.sub(r'\((fast|default): [^)]*\)', '', text).strip(), option


@pytest.mark.parametrize('name', [*PICTURES, 'sweep'])
def test_options_stand_in_groups(command, name):
    _, shown, _ = command(name, '--help')
    place = 'run' if name == 'sweep' else name
    described = ''.join(shown.split())
    for setting, field in FIELDS.items():
        if not offered(setting, place):
            continue
        title = field.metadata['group']
        group = re.search(rf'^{title}:\n((  .*\n)*)', shown, re.MULTILINE)
        assert flag(setting) in options_in(group[1]), setting
        assert ''.join(field.metadata['help'].split()) in described


def test_alone_the_program_lists_its_commands(command, monkeypatch):
    monkeypatch.setenv('COLUMNS', '80')
    code, out, err = command()
    assert (code, err) == (0, '')
    assert command('--help') == (0, out, '')
    for name, module in COMMANDS.items():
        assert re.search(rf'^ +{name} +{module.HELP}$', out, re.MULTILINE)


@pytest.mark.parametrize(
    'words, near',
    [
        ('rnu', 'run'),
        ('textur a', 'texture'),
        ('--verson', '--version'),
        ('run a b --styl-weight 3', '--style-weight'),
        ('run a b --stlye-weight=3', '--style-weight'),
        ('texture a --tilable', '--tileable'),
        ('sweep a --style b -o c --previw 3', '--preview'),
        ('figure gram --sise 3', '--size'),
        ('demo --anmation a.gif', '--animation'),
        ('weights lst', 'list'),
        ('weights convert a b --forze', '--force'),
        ('run a b -o c.png --preset fsat', 'fast'),
        ('texture b -o c.png --preset quik', 'quick'),
        ('sweep a --style b -o c --preset chaptr', 'chapter'),
    ],
)
def test_a_misspelt_word_gets_the_nearest(command, folder, words, near):
    code, out, err = command(*words.split())
    assert (code, out, err.count('\n')) == (2, '', 1)
    assert re.search(rf"is unknown: did you mean '?{near}'?\?", err), err


@pytest.mark.parametrize(
    'words, sentence',
    [
        (
            'xyz',
            "'xyz' is unknown: choose run, demo, video, texture, reconstruct",
        ),
        (
            'photo.jpg style.jpg -o c.png',
            "'photo.jpg' is not a command: type one before it, as in "
            'gluon-style run photo.jpg\n',
        ),
        (
            'run --content a --style b -o c.png',
            'option --content does not exist: type the content picture '
            'without an option, as in gluon-style run CONTENT\n',
        ),
        (
            'run a b --lr-d 2',
            "option '--lr-d' is not clear: did you mean --lr-decay-epoch or "
            '--lr-decay?',
        ),
        ('run a b --size 60 x 40', 'as one word, such as 600x400\n'),
        ('run a b --size 60 40', "'40' is not a file: if it is part of a"),
        ('run a net:15', "'net:15' is not a picture: for a style of one pass"),
        ('run a my.style', 'of one pass add --method feedforward\n'),
        ('sweep a --style b -o c --lr 0.3 0.5', 'with commas, as 0.3,0.5\n'),
        ('help', 'gluon-style: for help type gluon-style --help\n'),
        ('run a b --strength 50%', "'50%' is not a number: type one such as"),
        (
            'run a b --epochs 1.5',
            'is not a whole number: type one such as 300',
        ),
        ('run a b --iterations 5', 'is unknown: here it is --epochs\n'),
        ('run a b --gpu', "'--gpu' is unknown: here it is --device gpu\n"),
        ('demo --iterations 5', "'--iterations' is unknown: did you mean"),
        ('run a b --output=', 'the output has no name: type one after -o\n'),
        (
            'reconstruct a c.png',
            "'c.png' is one word too many: for the output, type -o c.png\n",
        ),
        (
            'styles a c.png',
            "'c.png' is one word too many: for the output, type -o c.png\n",
        ),
        ('run a b --zzzzzzz', "'--zzzzzzz' is unknown: see gluon-style run"),
        ('--quiet run a b', "'--quiet' stands before the command: put it"),
        (
            'texture b --content-weight 3',
            "'--content-weight' is unknown here: see gluon-style texture",
        ),
        ('demo --size=3', "'--size' is unknown here: see gluon-style demo"),
        ('report a b', "'b' is one word too many: see gluon-style report"),
        ('completion fish', "'fish' is unknown: choose bash or zsh"),
        ('report', 'the following arguments are required: DIR'),
    ],
)
def test_what_is_like_nothing_gets_advice(command, words, sentence):
    code, out, err = command(*words.split())
    assert (code, out, err.count('\n')) == (2, '', 1)
    assert sentence in err


STARTS = {
    'run': 'run a b -o c.png',
    'texture': 'texture b -o c.png',
    'reconstruct': 'reconstruct a -o c.png',
    'demo': 'demo -o c.png',
    'sweep': 'sweep a --style b -o c',
    'figure': 'figure gram -o c',
}


@pytest.mark.parametrize(
    'mistake, names',
    [
        ('--size 0', 'run texture reconstruct sweep'),
        ('--size x', 'run texture reconstruct sweep'),
        ('--lr -1', 'run texture reconstruct sweep'),
        ('--epochs ten', 'run texture reconstruct sweep'),
        ('--preset slow', 'run texture reconstruct sweep'),
        ('--style-layers conv9', 'run texture sweep'),
        ('--save-every 0', 'run texture reconstruct demo'),
        ('--patience x', 'run texture reconstruct demo'),
        ('--resume', 'run texture reconstruct demo'),
        ('-o no/c.png', 'run texture reconstruct demo'),
        ('--plot c.doc', 'run texture reconstruct demo'),
        ('--animation c.avi', 'run texture reconstruct demo'),
    ],
)
def test_a_mistake_has_one_sentence_in_all_commands(
    command, folder, mistake, names
):
    said = set()
    for name in names.split():
        words = [*STARTS[name].split(), *mistake.split()]
        code, out, err = command(*words)
        assert (code, out, err.count('\n')) == (2, '', 1), err
        # The setting's own check comes behind the name of an option.
        said.add(
            re.sub('^gluon-style[a-z ]*: (argument --[a-z-]+: )?', '', err)
        )
    assert len(said) == 1


# Each takes a tenth of a second or more.
HEAVY = ['mxnet', 'numpy', 'matplotlib', 'scipy', 'skimage', 'PIL', 'pandas']
LOOK = """
import sys
from gluon_style import cli
try:
    code = cli.main(sys.argv[1:])
except SystemExit as stop:
    code = stop.code
print([name for name in {} if name in sys.modules], code)
"""


def imported(words, names):
    done = subprocess.run(
        [sys.executable, '-c', LOOK.format(names), *words.split()],
        capture_output=True,
        text=True,
    )
    return done.stdout.splitlines()[-1]


@pytest.mark.parametrize('words', ['', '--help', 'run --help', 'sweep --help'])
def test_help_imports_nothing_heavy(words):
    assert imported(words, HEAVY) == '[] 0'


@pytest.mark.parametrize('words', ['rnu', 'run a b --lr x', 'run a --sise 3'])
def test_a_mistake_of_words_imports_nothing_heavy(words):
    assert imported(words, HEAVY) == '[] 2'


@pytest.mark.parametrize(
    'words',
    [
        'run a b -o c.png --lr -1',
        'run no.png b -o c.png',
        'sweep a --style b -o c --size 0',
        'texture b -o c.png --preset slow',
    ],
)
def test_a_mistake_of_values_does_not_import_mxnet(folder, words):
    assert imported(words, ['mxnet']) == '[] 2'


def test_help_answers_at_once():
    # The least of three, and a limit with room: the machine may be busy.
    times = []
    for _ in range(3):
        began = time.perf_counter()
        words = [sys.executable, '-m', 'gluon_style', '--help']
        subprocess.run(words, capture_output=True, check=True)
        times.append(time.perf_counter() - began)
    assert min(times) < 2


@pytest.mark.parametrize(
    'words',
    [
        'run no.png b -o c.png',
        'run a no.png -o c.png',
        'run a b -o c.png --mask no.png',
        'run a b -o c.png --init no.png',
        'texture no.png -o c.png',
        'sweep no.png --style b -o c',
        'sweep a --style no.png -o c',
        'figure gram --content no.png -o c',
    ],
)
def test_a_missing_picture_has_one_sentence_everywhere(command, folder, words):
    code, out, err = command(*words.split())
    assert (code, out) == (2, '')
    assert err == "gluon-style: picture 'no.png' is not a file\n"


@pytest.mark.parametrize('words', ['run a b', 'texture b b'])
def test_an_output_without_its_option_is_said(command, folder, words):
    code, out, err = command(*words.split(), 'my out.png')
    assert (code, out) == (2, '')
    assert err == (
        "gluon-style: picture 'my out.png' is not a file: if it is meant as "
        "the output, type -o 'my out.png'\n"
    )


def test_two_pictures_in_one_word_are_not_a_file(command, folder):
    code, out, err = command('run', 'a b', '-o', 'c.png')
    assert (code, out) == (2, '')
    assert err == "gluon-style: picture 'a b' is not a file\n"


def test_an_unknown_figure_gets_the_nearest(command, folder):
    code, out, err = command('figure', 'gran', '-o', 'c')
    assert (code, out, err.count('\n')) == (2, '', 1)
    assert "'gran' is unknown: did you mean 'gram'?" in err
    code, _, err = command('figure')
    assert code == 2 and 'no figure is named: choose chapter' in err
