"""gluon-style sweep: every combination of pictures and settings."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path
from typing import Any

from gluon_style.cli.messages import BAD_INPUT, NOT_FINITE, complain
from gluon_style.cli.method import add_method, given_settings
from gluon_style.cli.options import (
    add_force,
    add_json,
    add_preset,
    add_quiet,
    add_settings,
    count,
)
from gluon_style.cli.pipes import require_named
from gluon_style.cli.where import Tally, add_where, executor_of
from gluon_style.errors import GluonStyleError
from gluon_style.methods.gatys.presets import DEFAULT_PRESET, PRESETS, preset
from gluon_style.methods.table import (
    DEFAULT_METHOD,
    get_method,
    method_of,
)

HELP = 'make every combination of pictures and settings'
DESCRIPTION = (
    'Give each CONTENT the style of each STYLE with every combination of the '
    'settings. A setting may be a list: --strength 0.3,0.5,0.7. The folder '
    'DIR gets the pictures, contact sheets of a preview and of the result, '
    'and manifest.jsonl. Pictures that DIR already has are not made again, so '
    'the same command goes on with an interrupted sweep.'
)
# A list of what failed has so many names.
_MOST_NAMES = 10
# Pixels of the preview.
PREVIEW_SIDE = 150


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the pictures and the options."""
    parser.usage = '%(prog)s CONTENT... --style STYLE... -o DIR [OPTIONS]'
    parser.add_argument(
        'contents',
        nargs='+',
        metavar='CONTENT',
        help='the content pictures, or folders of them',
    )
    parser.add_argument(
        '--style',
        dest='styles',
        nargs='+',
        required=True,
        metavar='STYLE',
        help='the style pictures, or folders of them',
    )
    parser.add_argument(
        '-o',
        '--output',
        required=True,
        metavar='DIR',
        help='the folder of the results; it is made if it is missing',
    )
    add_method(parser, lists=True)
    add_preset(parser)
    parser.add_argument(
        '--preview',
        type=count('preview', least=0),
        default=PREVIEW_SIDE,
        metavar='LONGEST',
        help='pixels of the preview, which is made first; 0 for none '
        f'(default: {PREVIEW_SIDE})',
    )
    add_where(parser)
    add_quiet(parser)
    add_force(parser)
    add_json(parser)
    add_settings(parser, PRESETS[DEFAULT_PRESET], lists=True)
    parser.set_defaults(kept='the same command goes on from here')


def run(args: argparse.Namespace) -> int:
    """Make a preview of all combinations, and then all of them."""
    from gluon_style.cli.request import say_without_effect

    settings, varied = _settings(args)
    is_default = method_of(settings).name == DEFAULT_METHOD
    if is_default and not {'optimizer', 'init'} & varied.keys():
        say_without_effect(vars(args), settings)
    return make_all(args, args.contents, args.styles, settings, varied)


def make_all(
    args: argparse.Namespace,
    contents: list[str],
    styles: list[str],
    settings: Any,
    varied: dict[str, list[Any]],
) -> int:
    """Make all combinations in a folder; return the exit code.

    ``contents`` and ``styles`` are files and folders.
    """
    from gluon_style.files.ours import require_folder
    from gluon_style.many.folders import expanded
    from gluon_style.pictures.opening import require_files

    require_named(args.output)
    folder = Path(args.output)
    _require_apart(folder, [*contents, *styles])
    require_folder(folder)
    contents, styles = expanded(contents), expanded(styles)
    require_files(contents)
    if not method_of(settings).names_styles:
        require_files(styles)
    from gluon_style.many.sweep import combinations

    cells = combinations(contents, styles, settings, varied)
    return make_cells(args, cells, folder)


def make_cells(
    args: argparse.Namespace, cells: list[Any], folder: Path
) -> int:
    """Make cells in a folder, and their contact sheet; return the exit code.

    Their settings are of one method.
    """
    from gluon_style.files.atomic import claim
    from gluon_style.files.ours import require_ours
    from gluon_style.many.sweep import checked, previewed

    cells = checked(cells)
    _say_unreadable(cells)
    method = method_of(cells[0].job.settings)
    stages = [(cells, folder, folder / 'contact.png')]
    for cell in cells:
        if cell.job.path(folder) == folder / 'contact.png':
            raise GluonStyleError(
                f'the picture of {str(cell.job.content)!r} has the name of '
                'the contact sheet: give the content another name'
            )
    if args.preview and method.has_epochs:
        small = previewed(cells, args.preview)
        preview = (small, folder / 'preview', folder / 'preview.png')
        stages.insert(0, preview)
    from gluon_style.methods.observers import Progress

    def observe(job: Any) -> list[Any]:
        return [Progress(job.name, args.quiet or args.json)]

    done: list[Any] = []
    with ExitStack() as claims:
        for _, place, sheet in stages:
            claims.enter_context(claim(place / 'manifest.jsonl'))
            require_ours(sheet, args.force)
            require_ours(place / 'manifest.jsonl', args.force)
        executor = claims.enter_context(executor_of(args, observe))
        for stage in stages:
            done = _run_stage(*stage, executor, args)
    return _conclude(done)


def _require_apart(folder: Path, sources: list[str]) -> None:
    """Raise an error where results would be taken for pictures next time."""
    if folder.resolve() in [Path(source).resolve() for source in sources]:
        raise GluonStyleError(
            f'output {str(folder)!r} is also the folder of the pictures: '
            'name another one'
        )


def _say_unreadable(cells: list[Any]) -> None:
    """Say which pictures cannot be read, before the work begins."""
    errors = [cell.error for cell in cells if cell.error is not None]
    for error in dict.fromkeys(errors):
        complain(error)
    if len(errors) == len(cells):
        raise GluonStyleError('no pictures are left')


def _conclude(done: list[Any]) -> int:
    """Say which results failed; return the exit code.

    It says that losses were not finite only where nothing else was wrong.
    """
    failed = [cell.job.name for cell in done if cell.error is not None]
    if not failed:
        return 0
    names = ', '.join(failed[:_MOST_NAMES])
    more = len(failed) - _MOST_NAMES
    names += f' and {more} more' if more > 0 else ''
    complain(f'{len(failed)} of {len(done)} failed: {names}')
    diverged = all(cell.diverged for cell in done if cell.error is not None)
    return NOT_FINITE if diverged else BAD_INPUT


def _settings(
    args: argparse.Namespace,
) -> tuple[Any, dict[str, list[Any]]]:
    """Return the settings that all runs share, and the values that vary."""
    method = args.method or DEFAULT_METHOD
    given = given_settings(args, method)
    chosen = get_method(method).default_settings()
    if args.preset is not None:
        chosen = preset(args.preset)
    names = [field.name for field in fields(chosen) if field.name in given]
    # A setting with one value varies nothing; a switch has no list.
    values = {
        name: given[name] if isinstance(given[name], list) else [given[name]]
        for name in names
    }
    varied = {name: each for name, each in values.items() if len(each) > 1}
    common = {name: values[name][0] for name in values if name not in varied}
    return chosen.changed(common), varied


def _run_stage(
    cells: list[Any],
    folder: Path,
    sheet: Path,
    executor: Any,
    args: argparse.Namespace,
) -> list[Any]:
    """Run cells, draw their contact sheet, and return them."""
    unreadable = {cell.job.name for cell in cells if cell.error is not None}
    from gluon_style.many.sweep import MOST_ON_SHEET, contact_sheet, sweep

    done: list[Any] = []
    tally = Tally(executor, sheet.stem, len(cells), args.quiet, args.json)
    for cell in sweep(cells, folder, executor, args.force):
        done.append(cell)
        tally.add(cell.job.name, cell, cell.job.name in unreadable)
    # As they were asked for, and not as they came.
    places = {cell.job.name: place for place, cell in enumerate(cells)}
    done.sort(key=lambda cell: places[cell.job.name])
    if len(done) > MOST_ON_SHEET:
        complain(
            f'a contact sheet has {MOST_ON_SHEET} pictures at most: look at '
            f'{len(done)} with gluon-style report {folder}'
        )
        return done
    contact_sheet(done, folder, sheet)
    if not args.quiet and not args.json:
        print(sheet)
    return done
