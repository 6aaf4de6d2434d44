"""The arithmetic of the network: float32, or bfloat16 where it is faster."""

import functools
import logging
from pathlib import Path

logger = logging.getLogger(__name__)

# What Linux calls the processor's instructions for bfloat16, AVX512-BF16 and
# AMX. On a processor without them bfloat16 is slower than float32, or fails.
_INSTRUCTIONS = {'avx512_bf16', 'amx_bf16'}
_CPU_INFO = Path('/proc/cpuinfo')


@functools.cache
def has_bfloat16():
    """Return whether this machine's processor computes in bfloat16."""
    try:
        lines = _CPU_INFO.read_text().splitlines()
    except OSError:
        # Not Linux. No Mac that MXNet runs on has such a processor.
        return False
    for line in lines:
        name, _, flags = line.partition(':')
        if name.strip() == 'flags':
            return bool(_INSTRUCTIONS & set(flags.split()))
    return False


def choose_precision(settings, device):
    """Return 'float32' or 'bfloat16', for the precision of ``settings``.

    'auto' is bfloat16 where the ``device`` is a processor that computes in
    it, and poolings average: among rounded features another one may be the
    largest, and the cosine of the gradients with float32's falls from 0.9990
    to 0.9973. Where 'bfloat16' is asked for and cannot be had, a warning says
    so.
    """
    possible = device.device_type == 'cpu' and has_bfloat16()
    if settings.precision == 'bfloat16' and not possible:
        logger.warning(
            'this %s does not compute in bfloat16: the run is in float32, '
            'and its numbers differ a little',
            'processor' if device.device_type == 'cpu' else 'device',
        )
    wanted = settings.precision == 'bfloat16' or (
        settings.precision == 'auto' and settings.pooling == 'avg'
    )
    return 'bfloat16' if wanted and possible else 'float32'
