"""Recognize the files that this package wrote, to overwrite no others."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gluon_style.errors import GluonStyleError
from gluon_style.files.atomic import require_room
from gluon_style.files.reading import parse_json, read_bounded, read_json

# Every file of this package has a mark in its first or last megabyte. People
# write the plain name into HTML and SVG by hand, so those need a longer mark.
MARK = b'gluon_style'
_MARKS = {
    '.html': b'<meta name="generator" content="gluon_style',
    '.svg': b'<dc:title>gluon_style</dc:title>',
    **dict.fromkeys(('.gif', '.mp4', '.pdf', '.png', '.style', '.webp'), MARK),
    **dict.fromkeys(('.jpg', '.jpeg', '.tif', '.tiff'), MARK),
}
_MARKED_BYTES = 1 << 20


def require_ours(path: str | os.PathLike[str], force: bool = False) -> None:
    """Raise GluonStyleError if writing ``path`` would destroy a foreign file.

    A missing file and a file of this package may be written; with ``force``,
    any file may.
    """
    if not force and Path(path).exists() and not is_ours(path):
        raise GluonStyleError(
            f'{str(path)!r} exists and was not written by this program: give '
            'another name, or --force to overwrite it'
        )


def require_output(
    path: str | os.PathLike[str],
    others: Iterable[str | os.PathLike[str]] = (),
    force: bool = False,
) -> None:
    """Raise GluonStyleError unless a run can write ``path`` at its end.

    Its folder must exist and have room. ``path`` must not be one of the
    ``others`` that the run reads or writes, nor, unless ``force`` is true,
    another program's file.
    """
    path = Path(path)
    folder = path.parent
    if not folder.is_dir():
        raise GluonStyleError(
            f'output folder {str(folder)!r} does not exist: make it first'
        )
    if path.is_dir() or not os.access(folder, os.W_OK):
        raise GluonStyleError(
            f'output {str(path)!r} cannot be written: name a file in a '
            'folder you may write to'
        )
    if path.resolve() in [Path(other).resolve() for other in others]:
        raise GluonStyleError(
            f'output {str(path)!r} is also another file of this run: '
            'give it a name of its own'
        )
    require_room(folder)
    require_ours(path, force)


def require_folder(folder: str | os.PathLike[str]) -> None:
    """Raise GluonStyleError unless files can be written into a folder.

    It may be missing where it can be made, and must have room.
    """
    folder = Path(folder)
    places = (folder, *folder.absolute().parents)
    place = next(path for path in places if path.exists())
    if not place.is_dir():
        raise GluonStyleError(
            f'folder {str(folder)!r} cannot be made, because {str(place)!r} '
            'is a file: name another folder'
        )
    if not os.access(place, os.W_OK | os.X_OK):
        raise GluonStyleError(
            f'folder {str(folder)!r} cannot be written to: name one that you '
            'may write to'
        )
    require_room(place)


def is_ours(path: str | os.PathLike[str]) -> bool:
    """Return whether this package wrote the file at ``path``.

    A picture, animation, figure or report has the mark of its suffix. JSON
    has the keys of a record, and JSON lines those of a sweep's manifest.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    try:
        # Opening a pipe would wait for its writer.
        if not path.is_file():
            return False
        if suffix == '.json':
            return _is_record(read_json(path))
        if suffix == '.jsonl':
            lines = read_bounded(path).splitlines()
            return bool(lines) and all(map(_is_cell, map(parse_json, lines)))
        return suffix in _MARKS and _MARKS[suffix] in _ends(path)
    except (OSError, GluonStyleError):
        return False


def _is_record(content: Any) -> bool:
    return isinstance(content, dict) and (
        'figure' in content or {'settings', 'history'} <= content.keys()
    )


def _is_cell(content: Any) -> bool:
    """Return whether a line of JSON is one cell of a sweep's manifest."""
    keys = {'name', 'file', 'settings', 'state'}
    return isinstance(content, dict) and keys <= content.keys()


def _ends(path: Path) -> bytes:
    """Return the first and the last megabyte of a file."""
    with open(path, 'rb') as file:
        first = file.read(_MARKED_BYTES)
        length = file.seek(0, os.SEEK_END)
        file.seek(max(len(first), length - _MARKED_BYTES))
        return first + file.read()
