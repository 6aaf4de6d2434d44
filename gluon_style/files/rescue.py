"""Write to the temporary folder what cannot be written where it should be."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from gluon_style.errors import GluonStyleError


def rescue(name: str, write: Callable[[Path], object]) -> Path | None:
    """Have ``write`` write a file of this name in a new temporary folder.

    Returns the path, or None where that cannot be written either.
    """
    folder = None
    try:
        folder = tempfile.mkdtemp(prefix='gluon_style-')
        path = Path(folder, name)
        write(path)
    except (OSError, GluonStyleError):
        if folder is not None:
            shutil.rmtree(folder)
        return None
    return path


def not_written(
    what: str,
    path: Path,
    error: OSError | GluonStyleError,
    rescued: Path,
    noun: str,
) -> GluonStyleError:
    """Return the error that says where a rescued file is.

    ``what`` was to be written to ``path``; ``noun`` is what was rescued.
    """
    reason = getattr(error, 'strerror', None) or error
    return GluonStyleError(
        f'{what} {str(path)!r} was not written ({reason}): the {noun} is in '
        f'{str(rescued)!r} instead'
    )
