"""gluon-style texture: a style alone, from noise."""

from __future__ import annotations

import argparse

from gluon_style.cli.method import add_method
from gluon_style.cli.picture_options import add_picture_options
from gluon_style.cli.run import run as run
from gluon_style.methods.gatys.presets import DEFAULT_PRESET, texturing

HELP = 'make a texture of a style picture, without content'
DESCRIPTION = (
    'Make a picture of the texture of STYLE, from noise: a square of --size, '
    'or WxH. With --tileable its opposite edges fit.'
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the pictures and the options."""
    parser.usage = '%(prog)s STYLE -o OUT.png [OPTIONS]'
    parser.add_argument(
        'styles',
        nargs='*',
        metavar='STYLE',
        help='the style picture, or several',
    )
    add_method(parser, 'texture')
    add_picture_options(parser, 'texture', texturing(DEFAULT_PRESET))
    parser.set_defaults(styles_may_follow=True, from_preset=texturing)
