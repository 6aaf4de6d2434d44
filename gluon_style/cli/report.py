"""gluon-style report: all results of a folder in one page."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from gluon_style.cli.options import add_force, add_json

# Seconds between two looks at a folder that is watched.
_SECONDS = 5

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
    parser.add_argument(
        '--watch',
        action='store_true',
        help='write the page anew as results come, until Ctrl-C; a browser '
        'that shows it follows',
    )
    add_force(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Write the page and say what it has."""
    if not args.watch:
        _write(args)
        return 0
    args.kept = 'the page has the results so far'
    before = None
    while True:
        now = _changes(Path(args.folder))
        # Before the first result there is no page.
        if now and now != before:
            _write(args, reload=_SECONDS)
            before = now
        time.sleep(_SECONDS)


def _changes(folder: Path) -> dict[Path, int]:
    """Return when each record in a folder was written."""
    from gluon_style.errors import GluonStyleError
    from gluon_style.report.collect import files_below

    if folder.exists() and not folder.is_dir():
        raise GluonStyleError(
            f'{str(folder)!r} is a file: name the folder of the results'
        )
    return {
        path: path.stat().st_mtime_ns
        for path in files_below(folder)
        if path.suffix == '.json'
    }


def _write(args: argparse.Namespace, reload: int | None = None) -> None:
    from gluon_style.report import write_report

    path, number = write_report(
        args.folder,
        args.output,
        pictures=args.pictures,
        title=args.title,
        force=args.force,
        reload=reload,
    )
    size = path.stat().st_size
    if args.json:
        table = {'path': str(path), 'results': number, 'bytes': size}
        print(json.dumps(table, indent=1), flush=True)
        return
    noun = 'result' if number == 1 else 'results'
    print(f'{path}: {number} {noun}, {size / 1e6:.1f} MB', flush=True)
