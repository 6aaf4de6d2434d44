"""Where this package's source folder is, on a machine that installed it."""

from __future__ import annotations

import configparser
import json
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from gluon_style.errors import GluonStyleError


def find_project(folder: str | Path | None = None) -> Path:
    """Return the folder that this package is built from.

    Without ``folder`` it is the folder of this module, or the one that pip
    installed the package from (PEP 610), or the current one: the first that
    has this package's setup.cfg. Raises GluonStyleError where none has it.
    """
    if folder is not None:
        candidates = [Path(folder)]
        problem = f'project {str(folder)!r} is not the source of gluon_style'
    else:
        here = Path(__file__).resolve().parents[2]
        candidates = [here, _installed_from(), Path.cwd()]
        problem = 'the folder that gluon_style was installed from is gone'
    for candidate in candidates:
        if candidate and _is_project(candidate):
            return candidate.resolve()
    raise GluonStyleError(
        f'{problem}: name the folder of its setup.cfg with --project'
    )


def _installed_from() -> Path | None:
    """Return the folder that pip installed this package from, or None."""
    try:
        distribution = metadata.distribution('gluon_style')
    except metadata.PackageNotFoundError:
        return None
    origin = json.loads(distribution.read_text('direct_url.json') or '{}')
    if 'dir_info' not in origin:
        return None
    return Path(url2pathname(urlsplit(origin['url']).path))


def _is_project(folder: Path) -> bool:
    config = configparser.ConfigParser(interpolation=None)
    try:
        config.read(folder / 'setup.cfg')
    except (configparser.Error, UnicodeDecodeError):
        return False
    return config.get('metadata', 'name', fallback='') == 'gluon_style'
