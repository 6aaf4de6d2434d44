"""The devices that arrays live on (chapter 6.7, GPUs)."""

from mxnet import MXNetError, cpu, gpu
from mxnet.context import num_gpus

from gluon_style.errors import GluonStyleError


def _num_gpus():
    """Return how many GPUs MXNet sees; a missing driver means none."""
    try:
        return num_gpus()
    except MXNetError:
        return 0


def try_gpu(i=0):
    """Return gpu(i) if it exists, otherwise cpu()."""
    return gpu(i) if _num_gpus() >= i + 1 else cpu()


def try_all_gpus():
    """Return all available GPUs, or [cpu()] if there is none."""
    return [gpu(i) for i in range(_num_gpus())] or [cpu()]


def get_device(name='auto'):
    """Return the device called 'auto', 'cpu', 'gpu' or 'gpu:1'.

    'auto' is ``try_gpu()``. Raises ValueError for another name, and for a
    GPU that is not there: a run asked onto a GPU never moves to the CPU.
    """
    kind, _, index = name.partition(':')
    if name == 'auto':
        return try_gpu()
    if name == 'cpu':
        return cpu()
    if kind != 'gpu' or not (index.isdigit() or name == 'gpu'):
        raise GluonStyleError(
            f'device {name!r} is unknown: choose auto, cpu, gpu or gpu:0'
        )
    found = _num_gpus()
    if int(index or 0) >= found:
        raise GluonStyleError(
            f'device {name!r} is not there: MXNet sees {found} GPUs '
            '(its CPU build sees none); use cpu or auto'
        )
    return gpu(int(index or 0))
