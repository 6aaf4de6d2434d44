"""gluon-style doctor: can a class start on this machine?"""

from __future__ import annotations

import argparse

HELP = 'check all that a run needs, and say how to mend it'
DESCRIPTION = (
    'Check the interpreter, the packages, the weights, the memory and the '
    'speed. The exit code is 1 if a class cannot start.'
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add nothing; the log stays quiet, for the findings say it all."""
    parser.set_defaults(quiet=True, prints_result=True)


def run(args: argparse.Namespace) -> int:
    """Print the findings; return 1 if one is a problem."""
    from gluon_style.classroom.doctor import PROBLEM, examine

    problem = False
    for finding in examine():
        print(f'{finding.level:8} {finding.text}')
        if finding.mend:
            print(f'{"":8}   -> {finding.mend}')
        problem |= finding.level == PROBLEM
    if problem:
        print('A class cannot start before each PROBLEM is mended.')
        return 1
    print('A class can start.')
    return 0
