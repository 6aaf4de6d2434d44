"""gluon-style reconstruct: what a layer keeps of a picture."""

from __future__ import annotations

import argparse

from gluon_style.cli.picture_options import add_picture_options
from gluon_style.cli.run import run as run
from gluon_style.methods.gatys.presets import (
    DEFAULT_PRESET,
    RECONSTRUCTED_LAYER,
    reconstruction,
)

HELP = 'show what a layer keeps of a content picture'
DESCRIPTION = (
    'Rebuild the picture CONTENT, from noise, from what one layer of the '
    'network keeps of it.'
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the picture and the options."""
    parser.usage = '%(prog)s CONTENT -o OUT.png [OPTIONS]'
    parser.add_argument(
        'content', nargs='?', metavar='CONTENT', help='the content picture'
    )
    parser.add_argument(
        '--layer',
        metavar='LAYER',
        help=f'a layer, by name or index (default: {RECONSTRUCTED_LAYER})',
    )
    add_picture_options(parser, 'reconstruct', reconstruction(DEFAULT_PRESET))
    parser.set_defaults(from_preset=reconstruction)
