"""Check that MXNet loads and computes fast enough on this machine."""

from __future__ import annotations

import importlib
import re
import shutil
from collections.abc import Iterator

from gluon_style._mxnet import explain
from gluon_style.classroom.findings import ADVICE, PROBLEM, Finding
from gluon_style.classroom.packages import MXNET_VERSIONS
from gluon_style.errors import GluonStyleError
from gluon_style.methods import PATIENCE
from gluon_style.methods.gatys.presets import preset

CHAPTER_SHAPE = (450, 300)
# Libraries that MXNet's wheels leave to the system, and their Debian packages.
_SYSTEM_LIBRARIES = {
    'libgfortran': 'libgfortran5',
    'libgomp': 'libgomp1',
    'libquadmath': 'libquadmath0',
}
_CUDA_LIBRARIES = (
    *('libcuda', 'libcudnn', 'libcublas', 'libcufft', 'libcurand'),
    *('libcusolver', 'libcusparse', 'libnccl', 'libnv'),
)


def examine_mxnet() -> Iterator[Finding]:
    """Yield whether MXNet loads, and if not, what is missing."""
    try:
        mxnet = importlib.import_module('mxnet')
    except ImportError as error:
        yield explain_failure(explain(error))
    else:
        yield Finding(f'MXNet {mxnet.__version__} loads')


def explain_failure(message: str) -> Finding:
    """Return which library is missing, where MXNet did not load."""
    reinstall = f"python -m pip install 'mxnet=={MXNET_VERSIONS[0]}'"
    missing = re.search(
        r'(lib[\w+-]+)(\.[\w.]+)?: cannot open shared', message
    )
    if missing is None:
        return Finding(message, PROBLEM, reinstall)
    name = missing[1]
    if name in _SYSTEM_LIBRARIES:
        mend = f'apt-get install {_SYSTEM_LIBRARIES[name]}'
    elif name.startswith(_CUDA_LIBRARIES):
        mend = (
            'install the CUDA that this build of MXNet was made for, or its '
            f'CPU build: {reinstall}'
        )
    else:
        mend = f'install the system package that has {name}'
    library = name + (missing[2] or '')
    return Finding(f'MXNet does not load: {library} is missing', PROBLEM, mend)


def examine_gpu() -> Iterator[Finding]:
    """Yield which devices compute, and whether a GPU is left unused."""
    from mxnet.runtime import Features

    from gluon_style.chapter.devices import (
        CAPABILITIES,
        gpu_problem,
        try_all_gpus,
    )

    devices = try_all_gpus()
    has_driver = shutil.which('nvidia-smi') is not None
    if devices[0].device_type == 'gpu' and gpu_problem():
        yield Finding(
            f'the GPU does not compute ({gpu_problem()}): MXNet is built for '
            f'compute capability {CAPABILITIES}',
            ADVICE,
            'gluon-style run ... --device cpu',
        )
    elif devices[0].device_type == 'gpu':
        yield Finding(f'GPUs that MXNet sees: {len(devices)}')
    elif has_driver and not Features().is_enabled('CUDA'):
        yield Finding(
            'this machine has a GPU, but this MXNet is a CPU build; the last '
            f'build for GPUs needs CUDA 11.7 and a GPU of compute capability '
            f'{CAPABILITIES}',
            ADVICE,
            'python -m pip uninstall mxnet && '
            "python -m pip install 'mxnet-cu117==1.9.1'",
        )
    elif has_driver:
        yield Finding(
            'MXNet sees no GPU: the CPU computes', ADVICE, 'nvidia-smi'
        )
    else:
        yield Finding('no GPU: the CPU computes')


def examine_precision() -> Iterator[Finding]:
    """Yield whether the processor computes in bfloat16."""
    from gluon_style.methods.gatys.precision import has_bfloat16

    if has_bfloat16():
        yield Finding('the processor computes in bfloat16, and in float32')
    else:
        yield Finding(
            'the processor computes in float32, not in bfloat16, which takes '
            'two thirds of the time'
        )


def examine_memory() -> Iterator[Finding]:
    """Yield whether a picture of the chapter's size fits into memory."""
    from gluon_style.chapter.devices import get_device
    from gluon_style.methods.gatys.forecast import choose_tile, free_memory

    device = get_device()
    try:
        # Tiles would not make such a small picture take less.
        choose_tile(CHAPTER_SHAPE, preset('fast'), device)
    except GluonStyleError as error:
        yield Finding(
            str(error),
            PROBLEM,
            'close other programs, or gluon-style run ... --preset quick',
        )
    else:
        free = free_memory(device) / 1e9
        yield Finding(f'{free:.1f} GB of memory free')


def examine_speed() -> Iterator[Finding]:
    """Yield how long the fast preset takes here; two epochs are measured."""
    from gluon_style.chapter.devices import get_device
    from gluon_style.chapter.vgg import build_net, network_of
    from gluon_style.methods.gatys.forecast import seconds_needed

    settings, device = preset('fast'), get_device()
    net = build_net(
        None,
        list(settings.style_factors),
        network=settings.network,
        weights=settings.weights,
        pooling=settings.pooling,
        device=device,
    )
    settings = settings.changed({'network': network_of(net).name})
    seconds = seconds_needed(net, CHAPTER_SHAPE, settings, device)
    width, height = CHAPTER_SHAPE
    text = f'about {seconds / 60:.1f} min for a picture of {width}x{height}'
    if seconds <= PATIENCE:
        yield Finding(text)
    else:
        yield Finding(text, ADVICE, 'gluon-style run ... --preset quick')
