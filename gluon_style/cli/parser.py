"""The parser of the command line, put together from the commands' modules."""

from __future__ import annotations

import argparse
import difflib

from gluon_style import __version__
from gluon_style.cli import (
    bundle,
    completion,
    demo,
    doctor,
    figure,
    reconstruct,
    report,
    run,
    sweep,
    texture,
    weights,
)
from gluon_style.cli.messages import BAD_INPUT

# In the order of the help.
COMMANDS = {
    'run': run,
    'demo': demo,
    'texture': texture,
    'reconstruct': reconstruct,
    'sweep': sweep,
    'figure': figure,
    'report': report,
    'weights': weights,
    'doctor': doctor,
    'bundle': bundle,
    'completion': completion,
}

_MORE = 'gluon-style COMMAND --help tells of a command.'


class Parser(argparse.ArgumentParser):
    """Answer a mistake in one sentence."""

    def error(self, message: str) -> None:  # pyright: ignore
        """Print the sentence and exit."""
        self.exit(BAD_INPUT, f'{self.prog}: {message}\n')


def make_parser() -> Parser:
    """Return the parser; the ``run`` of what it parses is a command's body."""
    parser = Parser(
        prog='gluon-style',
        description='Neural style transfer, as in Dive into Deep Learning.',
        # argparse's own list would break a line at the longest name.
        epilog='\n'.join(['commands:', *_lines(), '', _MORE]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        '--version', action='version', version=f'gluon-style {__version__}'
    )
    # What every command's arguments have: see ``main``.
    parser.set_defaults(
        run=None,
        quiet=False,
        kept='nothing was written',
        styles_may_follow=False,
    )
    commands = parser.add_subparsers(metavar='COMMAND', parser_class=Parser)
    for name, module in COMMANDS.items():
        sub = commands.add_parser(name, description=module.DESCRIPTION)
        sub.set_defaults(command=name, run=module.run, parser=sub)
        module.add_arguments(sub)
    return parser


def _lines() -> list[str]:
    """Return a line for each command."""
    return [f'  {name:12} {COMMANDS[name].HELP}' for name in COMMANDS]


def parse_arguments(words: list[str]) -> argparse.Namespace:
    """Return parsed arguments; exit with one sentence for a mistake.

    Without a command, the commands are listed. ``words`` of the answer are
    the words themselves.
    """
    parser = make_parser()
    _require_command(parser, words)
    args, left = parser.parse_known_args(words)
    if args.run is None:
        parser.print_help()
        parser.exit(0)
    if args.styles_may_follow:
        left = _take_styles(args, left)
    if left:
        args.parser.error(_unknown(args.parser, left))
    args.words = list(words)
    return args


def _require_command(parser: Parser, words: list[str]) -> None:
    """Answer an unknown command with the nearest one."""
    word = next((word for word in words if not word.startswith('-')), None)
    if word is not None and word not in COMMANDS:
        known = f'choose from {", ".join(COMMANDS)}'
        parser.error(f'command {word!r} is unknown: {_nearest(word, known)}')


def _take_styles(args: argparse.Namespace, left: list[str]) -> list[str]:
    """Take the STYLEs that stand behind options; return what is left.

    argparse leaves over a positional argument that may be missing and stands
    behind options. Its place among several ``--style`` is not known.
    """
    if any(word.startswith('-') for word in left):
        return left
    if left and len(args.styles) > 1 and args.command == 'run':
        args.parser.error(
            f'STYLE {left[0]!r} stands between options: name it before them, '
            'or every style with --style'
        )
    args.styles = [*args.styles, *left]
    return []


def _unknown(parser: argparse.ArgumentParser, left: list[str]) -> str:
    word = next((w for w in left if w.startswith('-')), left[0])
    name = word.partition('=')[0]
    if not name.startswith('-'):
        return f'{word!r} is one word too many'
    known = f'see {parser.prog} --help'
    options = [o for o in vars(parser)['_option_string_actions']]
    return f'option {name!r} is unknown: {_nearest(name, known, options)}'


def _nearest(word: str, known: str, names: list[str] | None = None) -> str:
    near = difflib.get_close_matches(word, names or list(COMMANDS), n=1)
    return f'did you mean {near[0]}?' if near else known
