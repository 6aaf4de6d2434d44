"""The arguments of the command gluon-style, and what they may be."""

import argparse
import sys

from gluon_style import __version__
from gluon_style.cli import values
from gluon_style.cli.options import LEFT_OUT, add_settings
from gluon_style.methods.gatys.presets import (
    PRESETS,
    reconstruction,
    texturing,
)
from gluon_style.methods.gatys.settings import CHECKPOINT_EVERY, PATIENCE

BAD_INPUT = 2
# Pixels of a sweep's preview.
PREVIEW_SIDE = 150


class _Parser(argparse.ArgumentParser):
    """Answer a mistake in one sentence."""

    def error(self, message):
        self.exit(BAD_INPUT, f'{self.prog}: {message}\n')


class _Word(str):
    """A word of the command line: one of two that are equal is not the other.

    argparse hands them on as they are.
    """


def parse_arguments(argv=None):
    """Return parsed arguments; exits with one sentence for a mistake.

    The ``styles`` of run and texture are in their order on the command line.
    argparse does not find a STYLE that may be missing, and stands after
    options: it is what is left over then.
    """
    parser = make_parser()
    words = [_Word(word) for word in (sys.argv[1:] if argv is None else argv)]
    args, left = parser.parse_known_args(words)
    if args.command == 'texture' and not any(map(_is_option, left)):
        args.styles, left = [*args.styles, *left], []
    if args.command == 'run':
        if args.style is None and left and not _is_option(left[0]):
            args.style, *left = left
        if args.style is not None:
            _put_in_order(args, parser, words)
    if left:
        parser.error(f'unrecognized arguments: {" ".join(left)}')
    return args


def _is_option(word):
    return word.startswith('-')


def _put_in_order(args, parser, words):
    """Put the STYLE among those of --style, after the ones before it."""
    place = [word is args.style for word in words].index(True)
    before, _ = parser.parse_known_args(words[:place])
    args.styles.insert(len(before.styles), args.style)


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
    _add_texture(commands)
    _add_reconstruct(commands)
    _add_demo(commands)
    _add_figure(commands)
    _add_sweep(commands)
    _add_doctor(commands)
    _add_weights(commands)
    _add_report(commands)
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
    parser.add_argument('content', nargs='?', metavar='CONTENT')
    parser.add_argument('style', nargs='?', metavar='STYLE')
    parser.add_argument(
        '--style',
        dest='styles',
        action='append',
        default=[],
        metavar='FILE',
        help='a style picture; repeat it for several, which have the order '
        'in which they and STYLE are given (see --style-blend)',
    )
    parser.add_argument(
        '--mask',
        metavar='FILE',
        help='where white, the first style goes; where black, the second or '
        'none (see --feather)',
    )
    _add_picture_options(parser)
    parser.set_defaults(command='run')


def _add_texture(commands):
    parser = commands.add_parser(
        'texture',
        help='make a texture of a style picture, without content',
        description='Make a picture of the texture of STYLE, from noise: a '
        'square of --size, or WxH. With --tileable its opposite edges fit.',
    )
    parser.add_argument('styles', nargs='*', metavar='STYLE')
    _add_picture_options(parser, texturing('fast'), LEFT_OUT['texture'])
    parser.set_defaults(command='texture')


def _add_reconstruct(commands):
    parser = commands.add_parser(
        'reconstruct',
        help='show what a layer keeps of a content picture',
        description='Rebuild the picture CONTENT, from noise, from what one '
        'layer of the network keeps of it.',
    )
    parser.add_argument('content', nargs='?', metavar='CONTENT')
    parser.add_argument(
        '--layer',
        metavar='LAYER',
        help='a layer, by name or index (default: conv4_2)',
    )
    _add_picture_options(
        parser, reconstruction('fast'), LEFT_OUT['reconstruct']
    )
    parser.set_defaults(command='reconstruct')


def _add_picture_options(parser, settings=PRESETS['fast'], left_out=()):
    """Add what all commands have that make one picture of the user's own.

    ``settings`` and ``left_out`` are as for ``add_settings``.
    """
    parser.add_argument(
        '-o',
        '--output',
        metavar='OUT.png',
        help='the picture: .png, .jpg, .webp, or .tif of 16 bits a channel',
    )
    parser.add_argument(
        '--preset',
        help=f'{", ".join(PRESETS)} (default: fast); chapter is exactly the '
        'chapter',
    )
    parser.add_argument(
        '--config',
        metavar='FILE',
        help='settings and pictures from a .toml file, of which is left out '
        'what means nothing to this command, or the .json of a former run to '
        'repeat it; options given here come first',
    )
    add_settings(parser, settings, left_out)
    _add_output_options(parser)


def _add_output_options(parser):
    parser.add_argument(
        '--patience',
        type=values.minutes,
        default=PATIENCE / 60,
        metavar='MINUTES',
        help=f'warn of a run that takes longer (default: {PATIENCE // 60})',
    )
    parser.add_argument(
        '--checkpoint',
        metavar='DIR',
        help='keep in the folder DIR what an interrupted run goes on from; '
        'it is removed once the files are written',
    )
    parser.add_argument(
        '--resume',
        action='store_true',
        help='go on from the checkpoint in DIR, with the same options',
    )
    parser.add_argument(
        '--checkpoint-every',
        type=values.count,
        metavar='N',
        help='save each N epochs of a size, and after the last (default: '
        f'{CHECKPOINT_EVERY["adam"]}; {CHECKPOINT_EVERY["lbfgs"]} with '
        'L-BFGS, which forgets what it learned of the loss and begins anew '
        'from the best picture each time)',
    )
    parser.add_argument(
        '--plot',
        metavar='FILE.svg',
        help='draw the losses and the picture into a .svg, .png or .pdf',
    )
    parser.add_argument(
        '--animation',
        metavar='FILE.gif|.mp4',
        help="show the run's pictures one after the other",
    )
    parser.add_argument(
        '--save-every',
        type=values.count,
        metavar='N',
        help='write the picture of every N-th epoch, too, as OUT-00010.png',
    )
    _add_force(parser)
    parser.add_argument(
        '--quiet', action='store_true', help='print errors only'
    )


def _add_force(parser):
    parser.add_argument(
        '--force',
        action='store_true',
        help='overwrite files that this program did not write',
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
    parser.set_defaults(command='demo', config=None)


def _add_figure(commands):
    parser = commands.add_parser(
        'figure',
        help='draw a known figure from nothing and check it',
        description='Draw the figure NAME into the folder DIR, with its '
        'numbers and the pictures of its runs, and compare it with what it '
        'is to show. Exit code 1 if it does not. Runs that are in DIR '
        'already are not made again.',
    )
    parser.add_argument('name', nargs='?', metavar='NAME')
    parser.add_argument(
        '--list', action='store_true', help='list the figures and end'
    )
    parser.add_argument(
        '-o', '--output', default='.', metavar='DIR', help='(default: here)'
    )
    parser.add_argument(
        '--content', metavar='FILE', help='in place of the sample photograph'
    )
    parser.add_argument(
        '--style', metavar='FILE', help='in place of the sample painting'
    )
    parser.add_argument(
        '--size',
        type=values.integer,
        metavar='LONGEST',
        help='pixels of each run',
    )
    parser.add_argument(
        '--quick', action='store_true', help='small pictures, few epochs'
    )
    parser.add_argument(
        '--reference',
        metavar='FILE.json',
        help="published curves to draw behind the chapter's figure",
    )
    parser.add_argument('--weights', default='auto', metavar='NAME|FILE')
    parser.add_argument('--device', default='auto', metavar='DEVICE')
    parser.add_argument(
        '--quiet', action='store_true', help='print the comparison only'
    )
    _add_force(parser)
    parser.set_defaults(command='figure')


def _add_sweep(commands):
    parser = commands.add_parser(
        'sweep',
        help='make every combination of pictures and settings',
        description='Give each CONTENT the style of each STYLE with every '
        'combination of the settings, of which each may be a list: '
        '--style-weight 1e3,1e4. The folder DIR gets the pictures, contact '
        'sheets of a preview and of the result, and manifest.jsonl. What is '
        'in DIR already is not made again: the same command goes on with an '
        'interrupted sweep.',
    )
    parser.add_argument('contents', nargs='+', metavar='CONTENT')
    parser.add_argument(
        '--style', dest='styles', nargs='+', required=True, metavar='STYLE'
    )
    parser.add_argument('-o', '--output', required=True, metavar='DIR')
    parser.add_argument(
        '--preset', default='fast', help=f'{", ".join(PRESETS)}'
    )
    parser.add_argument(
        '--preview',
        type=values.integer,
        default=PREVIEW_SIDE,
        metavar='LONGEST',
        help='pixels of the preview that is made first, 0 for none '
        f'(default: {PREVIEW_SIDE})',
    )
    add_settings(parser, several=True)
    parser.add_argument(
        '--quiet', action='store_true', help='print errors only'
    )
    _add_force(parser)
    parser.set_defaults(command='sweep')


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
    _add_force(action)
    action.set_defaults(command='weights convert')


def _add_report(commands):
    parser = commands.add_parser(
        'report',
        help='show all results of a folder in one page to open in a browser',
        description='Write one HTML page, whole in itself, of the results in '
        'DIR and the folders within it. Content and style pictures are found '
        'by their hashes in DIR, in the current folder and among the samples.',
    )
    parser.add_argument('folder', metavar='DIR')
    parser.add_argument(
        '-o',
        '--output',
        metavar='OUT.html',
        help='the page (default: DIR/report.html)',
    )
    parser.add_argument(
        '--pictures',
        nargs='+',
        action='extend',
        default=[],
        metavar='DIR',
        help='further folders of content and style pictures',
    )
    parser.add_argument('--title', help='the heading of the page')
    _add_force(parser)
    parser.set_defaults(command='report')


def _add_bundle(commands):
    parser = commands.add_parser(
        'bundle',
        help='gather all that a class without a network needs',
        description='Gather in the folder DIR the wheels, the weights, the '
        'sample pictures, the notebooks and an install.sh, for computers '
        'of this system and this version of Python without a network. DIR '
        'is new, empty, or an earlier bundle, of which nothing was changed.',
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
