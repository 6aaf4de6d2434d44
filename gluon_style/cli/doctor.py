"""gluon-style doctor: can a class start on this machine?"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from gluon_style.cli.options import add_json

HELP = 'check all that a run needs, and say how to mend it'
DESCRIPTION = (
    'Check the interpreter, the packages, the weights, the memory and the '
    'speed. The exit code is 1 if a class cannot start.'
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--json``; the log stays quiet, for the findings say it all."""
    add_json(parser)
    parser.set_defaults(quiet=True, prints_result=True)


def run(args: argparse.Namespace) -> int:
    """Print the findings; return 1 if one is a problem."""
    from gluon_style.classroom.doctor import PROBLEM, examine

    findings = list(examine()) if args.json else examine()
    if args.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=1))
        return int(any(finding.level == PROBLEM for finding in findings))
    problem = False
    for finding in findings:
        print(f'{finding.level:8} {finding.text}')
        if finding.mend:
            print(f'{"":8}   -> {finding.mend}')
        problem |= finding.level == PROBLEM
    if problem:
        print('A class cannot start before each PROBLEM is mended.')
        return 1
    print('A class can start.')
    return 0
