"""Files written whole or not at all, by one run at a time, with room for them."""

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from gluon_style.errors import GluonStyleError

# A picture of the chapter's size, its JSON and its plot, many times over.
LEAST_FREE_BYTES = 16 << 20


@contextlib.contextmanager
def replacing(path):
    """Give a temporary path beside ``path`` that becomes it at the end.

    The body writes the temporary file. When it returns, the file is flushed
    to the disk and renamed; when it raises, the file is removed and what was
    at ``path`` before is still there. What a killed process left of the same
    ``path`` is removed before. Raises OSError as writing does.
    """
    path = Path(path)
    # Its hash, for the name may be as long as names can be.
    prefix = f'.new-{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:12]}-'
    for left in path.parent.glob(f'{prefix}*'):
        _remove_left(left)
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


def _locked_file(folder, prefix, suffix):
    """Return a new file's handle and path, locked until it is closed."""
    while True:
        handle, name = tempfile.mkstemp(suffix, prefix, folder)
        # Not every file system can; nothing is then removed as left.
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        # Another process may have taken it for left, and removed it.
        if os.fstat(handle).st_nlink:
            return handle, Path(name)
        os.close(handle)


def _remove_left(path):
    """Remove a temporary file that no process is writing any more."""
    with contextlib.suppress(OSError), open(path, 'rb') as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()


def flush_folder(folder):
    """Have the disk know the new name; not every file system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def require_room(folder, needed=LEAST_FREE_BYTES):
    """Return the free bytes of a folder's disk.

    Raises ValueError where they are fewer than ``needed``.
    """
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise GluonStyleError(
            f'folder {str(folder)!r} has {free // 10**6} MB free: at least '
            f'{needed // 10**6} MB are needed'
        )
    return free


@contextlib.contextmanager
def claim(path):
    """Keep other runs of this user from writing ``path`` meanwhile.

    Raises ValueError where one is writing it already. The lock goes with
    the process, however that ends.
    """
    import filelock

    name = hashlib.sha256(os.fsencode(Path(path).resolve())).hexdigest()
    lock = filelock.FileLock(
        Path(tempfile.gettempdir(), f'gluon_style-{os.getuid()}-{name}.lock')
    )
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise GluonStyleError(
            f'output {str(path)!r} is being written by another run: give '
            'this one another name'
        ) from None
    try:
        yield
    finally:
        lock.release()


def _umask():
    """Return the process's mask; mkstemp gives files to their owner only."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
