"""Look at all that a run needs, and say of each trouble what mends it.

Packages are imported only where they are examined, for that they are missing
or do not load is one of the troubles.
"""

import importlib
import os
import platform
import re
import shutil
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from gluon_style._mxnet import explain, physical_cores
from gluon_style.files.atomic import LEAST_FREE_BYTES, require_room
from gluon_style.methods.gatys.presets import preset

GOOD, ADVICE, PROBLEM = 'good', 'advice', 'PROBLEM'
CHAPTER_SHAPE = (450, 300)
MXNET_VERSIONS = ('1.9.1', '2.0.0b1')
# A class does not wait longer for a picture.
_PATIENCE_SECONDS = 600
# Libraries that MXNet's wheels leave to the system, and their Debian packages.
_SYSTEM_LIBRARIES = {
    'libgfortran': 'libgfortran5',
    'libgomp': 'libgomp1',
    'libquadmath': 'libquadmath0',
}
_CUDA_LIBRARIES = ('libcuda', 'libcudnn', 'libcublas', 'libcufft')
_CUDA_LIBRARIES += ('libcurand', 'libcusolver', 'libcusparse', 'libnccl')
_CUDA_LIBRARIES += ('libnv',)


@dataclass(frozen=True)
class Finding:
    """What was found at one place.

    ``level`` is GOOD, ADVICE (a class can start) or PROBLEM (it cannot);
    ``mend`` is the command for it, or what else to do.
    """

    text: str
    level: str = GOOD
    mend: str = ''


def examine():
    """Yield a finding for each thing that a run needs, in that order."""
    yield from _carefully(examine_python)
    yield from _carefully(examine_packages)
    yield from _carefully(examine_threads)
    weights = list(_carefully(examine_weights))
    yield from weights
    cached = all(finding.level != PROBLEM for finding in weights)
    yield from _carefully(examine_disk, cached)
    mxnet = list(_carefully(examine_mxnet))
    yield from mxnet
    if all(finding.level == GOOD for finding in mxnet):
        yield from _carefully(examine_gpu)
        yield from _carefully(examine_memory)
        if cached:
            yield from _carefully(examine_speed)


def _carefully(examination, *args):
    """Yield its findings; that it fails itself is one, whatever the error."""
    try:
        yield from examination(*args)
    except Exception as error:
        about = examination.__name__.replace('examine_', '')
        mend = "in the project's folder: python -m pip install --upgrade ."
        text = f'{about}: {type(error).__name__}: {error}'
        yield Finding(text, PROBLEM, mend)


def examine_python(version=None, system=None, processor=None):
    """Yield whether MXNet has a wheel for this interpreter and machine."""
    version = version or sys.version_info
    system = system or platform.system()
    processor = processor or platform.machine()
    text = 'Python ' + '.'.join(map(str, version[:3]))
    if (3, 9) <= tuple(version[:2]) <= (3, 12):
        yield Finding(text)
    else:
        mend = 'make an environment with Python 3.11: uv venv --python 3.11'
        yield Finding(f'{text}: MXNet needs 3.9 to 3.12', PROBLEM, mend)
    text = f'{system} on {processor}'
    if system == 'Linux' or (system, processor) == ('Darwin', 'x86_64'):
        yield Finding(text)
    else:
        mend = 'use Linux: WSL on Windows, a virtual machine or a notebook '
        mend += 'host elsewhere'
        yield Finding(f'{text}: MXNet has no working wheel', PROBLEM, mend)


def examine_packages(version_of=None):
    """Yield whether the packages' versions go together.

    ``version_of`` returns an installed package's version, or None.
    """
    version_of = version_of or installed_version
    old_python = sys.version_info < (3, 12)
    names = [name for name in _mxnet_packages() if version_of(name)]
    if not names:
        yield _wanted('mxnet', None, 'mxnet==1.9.1', PROBLEM)
    if len(names) > 1:
        mend = f'python -m pip uninstall {" ".join(names[1:])}'
        yield Finding(f'{" and ".join(names)} hide one another', PROBLEM, mend)
    for name in names:
        found = version_of(name)
        known = found in MXNET_VERSIONS
        level = GOOD if known else PROBLEM
        yield _wanted(name, found, f'{name}==1.9.1', level)
    d2l = '1.0.3' if old_python else '0.17.0'
    level = GOOD if version_of('d2l') == d2l else ADVICE
    yield _wanted('d2l', version_of('d2l'), f'd2l=={d2l}', level)
    numpy = version_of('numpy')
    level = GOOD if numpy and _major(numpy) in (1, 2) else PROBLEM
    yield _wanted('numpy', numpy, 'numpy<3', level)
    ipython = version_of('ipython')
    if old_python and ipython and _major(ipython) >= 9:
        # Its matplotlib 3.7.2, which d2l 1.0.3 pins, does not plot there.
        yield _wanted('ipython', ipython, 'ipython<9', ADVICE)
    if not old_python and not version_of('setuptools'):
        yield _wanted('setuptools', None, 'setuptools', PROBLEM)
    for name in _other_requirements():
        if not version_of(name):
            yield _wanted(name, None, name, PROBLEM)


def _other_requirements():
    """Return the names of what every machine needs, whatever the version."""
    requirements = metadata.requires('gluon_style') or []
    return [re.match(r'[\w-]+', r)[0] for r in requirements if ';' not in r]


def installed_version(name):
    """Return the version of an installed package, or None."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _mxnet_packages():
    """Return the names of MXNet's builds: mxnet, mxnet-cu112 and so on."""
    names = {d.metadata['Name'] or '' for d in metadata.distributions()}
    return sorted(n for n in names if re.fullmatch(r'mxnet(-cu\d+)?', n))


def _major(version):
    return int(re.match(r'\d+', version)[0])


def _wanted(name, found, requirement, level):
    text = f'{name} {found}' if found else f'{name} is not installed'
    if level == GOOD:
        return Finding(text)
    if found:
        text += f' does not fit the others: {requirement} does'
    return Finding(text, level, f"python -m pip install '{requirement}'")


def examine_threads():
    """Yield whether MXNet will use all cores."""
    cores = physical_cores()
    threads = os.environ.get('OMP_NUM_THREADS', '')
    if threads == str(cores):
        yield Finding(f'{threads} threads for {cores} cores')
    else:
        text = f'OMP_NUM_THREADS is {threads!r}, and there are {cores} cores'
        yield Finding(text, ADVICE, 'unset OMP_NUM_THREADS')


def examine_weights():
    """Yield which weights are in the cache, and whether they are whole."""
    from gluon_style.weights.sources import SOURCES, is_intact

    found = False
    for name, source in SOURCES.items():
        if is_intact(source):
            found = True
            yield Finding(f'weights {name} in the cache, verified')
        elif source.path.exists():
            mend = f'gluon-style weights fetch {name}'
            text = f'weights {name} in the cache are broken'
            yield Finding(text, ADVICE, mend)
    if not found:
        text = 'no weights in the cache, and without a network none will come'
        yield Finding(text, PROBLEM, 'gluon-style weights fetch oxford')


def examine_disk(cached, folder='.'):
    """Yield whether there is room for pictures, and for the weights."""
    from gluon_style.weights.sources import SOURCES

    source = SOURCES['oxford']
    cache = source.path.parent
    while not cache.exists():
        cache = cache.parent
    places = [(Path(folder), LEAST_FREE_BYTES, 'work in another folder')]
    if not cached:
        mend = 'set MXNET_HOME to a folder elsewhere'
        # The archive, and the file in it.
        places.append((cache, 2 * source.size, mend))
    for place, least, mend in places:
        try:
            free = require_room(place, least)
        except ValueError as error:
            mend = f'make room there, or {mend}'
            yield Finding(str(error), PROBLEM, mend)
        else:
            yield Finding(f'{free / 1e9:.1f} GB free at {place}')


def examine_mxnet():
    """Yield whether MXNet loads, and if not, what is missing."""
    try:
        mxnet = importlib.import_module('mxnet')
    except ImportError as error:
        yield explain_failure(explain(error))
    else:
        yield Finding(f'MXNet {mxnet.__version__} loads')


def explain_failure(message):
    """Return what is missing, by name, when MXNet did not load."""
    missing = re.search(
        r'(lib[\w+-]+)(\.[\w.]+)?: cannot open shared', message
    )
    if missing is None:
        mend = "python -m pip install 'mxnet==1.9.1'"
        return Finding(message, PROBLEM, mend)
    name = missing[1]
    if name in _SYSTEM_LIBRARIES:
        mend = f'apt-get install {_SYSTEM_LIBRARIES[name]}'
    elif name.startswith(_CUDA_LIBRARIES):
        mend = (
            'install the CUDA that this build of MXNet was made for, or its '
            "CPU build: python -m pip install 'mxnet==1.9.1'"
        )
    else:
        mend = f'install the system package that has {name}'
    library = name + (missing[2] or '')
    return Finding(f'MXNet does not load: {library} is missing', PROBLEM, mend)


def examine_gpu():
    """Yield what is computed on, and whether a GPU lies idle."""
    from mxnet.runtime import Features

    from gluon_style.chapter.devices import try_all_gpus

    devices = try_all_gpus()
    driver = shutil.which('nvidia-smi') is not None
    if devices[0].device_type == 'gpu':
        yield Finding(f'GPUs that MXNet sees: {len(devices)}')
    elif driver and not Features().is_enabled('CUDA'):
        yield Finding(
            'a GPU is there, but this MXNet is a CPU build; its last one for '
            'GPUs needs CUDA 11.7',
            ADVICE,
            'python -m pip uninstall mxnet && '
            "python -m pip install 'mxnet-cu117==1.9.1'",
        )
    elif driver:
        yield Finding(
            'MXNet sees no GPU: the CPU computes', ADVICE, 'nvidia-smi'
        )
    else:
        yield Finding('no GPU: the CPU computes')


def examine_memory():
    """Yield whether the chapter's size fits into the free memory."""
    from gluon_style.chapter.devices import get_device
    from gluon_style.methods.gatys.forecast import choose_tile, free_memory

    device = get_device()
    mend = 'close other programs, or gluon-style run ... --preset quick'
    try:
        # In tiles, a picture this small would take no less.
        choose_tile(CHAPTER_SHAPE, preset('fast'), device)
    except ValueError as error:
        yield Finding(str(error), PROBLEM, mend)
    else:
        free = free_memory(device) / 1e9
        yield Finding(f'{free:.1f} GB of memory free')


def examine_speed():
    """Yield how long the fast preset takes here, from two epochs."""
    from gluon_style.chapter.devices import get_device
    from gluon_style.chapter.vgg import build_net
    from gluon_style.methods.gatys.forecast import seconds_needed

    settings, device = preset('fast'), get_device()
    net = build_net(device=device)
    seconds = seconds_needed(net, CHAPTER_SHAPE, settings, device)
    text = 'about {:.1f} min for a picture of {}x{}'.format(
        seconds / 60, *CHAPTER_SHAPE
    )
    if seconds <= _PATIENCE_SECONDS:
        yield Finding(text)
    else:
        yield Finding(text, ADVICE, 'gluon-style run ... --preset quick')
