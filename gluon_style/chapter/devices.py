"""The devices that arrays live on (chapter 6.7, GPUs)."""

import functools
import logging
import re

from mxnet import MXNetError, cpu, gpu, nd
from mxnet.context import num_gpus

from gluon_style.errors import GluonStyleError

logger = logging.getLogger(__name__)

# The compute capabilities that the last builds of MXNet have code for.
CAPABILITIES = '5.0 to 8.x'


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


@functools.cache
def gpu_problem(i=0):
    """Return in a few words why the GPU does not compute, or None.

    The wheels of MXNet 1.9.1 and 2.0.0b1 have machine code for the
    ``CAPABILITIES`` (Maxwell to Ada), and none that a driver could translate:
    they see a newer GPU, such as an H100, but each operator on it fails.
    """
    try:
        nd.ones((1,), ctx=gpu(i)).wait_to_read()
    except MXNetError as error:
        text = str(error).strip()
        cause = re.search('ErrStr:(.+)', text)
        return cause[1] if cause else text.splitlines()[-1]
    return None


@functools.cache
def _auto():
    """Return ``try_gpu()``, or the CPU, with one warning, if that fails."""
    device = try_gpu()
    if device.device_type == 'gpu' and gpu_problem():
        logger.warning(
            'the GPU does not compute (%s): the CPU does', gpu_problem()
        )
        return cpu()
    return device


def get_device(name='auto'):
    """Return the device called 'auto', 'cpu', 'gpu' or 'gpu:1'.

    'auto' is ``try_gpu()``, or the CPU, with a warning, where that GPU does
    not compute. Raises GluonStyleError for another name, and for a GPU that
    does not exist or compute: the CPU never takes its place silently.
    """
    kind, _, index = name.partition(':')
    if name == 'auto':
        return _auto()
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
    problem = gpu_problem(int(index or 0))
    if problem:
        raise GluonStyleError(
            f'device {name!r} does not compute ({problem}): MXNet is built '
            f'for compute capability {CAPABILITIES}; choose cpu or auto'
        )
    return gpu(int(index or 0))


def device_of(net):
    """Return the device that the parameters of ``net`` are on."""
    return next(iter(net.collect_params().values())).list_ctx()[0]
