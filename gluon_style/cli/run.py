"""gluon-style run: a picture in the style of another one."""

from __future__ import annotations

import argparse

from gluon_style.cli.method import (
    add_method,
    add_variations,
    chosen_method,
    given_settings,
)
from gluon_style.cli.picture_options import add_picture_options
from gluon_style.cli.where import add_where, names_place
from gluon_style.errors import GluonStyleError
from gluon_style.methods.gatys.presets import DEFAULT_PRESET, preset
from gluon_style.methods.table import DEFAULT_METHOD, get_method

HELP = 'give a picture the style of another one'
DESCRIPTION = (
    'Give the picture CONTENT the style of the picture STYLE. Beside OUT.png, '
    'OUT.json gets every setting and the losses of every epoch. Defaults are '
    'those of the preset. Of a folder CONTENT, each picture is made in the '
    'folder OUT.'
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the pictures and the options."""
    parser.usage = '%(prog)s CONTENT STYLE -o OUT.png [OPTIONS]'
    parser.add_argument(
        'content',
        nargs='?',
        metavar='CONTENT',
        help='the content picture, or a folder of them',
    )
    parser.add_argument(
        'styles',
        nargs='*',
        action='extend',
        default=[],
        metavar='STYLE',
        help='the style picture, or several; with --method feedforward also '
        'net:15 or a .style file',
    )
    parser.add_argument(
        '--style',
        dest='styles',
        action='append',
        default=[],
        metavar='FILE',
        help='a further style picture; all keep the order in which they are '
        'given (see --style-blend)',
    )
    parser.add_argument(
        '--mask',
        metavar='FILE',
        help='a picture: the first style goes where it is white; the second '
        'style, or none, where it is black (see --feather)',
    )
    add_method(parser)
    add_variations(parser)
    add_picture_options(parser, 'run', preset(DEFAULT_PRESET))
    add_where(parser)
    parser.set_defaults(styles_may_follow=True, from_preset=preset, preview=0)


def run(args: argparse.Namespace) -> int:
    """Make the picture, or those of a folder; return the exit code."""
    method = chosen_method(args)
    _require_tiles(args, method)
    if not get_method(method).has_epochs:
        from gluon_style.cli.one_pass import paint

        return paint(args, get_method(method))
    if method == 'diffusion':
        from gluon_style.cli.patches import paint as paint_patches

        return paint_patches(args)
    given_settings(args, method)
    from gluon_style.cli.config import settings_of
    from gluon_style.cli.folder import is_folder, make_folder
    from gluon_style.cli.picture import make_picture
    from gluon_style.cli.request import read_request

    if is_folder(args):
        return make_folder(args, settings_of(args))
    return make_picture(args, read_request(args))


def _require_tiles(args: argparse.Namespace, method: str) -> None:
    """Raise an error where workers cannot share the work on one picture."""
    from gluon_style.cli.folder import is_folder

    # A texture has no folder of contents, and so no such options.
    if not names_place(args):
        return
    if is_folder(args) or args.variations or method == DEFAULT_METHOD:
        return
    raise GluonStyleError(
        f'--workers and --scheduler share one picture with the method '
        f'{DEFAULT_METHOD} only: leave them out, or give a folder of contents '
        'or --variations'
    )
