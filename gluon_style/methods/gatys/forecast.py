"""How much memory and time a run will take, before it begins."""

import functools
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
from gluon_style.layers import CHANNELS, block_of, num_poolings
from gluon_style.methods.gatys.kinds import ONE_PASS
from gluon_style.methods.gatys.lbfgs import MEMORY
from gluon_style.methods.gatys.objective import Objective
from gluon_style.methods.gatys.scales import plan
from gluon_style.methods.gatys.tiles import spans
from gluon_style.methods.observers import Forecast
from gluon_style.methods.one_pass import BYTES_PER_PIXEL

logger = logging.getLogger(__name__)

# Python, MXNet, and copies of the network's weights as oneDNN orders them.
FIXED_BYTES = 500 << 20
# The peak for a byte of arrays. Measured on both versions of MXNet, it was 0.9
# to 1.2 for a whole picture, and 1.2 to 1.7 in tiles, where each slice is a
# copy.
_PEAK_WHOLE, _PEAK_TILED = 1.2, 1.7
# In bfloat16 the peak was 0.53 to 0.6 of that: the features inside the network
# have half the bytes.
_BFLOAT16 = 0.7
# Tiles that 'auto' chooses from: the larger, the less is computed twice.
TILES = (2048, 1024, 768, 512, 384, 256)
# Arrays of the picture's shape, of floats, that the total variation takes with
# its gradient: the peak of all was 30 or 31 such arrays with Adam, of which a
# run holds 12.
_VARIATION_ARRAYS = 19
# A run may take this part of the free memory.
USABLE = 0.8
# The side of the picture that an epoch is measured with.
MEASURED_SIDE = 192
_CGROUP = Path('/sys/fs/cgroup')


def memory_needed(image_shape, settings, tile=None):
    """Return about how many bytes a run takes at its peak.

    ``image_shape`` is the result's (width, height), ``tile`` as in
    ``Objective``.
    """
    return (
        FIXED_BYTES
        # The features are free when the total variation is computed.
        + max(
            tile_bytes(image_shape, settings, tile),
            variation_bytes(image_shape),
        )
        + picture_bytes(image_shape, settings)
        + content_bytes(image_shape, settings)
    )


def tile_bytes(image_shape, settings, tile=None):
    """Return how many of these the features of one tile take at a time."""
    features = _feature_floats(settings)
    largest = max(features.values())
    style_features = sum(features[name] for name in settings.style_factors)
    whole = image_shape[0] * image_shape[1]
    widths, heights = seen_lengths(image_shape, settings, tile)
    visible = max(widths) * max(heights)
    # Each feature map is held once, and a style layer's once more for its
    # gradient. The backward pass has four arrays of the largest kind.
    per_pixel = sum(features.values()) + style_features + 4 * largest
    if settings.border == 'replicate':
        per_pixel += _padded_floats(settings.architecture, features)
    peak = _PEAK_WHOLE if visible >= whole else _PEAK_TILED
    if settings.precision == 'bfloat16':
        peak *= _BFLOAT16
    floats = peak * visible * per_pixel
    if settings.style_scale is not None and tile is None:
        # A style larger than the result is seen once, but as a whole.
        style_pixels = (settings.style_scale * max(image_shape)) ** 2
        per_pixel = style_features + 3 * largest
        floats = max(floats, _PEAK_WHOLE * style_pixels * per_pixel)
    return int(4 * floats)


def picture_bytes(image_shape, settings):
    """Return how many of these what is as large as the picture takes.

    That is the optimizer's arrays, or before them what paints a start.
    """
    bytes_per_pixel = 4 * 3 * _pixel_arrays(settings)
    if settings.init == ONE_PASS:
        bytes_per_pixel = max(bytes_per_pixel, BYTES_PER_PIXEL)
    return image_shape[0] * image_shape[1] * bytes_per_pixel


def variation_bytes(image_shape):
    """Return how many of these the total variation and its gradient take."""
    return 4 * image_shape[0] * image_shape[1] * 3 * _VARIATION_ARRAYS


def content_bytes(image_shape, settings):
    """Return how many of these the content picture's features take."""
    features = _feature_floats(settings)
    floats = sum(features[name] for name in settings.content_factors)
    return int(4 * image_shape[0] * image_shape[1] * floats)


def _feature_floats(settings):
    """Return how many floats of a pixel each layer's features have."""
    network = settings.architecture
    deepest = network.index(settings.layers[-1])
    return {
        name: _floats_per_pixel(name)
        for name in network.layer_names[: deepest + 1]
    }


def _padded_floats(network, features):
    """Return how many floats of a pixel the convolutions' inputs have.

    With a border, each one is a copy. ``features`` are the floats by layer.
    """
    names = list(features)
    inputs = [
        features[before]
        for before, layer in zip(names, names[1:])
        if layer in network.conv_shapes
    ]
    return 3 + sum(inputs)


def _pixel_arrays(settings):
    """Return how many arrays of the picture's shape a run holds, in floats."""
    if settings.optimizer != 'lbfgs':
        return 12
    # SciPy's arrays are of two floats each, and its bounds are a list of
    # Python's tuples.
    return 12 + 2 * (2 * MEMORY + 10) + (32 if settings.bounded else 0)


def _floats_per_pixel(layer):
    """Return how many floats a layer's features have for each pixel."""
    return CHANNELS[block_of(layer) - 1] / 4 ** num_poolings(layer)


def free_memory(device):
    """Return the free bytes of ``device``, within a container's limit."""
    if device.device_type == 'gpu':
        try:
            return gpu_memory_info(device.device_id)[0]
        except MXNetError as error:
            logger.warning(
                'the free memory of %s is unknown: %s', device, error
            )
            return math.inf
    free = psutil.virtual_memory().available
    try:
        limit = int((_CGROUP / 'memory.max').read_text())
        used = int((_CGROUP / 'memory.current').read_text())
        statistics = (_CGROUP / 'memory.stat').read_text()
    except (OSError, ValueError):
        # There is no container, or it has no limit.
        return free
    # The cache of files counts as used, and is freed when it is needed.
    files = re.search(r'^inactive_file (\d+)$', statistics, re.MULTILINE)
    used -= int(files[1]) if files else 0
    return max(0, min(free, limit - used))


def choose_tile(image_shape, settings, device):
    """Return the tile for ``Objective`` that ``settings.tile`` means.

    'auto' is the whole picture (None) if it fits into the free memory, and
    otherwise the largest tile that fits. Raises GluonStyleError if none fits.
    """
    if settings.tile != 'auto':
        return None if settings.tile == 'off' else settings.tile
    free = free_memory(device)
    needed = {
        tile: memory_needed(image_shape, settings, tile)
        for tile in (None, *TILES)
    }
    for tile in needed:
        if needed[tile] < USABLE * free:
            return tile
    width, height = image_shape
    or_adam = ', or adam' if settings.optimizer == 'lbfgs' else ''
    raise GluonStyleError(
        f'size gives a picture of {width}x{height} pixels, which takes at '
        f'least {min(needed.values()) / 1e9:.1f} GB, and a run may take '
        f'{USABLE:.0%} of the {free / 1e9:.1f} GB free: choose a smaller '
        f'size{or_adam}'
    )


@numpy_mode()
def seconds_needed(net, image_shape, settings, device, tile=None):
    """Return about how many seconds a run takes: one epoch is measured.

    Arguments are as for ``memory_needed``; ``net`` and ``device`` are the
    run's. An epoch takes time in proportion to the pixels that the network
    sees.
    """
    seconds = seconds_of_an_epoch(net, settings, device)
    pixels = 0
    for shape, current in plan(settings, image_shape):
        pixels += current.epochs * _seen_pixels(shape, settings, tile)
    return seconds * pixels / MEASURED_SIDE**2


def _seen_pixels(image_shape, settings, tile):
    """Return how many pixels an epoch sees, in epochs of a whole picture."""
    widths, heights = seen_lengths(image_shape, settings, tile)
    # In tiles, the forward pass is made twice: 3 passes instead of 2.
    passes = 1.5 if max(len(widths), len(heights)) > 1 else 1.0
    return passes * sum(widths) * sum(heights)


def seen_lengths(image_shape, settings, tile):
    """Return the widths and the heights of what the network sees at once."""
    step = 2 ** num_poolings(settings.layers[-1])
    margin = settings.architecture.halo(settings.layers[-1])
    return [
        [
            span.high - span.low
            for span in spans(side, tile, step, margin, settings.tileable)
        ]
        for side in image_shape
    ]


def seconds_of_an_epoch(net, settings, device):
    """Return the seconds of an epoch with a small picture of noise."""
    shape = 1, 3, MEASURED_SIDE, MEASURED_SIDE
    X = np.random.normal(size=shape, ctx=device)
    X.attach_grad('add')
    # All that costs time as in the run, but one style and no edges that meet.
    objective = Objective(
        net,
        X,
        X,
        settings.changed(
            {'strength': None, 'style_blend': None, 'tileable': False}
        ),
    )
    for _ in range(2):
        # The first epoch prepares, the second one counts.
        began = time.perf_counter()
        for loss in objective(X):
            float(loss)
        X.grad.wait_to_read()
        seconds = time.perf_counter() - began
    return seconds


def forecast(net, image_shape, settings, device, tile=None):
    """Return the ``Forecast`` of a run, for which one epoch is measured.

    Arguments are as for ``seconds_needed``.
    """
    seconds = seconds_needed(net, image_shape, settings, device, tile)
    return Forecast(
        seconds,
        memory_needed(image_shape, settings, tile),
        free_memory(device),
        functools.partial(size_within, image_shape, settings, seconds),
    )


def size_within(image_shape, settings, seconds, patience):
    """Return a (width, height) that takes about ``patience`` seconds.

    ``image_shape`` takes ``seconds``, and the time is in proportion to the
    pixels. No side is smaller than the layers of ``settings`` need.
    """
    least = settings.least_side
    scale = max(math.sqrt(patience / seconds), least / min(image_shape))
    width, height = (int(side * scale) for side in image_shape)
    return width, height
