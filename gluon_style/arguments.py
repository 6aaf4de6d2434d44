"""The arguments of the command gluon-style, and what they may be."""

import argparse

from gluon_style import __version__
from gluon_style.settings import INITS, OPTIMIZERS, PRESETS

BAD_INPUT = 2


class _Parser(argparse.ArgumentParser):
    """Answer a mistake in one sentence."""

    def error(self, message):
        self.exit(BAD_INPUT, f'{self.prog}: {message}\n')


def make_parser():
    """Return the parser; its ``command`` is a command's name."""
    parser = _Parser(
        prog='gluon-style',
        description='Neural style transfer, as in Dive into Deep Learning.',
    )
    parser.add_argument(
        '--version', action='version', version=f'gluon-style {__version__}'
    )
    commands = parser.add_subparsers(
        required=True, metavar='COMMAND', parser_class=_Parser
    )
    _add_run(commands)
    _add_demo(commands)
    _add_doctor(commands)
    _add_weights(commands)
    _add_bundle(commands)
    return parser


def _add_run(commands):
    parser = commands.add_parser(
        'run',
        help='give a picture the style of another one',
        description='Give the picture CONTENT the style of the picture '
        'STYLE. Beside OUT.png, OUT.json gets every setting and the losses '
        'of every epoch. Defaults are those of the preset.',
    )
    parser.add_argument('content', metavar='CONTENT')
    parser.add_argument('style', metavar='STYLE')
    parser.add_argument('-o', '--output', required=True, metavar='OUT.png')
    parser.add_argument(
        '--preset',
        default='fast',
        help=f'{", ".join(PRESETS)} (default: fast); chapter is exactly the '
        'chapter',
    )
    _add_settings(parser)
    _add_output_options(parser)
    parser.set_defaults(command='run')


def _add_settings(parser):
    for name, type_, metavar, help_ in (
        ('size', _size, 'WxH|LONGEST', 'pixels of the result'),
        ('epochs', _integer, 'N', 'steps of Adam, evaluations of L-BFGS'),
        ('optimizer', str, '|'.join(OPTIMIZERS), 'the optimizer'),
        ('lr', _number, 'X', 'learning rate of Adam'),
        ('lr-decay-epoch', _integer, 'N', 'epochs between decays by 0.8'),
        ('content-weight', _number, 'X', 'factor of the content loss'),
        ('style-weight', _number, 'X', 'factor of the style loss'),
        ('tv-weight', _number, 'X', 'factor of the total variation loss'),
        ('content-layers', _layers, 'A,B', 'layers, by name or index'),
        ('style-layers', _layers, 'A,B', 'layers, by name or index'),
        ('init', str, '|'.join(INITS), 'what to start from'),
        ('seed', _integer, 'N', 'seed of the noise'),
        ('weights', str, 'NAME|FILE', 'auto, zoo, oxford, oxford-8bit, file'),
        ('device', str, 'DEVICE', 'auto, cpu, gpu or gpu:1'),
        ('scales', _integer, 'N', 'sizes, coarse to fine, at most'),
        ('tile', _tile, 'auto|off|N', 'side of tiles, to save memory'),
        ('stop-at', _number, 'LOSS', 'stop at this total loss'),
        ('time-limit', _number, 'SECONDS', 'stop after this time'),
    ):
        default = getattr(PRESETS['fast'], name.replace('-', '_'))
        if isinstance(default, tuple):
            default = ','.join(default)
        parser.add_argument(
            f'--{name}',
            type=type_,
            metavar=metavar,
            default=argparse.SUPPRESS,
            help=f'{help_} (fast: {default})',
        )
    parser.add_argument(
        '--bounded',
        action=argparse.BooleanOptionalAction,
        default=argparse.SUPPRESS,
        help='keep pixels to what can be displayed '
        f'(fast: {PRESETS["fast"].bounded})',
    )


def _add_output_options(parser):
    parser.add_argument(
        '--plot',
        metavar='FILE.svg',
        help='draw the losses and the picture into a .svg, .png or .pdf',
    )
    parser.add_argument(
        '--quiet', action='store_true', help='print errors only'
    )


def _add_demo(commands):
    parser = commands.add_parser(
        'demo',
        help='stylize a sample photograph, in under two minutes',
        description='Give a sample photograph the style of a sample '
        'painting, both part of the installation.',
    )
    parser.add_argument(
        '-o', '--output', default='demo.png', metavar='OUT.png'
    )
    _add_output_options(parser)
    parser.set_defaults(command='demo')


def _add_doctor(commands):
    parser = commands.add_parser(
        'doctor',
        help='look at all that a run needs, and say how to mend it',
        description='Look at the interpreter, the packages, the weights, '
        'the memory, the speed. Exit code 1 if a class cannot start.',
    )
    parser.set_defaults(command='doctor', quiet=True)


def _add_weights(commands):
    parser = commands.add_parser(
        'weights', help='list, fetch, verify or convert weights of VGG-19'
    )
    actions = parser.add_subparsers(
        required=True, metavar='ACTION', parser_class=_Parser
    )
    action = actions.add_parser('list', help='list the sources')
    action.set_defaults(command='weights list')
    action = actions.add_parser('fetch', help='fetch a source to the cache')
    action.add_argument('name', nargs='?', default='oxford')
    action.set_defaults(command='weights fetch')
    action = actions.add_parser(
        'verify', help='check sources in the cache, or a file of weights'
    )
    action.add_argument('names', nargs='*', metavar='NAME|FILE')
    action.set_defaults(command='weights verify')
    action = actions.add_parser(
        'convert',
        help='write weights, ready for this package, to another format',
    )
    action.add_argument('weights', metavar='NAME|FILE')
    action.add_argument('output', metavar='OUT.params|.npz|.safetensors')
    action.set_defaults(command='weights convert')


def _add_bundle(commands):
    parser = commands.add_parser(
        'bundle',
        help='gather all that a class without a network needs',
        description='Gather in the folder DIR the wheels, the weights, the '
        'sample pictures, the notebooks and an install.sh, for computers '
        'of this system and this version of Python without a network. DIR '
        'is new, empty, or an earlier bundle, which is made anew.',
    )
    parser.add_argument('folder', metavar='DIR')
    parser.add_argument(
        '--weights',
        default='oxford',
        metavar='NAME',
        help='oxford (default), oxford-8bit or zoo',
    )
    parser.add_argument(
        '--project',
        metavar='FOLDER',
        help="the package's source (default: what it was installed from)",
    )
    parser.set_defaults(command='bundle')


def _integer(text):
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f'{text!r} is not a whole number'
        ) from None


def _number(text):
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f'{text!r} is not a number') from None


def _size(text):
    sides = text.lower().split('x')
    try:
        numbers = tuple(int(side) for side in sides)
    except ValueError:
        numbers = ()
    if len(numbers) not in (1, 2):
        raise argparse.ArgumentTypeError(
            f'{text!r} is no size: give 450x300 or the longest side, 450'
        )
    return numbers if len(numbers) == 2 else numbers[0]


def _tile(text):
    return text if text in ('auto', 'off') else _integer(text)


def _layers(text):
    return tuple(name.strip() for name in text.split(',') if name.strip())
