"""The offline classroom: a folder to install from, without a network.

A teacher makes it once and copies it to sticks; install.sh in it does the
rest on each computer.
"""

import logging
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from gluon_style import __version__
from gluon_style.classroom.installed import find_project, installed_versions
from gluon_style.errors import GluonStyleError
from gluon_style.files.atomic import flush_folder, require_room
from gluon_style.files.reading import file_digest
from gluon_style.weights.sources import SOURCES, fetch, pip_error

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
    looked for unless given. ``folder`` is new, empty, or an earlier bundle
    in which nothing was added or changed, and which is made anew; it appears
    at the end or not at all. Raises ValueError, or OSError as writing does.
    """
    folder = Path(folder).resolve()
    _check_folder(folder)
    project = find_project(project)
    file = fetch(weights)
    source = SOURCES[weights]
    require_room(folder.parent, _ROOM_FOR_WHEELS + source.size)
    # All is gathered beside the folder, so that a rename puts it there.
    with tempfile.TemporaryDirectory(
        prefix=f'.{folder.name}-', dir=folder.parent
    ) as temporary:
        new = Path(temporary, 'new')
        new.mkdir()
        wheels = _gather_wheels(project, new, Path(temporary))
        _gather_others(project, new, file)
        _write_texts(new, source)
        size = _write_sums(new)
        # Gathering took minutes, in which somebody may have put things there.
        _check_folder(folder)
        replace_folder(new, folder, Path(temporary, 'old'))
    return Bundle(folder, wheels, size)


def _check_folder(folder):
    """Raise ValueError unless a bundle may take the folder's place."""
    if not folder.parent.is_dir():
        raise GluonStyleError(
            f'folder {str(folder.parent)!r} does not exist: make it first'
        )
    if folder in (Path.cwd(), folder.parent) or folder.is_mount():
        raise GluonStyleError(
            f'folder {str(folder)!r} cannot be replaced, as it is the current '
            'one or a disk: name a new folder in it'
        )
    strangers = _strangers(folder)
    if strangers:
        raise GluonStyleError(
            f'folder {str(folder)!r} has {strangers[0]!r}, which is not from '
            'a bundle or was changed since: name a new or empty folder'
        )


def _strangers(folder):
    """Return what is there and not as the sums of a bundle have it.

    That are relative names, in order: of files, links and the like that are
    not listed or have another hash, and of folders without a listed file.
    """
    if folder.is_file():
        return [folder.name]
    sums = _read_sums(folder / SUMS)
    places = {place for name in sums for place in name.parents}

    def is_known(name):
        path = folder / name
        if path.is_symlink():
            return False
        if path.is_dir():
            return name in places
        return name in sums and sums[name] in (None, file_digest(path))

    names = [path.relative_to(folder) for path in sorted(folder.rglob('*'))]
    return [name.as_posix() for name in names if not is_known(name)]


def _read_sums(path):
    """Return the hash of each file of a bundle, None for the sums' own."""
    if not path.is_file():
        return {}
    lines = path.read_text(errors='replace').splitlines()
    pairs = [line.partition('  ') for line in lines]
    # Others have files of this name too.
    if not any(name.startswith('wheels/gluon_style-') for _, _, name in pairs):
        return {}
    sums = {Path(name): digest for digest, _, name in pairs}
    return {**sums, Path(SUMS): None}


def _files(folder):
    """Return the files in a folder, as relative names, in order."""
    paths = (p for p in folder.rglob('*') if p.is_symlink() or p.is_file())
    return sorted(path.relative_to(folder).as_posix() for path in paths)


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
        raise GluonStyleError(
            f'pip did not gather the wheels ({pip_error(done.stderr)}): '
            'check the network, and the packages here with "pip check"'
        )
    wheels = _files(new / 'wheels')
    # Pinned, for pip takes no pre-release, as MXNet 2.0.0b1 is, unasked.
    pins = ['=='.join(wheel.split('-')[:2]) for wheel in wheels]
    (new / 'requirements.txt').write_text('\n'.join(pins) + '\n')
    return len(wheels)


def _gather_others(project, new, weights_file):
    from PIL import Image

    from gluon_style import samples

    logger.info('copying the weights, the pictures and the notebooks')
    (new / 'weights').mkdir()
    shutil.copyfile(weights_file, new / 'weights' / weights_file.name)
    pictures = new / 'pictures'
    pictures.mkdir()
    Image.fromarray(samples.photograph()).save(pictures / 'photograph.png')
    shutil.copyfile(samples.PAINTING, pictures / 'painting.jpg')
    (pictures / 'SOURCES.txt').write_text(_PICTURES)
    shutil.copytree(
        project / 'notebooks',
        new / 'notebooks',
        ignore=shutil.ignore_patterns('.*', '__pycache__'),
    )


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


def replace_folder(new, folder, old):
    """Rename the folder ``new`` to ``folder``, flushed to the disk.

    What was at ``folder`` becomes ``old``, and is put back when this raises,
    as OSError, or is interrupted. All three are on one file system.
    """
    for place, _, names in os.walk(new):
        for name in names:
            with open(Path(place, name), 'rb') as file:
                os.fsync(file.fileno())
        flush_folder(place)
    try:
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
    except BaseException:
        if old.exists() and not folder.exists():
            old.rename(folder)
        raise
    flush_folder(folder.parent)
