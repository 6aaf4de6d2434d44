"""The options of the commands that make one picture."""

from __future__ import annotations

import argparse
from typing import Any

from gluon_style.cli.options import (
    add_force,
    add_json,
    add_preset,
    add_quiet,
    add_settings,
    count,
    minutes,
)
from gluon_style.methods import PATIENCE
from gluon_style.methods.gatys.settings import CHECKPOINT_EVERY


def add_picture_options(
    parser: argparse.ArgumentParser, command: str, settings: Any
) -> None:
    """Add the options of a command that makes a picture of the user's own.

    ``settings`` are the defaults that the help tells.
    """
    parser.add_argument(
        '-o',
        '--output',
        metavar='OUT.png',
        help='the picture: .png, .jpg, .webp, or .tif of 16 bits a channel '
        '(default: a new name of those of the pictures)',
    )
    add_preset(parser)
    parser.add_argument(
        '--config',
        metavar='FILE',
        help='settings and pictures from a .toml file, or the .json of a '
        'former run to repeat it; options given here come first; what this '
        'command cannot use of a .toml is ignored',
    )
    add_settings(parser, settings, command)
    add_file_options(parser)
    add_checkpoint_options(parser)


def add_file_options(parser: argparse.ArgumentParser) -> None:
    """Add the options for other files than the picture, and messages."""
    files = parser.add_argument_group('further files and messages')
    files.add_argument(
        '--plot',
        metavar='FILE.svg',
        help='draw the losses and the picture into a .svg, .png or .pdf',
    )
    files.add_argument(
        '--animation',
        metavar='FILE.gif|.mp4',
        help="show the run's pictures one after the other",
    )
    files.add_argument(
        '--save-every',
        type=count('save_every'),
        metavar='N',
        help='write the picture of every N-th epoch, too, as OUT-00010.png',
    )
    add_force(files)
    files.add_argument(
        '--patience',
        type=minutes,
        default=PATIENCE / 60,
        metavar='MINUTES',
        help=f'warn of a run that takes longer (default: {PATIENCE // 60})',
    )
    add_quiet(files)
    add_json(
        files,
        'print the result as JSON, for programs; of several pictures a line '
        'for each',
    )


def add_checkpoint_options(parser: argparse.ArgumentParser) -> None:
    """Add the options for a run that may be interrupted."""
    group = parser.add_argument_group('interrupted runs')
    group.add_argument(
        '--checkpoint',
        metavar='DIR',
        help='keep in the folder DIR what an interrupted run needs to go on; '
        'the folder is removed once the files are written',
    )
    group.add_argument(
        '--resume',
        action='store_true',
        help='go on from the checkpoint in DIR, with the same options',
    )
    group.add_argument(
        '--checkpoint-every',
        type=count('checkpoint_every'),
        metavar='N',
        help='save every N epochs of a size, and after its last one '
        f'(default: {CHECKPOINT_EVERY["adam"]}; {CHECKPOINT_EVERY["lbfgs"]} '
        'with L-BFGS, which starts anew from the best picture at each save)',
    )
