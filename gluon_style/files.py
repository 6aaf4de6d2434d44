"""Files: written whole or not at all, and their hashes."""

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path

# What a folder must have free: a picture of the chapter's size, its JSON and
# its plot, many times over.
LEAST_FREE_BYTES = 16 << 20


@contextlib.contextmanager
def replacing(path):
    """Give a temporary path beside ``path`` that becomes it at the end.

    The body writes the temporary file. When it returns, the file is flushed
    to the disk and renamed; when it raises, the file is removed and what was
    at ``path`` before is still there. Raises OSError as writing does.
    """
    path = Path(path)
    handle, name = tempfile.mkstemp(
        prefix='.new-', suffix=path.suffix, dir=path.parent
    )
    temporary = Path(name)
    try:
        os.close(handle)
        yield temporary
        with open(temporary, 'rb') as file:
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def file_digest(path, algorithm='sha256'):
    """Return the hexadecimal hash of a file."""
    digest = hashlib.new(algorithm)
    with open(path, 'rb') as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def _umask():
    """Return the process's mask; mkstemp gives files to their owner only."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
