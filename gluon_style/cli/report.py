"""gluon-style report: all results of a folder in one page."""

from __future__ import annotations

import argparse
import json

from gluon_style.cli.options import add_force, add_json

HELP = 'show all results of a folder in one HTML page'
DESCRIPTION = (
    'Write one HTML page, which needs no other file, of the results in DIR '
    'and the folders within it. Content and style pictures are found by their '
    'hashes in DIR, in the current folder and among the samples.'
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the folder and the options."""
    parser.add_argument(
        'folder', metavar='DIR', help='the folder of the results'
    )
    parser.add_argument(
        '-o',
        '--output',
        metavar='OUT.html',
        help='the page (default: DIR/report.html)',
    )
    parser.add_argument(
        '--pictures',
        nargs='+',
        action='extend',
        default=[],
        metavar='DIR',
        help='further folders of content and style pictures',
    )
    parser.add_argument('--title', help='the heading of the page')
    add_force(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Write the page and say what it has."""
    from gluon_style.report import write_report

    path, number = write_report(
        args.folder,
        args.output,
        pictures=args.pictures,
        title=args.title,
        force=args.force,
    )
    size = path.stat().st_size
    if args.json:
        table = {'path': str(path), 'results': number, 'bytes': size}
        print(json.dumps(table, indent=1))
        return 0
    noun = 'result' if number == 1 else 'results'
    print(f'{path}: {number} {noun}, {size / 1e6:.1f} MB')
    return 0
