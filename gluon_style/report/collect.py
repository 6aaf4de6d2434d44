"""Find the results in a folder, and the pictures that they were made from."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from gluon_style.errors import GluonStyleError
from gluon_style.files.ours import is_ours
from gluon_style.pictures import Array
from gluon_style.pictures.read import read_picture, read_transparent
from gluon_style.pictures.write import SUFFIXES, record_of
from gluon_style.records.find import find_pictures
from gluon_style.records.record import Record
from gluon_style.records.result import Result, read_record

logger = logging.getLogger(__name__)


def files_below(folder: Path) -> list[Path]:
    """Return the files in a folder and its folders, 2 before 10.

    Hidden ones are left out: environments, and files that are being written.
    """
    paths: list[Path] = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith('.')]
        paths += [Path(place, name) for name in names if name[0] != '.']
    return sorted(paths, key=_natural_order)


def files_in(folder: str | Path) -> list[Path]:
    """Return the files in a folder, 2 before 10."""
    return sorted(Path(folder).iterdir(), key=_natural_order)


def _natural_order(path: Path) -> tuple[list[str | int], str]:
    # The pieces at odd places are digits, so that like is compared with like.
    pieces: list[str | int] = [*re.split(r'(\d+)', str(path).lower())]
    pieces[1::2] = [int(digits) for digits in pieces[1::2]]
    return pieces, str(path)


def results_among(paths: Iterable[Path]) -> Iterator[tuple[Path, Result]]:
    """Yield the path and the result of each; log those that are not whole."""
    for path in paths:
        if not _is_result(path):
            continue
        try:
            result = _loaded(path)
        except (OSError, GluonStyleError) as error:
            logger.warning('%s is left out: %s', path, error)
        else:
            yield path, result


def _loaded(path: Path) -> Result:
    """Return the result of a picture, by the record within if need be.

    Then it has no history: the JSON beside is missing, or is another
    picture's.
    """
    try:
        return Result.load(path)
    except (OSError, GluonStyleError):
        within, beside = record_of(path), path.with_suffix('.json')
        if within is None:
            raise
        record = Record.from_json(within)
        if beside.exists() and read_record(beside)[0] == record:
            raise
    picture, alpha = read_transparent(path)
    return Result(picture, [], record, alpha=alpha)


def _records_beside(path: Path) -> list[dict[str, Any]]:
    """Return the records within the other pictures of the same name."""
    others = {path.with_suffix(suffix) for suffix in SUFFIXES} - {path}
    return [record for each in others if (record := record_of(each))]


def _is_result(path: Path) -> bool:
    """Return whether a picture was made by this package, as far as it shows.

    The record within tells. For a PNG the record beside it tells, too, unless
    it is another picture's: programs that make PNGs smaller remove what is
    within. A broken picture has lost what was within.
    """
    if path.suffix.lower() not in SUFFIXES:
        return False
    if path.is_file() and record_of(path) is not None:
        return True
    if not is_ours(path.with_suffix('.json')) or _records_beside(path):
        return False
    return path.suffix.lower() == '.png' or _is_broken(path)


def _is_broken(path: Path) -> bool:
    try:
        read_picture(path)
    except (OSError, GluonStyleError):
        return True
    return False


def pictures_of(
    results: Iterable[Result], paths: Iterable[Path]
) -> dict[str, Array]:
    """Return the content and style pictures of results, by hash.

    They are looked for among ``paths`` and the samples; those that are not
    there are missing.
    """
    wanted = [
        result.record.pictures[role]
        for result in results
        for role in result.record.shown
    ]
    pictures: dict[str, Array] = {}
    for digest, source in find_pictures(wanted, paths).items():
        try:
            pictures[digest] = read_picture(source)
        except (OSError, GluonStyleError) as error:
            logger.warning('a picture cannot be shown: %s', error)
    return pictures
