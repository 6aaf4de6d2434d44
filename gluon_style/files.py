"""Files: written whole or not at all, their room, their owner, their hash."""

import contextlib
import fcntl
import hashlib
import io
import json
import os
import shutil
import tempfile
from pathlib import Path

# What a folder must have free: a picture of the chapter's size, its JSON and
# its plot, many times over.
LEAST_FREE_BYTES = 16 << 20
# What every file of this package has within its first or last bytes. In what
# people write by hand the name alone says little.
MARK = b'gluon_style'
_MARKS = {
    '.html': b'<meta name="generator" content="gluon_style',
    '.svg': b'<dc:title>gluon_style</dc:title>',
    **dict.fromkeys(('.gif', '.mp4', '.pdf', '.png', '.webp'), MARK),
    **dict.fromkeys(('.jpg', '.jpeg', '.tif', '.tiff'), MARK),
}
_MARKED_BYTES = 1 << 20
# Of a text of JSON; a record has some hundred bytes an epoch.
MOST_JSON_BYTES = 64 << 20
# Of lists and objects within each other; a figure's numbers have seven. What
# is as deep as Python just so reads fails later, where it is used.
_MOST_DEPTH = 20


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
        _flush_folder(path.parent)
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


def _flush_folder(folder):
    """Have the disk know the new name; not every file system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def replace_folder(new, folder, old):
    """Rename the folder ``new`` to ``folder``, flushed to the disk.

    What was at ``folder`` becomes ``old``, and is put back when this raises,
    as OSError, or is interrupted. All three are on one file system.
    """
    for place, _, names in os.walk(new):
        for name in names:
            with open(Path(place, name), 'rb') as file:
                os.fsync(file.fileno())
        _flush_folder(place)
    try:
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
    except BaseException:
        if old.exists() and not folder.exists():
            old.rename(folder)
        raise
    _flush_folder(folder.parent)


def require_room(folder, needed=LEAST_FREE_BYTES):
    """Return the free bytes of a folder's disk.

    Raises ValueError where they are fewer than ``needed``.
    """
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise ValueError(
            f'folder {str(folder)!r} has {free // 10**6} MB free: at least '
            f'{needed // 10**6} MB are needed'
        )
    return free


def require_ours(path, force=False):
    """Raise ValueError where writing would destroy another's file.

    What is missing, was written by this package, or is given up by
    ``force`` may be written.
    """
    if not force and Path(path).exists() and not is_ours(path):
        raise ValueError(
            f'{str(path)!r} exists and was not written by this program: give '
            'another name, or --force to overwrite it'
        )


def is_ours(path):
    """Return whether this package wrote the file ``path``.

    Its suffix is one of those that are written, and it has the mark of that
    kind in its first or last megabyte; JSON has the keys of a record, and
    is no larger than ``read_json`` reads.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    try:
        # Reading a pipe would wait for its writer.
        if not path.is_file():
            return False
        if suffix == '.json':
            return _is_record(read_json(path))
        if suffix == '.jsonl':
            text = _read_bounded(path)
            lines = io.BytesIO(text)
            return bool(text) and all(map(_is_cell, map(_parsed, lines)))
        return suffix in _MARKS and _MARKS[suffix] in _ends(path)
    # ValueError: no JSON of a fit size and depth, or no text.
    except (OSError, ValueError):
        return False


def read_json(path):
    """Return what is in a file of JSON.

    Raises ValueError for one of more than ``MOST_JSON_BYTES`` bytes, for
    what is no JSON and for what is nested too deeply, and OSError as reading
    does.
    """
    return _parsed(_read_bounded(path))


def _read_bounded(path):
    """Return a file's bytes, or raise ValueError where they are too many."""
    with open(path, 'rb') as file:
        text = file.read(MOST_JSON_BYTES + 1)
    if len(text) > MOST_JSON_BYTES:
        raise ValueError(
            f'it has more than the {MOST_JSON_BYTES} bytes of JSON that are '
            'read'
        )
    return text


def _parsed(text):
    """Return what JSON says; raises ValueError where that is nothing."""
    try:
        content = json.loads(text)
        _require_shallow(content, _MOST_DEPTH)
    except RecursionError:
        raise ValueError(
            f'its JSON is more than {_MOST_DEPTH} lists and objects deep'
        ) from None
    return content


def _require_shallow(content, depth):
    """Raise RecursionError where JSON is deeper than ``depth``."""
    if not isinstance(content, (dict, list)):
        return
    if depth == 0:
        raise RecursionError
    inner = content.values() if isinstance(content, dict) else content
    for each in inner:
        _require_shallow(each, depth - 1)


def _is_record(content):
    return isinstance(content, dict) and (
        'figure' in content or {'settings', 'history'} <= content.keys()
    )


def _is_cell(line):
    """Return whether a line is one of a sweep's manifest."""
    keys = {'name', 'file', 'settings', 'state'}
    return isinstance(line, dict) and keys <= line.keys()


def _ends(path):
    """Return the first and the last megabyte of a file."""
    with open(path, 'rb') as file:
        first = file.read(_MARKED_BYTES)
        size = file.seek(0, os.SEEK_END)
        file.seek(max(len(first), size - _MARKED_BYTES))
        return first + file.read()


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
        raise ValueError(
            f'output {str(path)!r} is being written by another run: give '
            'this one another name'
        ) from None
    try:
        yield
    finally:
        lock.release()


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
