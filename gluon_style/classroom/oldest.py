"""Have a bundle's wheels serve the oldest patch release of this Python.

A class's computers have the minor version of Python that the teacher's has,
but often an older patch release: 3.11.2 where this is 3.11.7.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import tempfile
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.utils import parse_wheel_filename

from gluon_style.classroom.packages import installed, installed_versions

logger = logging.getLogger(__name__)

# The first release of this minor version, and this one.
OLDEST = '{}.{}.0'.format(*sys.version_info)
_THIS = '{}.{}.{}'.format(*sys.version_info)


def versions_for_oldest() -> dict[str, str]:
    """Return {name: version} of what is installed, for the oldest Python.

    Where that version is for a newer Python only, it is the newest one that
    pip finds for the oldest.
    """
    versions = installed_versions()
    for name in _too_new():
        older = _version_for_oldest(name)
        if older is not None:
            logger.info(
                '%s %s needs a newer Python than %s: the folder gets %s',
                name,
                versions[name],
                OLDEST,
                older,
            )
            versions[name] = older
    return versions


def _too_new() -> list[str]:
    """Return the installed packages that do not admit the oldest Python."""
    return sorted(
        {
            name
            for name, fields in installed()
            if (needed := fields.get('Requires-Python'))
            and not SpecifierSet(needed).contains(OLDEST)
        }
    )


def _version_for_oldest(name: str) -> str | None:
    with tempfile.TemporaryDirectory() as folder:
        command = [
            *(sys.executable, '-m', 'pip', 'download', '--quiet', '--no-deps'),
            *('--only-binary', ':all:', '--python-version', OLDEST),
            *('--dest', folder, name),
        ]
        subprocess.run(command, capture_output=True)
        for wheel in Path(folder).glob('*.whl'):
            return str(parse_wheel_filename(wheel.name)[1])
    return None


def least_python(folder: Path) -> str:
    """Return the oldest Python that the wheels of a bundle install on.

    It is the first release of this minor version, or this one.
    """
    with tempfile.TemporaryDirectory() as target:
        command = [
            *(sys.executable, '-m', 'pip', 'install', '--quiet', '--dry-run'),
            *('--isolated', '--no-index', '--only-binary', ':all:'),
            *('--find-links', str(folder / 'wheels'), '--target', target),
            *('--python-version', OLDEST),
            *('--requirement', str(folder / 'requirements.txt')),
        ]
        done = subprocess.run(command, capture_output=True)
    return _THIS if done.returncode else OLDEST
