"""gluon-style figure: a known figure, drawn from nothing and checked."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from gluon_style.cli.options import add_force, add_json, add_quiet, count
from gluon_style.cli.where import add_where, other_processes
from gluon_style.errors import GluonStyleError
from gluon_style.layers import NETWORKS

HELP = 'draw a known figure from nothing and check it'
DESCRIPTION = (
    'Draw the figure NAME into the folder DIR, with its numbers and the '
    'pictures of its runs, and check that it shows what it should. The exit '
    'code is 1 if it does not. Runs that DIR already has are not repeated.'
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the name and the options."""
    parser.usage = '%(prog)s NAME [-o DIR] [OPTIONS]'
    parser.add_argument(
        'name', nargs='?', metavar='NAME', help='one of those of --list'
    )
    parser.add_argument(
        '--list', action='store_true', help='list the figures and end'
    )
    parser.add_argument(
        '-o',
        '--output',
        default='.',
        metavar='DIR',
        help='the folder of the results (default: the current one)',
    )
    parser.add_argument(
        '--content',
        metavar='FILE',
        help='a content picture in place of the sample photograph',
    )
    parser.add_argument(
        '--style',
        metavar='FILE',
        help='a style picture in place of the sample painting',
    )
    parser.add_argument(
        '--size',
        type=count('size'),
        metavar='LONGEST',
        help="pixels of each run (default: the figure's own)",
    )
    parser.add_argument(
        '--quick', action='store_true', help='small pictures, few epochs'
    )
    parser.add_argument(
        '--reference',
        metavar='FILE.json',
        help="published curves to draw behind the chapter's figure; the "
        'picture FILE-image.png, if there is one beside it, is shown and '
        'compared, too',
    )
    parser.add_argument(
        '--network',
        choices=('auto', *NETWORKS),
        help="the network of all runs (default: vgg19 for the chapter's "
        'figures, auto for the others)',
    )
    parser.add_argument(
        '--weights',
        default='auto',
        metavar='NAME|FILE',
        help='the weights of the network (default: auto)',
    )
    parser.add_argument(
        '--device',
        default='auto',
        metavar='DEVICE',
        help='auto, cpu, gpu or gpu:1 (default: auto)',
    )
    add_where(parser)
    add_quiet(parser, 'print the comparison only')
    add_force(parser)
    add_json(parser)
    parser.set_defaults(kept='the same command goes on from here')


def run(args: argparse.Namespace) -> int:
    """Draw a figure and print its checks; return 1 if one is out."""
    from gluon_style.figures import RECIPES, Options, draw
    from gluon_style.files.atomic import claim
    from gluon_style.methods.observers import Progress

    if args.list:
        about = {name: recipe.about for name, recipe in RECIPES.items()}
        lines = [f'{name:16} {text}' for name, text in about.items()]
        print(json.dumps(about, indent=1) if args.json else '\n'.join(lines))
        return 0
    if args.name is None:
        raise GluonStyleError(
            f'no figure is named: choose {", ".join(RECIPES)}'
        )
    names = [field.name for field in fields(Options)]
    options = Options(**{name: getattr(args, name) for name in names})

    def observe(job: Any) -> list[Any]:
        return [Progress(job.name, args.quiet)]

    executor = other_processes(args, args.quiet or args.json)
    with claim(Path(args.output, f'{args.name}.png')):
        path, checks = draw(
            args.name,
            args.output,
            options,
            observe=observe,
            executor=executor,
        )
    words = {True: 'good', False: 'OUT', None: 'open'}
    if args.json:
        table = {'path': str(path), 'checks': [asdict(c) for c in checks]}
        print(json.dumps(table, indent=1))
    else:
        for check in checks:
            print(f'{words[check.good]:4} {check.text}')
        print(path)
    return 1 if any(check.good is False for check in checks) else 0
