"""The offline classroom: a folder to install from, without a network.

A teacher makes it once and copies it to sticks; install.sh in it does the
rest on each computer.
"""

import configparser
import json
import logging
import platform
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from gluon_style import __version__
from gluon_style.files import file_digest
from gluon_style.sources import SOURCES, fetch, pip_error

logger = logging.getLogger(__name__)

SUMS = 'SHA256SUMS'
# What the wheels take, twice over: they were 211 MB when measured.
_ROOM_FOR_WHEELS = 450_000_000
_README = """\
Neural style transfer, as in Dive into Deep Learning: gluon_style {version}
for computers without a network.

For:      {system} on {machine}, with Python {python}, 1.5 GB of free disk,
          and a system no older than the one that this folder was made on
Install:  sh "PATH OF THIS FOLDER/install.sh"
          in the folder to work in. It checks this folder's files, makes the
          environment gluon-style-env (or the folder named after install.sh),
          puts the weights into the cache, and runs gluon-style doctor.
Then:     the two commands that it prints. The stick is no longer needed.

wheels    gluon_style, MXNet, Jupyter and what they need, each with its licence
weights   VGG-19 ({source}): {origin}
          licence: {licence}
pictures  a photograph and a painting; SOURCES.txt tells of whom
notebooks to open with Jupyter
"""
_PICTURES = """\
photograph.png  scikit-image's 'chelsea', by Stefan van der Walt, CC0 1.0
painting.jpg    painted by gluon_style/samples/paint.py, CC0 1.0
"""


@dataclass(frozen=True)
class Bundle:
    """A folder made by ``make_bundle``; ``size`` is that of all its files."""

    folder: Path
    wheels: int
    size: int


def make_bundle(folder, weights='oxford', project=None):
    """Gather in ``folder`` all that a computer without a network needs.

    The computer has this system and this minor version of Python, and gets
    the versions of the packages that are installed here. ``weights`` is the
    name of a source, ``project`` this package's source folder, which is
    looked for unless given. ``folder`` is new, empty, or an earlier bundle,
    which is made anew; it appears at the end or not at all. Raises
    ValueError, or OSError as writing does.
    """
    folder = Path(folder).resolve()
    _check_folder(folder)
    project = find_project(project)
    source = SOURCES.get(weights)
    _check_room(folder.parent, source.size if source else 0)
    file = fetch(weights)
    # All is gathered beside the folder, so that a rename puts it there.
    with tempfile.TemporaryDirectory(
        prefix=f'.{folder.name}-', dir=folder.parent
    ) as temporary:
        new = Path(temporary, 'new')
        new.mkdir()
        wheels = _gather_wheels(project, new, Path(temporary))
        logger.info('copying the weights %r, pictures and notebooks', weights)
        (new / 'weights').mkdir()
        shutil.copyfile(file, new / 'weights' / file.name)
        _gather_pictures(new / 'pictures')
        hidden = shutil.ignore_patterns('.*', '__pycache__')
        shutil.copytree(
            project / 'notebooks', new / 'notebooks', False, hidden
        )
        _write_texts(new, SOURCES[weights])
        size = _write_sums(new)
        if folder.exists():
            folder.rename(Path(temporary, 'old'))
        new.rename(folder)
    return Bundle(folder, wheels, size)


def _check_folder(folder):
    """Raise ValueError unless a bundle may take the folder's place."""
    if not folder.parent.is_dir():
        raise ValueError(
            f'folder {str(folder.parent)!r} does not exist: make it first'
        )
    if folder in (Path.cwd(), folder.parent) or folder.is_mount():
        raise ValueError(
            f'folder {str(folder)!r} cannot be replaced, as it is the current '
            'one or a disk: name a new folder in it'
        )
    if folder.exists():
        for name in _strangers(folder):
            raise ValueError(
                f'folder {str(folder)!r} has {name!r}, which is not from a '
                'bundle: name a new or empty folder'
            )


def _strangers(folder):
    """Yield the files of a folder that its own sums do not list."""
    if not folder.is_dir():
        yield folder.name
        return
    known, sums = {SUMS}, folder / SUMS
    if sums.is_file():
        lines = sums.read_text(errors='replace').splitlines()
        known.update(line.partition('  ')[2] for line in lines)
    for path in _files(folder):
        if path not in known:
            yield path


def _files(folder):
    """Return the files in a folder, as relative names, in order."""
    paths = (p for p in folder.rglob('*') if p.is_symlink() or p.is_file())
    return sorted(path.relative_to(folder).as_posix() for path in paths)


def _check_room(folder, weights_size):
    needed = _ROOM_FOR_WHEELS + weights_size
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise ValueError(
            f'folder {str(folder)!r} has {free // 10**6} MB free: '
            f'{needed // 10**6} MB are needed'
        )


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
    raise ValueError(
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


def _gather_wheels(project, new, temporary):
    """Have pip gather the wheels, as they are installed here; count them."""
    constraints = temporary / 'constraints.txt'
    constraints.write_text('\n'.join(installed_versions()) + '\n')
    # A copy, for setuptools leaves a folder build in the source, and would
    # take stale modules from one.
    source = temporary / 'source'
    source.mkdir()
    for path in project.iterdir():
        if path.is_file() and not path.name.startswith('.'):
            shutil.copy(path, source)
    shutil.copytree(
        project / 'gluon_style',
        source / 'gluon_style',
        ignore=shutil.ignore_patterns('__pycache__'),
    )
    logger.info('gathering the wheels, some 200 MB')
    command = [sys.executable, '-m', 'pip', 'wheel', '--quiet']
    command += ['--wheel-dir', str(new / 'wheels')]
    command += ['--constraint', str(constraints), str(source), 'jupyter']
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise ValueError(
            f'pip did not gather the wheels ({pip_error(done.stderr)}): '
            'check the network, and the packages here with "pip check"'
        )
    wheels = _files(new / 'wheels')
    # Pinned, for pip takes no pre-release, as MXNet 2.0.0b1 is, unasked.
    pins = ['=='.join(wheel.split('-')[:2]) for wheel in wheels]
    (new / 'requirements.txt').write_text('\n'.join(pins) + '\n')
    return len(wheels)


def _gather_pictures(folder):
    from PIL import Image

    from gluon_style import samples

    folder.mkdir()
    Image.fromarray(samples.photograph()).save(folder / 'photograph.png')
    shutil.copyfile(samples.PAINTING, folder / 'painting.jpg')
    (folder / 'SOURCES.txt').write_text(_PICTURES)


def _write_texts(new, source):
    """Write the folder's README and its installer."""
    values = {
        'version': __version__,
        'system': platform.system(),
        'machine': platform.machine(),
        'python': '{}.{}'.format(*sys.version_info),
        'source': source.name,
        'file': source.file,
    }
    about = {'origin': source.origin, 'licence': source.licence, **values}
    (new / 'README.txt').write_text(_README.format(**about))
    script = Path(__file__).with_name('install.sh').read_text()
    for name, value in values.items():
        script = script.replace(f'@{name}@', value)
    (new / 'install.sh').write_text(script)
    (new / 'install.sh').chmod(0o755)


def _write_sums(new):
    """Write the hashes of all files; return the size of the files."""
    logger.info('hashing the files')
    files = _files(new)
    lines = [f'{file_digest(new / file)}  {file}\n' for file in files]
    (new / SUMS).write_text(''.join(lines))
    return sum((new / file).stat().st_size for file in files)
