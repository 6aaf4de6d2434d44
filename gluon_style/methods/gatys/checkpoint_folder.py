"""The folder of a checkpoint, which one run uses at a time."""

import logging
from contextlib import suppress
from pathlib import Path

import filelock

from gluon_style.errors import GluonStyleError

logger = logging.getLogger(__name__)

FILE, LOCK = 'checkpoint.npz', '.gluon_style.lock'


def require_folder(folder, may_exist):
    """Raise GluonStyleError where a checkpoint cannot be in ``folder``.

    One that is there already is an error unless it ``may_exist``.
    """
    folder = Path(folder)
    if '\0' in str(folder):
        raise GluonStyleError(
            f'checkpoint {str(folder)!r} has a zero byte: name a folder'
        )
    if not folder.parent.is_dir():
        raise GluonStyleError(
            f'checkpoint folder {str(folder.parent)!r} does not exist: make '
            'it first'
        )
    if folder.exists() and not folder.is_dir():
        raise GluonStyleError(
            f'checkpoint {str(folder)!r} is a file: name a folder'
        )
    if (folder / FILE).exists() and not may_exist:
        raise GluonStyleError(
            f'checkpoint {str(folder)!r} is there already: add --resume '
            '(resume=True) to go on from it, or name another folder'
        )


def remove(folder):
    """Remove a checkpoint, and its folder if nothing else is in it.

    A failure is a warning only.
    """
    folder = Path(folder)
    try:
        with Lock(folder):
            for name in (FILE, LOCK):
                (folder / name).unlink(missing_ok=True)
    except (OSError, GluonStyleError) as error:
        logger.warning('the checkpoint was not removed: %s', error)
    # The folder stays if there is something else in it, or if it is some
    # process's current folder.
    with suppress(OSError):
        folder.rmdir()


class Lock:
    """Keep other runs out of a folder, which is made if it is missing."""

    def __init__(self, folder):
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._lock = filelock.FileLock(folder / LOCK)

    def __enter__(self):
        try:
            self._lock.acquire(timeout=0)
        except filelock.Timeout:
            raise GluonStyleError(
                f'checkpoint {str(self._folder)!r} is in use by another run: '
                'wait for its end or name another folder'
            ) from None
        return self

    def __exit__(self, *error):
        self._lock.release()
