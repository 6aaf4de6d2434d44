"""Hold everything that depends on MXNet's version, or on what it expects.

MXNet 1.9.1 and 2.0.0b1 are no longer maintained. They use names that NumPy
has removed, and may use only half of a machine's cores. They have a mode for
NumPy's arrays, which each thread must set. They differ in how a block owns
its parameters.
"""

import contextlib
import ctypes
import functools
import importlib.machinery
import importlib.util
import os
import platform
import re
import sys
import threading
import warnings
import weakref
from pathlib import Path

from gluon_style.errors import MissingPackageError, OutOfMemoryError

# Names that MXNet still takes from NumPy, and what they meant there.
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
# MXNet lists these but never calls them. They moved to numpy-financial.
_FINANCIAL = ('mirr', 'npv', 'pmt', 'ppmt', 'pv', 'rate')


# M_MMAP_MAX, M_TRIM_THRESHOLD and M_ARENA_MAX of glibc.
_MALLOC_OPTIONS = {-4: 0, -1: 2**31 - 1, -8: 1}
_PLATFORMS = 'Python 3.9 to 3.12, on Linux or on a Mac with an Intel processor'


def keep_freed_memory():
    """Have the C library keep freed memory for the next epoch.

    By default it returns each large feature map to the system, which must
    then clear that memory again: a fifth of an epoch's time on MXNet 1.9.1.
    MXNet 2.x pools its memory itself. Only glibc has these options; other
    C libraries are left alone.
    """
    if platform.libc_ver()[0] == 'glibc':
        for option, value in _MALLOC_OPTIONS.items():
            ctypes.CDLL(None).mallopt(option, value)


def restore_numpy_names():
    """Put back the names that MXNet uses and NumPy has removed."""
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
        # hasattr would call NumPy's __getattr__, which warns or raises.
        if name not in vars(numpy):
            setattr(numpy, name, value)


def _financial(name):
    def removed(*args, **kwargs):
        raise NotImplementedError(
            f'NumPy has removed numpy.{name}: use numpy_financial.{name}'
        )

    return removed


def restore_distutils():
    """Provide ``distutils``, which MXNet imports and Python 3.12 dropped.

    Setuptools provides it when Python starts. If setuptools was installed
    later, for example by a notebook's cell, it must be imported first.
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
    sets what ``npx.set_np()`` sets, but puts the caller's mode back at the
    end. New arrays are float32. MXNet is imported when the mode is entered,
    not when a function is decorated. Do not use it on or in a generator: the
    mode would stay on in the caller between two values.
    """
    from mxnet import util

    with contextlib.ExitStack() as modes:
        modes.enter_context(util.np_shape(True))
        modes.enter_context(util.np_array(True))
        if hasattr(util, 'np_default_dtype'):
            # MXNet 2.x: the caller may have asked for float64.
            modes.enter_context(util.np_default_dtype(False))
        yield


def of_mxnet(function):
    """Have a function refuse arrays of NumPy with a TypeError."""

    @functools.wraps(function)
    def checking(*args, **kwargs):
        import numpy

        for value in (*args, *kwargs.values()):
            for each in value if isinstance(value, (list, tuple)) else [value]:
                if isinstance(each, numpy.ndarray):
                    raise TypeError(
                        f'{function.__name__} takes arrays of MXNet, and got '
                        'one of NumPy: give mxnet.np.array(...) of it'
                    )
        return function(*args, **kwargs)

    return checking


_NET_LOCKS = weakref.WeakKeyDictionary()
_ONE_LOOKUP = threading.Lock()


def lock_of(net):
    """Return the lock that a thread holds while it computes with ``net``.

    Several threads cannot compute with one gluon block at the same time:
    MXNet mixes up what it records for their gradients, and may crash.
    """
    with _ONE_LOOKUP:
        return _NET_LOCKS.setdefault(net, threading.RLock())


class _PreparingLoader(importlib.machinery.SourceFileLoader):
    """Prepare NumPy and the C library, then load MXNet."""

    def exec_module(self, module):
        keep_freed_memory()
        restore_numpy_names()
        restore_distutils()
        try:
            with warnings.catch_warnings():
                # MXNet's own, which would be errors under -W error.
                warnings.simplefilter('ignore', DeprecationWarning)
                super().exec_module(module)
        except Exception as error:
            raise MissingPackageError(
                f'MXNet at {self.path} does not load ({error}): use mxnet '
                f'1.9.1 or 2.0.0b1 with {_PLATFORMS}'
            ) from error


class _PreparingFinder:
    """Find MXNet as usual, but have ``_PreparingLoader`` load it."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name != 'mxnet':
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.origin is not None:
            spec.loader = _PreparingLoader(name, spec.origin)
        return spec


# One working space instead of four saves a tenth of a run's memory. MXNet 1.x
# keeps what it prepared for every shape of a convolution, each with memory as
# large as the features; with two of them a run takes a tenth to a sixth less.
# Neither costs time: oneDNN remembers the code that it made.
_LESS_MEMORY = {'MXNET_CPU_TEMP_COPY': '1', 'MXNET_MKLDNN_CACHE_NUM': '2'}
# MXNet copies arrays of so many numbers in several threads, in Python's own
# thread. GNU's OpenMP then counts the threads of both, Python's and MXNet's,
# finds more than there are cores, and lets them sleep after each operator. A
# picture of 450x300 in one pass takes a quarter longer.
_ONE_TEAM = {'MXNET_CPU_PARALLEL_SIZE': str(2**31 - 1)}
# How often a thread looks for work before it sleeps: 0.1 ms or so, and not the
# usual 1 to 3, in which it takes a core from Python. With two cores an epoch
# of bfloat16 takes a twentieth less.
_SHORT_WAITS = {'GOMP_SPINCOUNT': '30000'}
# On newer GPUs cuDNN rounds the factors of a convolution to 10 bits. After 5
# epochs the chapter's loss is then 1.3 percent from the CPU's; without, 0.004.
_FULL_PRECISION = {'NVIDIA_TF32_OVERRIDE': '0'}
_VARIABLES = {
    **_LESS_MEMORY,
    **_ONE_TEAM,
    **_SHORT_WAITS,
    **_FULL_PRECISION,
}


def prepare():
    """Prepare the first import of MXNet, or warn that it is too late.

    Unless the user has set them, ``OMP_NUM_THREADS`` becomes the number of
    physical cores, and ``_VARIABLES`` of MXNet, OpenMP and CUDA are set. The
    slower steps wait until MXNet is imported.
    """
    threads_chosen = 'OMP_NUM_THREADS' in os.environ
    os.environ.setdefault('OMP_NUM_THREADS', str(physical_cores()))
    for name, value in _VARIABLES.items():
        os.environ.setdefault(name, value)
    if 'mxnet' not in sys.modules:
        sys.meta_path.insert(0, _PreparingFinder)
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
    """Return MXNet's ``__version__`` without importing it, or None.

    The wheel's metadata would not do: MXNet's wheels have several names, and
    some have another version.
    """
    spec = importlib.util.find_spec('mxnet')
    if spec is None or spec.origin is None:
        return None
    with contextlib.suppress(OSError):
        text = Path(spec.origin).with_name('libinfo.py').read_text()
        match = re.search(r'^__version__ = "([^"]+)"', text, re.MULTILINE)
        return match and match[1]
    return None


def explain(error):
    """Return the text of an ImportError, with advice for a missing MXNet."""
    if error.name != 'mxnet' or not isinstance(error, ModuleNotFoundError):
        return str(error)
    return (
        'MXNet is not installed: install it with python -m pip install mxnet, '
        f'in {_PLATFORMS} (no wheel works on Apple silicon or Windows)'
    )


@contextlib.contextmanager
def explained():
    """Raise MissingPackageError, with advice, if MXNet is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != 'mxnet':
            raise
        raise MissingPackageError(explain(error)) from error


# What MXNet, oneDNN and CUDA write where they find no memory.
_NO_MEMORY = re.compile(
    'out of memory|failed to allocate|memory allocation|cannot allocate|'
    'memory object|alloc_failed|bad_alloc',
    re.IGNORECASE,
)


@contextlib.contextmanager
def naming_lack_of_memory():
    """Raise OutOfMemoryError where Python or MXNet finds no memory.

    MXNet has one class for all its errors; only the text tells them apart.
    """
    from mxnet.base import MXNetError

    try:
        yield
    except OutOfMemoryError:
        # It says more already.
        raise
    except (MemoryError, MXNetError) as error:
        if isinstance(error, MXNetError) and not _NO_MEMORY.search(str(error)):
            raise
        raise OutOfMemoryError(
            'out of memory: choose a smaller size, --tile or the optimizer '
            'adam'
        ) from error


def new_parameter(block, name, shape):
    """Return a new parameter of a gluon block.

    MXNet 2.x registers a parameter when it is assigned to the block. MXNet
    1.9.1 must create it in the block's own dictionary.
    """
    from mxnet import __version__, gluon

    if __version__.startswith('1.'):
        return block.params.get(name, shape=shape)
    return gluon.Parameter(name, shape=shape)


def reset_device(block, device):
    """Move all parameters of a gluon block to ``device``."""
    for parameter in block.collect_params().values():
        parameter.reset_ctx(device)


def repeat_edges(*args):
    """Return features with their outermost rows and columns once more.

    It is a function for ``HybridLambda``: MXNet 1.9.1 passes its array module
    first, MXNet 2.x does not. ``np.pad`` takes 40 times as long on 1.9.1.
    """
    *modules, X = args
    options = {'pad_width': (0, 0, 0, 0, 1, 1, 1, 1), 'mode': 'edge'}
    if modules:
        padded = modules[0].Pad(X.as_nd_ndarray(), **options)
        return padded.as_np_ndarray()
    from mxnet import npx

    return npx.pad(X, **options)


def without_padding(convolution):
    """Return a ``Conv2D`` with the same parameters, and no padding.

    MXNet 1.9.1 shares parameters when a block is made, MXNet 2.x afterwards.
    """
    from mxnet import __version__
    from mxnet.gluon import nn

    channels, in_channels, *kernel = convolution.weight.shape
    options = {'in_channels': in_channels}
    if __version__.startswith('1.'):
        options['params'] = convolution.params
        return nn.Conv2D(channels, kernel, **options)
    block = nn.Conv2D(channels, kernel, **options)
    return block.share_parameters(convolution.collect_params())


def legacy_block(compute, blocks, hybridize=True):
    """Return a block that computes with MXNet's older operators.

    ``compute`` is called with the module of the operators, the inputs and a
    list of the parameters of the gluon ``blocks`` themselves, in order, and
    returns one output or a list. All of them are older arrays, or symbols of
    them. The block takes and returns NumPy's arrays. It shares the parameters.
    Unless ``hybridize``, it computes one operator after another.
    """
    from mxnet import __version__

    is_first = __version__.startswith('1.')
    make = _legacy_block_1 if is_first else _legacy_block_2
    block = make(compute, blocks)
    block.hybridize(hybridize)
    return block


def _legacy_block_1(compute, blocks):
    from mxnet.gluon import HybridBlock, ParameterDict

    class LegacyBlock(HybridBlock):
        def __init__(self):
            shared = ParameterDict()
            for block in blocks:
                shared.update(block.params)
            super().__init__(prefix='', params=shared)
            for k, name in enumerate(shared):
                setattr(self, f'parameter{k}', self.params.get(name))

        def hybrid_forward(self, F, *inputs, **arrays):
            inputs = [each.as_nd_ndarray() for each in inputs]
            arrays = [
                arrays[f'parameter{k}'].as_nd_ndarray()
                for k in range(len(arrays))
            ]
            return _as_np(compute(F, *inputs, arrays))

    return LegacyBlock()


def _legacy_block_2(compute, blocks):
    from mxnet import nd
    from mxnet.gluon import HybridBlock

    shared = [
        parameter
        for block in blocks
        for parameter in block.collect_params().values()
    ]

    class LegacyBlock(HybridBlock):
        def __init__(self):
            super().__init__()
            for k, parameter in enumerate(shared):
                setattr(self, f'parameter{k}', parameter)

        def forward(self, *inputs):
            inputs = [each.as_nd_ndarray() for each in inputs]
            arrays = [each.data().as_nd_ndarray() for each in shared]
            return _as_np(compute(nd, *inputs, arrays))

    return LegacyBlock()


def _as_np(outputs):
    if isinstance(outputs, list):
        return [each.as_np_ndarray() for each in outputs]
    return outputs.as_np_ndarray()


def padded(X, widths, mode):
    """Return features (batch, channels, height, width) with more at the edges.

    ``widths`` are those above, below, at the left and at the right. ``mode``
    is 'reflect', 'edge' or 'constant', which are zeros. ``np.pad`` takes 40
    times as long on 1.9.1.
    """
    from mxnet import __version__, nd, npx

    if not any(widths):
        return X
    if set(widths) == {1} and mode != 'constant':
        return _with_rim(X, mode)
    options = {'pad_width': (0, 0, 0, 0, *widths), 'mode': mode}
    if __version__.startswith('1.'):
        return nd.Pad(X.as_nd_ndarray(), **options).as_np_ndarray()
    return npx.pad(X, **options)


def _with_rim(X, mode):
    from mxnet import nd

    at = 1 if mode == 'reflect' else 0
    return with_rim(nd, X.as_nd_ndarray(), at).as_np_ndarray()


def with_rim(F, X, at):
    """Return features with one more row or column at each edge.

    It repeats those that are ``at`` places from the edge. ``F`` is the module
    of MXNet's older operators, and ``X`` an array or a symbol of it.

    A convolution of oneDNN leaves its features in an order of its own. ``Pad``
    first puts them into MXNet's, which takes longer than the convolution where
    the sides are powers of 2. Joining the outermost ones to them does not.
    """
    for axis in (2, 3):
        first = cut(F, X, axis, at, at + 1)
        last = cut(F, X, axis, -1 - at, -at or None)
        X = F.concat(first, X, last, dim=axis)
    return X


def cut(F, X, axis, begin, end):
    """Return a part of features, as ``F.slice_axis``, in oneDNN's order."""
    skipped = (None,) * axis
    return F.slice(X, begin=(*skipped, begin), end=(*skipped, end))


def named_parameters(parameters):
    """Return parameters, by name, as a trainer of this MXNet takes them."""
    from mxnet import __version__

    if __version__.startswith('1.'):
        return list(parameters.values())
    return parameters


def get_moments(trainer, parameters):
    """Return Adam's two moments of each parameter, by name, as NumPy's.

    ``Trainer.save_states`` would pickle objects of this version of MXNet.
    """
    [updater] = trainer._updaters
    return {
        name: [moment.asnumpy() for moment in updater.states[i]]
        for i, name in _places(trainer, parameters)
    }


def set_moments(trainer, parameters, moments):
    """Set Adam's two moments, by name, in a trainer that is new."""
    [updater] = trainer._updaters
    for i, name in _places(trainer, parameters):
        weight = parameters[name].list_data()[0]
        state = trainer.optimizer.create_state_multi_precision(i, weight)
        for array, moment in zip(state, moments[name]):
            array[:] = moment
        updater.states[i] = state
        updater.states_synced[i] = True


def _places(trainer, parameters):
    """Yield the place in the trainer, and the name, of each parameter."""
    for name, parameter in parameters.items():
        for i, own in enumerate(trainer._params):
            if own is parameter:
                yield i, name
