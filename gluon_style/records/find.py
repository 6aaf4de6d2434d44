"""The pictures of a record, found again by their hashes."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable
from pathlib import Path

import numpy

from gluon_style import samples
from gluon_style.files.reading import file_digest
from gluon_style.pictures.read import read_picture
from gluon_style.records.record import PictureId

logger = logging.getLogger(__name__)

# How many files are compared, at most.
MOST_FILES = 1000
# What a picture's file may end in, besides the name that the record has.
SUFFIXES = ('.jpg', '.jpeg', '.png', '.webp', '.tif', '.tiff', '.bmp', '.gif')
SUFFIXES += ('.avif', '.jp2', '.pgm', '.ppm', '.tga')


def find_pictures(
    wanted: Iterable[PictureId], paths: Iterable[Path]
) -> dict[str, Path | numpy.ndarray]:
    """Return the wanted pictures that are found, by hash.

    The sample pictures and the files ``paths`` are compared, those with the
    name of a wanted picture first. A picture that was an array is found in a
    file of the same pixels. The value is a file's path, or the sample
    photograph, an array (height, width, 3) of uint8.
    """
    wanted = [picture for picture in wanted if picture.sha256 is not None]
    missing = {picture.sha256 for picture in wanted}
    arrays = {each.sha256 for each in wanted if each.file is None}
    names = {picture.file for picture in wanted} - {None}
    found: dict[str, Path | numpy.ndarray] = {}

    def offer(digest: str | None, source: Path | numpy.ndarray) -> None:
        if digest is not None and digest in missing:
            found[digest] = source
            missing.discard(digest)

    if arrays:
        photograph = samples.photograph()
        offer(PictureId.of(photograph).sha256, photograph)
    for path in _to_compare([samples.PAINTING, *paths], names):
        if not missing:
            break
        # An unreadable or a broken file is not one of them.
        with contextlib.suppress(OSError, ValueError):
            offer(file_digest(path), path)
            if arrays & missing and path.suffix.lower() in SUFFIXES:
                offer(PictureId.of(read_picture(path)).sha256, path)
    return found


def _to_compare(paths: list[Path], names: set[str | None]) -> list[Path]:
    """Return the files to compare, those with a fitting name first."""
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
