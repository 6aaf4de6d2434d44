"""gluon-style completion: the shell's own help with words."""

from __future__ import annotations

import argparse
from typing import Any

from gluon_style.errors import MissingPackageError

HELP = 'print a script that completes words in bash or zsh'
DESCRIPTION = (
    'Print a script for the shell. In bash: eval "$(gluon-style completion '
    'bash)"; in zsh, write it as _gluon-style to a folder of $fpath.'
)
# What stands for a file or a folder in the help.
_PATHS = ('FILE', 'OUT', 'DIR', 'FOLDER', 'CONTENT', 'STYLE')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the shell's name."""
    parser.set_defaults(prints_result=True)
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
    from gluon_style.cli.parser import COMMANDS, make_parser

    parser = make_parser()
    commands = _complete_values(parser, shtab.FILE)
    for name, module in COMMANDS.items():
        # zsh shows it beside the name, where there is one line.
        commands[name].description = module.HELP
    print(shtab.complete(parser, args.shell))
    return 0


def _complete_values(parser: Any, files: Any) -> dict[str, Any]:
    """Have the words of choices completed, and the names of files.

    Returns the parsers of the commands within the parser, by name.
    """
    commands = {}
    # argparse has no public list of a parser's arguments.
    for argument in vars(parser)['_actions']:
        metavar = argument.metavar or ''
        words = [word for word in metavar.split('|') if word.islower()]
        if isinstance(argument.choices, dict):
            commands = argument.choices
            for command in commands.values():
                _complete_values(command, files)
        elif any(word in metavar for word in _PATHS):
            argument.complete = files
        elif '|' in metavar and argument.choices is None:
            argument.choices = words
    return commands
