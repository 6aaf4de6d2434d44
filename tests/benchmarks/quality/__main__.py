"""Measure how much content programs keep and how much style they take.

Run it from the root with PYTHONPATH=tests. It writes report.md, curves.svg
and a sheet of pictures for each program to build/quality/report. What is made
already is not made again, so that a run that was interrupted goes on.
"""

import argparse
import math
import sys

from . import report
from .curves import Table
from .downloads import FOLDER, OfflineError
from .pairs import ALL, CONTENTS, SHORT, SIZE
from .programs import chosen
from .results import Task, judge_all, make_all
from .styles import STYLES

PROGRAMS = (
    'fast',
    'quick',
    'chapter-fast',
    'chapter',
    'pastiche',
    'any-style',
    'feedforward',
    'adain',
    'diffusion',
)


def parse(argv=None):
    """Return the arguments of the command line."""
    parser = argparse.ArgumentParser(
        prog='quality',
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        '--programs',
        nargs='*',
        default=PROGRAMS,
        help="this package's presets and methods, pastiche, any-style; the "
        'first is the one that the others are compared with',
    )
    parser.add_argument(
        '--variant',
        action='append',
        default=[],
        metavar='NAME=SETTING=VALUE,...',
        help="further settings of this package, as 'calm=preset=quick,"
        "pooling=avg'; repeat it for several",
    )
    parser.add_argument(
        '--strengths',
        nargs='*',
        default=['all'],
        help="'all', 'default' or numbers, for every program's knob",
    )
    parser.add_argument(
        '--pairs',
        nargs='*',
        default=['all'],
        help="'all', 'short', a number of pairs, or names as cat-mosaic",
    )
    parser.add_argument(
        '--curve-pairs',
        nargs='*',
        default=['short'],
        help='the pairs that are made at all strengths; the others are made '
        'at the default only',
    )
    parser.add_argument('--size', type=int, default=SIZE)
    parser.add_argument('--jobs', type=int, default=2, help='side by side')
    parser.add_argument(
        '--again', action='store_true', help='make all pictures anew'
    )
    parser.add_argument('--output', default=str(FOLDER / 'report'))
    return parser.parse_args(argv)


def pairs_named(words):
    """Return the names of pairs; raises ValueError for an unknown one."""
    if words == ['all']:
        return list(ALL)
    if words == ['short']:
        return list(SHORT)
    if len(words) == 1 and words[0].isdigit():
        return _spread(min(int(words[0]), len(ALL)))
    for word in words:
        if word not in ALL:
            raise ValueError(f'pair {word!r} is unknown: {", ".join(ALL)}')
    return list(words)


def _spread(count):
    """Return a number of pairs that use all contents and styles in turn."""
    contents, styles = list(CONTENTS), list(STYLES)
    period = math.lcm(len(contents), len(styles))
    return [
        f'{contents[i % len(contents)]}-'
        f'{styles[(i + i // period) % len(styles)]}'
        for i in range(count)
    ]


def tasks_of(program, args):
    """Return the tasks of a program, its default strength first."""
    pairs = pairs_named(args.pairs)
    curve_pairs = [p for p in pairs_named(args.curve_pairs) if p in pairs]
    strengths = program.strengths
    if args.strengths == ['default']:
        strengths = ()
    elif args.strengths != ['all']:
        strengths = tuple(map(float, args.strengths))
        return [
            Task(program, strength, pair, args.size)
            for strength in strengths
            for pair in pairs
        ]
    return [
        Task(program, strength, pair, args.size)
        for strength in dict.fromkeys((program.default, *strengths))
        for pair in (pairs if strength == program.default else curve_pairs)
    ]


def main(argv=None):
    args = parse(argv)
    try:
        programs = chosen(args.programs, args.variant)
        tasks = [task for p in programs for task in tasks_of(p, args)]
        failures = make_all(tasks, args.jobs, args.again)
        results = judge_all(tasks, args.jobs)
    except (ValueError, OfflineError) as error:
        print(f'quality: {error}', file=sys.stderr)
        return 2
    table = Table(programs, results)
    print(report.write(table, args.output, programs[0].name, args.size))
    print(f'Written to {args.output}')
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())
