"""Hold everything that depends on MXNet's version, or on what it expects.

MXNet 1.9.1 and 2.0.0b1 are no longer maintained. They use names that NumPy
has removed, and may use only half of a machine's cores. They have a mode for
NumPy's arrays, which each thread must set. They differ in how a block owns
its parameters.
"""

import contextlib
import ctypes
import importlib.machinery
import importlib.util
import os
import platform
import re
import sys
import warnings
from pathlib import Path

from gluon_style.errors import MissingPackageError

# What MXNet's Python code still asks of NumPy, and what it meant.
_BUILTIN_ALIASES = {
    'bool': bool,
    'complex': complex,
    'float': float,
    'int': int,
    'object': object,
    'str': str,
}
_VALUE_ALIASES = {
    'Inf': float('inf'),
    'Infinity': float('inf'),
    'NAN': float('nan'),
    'NINF': -float('inf'),
    'NZERO': -0.0,
    'NaN': float('nan'),
    'PINF': float('inf'),
    'PZERO': 0.0,
    'infty': float('inf'),
}
_RENAMED = {
    'alltrue': 'all',
    'cumproduct': 'cumprod',
    'float_': 'float64',
    'product': 'prod',
    'round_': 'round',
    'row_stack': 'vstack',
    'sometrue': 'any',
    'trapz': 'trapezoid',
}
# MXNet only lists these; NumPy gave them to the package numpy-financial.
_FINANCIAL = ('mirr', 'npv', 'pmt', 'ppmt', 'pv', 'rate')


# glibc's names for these are M_MMAP_MAX, M_TRIM_THRESHOLD and M_ARENA_MAX.
_MALLOC_OPTIONS = {-4: 0, -1: 2**31 - 1, -8: 1}


def keep_freed_memory():
    """Have the C library keep memory that is freed, for the next epoch.

    Feature maps are so large that it would give each back to the system and
    have the system zero it anew: a fifth of an epoch's time on MXNet 1.9.1.
    MXNet 2.x pools its memory itself. Elsewhere than with glibc, nothing.
    """
    if platform.libc_ver()[0] == 'glibc':
        for option, value in _MALLOC_OPTIONS.items():
            ctypes.CDLL(None).mallopt(option, value)


def restore_numpy_names():
    """Put back the names of NumPy that MXNet uses and NumPy removed."""
    import numpy

    old = {**_BUILTIN_ALIASES, **_VALUE_ALIASES}
    for name, new in _RENAMED.items():
        old[name] = getattr(numpy, new, None)
    old['in1d'] = lambda a, b, *args, **kw: numpy.isin(
        numpy.ravel(a), b, *args, **kw
    )
    old['msort'] = lambda a: numpy.sort(a, axis=0)
    old.update((name, _financial(name)) for name in _FINANCIAL)
    for name, value in old.items():
        # Ask the dictionary: NumPy's own __getattr__ warns or raises.
        if name not in vars(numpy):
            setattr(numpy, name, value)


def _financial(name):
    def removed(*args, **kwargs):
        raise NotImplementedError(
            f'numpy.{name} is gone from NumPy: use numpy_financial.{name}'
        )

    return removed


def restore_distutils():
    """Have ``distutils``, which MXNet imports and Python 3.12 dropped.

    Setuptools brings it when Python starts. Where it was installed since
    then, as by a notebook's cell, it does so when it is imported.
    """
    if importlib.util.find_spec('distutils') is None:
        with contextlib.suppress(ImportError):
            importlib.import_module('setuptools')


def physical_cores():
    """Return the number of physical cores this process may use."""
    import psutil

    cores = psutil.cpu_count(logical=False) or os.cpu_count() or 1
    if hasattr(os, 'sched_getaffinity'):
        cores = min(cores, len(os.sched_getaffinity(0)))
    return cores


@contextlib.contextmanager
def numpy_mode():
    """Have MXNet compute with NumPy's arrays and shapes, in this thread.

    Use it as a decorator, ``@numpy_mode()``, or in a ``with`` statement. It
    does what ``npx.set_np()`` does, but puts the caller's mode back at the
    end. The default type of new arrays is float32 within it. It loads MXNet
    when it is entered, not where a function is decorated. Do not use it in
    or on a generator: between two values, the caller would have its mode.
    """
    from mxnet import util

    with contextlib.ExitStack() as modes:
        modes.enter_context(util.np_shape(True))
        modes.enter_context(util.np_array(True))
        if hasattr(util, 'np_default_dtype'):
            # MXNet 2.x: the caller may have asked for float64.
            modes.enter_context(util.np_default_dtype(False))
        yield


class _ReadyingLoader(importlib.machinery.SourceFileLoader):
    """Load MXNet after its preparations."""

    def exec_module(self, module):
        keep_freed_memory()
        restore_numpy_names()
        restore_distutils()
        try:
            super().exec_module(module)
        except Exception as error:
            raise MissingPackageError(
                f'MXNet at {self.path} does not load ({error}): use mxnet '
                '1.9.1 or 2.0.0b1 with Python 3.9 to 3.12, on Linux or on a '
                'Mac with an Intel processor'
            ) from error


class _ReadyingFinder:
    """Find MXNet as usual, but have ``_ReadyingLoader`` load it."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name != 'mxnet':
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.origin is not None:
            spec.loader = _ReadyingLoader(name, spec.origin)
        return spec


def ready():
    """Ready MXNet for whoever imports it next, or as far as still possible.

    Sets ``OMP_NUM_THREADS`` to the physical cores, and has MXNet keep one
    working space instead of four (a tenth of a run's memory, and no time),
    unless the user has set these. The rest happens when MXNet is imported,
    so that this costs nothing.
    """
    threads_chosen = 'OMP_NUM_THREADS' in os.environ
    os.environ.setdefault('OMP_NUM_THREADS', str(physical_cores()))
    os.environ.setdefault('MXNET_CPU_TEMP_COPY', '1')
    if 'mxnet' not in sys.modules:
        sys.meta_path.insert(0, _ReadyingFinder)
        return
    if not threads_chosen and physical_cores() > 1:
        warnings.warn(
            'mxnet was imported before gluon_style and keeps the number of '
            f'threads it chose, which may be half of the {physical_cores()} '
            'cores: import gluon_style first, or set OMP_NUM_THREADS, for '
            'full speed.',
            stacklevel=3,
        )


def installed_version():
    """Return MXNet's ``__version__`` without loading it, or None.

    Its wheels have many names, and not always its own version.
    """
    spec = importlib.util.find_spec('mxnet')
    if spec is None or spec.origin is None:
        return None
    with contextlib.suppress(OSError):
        text = Path(spec.origin).with_name('libinfo.py').read_text()
        found = re.search(r'^__version__ = "([^"]+)"', text, re.MULTILINE)
        return found and found[1]
    return None


def explain(error):
    """Return an ImportError's sentence; a missing MXNet's is longer."""
    if error.name != 'mxnet' or not isinstance(error, ModuleNotFoundError):
        return str(error)
    return (
        'MXNet is not installed: install it with python -m pip install mxnet, '
        'on Python 3.9 to 3.12 and Linux or a Mac with an Intel processor '
        '(it has no working wheel for Apple silicon or Windows).'
    )


def new_parameter(block, name, shape):
    """Return a new parameter of a gluon block, registered with the block.

    MXNet 2.x registers a parameter that is assigned to the block; 1.9.1
    creates it in the block's own dictionary.
    """
    from mxnet import __version__, gluon

    if __version__.startswith('1.'):
        return block.params.get(name, shape=shape)
    return gluon.Parameter(name, shape=shape)


def reset_device(block, device):
    """Move all parameters of a gluon block to ``device``."""
    for parameter in block.collect_params().values():
        parameter.reset_ctx(device)


def get_moments(trainer):
    """Return Adam's two moments of a trainer's one parameter, for NumPy.

    Trainer.save_states would pickle them, with objects of MXNet's version.
    """
    [moments] = trainer._updaters[0].states.values()
    return [moment.asnumpy() for moment in moments]


def set_moments(trainer, weight, moments):
    """Give a new trainer Adam's two moments of its one parameter's data."""
    [updater] = trainer._updaters
    state = trainer.optimizer.create_state_multi_precision(0, weight)
    for array, moment in zip(state, moments):
        array[:] = moment
    updater.states[0] = state
    updater.states_synced[0] = True
