"""gluon-style bundle: all that a class without a network needs."""

from __future__ import annotations

import argparse

HELP = 'gather all that a class without a network needs'
DESCRIPTION = (
    'Gather in the folder DIR the wheels, the weights, the sample pictures, '
    'the notebooks and an install.sh, for computers of this system and this '
    'version of Python without a network. DIR is new, empty, or an earlier '
    'bundle in which nothing was changed.'
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the folder and the options."""
    parser.add_argument(
        'folder', metavar='DIR', help='the folder of the bundle'
    )
    parser.add_argument(
        '--weights',
        default='torchvision,oxford',
        metavar='NAMES',
        help='names of sources, with commas. By default torchvision,oxford: '
        "for a run without options, and for the chapter's preset and "
        'notebooks; oxford-8bit is smaller, and zoo alone serves both',
    )
    parser.add_argument(
        '--project',
        metavar='FOLDER',
        help="the package's source (default: what it was installed from)",
    )


def run(args: argparse.Namespace) -> int:
    """Make the bundle and say how to use it."""
    from gluon_style.classroom.bundle import make_bundle

    weights = args.weights.split(',')
    bundle = make_bundle(args.folder, weights, args.project)
    print(
        f'{bundle.folder}: {bundle.wheels} wheels, the weights '
        f'{args.weights}, {bundle.size / 1e6:.0f} MB in all; copy it, and '
        'run on each computer: sh install.sh'
    )
    return 0
