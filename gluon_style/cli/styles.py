"""gluon-style styles: the 26 styles of the method feedforward, as a sheet."""

from __future__ import annotations

import argparse
from pathlib import Path

from gluon_style.cli.options import add_force, add_quiet

HELP = 'show the 26 styles of one pass, with their numbers'
DESCRIPTION = (
    'Paint one picture in each of the 26 styles, and write a sheet of them '
    'with their numbers: the style net:15 is the one for gluon-style run '
    '--method feedforward.'
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the picture and the options."""
    parser.usage = '%(prog)s [CONTENT] [-o OUT.png] [OPTIONS]'
    parser.add_argument(
        'content',
        nargs='?',
        metavar='CONTENT',
        help='the picture (default: the sample photograph)',
    )
    parser.add_argument(
        '-o',
        '--output',
        default='styles.png',
        metavar='OUT.png',
        help='the sheet: .png, .svg or .pdf (default: styles.png)',
    )
    add_force(parser)
    add_quiet(parser)


def run(args: argparse.Namespace) -> int:
    """Write the sheet and print its path."""
    from gluon_style import samples
    from gluon_style.chapter.plots import check_suffix
    from gluon_style.files.atomic import claim
    from gluon_style.files.ours import require_output
    from gluon_style.many.style_sheet import draw_style_sheet

    path = Path(args.output)
    check_suffix(path)
    others = [] if args.content is None else [args.content]
    require_output(path, others, args.force)
    content = samples.photograph() if args.content is None else args.content
    with claim(path):
        draw_style_sheet(content, path)
    if not args.quiet:
        print(path)
    return 0
