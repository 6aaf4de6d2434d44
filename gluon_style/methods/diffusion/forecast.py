"""How much memory and time a picture will take, before it begins."""

import functools
import math
import time

from gluon_style.errors import OutOfMemoryError
from gluon_style.methods.diffusion.denoiser import CHUNK_BYTES, MOST_PATCHES
from gluon_style.methods.diffusion.settings import LEAST_SIDE
from gluon_style.methods.gatys.forecast import (
    FIXED_BYTES,
    TILES,
    free_memory,
    memory_needed,
)
from gluon_style.methods.observers import Forecast

# A run may take this part of the free memory.
_USABLE = 0.8
# Arrays of the style's patches at a time, while they are sorted.
_COPIES = 4
# Arrays of the picture's shape.
_PICTURES = 24


def bytes_needed(image_shape, settings, guide, tile=None):
    """Return about how many bytes a run takes at its peak.

    ``image_shape`` is the result's (width, height), ``guide`` the settings of
    the losses, or None where no network guides, ``tile`` as in
    ``Objective``. The memory for patches does not grow with the picture.
    """
    width, height = image_shape
    patches = _COPIES * 4 * 3 * settings.patch**2 * MOST_PATCHES
    own = patches + 2 * CHUNK_BYTES + 4 * _PICTURES * width * height
    if guide is None:
        return FIXED_BYTES + own
    return own + memory_needed(image_shape, guide, tile)


def choose_tile(image_shape, settings, guide, device):
    """Return the tile for ``Objective``: None for the whole picture.

    It is the largest that fits into the free memory. Raises OutOfMemoryError
    if none does.
    """
    free = _USABLE * free_memory(device)
    tiles = (None,) if guide is None else (None, *TILES)

    def fitting(shape):
        """Return the tiles with which a (width, height) fits."""
        return [
            tile
            for tile in tiles
            if bytes_needed(shape, settings, guide, tile) <= free
        ]

    if found := fitting(image_shape):
        return found[0]
    width, height = image_shape
    smaller = image_shape
    while min(smaller) >= LEAST_SIDE and not fitting(smaller):
        smaller = tuple(int(0.9 * side) for side in smaller)
    advice = f'choose a size of {max(smaller)} or less'
    if min(smaller) < LEAST_SIDE:
        advice = 'close other programs'
    raise OutOfMemoryError(
        f'a picture of {width}x{height} pixels does not fit into the '
        f'{free / 1e9:.1f} GB of memory that a run may take: {advice}'
    )


def forecast(sampler, steps, needed, device):
    """Return the ``Forecast`` of a run: a level of the first scale is timed.

    ``steps`` are the ``plan``, ``needed`` the run's bytes. A level takes time
    in proportion to the pixels.
    """
    (width, height), _ = steps[0]
    for _ in range(2):
        # The first level prepares, the second one counts.
        began = time.perf_counter()
        sampler.try_level()
        seconds = time.perf_counter() - began
    pixels = sum(w * h * levels.epochs for (w, h), levels in steps)
    seconds *= pixels / (width * height)
    return Forecast(
        seconds,
        needed,
        free_memory(device),
        functools.partial(_size_within, steps[-1][0], seconds),
    )


def _size_within(image_shape, seconds, patience):
    """Return a (width, height) that takes about ``patience`` seconds."""
    scale = math.sqrt(patience / seconds)
    return tuple(max(LEAST_SIDE, int(side * scale)) for side in image_shape)
