"""gluon-style demo: the sample photograph, painted."""

from __future__ import annotations

import argparse

from gluon_style.cli.picture_options import (
    add_checkpoint_options,
    add_file_options,
)
from gluon_style.methods.gatys.presets import preset

HELP = 'stylize a sample photograph, in about a minute'
DESCRIPTION = (
    'Give a sample photograph the style of a sample painting, both part of '
    'the installation.'
)
SETTINGS = preset('quick')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        '-o',
        '--output',
        default='demo.png',
        metavar='OUT.png',
        help='the picture (default: demo.png)',
    )
    add_file_options(parser)
    add_checkpoint_options(parser)
    parser.set_defaults(config=None)


def run(args: argparse.Namespace) -> int:
    """Make the picture; return the exit code."""
    from gluon_style import samples
    from gluon_style.cli.picture import make_picture
    from gluon_style.cli.request import Request

    photograph, painting = samples.photograph(), samples.PAINTING
    request = Request(photograph, [painting], None, SETTINGS, args.output)
    return make_picture(args, request)
