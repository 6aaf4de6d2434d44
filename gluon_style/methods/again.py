"""What every method needs to make a picture again, from its record."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gluon_style.errors import GluonStyleError
from gluon_style.methods.fields import shown
from gluon_style.records.find import find_pictures
from gluon_style.records.record import PictureId, Record


def require_method(record: Record, path: Path, method: str) -> None:
    """Raise GluonStyleError for a record of another method."""
    if record.method != method:
        raise GluonStyleError(
            f'record {str(path)!r} is of the method {record.method!r}, not '
            f'{method!r}: leave out --method'
        )


def find_again(
    wanted: Mapping[str, PictureId], folder: Path, noun: str = ' picture'
) -> dict[str, Any]:
    """Return a path, or the sample's array, for each role of a record.

    They are looked for in ``folder``, in the current folder and among the
    samples. Raises FileNotFoundError for one that is not there; ``noun`` is
    what it is called after its role.
    """
    if not wanted:
        return {}
    paths = [*sorted(folder.iterdir()), *sorted(Path.cwd().iterdir())]
    by_digest = find_pictures(wanted.values(), paths)
    sources = {}
    for role, picture in wanted.items():
        digest = str(picture.sha256)
        if digest not in by_digest:
            raise FileNotFoundError(
                f'the {role}{noun} {shown(picture.file)} of that run was not '
                f'found by its hash {digest[:12]}: put it beside the record'
            )
        source = by_digest[digest]
        sources[role] = str(source) if isinstance(source, Path) else source
    return sources
