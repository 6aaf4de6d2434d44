"""Write a file whole or not at all, by one run at a time."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from gluon_style.errors import GluonStyleError

# Many times what a picture of the chapter's size takes, with its JSON and its
# plot.
LEAST_FREE_BYTES = 16 << 20
# So many processes may write one file at a time, and be killed, and nothing
# of them stays.
_PLACES = 4


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path beside ``path``; it replaces ``path`` at the end.

    The body writes the temporary file. When the body returns, the file is
    flushed to the disk and renamed. When the body raises, the file is removed
    and the old file at ``path`` stays. Temporary files that a killed process
    left for the same ``path`` are removed first. Raises FileNotFoundError if
    the folder does not exist, and OSError if the file cannot be written.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f'folder {str(path.parent)!r} does not exist: make it first'
        )
    prefix = temporary_prefix(path)
    _remove_leftovers(path.parent, prefix, path.suffix)
    handle, temporary = _locked_file(path.parent, prefix, path.suffix)
    try:
        yield temporary
        with open(temporary, 'rb') as file:
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
        flush_folder(path.parent)
    finally:
        os.close(handle)
        temporary.unlink(missing_ok=True)


def temporary_prefix(path: Path) -> str:
    """Return how the names of what will replace ``path`` begin.

    A hash of its name, since the name may be as long as names can be.
    """
    digest = hashlib.sha256(os.fsencode(path.name)).hexdigest()
    return f'.new-{digest[:12]}-'


def _temporaries(folder: Path, prefix: str, suffix: str) -> Iterator[Path]:
    """Yield the places of temporary files, the first ones first.

    They are known without reading the folder, which takes 20 ms each time
    where it has twenty thousand files.
    """
    for number in itertools.count():
        yield folder / f'{prefix}{number}{suffix}'


def _locked_file(folder: Path, prefix: str, suffix: str) -> tuple[int, Path]:
    """Return the handle and the path of a new file, locked until closed."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    for path in _temporaries(folder, prefix, suffix):
        try:
            handle = os.open(path, flags, 0o600)
        except FileExistsError:
            continue
        # Some file systems cannot lock. There, leftovers are never removed.
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        # Before the lock, another process may have removed it as a leftover.
        if os.fstat(handle).st_nlink:
            break
        os.close(handle)
    return handle, path


def _remove_leftovers(folder: Path, prefix: str, suffix: str) -> None:
    """Remove what killed processes left in the first places."""
    paths = _temporaries(folder, prefix, suffix)
    for number, path in enumerate(paths):
        if path.exists():
            _remove_leftover(path)
        elif number >= _PLACES:
            return


def _remove_leftover(path: Path) -> None:
    """Remove a temporary file unless a process is still writing it."""
    with contextlib.suppress(OSError), open(path, 'rb') as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()


@contextlib.contextmanager
def temporary_folder(
    prefix: str, beside: str | os.PathLike[str]
) -> Iterator[Path]:
    """Give a new folder within the folder ``beside``, and remove it.

    The caller holds a lock for the ``prefix``: what a killed process left
    with it is removed first. Where the new folder cannot be removed any more
    it stays, without a word: the error that ended the body says more.
    ``tempfile.TemporaryDirectory`` would try again until Python's stack is
    full.
    """
    for leftover in Path(beside).glob(f'{prefix}*'):
        shutil.rmtree(leftover, ignore_errors=True)
    folder = tempfile.mkdtemp(prefix=prefix, dir=beside)
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def flush_folder(folder: str | os.PathLike[str]) -> None:
    """Flush a folder's list of names to the disk, where it can be flushed."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def require_room(
    folder: str | os.PathLike[str], needed: int = LEAST_FREE_BYTES
) -> int:
    """Return the number of free bytes on the disk of a folder.

    Raises GluonStyleError if there are fewer than ``needed``.
    """
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise GluonStyleError(
            f'folder {str(folder)!r} has {free // 10**6} MB free: at least '
            f'{needed // 10**6} MB are needed'
        )
    return free


@contextlib.contextmanager
def claim(path: str | os.PathLike[str]) -> Iterator[None]:
    """Keep other runs of this user from writing ``path`` meanwhile.

    The lock ends with the process, however the process ends. Its file in the
    temporary folder is removed at the end. Raises GluonStyleError if another
    run is writing ``path``.
    """
    name = hashlib.sha256(os.fsencode(Path(path).resolve())).hexdigest()
    lock = Path(
        tempfile.gettempdir(), f'gluon_style-{os.getuid()}-{name}.lock'
    )
    handle = _claimed(lock)
    if handle is None:
        raise GluonStyleError(
            f'output {str(path)!r} is being written by another run: give '
            'this one another name'
        )
    try:
        yield
    finally:
        # While it is locked, so that nobody else's file is removed.
        lock.unlink(missing_ok=True)
        os.close(handle)


def _claimed(lock: Path) -> int | None:
    """Return the handle of a file, locked until closed, or None."""
    while True:
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return None
        # Before the lock, the former owner may have removed it.
        if os.fstat(handle).st_nlink:
            return handle
        os.close(handle)


def _umask() -> int:
    """Return the umask, as mkstemp makes files for their owner only."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
