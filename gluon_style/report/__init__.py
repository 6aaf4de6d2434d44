"""A report: one page of all results in a folder. No MXNet."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

from gluon_style.errors import GluonStyleError
from gluon_style.files.atomic import replacing
from gluon_style.files.ours import require_output
from gluon_style.records.record import PictureId
from gluon_style.report.collect import (
    files_below,
    files_in,
    pictures_of,
    results_among,
)
from gluon_style.report.page import Entry, make_page

logger = logging.getLogger(__name__)


def write_report(
    folder: str | Path,
    output: str | Path | None = None,
    *,
    pictures: Iterable[str | Path] = (),
    title: str | None = None,
    force: bool = False,
    reload: int | None = None,
) -> tuple[Path, int]:
    """Write an HTML page of the results in a folder and in its folders.

    ``output`` is 'report.html' in the folder unless given. Content and style
    pictures are found by their hashes in the folder and its folders, in the
    folders ``pictures``, in the current folder, and among the samples. A
    picture that is not found, or a result that is not whole, is logged as a
    warning. A browser shows the page anew every ``reload`` seconds. Returns
    the page's path and the number of results.

    Raises GluonStyleError for a folder that is missing or has no results,
    for an ``output`` that does not end in .html or, unless ``force`` is
    true, is another program's file, and OSError if it cannot be written.
    """
    folder, places = Path(folder), list(map(Path, pictures))
    output = folder / 'report.html' if output is None else Path(output)
    for place in (folder, *places):
        if not place.is_dir():
            raise GluonStyleError(
                f'folder {str(place)!r} does not exist: name the folder that '
                'has the files'
            )
    _check_output(output)
    require_output(output, force=force)
    entries = _entries(folder, places)
    if not entries:
        raise GluonStyleError(
            f'folder {str(folder)!r} has no result of this package: make one '
            'with gluon-style run'
        )
    _warn_of_missing(entries)
    if title is None:
        title = f'Stylized pictures in {folder.resolve().name}'
    page = make_page(title, entries, reload)
    with replacing(output) as temporary:
        # A file's name may be bytes that are not text.
        temporary.write_bytes(page.encode('utf-8', 'replace'))
    return output, len(entries)


def _check_output(output: Path) -> None:
    if output.suffix.lower() != '.html':
        raise GluonStyleError(f'output {str(output)!r} must end in .html')
    if output.is_dir():
        raise GluonStyleError(
            f'output {str(output)!r} is a folder: name a file'
        )


def _entries(folder: Path, places: list[Path]) -> list[Entry]:
    """Return the results in a folder with the pictures that are found."""
    paths = files_below(folder)
    results = list(results_among(paths))
    for place in (*places, Path('.')):
        paths += files_in(place)
    pictures = pictures_of([result for _, result in results], paths)
    return [
        Entry(
            path.relative_to(folder).as_posix(),
            path,
            result,
            {
                role: pictures[digest]
                for role in result.record.shown
                if (digest := result.record.pictures[role].sha256) in pictures
            },
        )
        for path, result in results
    ]


def _warn_of_missing(entries: list[Entry]) -> None:
    """Log once for each picture that was not found, not for each result."""
    missing: dict[tuple[str, PictureId], list[str]] = {}
    for entry in entries:
        record = entry.result.record
        for role in record.shown:
            if role not in entry.pictures:
                key = role, record.pictures[role]
                missing.setdefault(key, []).append(entry.name)
    for (role, picture), names in missing.items():
        more = f' and {len(names) - 1} more' if len(names) > 1 else ''
        about = repr(picture.file)
        if picture.file is None:
            about = f'with the hash {str(picture.sha256)[:12]}'
        logger.warning(
            'the %s picture %s of %r%s was not found: name its folder with '
            '--pictures',
            role,
            about,
            names[0],
            more,
        )
