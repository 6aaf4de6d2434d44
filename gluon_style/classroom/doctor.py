"""Check everything that a run needs, and say how to fix each problem.

Each check imports what it checks itself, because a package that is missing
or does not load is one of the problems.
"""

from __future__ import annotations

import functools
import os
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from gluon_style._mxnet import physical_cores
from gluon_style.classroom.computing import (
    examine_gpu,
    examine_memory,
    examine_mxnet,
    examine_precision,
    examine_speed,
)
from gluon_style.classroom.findings import ADVICE, GOOD, PROBLEM, Finding
from gluon_style.classroom.packages import examine_packages, supported_pythons
from gluon_style.errors import GluonStyleError
from gluon_style.files.atomic import LEAST_FREE_BYTES, require_room


def examine() -> Iterator[Finding]:
    """Yield what was found about each thing that a run needs."""
    yield from _safely(examine_python)
    yield from _safely(examine_packages)
    yield from _safely(examine_threads)
    weights = list(_safely(examine_weights))
    yield from weights
    cached = all(finding.level != PROBLEM for finding in weights)
    yield from _safely(examine_nets)
    yield from _safely(examine_disk, cached)
    mxnet = list(_safely(examine_mxnet))
    yield from mxnet
    if all(finding.level == GOOD for finding in mxnet):
        yield from _safely(examine_gpu)
        yield from _safely(examine_precision)
        yield from _safely(examine_memory)
        if cached:
            yield from _safely(examine_speed)


def _safely(check: Callable[..., Iterator[Finding]], *args) -> Iterator:
    """Yield what a check finds; where it fails, that is a finding, too.

    On a broken installation it may fail with any exception, and the other
    checks are still wanted.
    """
    try:
        yield from check(*args)
    except Exception as error:
        subject = check.__name__.replace('examine_', '')
        yield Finding(
            f'{subject}: {type(error).__name__}: {error}',
            PROBLEM,
            "in the project's folder: python -m pip install --upgrade .",
        )


def examine_python(
    version: Sequence[int] | None = None,
    system: str | None = None,
    processor: str | None = None,
) -> Iterator[Finding]:
    """Yield whether MXNet has a wheel for this interpreter and machine."""
    version = version or sys.version_info[:3]
    system = system or platform.system()
    processor = processor or platform.machine()
    text = 'Python ' + '.'.join(map(str, version))
    supported = supported_pythons()
    if tuple(version[:2]) in supported:
        yield Finding(text)
    else:
        names = [f'{major}.{minor}' for major, minor in supported]
        yield Finding(
            f'{text}: MXNet needs {names[0]} to {names[-1]}',
            PROBLEM,
            'make an environment with Python 3.11: uv venv --python 3.11',
        )
    text = f'{system} on {processor}'
    if system == 'Linux' or (system, processor) == ('Darwin', 'x86_64'):
        yield Finding(text)
    else:
        yield Finding(
            f'{text}: MXNet has no working wheel',
            PROBLEM,
            'use Linux: WSL on Windows, a virtual machine or a notebook host '
            'elsewhere',
        )


def examine_threads() -> Iterator[Finding]:
    """Yield whether MXNet will use all cores."""
    cores = physical_cores()
    threads = os.environ.get('OMP_NUM_THREADS', '')
    if threads == str(cores):
        yield Finding(f'{threads} threads for {cores} cores')
    else:
        text = f'OMP_NUM_THREADS is {threads!r}, and there are {cores} cores'
        yield Finding(text, ADVICE, 'unset OMP_NUM_THREADS')


def examine_weights() -> Iterator[Finding]:
    """Yield which weights are in the cache, and whether they are intact."""
    from gluon_style.weights.sources import SOURCES, is_intact

    cached = []
    for name, source in SOURCES.items():
        if is_intact(source):
            cached.append(source)
            yield Finding(f'weights {name} in the cache, verified')
        elif source.path.exists():
            yield Finding(
                f'weights {name} in the cache are broken',
                ADVICE,
                f'gluon-style weights fetch {name}',
            )
    if not cached:
        yield Finding(
            'no weights in the cache, and they cannot be fetched without a '
            'network',
            PROBLEM,
            'gluon-style weights fetch',
        )
    elif all(source.network != 'vgg19' for source in cached):
        yield Finding(
            "no weights of VGG-19 in the cache: the chapter's preset and "
            'notebooks fetch them',
            ADVICE,
            'gluon-style weights fetch oxford',
        )
    elif all(source.convention == 'bgr' for source in cached):
        yield Finding(
            "only Oxford's weights in the cache: better ones are looked for "
            'whenever a run may choose the network',
            ADVICE,
            'gluon-style weights fetch torchvision',
        )


def examine_nets() -> Iterator[Finding]:
    """Yield whether the nets of one pass, part of the package, are whole."""
    from gluon_style.methods.adain.decoder import SHIPPED, read_decoder
    from gluon_style.methods.feedforward.layout import NETS
    from gluon_style.methods.feedforward.nets import read_net

    nets: dict[str, Callable[[], object]] = {
        name: functools.partial(read_net, name) for name in NETS
    }
    nets['adain'] = functools.partial(read_decoder, SHIPPED)
    for name, read in nets.items():
        try:
            read()
        except (GluonStyleError, FileNotFoundError) as error:
            yield Finding(
                str(error),
                PROBLEM,
                "in the project's folder: python -m pip install "
                '--force-reinstall --no-deps .',
            )
        else:
            yield Finding(f'net {name} of one pass, verified')


def examine_disk(cached: bool, folder: str | Path = '.') -> Iterator[Finding]:
    """Yield whether there is room for pictures, and for weights to fetch.

    ``cached`` says whether usable weights are in the cache already.
    """
    yield _examine_room(
        Path(folder), LEAST_FREE_BYTES, 'work in another folder'
    )
    if not cached:
        from gluon_style.weights.sources import SOURCES

        source = SOURCES['oxford']
        cache = source.path.parent
        while not cache.exists():
            cache = cache.parent
        # The archive takes about as much as the file that is taken from it.
        yield _examine_room(
            cache, 2 * source.size, 'set MXNET_HOME to a folder elsewhere'
        )


def _examine_room(folder: Path, least: int, otherwise: str) -> Finding:
    try:
        free = require_room(folder, least)
    except GluonStyleError as error:
        mend = f'make room there, or {otherwise}'
        return Finding(str(error), PROBLEM, mend)
    return Finding(f'{free / 1e9:.1f} GB free at {folder}')
