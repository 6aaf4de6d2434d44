"""The parser of the command line, put together from the commands' modules."""

from __future__ import annotations

import argparse
import difflib
import re
import shlex
from dataclasses import fields
from pathlib import Path
from typing import Any, NoReturn

from gluon_style import __version__
from gluon_style.cli import (
    bundle,
    completion,
    demo,
    doctor,
    figure,
    learn,
    reconstruct,
    report,
    run,
    styles,
    sweep,
    texture,
    video,
    weights,
)
from gluon_style.cli.messages import BAD_INPUT
from gluon_style.methods.gatys.settings import Settings

# In the order of the help.
COMMANDS = {
    'run': run,
    'demo': demo,
    'video': video,
    'texture': texture,
    'reconstruct': reconstruct,
    'learn': learn,
    'styles': styles,
    'sweep': sweep,
    'figure': figure,
    'report': report,
    'weights': weights,
    'doctor': doctor,
    'bundle': bundle,
    'completion': completion,
}


# What other programs of neural style transfer call an option.
_OF_OTHER_PROGRAMS = {
    **dict.fromkeys(
        ('--iterations', '--iters', '--num-iterations', '--num_iterations'),
        '--epochs',
    ),
    **dict.fromkeys(('--steps', '--num-steps', '--max-iter'), '--epochs'),
    **dict.fromkeys(('--gpu', '--cuda', '--use-gpu'), '--device gpu'),
    '--cpu': '--device cpu',
    **dict.fromkeys(('--learning-rate', '--learning_rate'), '--lr'),
    **dict.fromkeys(
        ('--image-size', '--image_size', '--img-size', '--max-size'), '--size'
    ),
    **dict.fromkeys(('--width', '--height', '--resolution'), '--size'),
    **dict.fromkeys(('--style-image', '--style_image'), '--style'),
    **dict.fromkeys(
        ('--original-colors', '--original_colors', '--preserve-color'),
        '--color luminance',
    ),
    **dict.fromkeys(('--out', '--output-image', '--output_image'), '--output'),
    '--model': '--network',
}


class Parser(argparse.ArgumentParser):
    """Answer a mistake in one sentence."""

    def error(self, message: str) -> NoReturn:
        """Print the sentence and exit."""
        self.exit(BAD_INPUT, f'{self.prog}: {self._clearly(message)}\n')

    def _clearly(self, message: str) -> str:
        """Return argparse's sentence about an option, with what to type."""
        match = re.fullmatch(
            'ambiguous option: (.*) could match (.*)', message
        )
        if match is None:
            return message
        option, names = match.groups()
        if option.partition('=')[0] == '--content':
            return (
                'option --content does not exist: type the content picture '
                f'without an option, as in {self.prog} CONTENT'
            )
        return (
            f'option {option!r} is not clear: did you mean '
            f'{_listed(names.split(", "))}?'
        )

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Answer a word that is not a choice with the nearest one.

        argparse itself would list them all, in Python's way of writing.
        """
        choices = list(action.choices or [])
        if choices and value not in choices:
            if choices == list(COMMANDS) and value == 'help':
                raise argparse.ArgumentError(
                    None, 'for help type gluon-style --help'
                )
            if choices == list(COMMANDS) and Path(value).suffix:
                raise argparse.ArgumentError(
                    None,
                    f'{value!r} is not a command: type one before it, as in '
                    f'gluon-style run {shlex.quote(value)}',
                )
            raise argparse.ArgumentError(
                None,
                f'{value!r} is unknown: '
                f'{_nearest(value, choices, "choose " + _listed(choices))}',
            )


def make_parser() -> Parser:
    """Return the parser; the ``run`` of what it parses is a command's body."""
    parser = Parser(
        prog='gluon-style',
        usage='%(prog)s [-h] [--version] COMMAND [ARGUMENTS]',
        description='Neural style transfer, as in Dive into Deep Learning.',
        epilog='gluon-style COMMAND --help explains a command.',
    )
    parser.add_argument(
        '--version', action='version', version=f'gluon-style {__version__}'
    )
    # What the arguments of every command have: see ``main``.
    parser.set_defaults(
        run=None,
        quiet=False,
        kept='nothing was written',
        prints_result=False,
        styles_may_follow=False,
    )
    # argparse makes the column of names as wide as the metavar, which keeps
    # the longest name and its help in one line.
    commands = parser.add_subparsers(
        title='commands',
        metavar='COMMAND [ARGUMENTS]',
        prog='gluon-style',
        parser_class=Parser,
    )
    for name, module in COMMANDS.items():
        sub = commands.add_parser(
            name, help=module.HELP, description=module.DESCRIPTION
        )
        sub.set_defaults(command=name, run=module.run, parser=sub)
        module.add_arguments(sub)
    return parser


def parse_arguments(words: list[str]) -> argparse.Namespace:
    """Return parsed arguments; exit with one sentence for a mistake.

    Without a command, the commands are listed. ``words`` of the answer are
    the words themselves.
    """
    parser = make_parser()
    args, left = parser.parse_known_args(words)
    if args.run is None:
        if left:
            parser.error(_unknown(parser, left[0]))
        parser.print_help()
        parser.exit(0)
    if args.styles_may_follow:
        left = _take_styles(args, left, words)
    if left:
        options = [word for word in left if word[:1] == '-' and word != '-']
        first = (options or left)[0]
        args.parser.error(_unknown(args.parser, first))
    if vars(args).get('output') == '':
        # As from -o "$OUT", where the variable has no value.
        args.parser.error('the output has no name: type one after -o')
    args.words = list(words)
    return args


def _take_styles(
    args: argparse.Namespace, left: list[str], words: list[str]
) -> list[str]:
    """Take the STYLEs that stand behind options; return what is left.

    argparse leaves over a positional argument that may be missing and stands
    behind options. All words behind -- are positional.
    """
    end = left.index('--') if '--' in left else len(left)
    if any(word.startswith('-') and word != '-' for word in left[:end]):
        return left
    styles = [*args.styles, *left[:end], *left[end + 1 :]]
    names = [word.partition('=')[0] for word in words]
    if left and '--style' in names:
        styles = _in_order(args.parser, styles, words)
    args.styles = styles
    return []


def _in_order(
    parser: argparse.ArgumentParser, styles: list[str], words: list[str]
) -> list[str]:
    """Return styles in the order in which they stand among the words."""
    option = '--style='
    given = [w[len(option) :] if w.startswith(option) else w for w in words]
    for style in styles:
        if given.count(style) > 1:
            parser.error(
                f'the place of STYLE {style!r} is not clear, because it is '
                'given twice: name STYLE before all options, or use --style '
                'alone'
            )
    return sorted(styles, key=given.index)


def _unknown(parser: argparse.ArgumentParser, word: str) -> str:
    """Return a sentence about a word that no argument takes."""
    name = word.partition('=')[0]
    if not name.startswith('-'):
        advice = f'see {parser.prog} --help'
        if re.fullmatch(r'[0-9.]+', word):
            advice = 'several values are one word with commas, as 0.3,0.5'
        elif Path(word).suffix:
            advice = f'for the output, type -o {shlex.quote(word)}'
        return f'{word!r} is one word too many: {advice}'
    options = list(vars(parser)['_option_string_actions'])
    if name in options:
        return f'option {name!r} stands before the command: put it after it'
    advice = f'see {parser.prog} --help'
    if name[2:].replace('-', '_') in [each.name for each in fields(Settings)]:
        # The nearest option would be another setting.
        return f'option {name!r} is unknown here: {advice}'
    other = _OF_OTHER_PROGRAMS.get(name.lower())
    if other is not None and other.split()[0] in options:
        return f'option {name!r} is unknown: here it is {other}'
    return f'option {name!r} is unknown: {_nearest(name, options, advice)}'


def _nearest(word: str, known: list[str], otherwise: str) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f'did you mean {near[0]}?' if near else otherwise


def _listed(names: list[str]) -> str:
    *others, last = names
    return f'{", ".join(others)} or {last}' if others else last
