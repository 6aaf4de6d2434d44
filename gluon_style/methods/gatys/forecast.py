"""What a run will take of memory and time, before it is begun."""

import logging
import math
import re
import time
from pathlib import Path

import psutil
from mxnet import MXNetError, np
from mxnet.context import gpu_memory_info

from gluon_style._mxnet import numpy_mode
from gluon_style.errors import GluonStyleError
from gluon_style.layers import (
    CONV_SHAPES,
    LAYER_NAMES,
    layer_indices,
    num_poolings,
)
from gluon_style.methods.gatys.lbfgs import MEMORY
from gluon_style.methods.gatys.objective import Objective
from gluon_style.methods.gatys.scales import plan
from gluon_style.methods.gatys.tiles import spans
from gluon_style.methods.observers import Forecast

logger = logging.getLogger(__name__)

# Python, MXNet, and the network's weights in the order of each use.
FIXED_BYTES = 500 << 20
# What allocation loses, measured on both versions of MXNet: peaks were 0.9 to
# 1.2 times the arrays' bytes for a whole picture and 1.2 to 1.7 times in
# tiles, of which each slice is a copy.
_LOSS_WHOLE, _LOSS_TILED = 1.2, 1.7
# Tiles that 'auto' chooses from: the larger, the less is computed twice.
TILES = (2048, 1024, 768, 512, 384, 256)
# Of the memory that is free, a run may take this part.
_USABLE = 0.8
_CGROUP = Path('/sys/fs/cgroup')


def memory_needed(image_shape, settings, tile=None):
    """Return the bytes that a run takes at its peak, about.

    ``image_shape`` is the result's (width, height), ``tile`` as in
    ``Objective``. Each feature map up to the last layer used is held once,
    each style layer's once more for its gradient, the gradients on their way
    back in four arrays of the largest kind; the optimizer's arrays are of
    the whole picture, as are the content picture's features.
    """
    contents = layer_indices(settings.content_names)
    styles = layer_indices(settings.style_names)
    layers = settings.layer_indices
    visible = 1
    for side in image_shape:
        cuts = spans(side, tile, layers, settings.tileable)
        visible *= max(span.high - span.low for span in cuts)
    features = [_floats_per_pixel(i) for i in range(max(layers) + 1)]
    whole = visible >= image_shape[0] * image_shape[1]
    floats = (
        (_LOSS_WHOLE if whole else _LOSS_TILED)
        * visible
        * (
            sum(features)
            + sum(features[i] for i in styles)
            + 4 * max(features)
        )
    )
    # Arrays of the picture, in floats: SciPy's are of two each, and its
    # bounds a list of Python's tuples.
    arrays = 12
    if settings.optimizer == 'lbfgs':
        arrays += 2 * (2 * MEMORY + 10) + (32 if settings.bounded else 0)
    pixels = image_shape[0] * image_shape[1]
    if settings.style_scale is not None and tile is None:
        # A style larger than the result is seen once, but as a whole.
        square = (settings.style_scale * max(image_shape)) ** 2
        forward = sum(features[i] for i in styles) + 3 * max(features)
        floats = max(floats, _LOSS_WHOLE * square * forward)
    floats += pixels * (3 * arrays + sum(features[i] for i in contents))
    return FIXED_BYTES + int(4 * floats)


def _floats_per_pixel(index):
    """Return the size of a layer's feature map for each of its pixels."""
    convolutions = [n for n in LAYER_NAMES[: index + 1] if n in CONV_SHAPES]
    return CONV_SHAPES[convolutions[-1]][0] / 4 ** num_poolings(index)


def free_memory(device):
    """Return the bytes free on ``device``, within a container's limit."""
    if device.device_type == 'gpu':
        try:
            return gpu_memory_info(device.device_id)[0]
        except MXNetError as error:
            logger.warning('the memory of %s is not known: %s', device, error)
            return math.inf
    free = psutil.virtual_memory().available
    try:
        limit = int((_CGROUP / 'memory.max').read_text())
        used = int((_CGROUP / 'memory.current').read_text())
        statistics = (_CGROUP / 'memory.stat').read_text()
    except (OSError, ValueError):
        # No container, or one without a limit.
        return free
    # Files that were read count as used, but give way.
    files = re.search(r'^inactive_file (\d+)$', statistics, re.MULTILINE)
    used -= int(files[1]) if files else 0
    return max(0, min(free, limit - used))


def choose_tile(image_shape, settings, device):
    """Return the tile for ``Objective`` that ``settings.tile`` means.

    'auto' is the whole picture if it fits into the free memory, else the
    largest tile that does. Raises ValueError where none does.
    """
    if settings.tile != 'auto':
        return None if settings.tile == 'off' else settings.tile
    free = free_memory(device)
    needed = {
        tile: memory_needed(image_shape, settings, tile)
        for tile in (None, *TILES)
    }
    for tile in needed:
        if needed[tile] < _USABLE * free:
            return tile
    or_adam = ' or adam' if settings.optimizer == 'lbfgs' else ''
    raise GluonStyleError(
        'size gives a picture of {}x{} pixels, which takes {:.1f} GB at '
        'least, and of the {:.1f} GB free {:.0%} may be taken: choose a '
        'smaller one{}'.format(
            *image_shape,
            min(needed.values()) / 1e9,
            free / 1e9,
            _USABLE,
            or_adam,
        )
    )


@numpy_mode()
def seconds_needed(net, image_shape, settings, device, tile=None):
    """Return the seconds that a run takes, about: one epoch is measured.

    The epoch is of a picture of noise of 192x192 pixels, and an epoch of
    another takes as much longer as the network has more pixels to see.
    """
    side = 192
    X = np.random.normal(size=(1, 3, side, side), ctx=device)
    X.attach_grad('add')
    objective = Objective(
        net,
        X,
        X,
        content_layers=settings.content_layers,
        style_layers=settings.style_layers,
        style_loss=settings.style_loss,
    )
    for _ in range(2):
        # The first epoch prepares, the second one counts.
        began = time.perf_counter()
        for loss in objective(X):
            float(loss)
        X.grad.wait_to_read()
        seconds = time.perf_counter() - began
    layers = settings.layer_indices
    computed = 0
    for shape, current in plan(settings, image_shape):
        cuts = [spans(n, tile, layers, settings.tileable) for n in shape]
        sides = [sum(s.high - s.low for s in spans_) for spans_ in cuts]
        # In tiles, the forward pass is made twice: 3 passes instead of 2.
        passes = 1.5 if max(map(len, cuts)) > 1 else 1.0
        computed += current.epochs * passes * sides[0] * sides[1]
    return seconds * computed / side**2


def forecast(net, image_shape, settings, device, tile=None):
    """Return the ``Forecast`` of a run; one epoch is measured for it.

    Arguments are as for ``seconds_needed``.
    """
    seconds = seconds_needed(net, image_shape, settings, device, tile)

    def within(patience):
        return size_within(image_shape, settings, seconds, patience)

    return Forecast(
        seconds,
        memory_needed(image_shape, settings, tile),
        free_memory(device),
        within,
    )


def size_within(image_shape, settings, seconds, patience):
    """Return the (width, height) that takes ``patience`` seconds, about.

    ``seconds`` is what ``image_shape`` takes; time goes with the number of
    pixels. It is not smaller than the layers of ``settings`` need.
    """
    least = settings.least_side
    scale = max(math.sqrt(patience / seconds), least / min(image_shape))
    return tuple(int(side * scale) for side in image_shape)
