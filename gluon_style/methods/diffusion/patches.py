"""Take a picture apart into square patches, and put it together again."""

from __future__ import annotations

import numpy

from gluon_style.pictures import Array


def positions(
    length: int,
    side: int,
    stride: int = 1,
    first: int = 0,
    wraps: bool = False,
) -> Array:
    """Return where patches begin along an axis.

    ``first`` shifts all but the two outermost, which are always there. If
    the picture ``wraps``, a patch may begin anywhere.
    """
    if wraps:
        return numpy.arange(first % stride, length, stride)
    last = length - side
    inner = numpy.arange(first % stride, last, stride)
    return numpy.unique([0, *inner, last])


def patches_at(pixels: Array, side: int, rows: Array, columns: Array) -> Array:
    """Return the patches that begin at ``rows`` and ``columns``.

    ``pixels`` is (channels, height, width); beyond its edges the opposite
    ones follow. Returns (patches, channels * side * side), row by row.
    """
    beyond = max(rows[-1] + side - pixels.shape[1], 0)
    beside = max(columns[-1] + side - pixels.shape[2], 0)
    if beyond or beside:
        ends = (0, 0), (0, beyond), (0, beside)
        pixels = numpy.pad(pixels, ends, mode='wrap')
    chosen = _windows(pixels, side)[rows[:, None], columns]
    return chosen.reshape(len(rows) * len(columns), -1)


def _windows(pixels: Array, side: int) -> Array:
    """Return all patches, (rows, columns, channels, side, side)."""
    shape = len(pixels), side, side
    return numpy.lib.stride_tricks.sliding_window_view(pixels, shape)[0]


def some_patches(
    pixels: Array, side: int, most: int, rng: numpy.random.RandomState
) -> Array:
    """Return the patches of a picture.

    ``pixels`` is (channels, height, width). Of more than ``most`` patches,
    ``rng`` chooses as many.
    """
    _, height, width = pixels.shape
    rows, columns = height - side + 1, width - side + 1
    chosen = numpy.arange(rows * columns)
    if len(chosen) > most:
        chosen = numpy.sort(rng.choice(len(chosen), most, replace=False))
    picked = _windows(pixels, side)[chosen // columns, chosen % columns]
    return picked.reshape(len(chosen), -1)


def window(side: int, softness: float) -> Array:
    """Return how much a patch's pixels count, (side, side).

    exp(-d^2 / (2 softness^2)) at the distance d from the middle, at least a
    billionth, so that each pixel under some patch counts.
    """
    axis = numpy.arange(side) - (side - 1) / 2
    squares = axis[:, None] ** 2 + axis**2
    return numpy.exp(-squares / (2 * softness**2)).clip(1e-9)


class Average:
    """Put patches that overlap together: a weighted mean at each pixel.

    ``shape`` is the picture's (channels, height, width), ``side`` the
    patches' side, ``softness`` as for ``window``.
    """

    def __init__(
        self, shape: tuple[int, ...], side: int, softness: float
    ) -> None:
        self._side, self._weights = side, window(side, softness)
        self._total = numpy.zeros(shape, 'float32')
        self._count = numpy.zeros(shape[1:], 'float32')

    def add(self, patches: Array, rows: Array, columns: Array) -> None:
        """Add patches that begin at rows and columns: see ``patches_at``."""
        channels, height, width = self._total.shape
        side = self._side
        patches = patches.reshape(
            len(rows), len(columns), channels, side, side
        ).transpose(2, 3, 4, 0, 1)
        for i in range(side):
            for j in range(side):
                place = numpy.ix_((rows + i) % height, (columns + j) % width)
                weight = self._weights[i, j].astype('float32')
                self._count[place] += weight
                self._total[(slice(None), *place)] += weight * patches[:, i, j]

    def picture(self) -> Array:
        """Return the picture; each of its pixels is in some patch."""
        return self._total / self._count
