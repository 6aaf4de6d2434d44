"""Put a whole folder in its place, or leave the one that is there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gluon_style.files.atomic import (
    claim,
    flush_folder,
    temporary_folder,
    temporary_prefix,
)


@contextmanager
def workplace(folder: Path) -> Iterator[Path]:
    """Give a new folder beside ``folder``, so that one rename finishes it.

    One process at a time has it. What a killed one left is removed; a former
    ``folder``, which that one had moved away as ``old``, is put back. Raises
    GluonStyleError where another process is at work.
    """
    prefix = temporary_prefix(folder)
    with claim(folder):
        for leftover in folder.parent.glob(f'{prefix}*'):
            if (leftover / 'old').is_dir() and not folder.exists():
                (leftover / 'old').rename(folder)
        with temporary_folder(prefix, folder.parent) as temporary:
            yield temporary


def replace_folder(new: Path, folder: Path, old: Path) -> None:
    """Flush the folder ``new`` to the disk and rename it to ``folder``.

    What was at ``folder`` becomes ``old``. It is put back where this raises
    OSError or is interrupted. All three are on one file system.
    """
    for place, _, names in os.walk(new):
        for name in names:
            with open(Path(place, name), 'rb') as file:
                os.fsync(file.fileno())
        flush_folder(place)
    try:
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
    except BaseException:
        if old.exists() and not folder.exists():
            old.rename(folder)
        raise
    flush_folder(folder.parent)
