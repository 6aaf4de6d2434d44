"""gluon-style completion: the shell's own help with words."""

from __future__ import annotations

import argparse

from gluon_style.errors import MissingPackageError

HELP = 'print what makes bash or zsh complete commands and options'
DESCRIPTION = (
    'Print a script for the shell. In bash: eval "$(gluon-style completion '
    'bash)"; in zsh, write it as _gluon-style to a folder of $fpath.'
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the shell's name."""
    parser.add_argument('shell', choices=('bash', 'zsh'), metavar='bash|zsh')


def run(args: argparse.Namespace) -> int:
    """Print the script."""
    try:
        import shtab
    except ImportError:
        raise MissingPackageError(
            'completion needs the package shtab: install it with: python -m '
            'pip install shtab'
        ) from None
    # The parser is made of all commands, this one among them.
    from gluon_style.cli.parser import make_parser

    print(shtab.complete(make_parser(), args.shell))
    return 0
