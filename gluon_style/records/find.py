"""Find the pictures of a record again, by their hashes."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Union

from gluon_style import samples
from gluon_style.errors import GluonStyleError
from gluon_style.files.reading import file_digest
from gluon_style.pictures import Array
from gluon_style.pictures.read import read_picture
from gluon_style.records.record import PictureId

logger = logging.getLogger(__name__)

# At most so many files are compared.
MOST_FILES = 1000
# A picture's file ends in one of these, or has the name in the record.
SUFFIXES = (
    *('.jpg', '.jpeg', '.png', '.webp', '.tif', '.tiff', '.bmp', '.gif'),
    *('.avif', '.heic', '.heif', '.jp2', '.pgm', '.ppm', '.tga'),
)

# Where a picture was found: a file, or an array (height, width, 3).
Source = Union[Path, Array]


def pictures_in(folder: Path) -> list[Path]:
    """Return the pictures in a folder, sorted by name.

    Folders within it and hidden files are left out.
    """
    return [
        path
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in SUFFIXES
        and path.is_file()
        and not path.name.startswith('.')
    ]


def find_pictures(
    wanted: Iterable[PictureId], paths: Iterable[Path]
) -> dict[str, Source]:
    """Return where the wanted pictures are, by hash; some may be missing.

    The sample pictures and the files ``paths`` are compared, those with the
    name of a wanted picture first. For a picture that was an array, a file
    with the same pixels is found. Only the sample photograph is returned as
    an array.
    """
    search = _Search(wanted)
    search.compare_photograph()
    candidates = _candidates([samples.PAINTING, *paths], search.names)
    for path in candidates:
        if not search.missing:
            break
        search.compare_file(path)
    return search.sources


class _Search:
    """The pictures that are still missing, and those found so far.

    ``arrays`` are the hashes of the pictures that were arrays.
    """

    def __init__(self, wanted: Iterable[PictureId]) -> None:
        pictures = [picture for picture in wanted if picture.sha256]
        self.names = {picture.file for picture in pictures}
        self.missing = {picture.sha256 for picture in pictures}
        self.arrays = {each.sha256 for each in pictures if each.file is None}
        self.sources: dict[str, Source] = {}

    def compare_photograph(self) -> None:
        """Take the sample photograph if it is one of the arrays."""
        if self.arrays:
            photograph = samples.photograph()
            self._compare(PictureId.of(photograph).sha256, photograph)

    def compare_file(self, path: Path) -> None:
        """Take a file if its bytes or its pixels are wanted."""
        try:
            self._compare(file_digest(path), path)
            if self.arrays & self.missing and path.suffix.lower() in SUFFIXES:
                pixels = read_picture(path)
                self._compare(PictureId.of(pixels).sha256, path)
        except (OSError, GluonStyleError):
            # It is unreadable or not a picture, so not one of them.
            pass

    def _compare(self, digest: str | None, source: Source) -> None:
        if digest is not None and digest in self.missing:
            self.sources[digest] = source
            self.missing.discard(digest)


def _candidates(paths: list[Path], names: set[str | None]) -> list[Path]:
    """Return the files to compare, those with a wanted name first."""
    paths = [
        path
        for path in dict.fromkeys(paths)
        if path.name in names or path.suffix.lower() in SUFFIXES
    ]
    paths.sort(key=lambda path: path.name not in names)
    if len(paths) > MOST_FILES:
        logger.warning(
            'of %d pictures only %d are compared with those of the record',
            len(paths),
            MOST_FILES,
        )
    return [path for path in paths[:MOST_FILES] if path.is_file()]
