"""What is installed here: this package's source, and every version."""

import configparser
import json
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from gluon_style.errors import GluonStyleError


def find_project(folder=None):
    """Return the folder that this package is built from.

    Without ``folder`` it is where this module lies, or where the package was
    installed from (PEP 610), or the current folder. Raises ValueError.
    """
    if folder is not None:
        candidates = [Path(folder)]
        problem = f'project {str(folder)!r} is not the source of gluon_style'
    else:
        here = Path(__file__).resolve().parents[1]
        candidates = [here, _installed_from(), Path.cwd()]
        problem = 'the folder that gluon_style was installed from is gone'
    for candidate in candidates:
        if candidate and _is_project(candidate):
            return candidate.resolve()
    raise GluonStyleError(
        f'{problem}: name the folder of its setup.cfg with --project'
    )


def _installed_from():
    """Return the folder that pip installed this package from, or None."""
    try:
        distribution = metadata.distribution('gluon_style')
    except metadata.PackageNotFoundError:
        return None
    origin = json.loads(distribution.read_text('direct_url.json') or '{}')
    if 'dir_info' not in origin:
        return None
    return Path(url2pathname(urlsplit(origin['url']).path))


def _is_project(folder):
    config = configparser.ConfigParser(interpolation=None)
    try:
        config.read(folder / 'setup.cfg')
    except (configparser.Error, UnicodeDecodeError):
        return False
    return config.get('metadata', 'name', fallback='') == 'gluon_style'


def installed_versions():
    """Return 'name==version' of each package installed, but of this one."""
    versions = {}
    for distribution in metadata.distributions():
        name = distribution.metadata['Name']
        # Of two of one name, the first is the one that is imported.
        if name and name.replace('-', '_').lower() != 'gluon_style':
            versions.setdefault(name, distribution.version)
    return [f'{name}=={versions[name]}' for name in sorted(versions)]
