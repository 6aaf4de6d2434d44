"""Which files this package wrote, so that it never overwrites another's."""

import io
import os
from pathlib import Path

from gluon_style.errors import GluonStyleError
from gluon_style.files.reading import parse_json, read_bounded, read_json

# What every file of this package has within its first or last bytes. In what
# people write by hand the name alone says little.
MARK = b'gluon_style'
_MARKS = {
    '.html': b'<meta name="generator" content="gluon_style',
    '.svg': b'<dc:title>gluon_style</dc:title>',
    **dict.fromkeys(('.gif', '.mp4', '.pdf', '.png', '.webp'), MARK),
    **dict.fromkeys(('.jpg', '.jpeg', '.tif', '.tiff'), MARK),
}
_MARKED_BYTES = 1 << 20


def require_ours(path, force=False):
    """Raise ValueError where writing would destroy another's file.

    What is missing, was written by this package, or is given up by
    ``force`` may be written.
    """
    if not force and Path(path).exists() and not is_ours(path):
        raise GluonStyleError(
            f'{str(path)!r} exists and was not written by this program: give '
            'another name, or --force to overwrite it'
        )


def is_ours(path):
    """Return whether this package wrote the file ``path``.

    Its suffix is one of those that are written, and it has the mark of that
    kind in its first or last megabyte; JSON has the keys of a record, and
    is no larger than ``read_json`` reads.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    try:
        # Reading a pipe would wait for its writer.
        if not path.is_file():
            return False
        if suffix == '.json':
            return _is_record(read_json(path))
        if suffix == '.jsonl':
            text = read_bounded(path)
            lines = io.BytesIO(text)
            return bool(text) and all(map(_is_cell, map(parse_json, lines)))
        return suffix in _MARKS and _MARKS[suffix] in _ends(path)
    # ValueError: no JSON of a fit size and depth, or no text.
    except (OSError, ValueError):
        return False


def _is_record(content):
    return isinstance(content, dict) and (
        'figure' in content or {'settings', 'history'} <= content.keys()
    )


def _is_cell(line):
    """Return whether a line is one of a sweep's manifest."""
    keys = {'name', 'file', 'settings', 'state'}
    return isinstance(line, dict) and keys <= line.keys()


def _ends(path):
    """Return the first and the last megabyte of a file."""
    with open(path, 'rb') as file:
        first = file.read(_MARKED_BYTES)
        size = file.seek(0, os.SEEK_END)
        file.seek(max(len(first), size - _MARKED_BYTES))
        return first + file.read()
