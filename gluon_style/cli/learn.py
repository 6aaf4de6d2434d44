"""gluon-style learn: the style of a painting, for one pass."""

from __future__ import annotations

import argparse

from gluon_style.cli.options import add_force, add_quiet, add_settings
from gluon_style.methods.feedforward.lesson_settings import LessonSettings

HELP = 'learn the style of a painting, in a minute'
DESCRIPTION = (
    'Learn how a net of one pass paints like PAINTING, and write it to '
    'OUT.style, some kilobytes, for gluon-style run --method feedforward. A '
    'preview, OUT.png, shows how far it is. Ctrl-C keeps what is learned so '
    'far, and --resume goes on.'
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the painting and the options."""
    parser.usage = '%(prog)s PAINTING -o OUT.style [OPTIONS]'
    parser.add_argument('painting', metavar='PAINTING', help='the painting')
    parser.add_argument(
        '-o',
        '--output',
        required=True,
        metavar='OUT.style',
        help='the style; OUT.png gets the preview',
    )
    parser.add_argument(
        '--photos',
        metavar='DIR',
        help='photographs to learn on (default: five of scikit-image)',
    )
    parser.add_argument(
        '--resume',
        action='store_true',
        help='go on from where an interrupted command was, with the same '
        'options; --seconds and --iterations may differ, and count from the '
        'start',
    )
    add_quiet(parser)
    add_force(parser)
    add_settings(parser, LessonSettings(), 'learn', where='default')


def run(args: argparse.Namespace) -> int:
    """Learn the style and write it; return the exit code."""
    from gluon_style.cli.lesson import learn_style

    return learn_style(args)
