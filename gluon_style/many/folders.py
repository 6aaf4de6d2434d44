"""The pictures of folders, in place of the folders' names."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from gluon_style.errors import GluonStyleError
from gluon_style.records.find import SUFFIXES, pictures_in


def expanded(paths: Iterable[str]) -> list[str]:
    """Return paths with the pictures of each folder in the folder's place.

    Folders within a folder and hidden files are left out. Raises
    GluonStyleError for a folder without pictures.
    """
    files: list[str] = []
    for path in paths:
        files += _pictures_in(Path(path)) if Path(path).is_dir() else [path]
    return files


def _pictures_in(folder: Path) -> list[str]:
    paths = [str(path) for path in pictures_in(folder)]
    if not paths:
        raise GluonStyleError(
            f'folder {str(folder)!r} has no pictures: name one with files '
            f'that end in {", ".join(SUFFIXES[:3])} or the like'
        )
    return paths
