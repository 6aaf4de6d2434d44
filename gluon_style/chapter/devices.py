"""The devices that arrays live on (chapter 6.7, GPUs)."""

from mxnet import MXNetError, cpu, gpu
from mxnet.context import num_gpus

from gluon_style.errors import GluonStyleError


def _num_gpus():
    """Return how many GPUs MXNet sees: 0 if the driver is missing."""
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

    'auto' is ``try_gpu()``. Raises GluonStyleError for another name, and for
    a GPU that does not exist: the CPU never takes its place silently.
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
    count = _num_gpus()
    if int(index or 0) >= count:
        raise GluonStyleError(
            f'device {name!r} does not exist: MXNet sees {count} GPUs '
            '(a CPU build of MXNet sees none); choose cpu or auto'
        )
    return gpu(int(index or 0))


def device_of(net):
    """Return the device that the parameters of ``net`` are on."""
    return next(iter(net.collect_params().values())).list_ctx()[0]
