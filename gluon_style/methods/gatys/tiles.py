"""Tiles of a picture, and where their pixels and features lie.

A tile is a pair of ``Span``: its rows and its columns.
"""

from typing import NamedTuple

import numpy
from mxnet import np

from gluon_style.errors import GluonStyleError
from gluon_style.layers import num_poolings


class Span(NamedTuple):
    """A tile along one axis, in pixels.

    The tile's own pixels go from ``first`` to ``last``; the network sees
    those from ``low`` to ``high``, so that their features are right.
    """

    first: int
    last: int
    low: int
    high: int


def spans(length, tile, step, margin, wraps=False):
    """Cut ``length`` pixels into about equal spans of about ``tile``.

    Spans begin at multiples of ``step``, the number of pixels that the
    poolings make one position of, and see ``margin`` pixels on either side,
    the halo of the deepest layer. If ``tile`` is None, or at least the whole
    length, there is one span. All spans see equally many pixels, so that the
    memory of one serves the next. No span is longer than ``tile``, unless a
    shorter one would have no features. Where the picture ``wraps``, a span
    also sees pixels beyond the picture's ends. Raises GluonStyleError for a
    tile that is not a multiple of ``step``, and for a length that wraps and
    is not one.
    """
    if tile is not None and (tile < step or tile % step):
        raise GluonStyleError(
            f'tile is {tile!r}: it must be a multiple of {step}'
        )
    if wraps and length % step:
        raise GluonStyleError(
            f'a tileable picture has a side of {length} pixels: it must be a '
            f'multiple of {step}'
        )
    if tile is None or length <= tile:
        beyond = margin if wraps else 0
        return [Span(0, length, -beyond, length + beyond)]
    pairs = _cut_length(length, tile, step)
    num_visible = max(last - first for first, last in pairs) + 2 * margin
    lows = [first - margin for first, _ in pairs]
    if not wraps:
        # The last span ends with the length and begins at a multiple of step.
        num_visible = min(length, num_visible + (length - num_visible) % step)
        lows = [min(max(0, low), length - num_visible) for low in lows]
    return [
        Span(first, last, low, low + num_visible)
        for (first, last), low in zip(pairs, lows)
    ]


def _cut_length(length, tile, step):
    """Return the (first, last) pixels of about equal parts of a length.

    Each part has at least one whole step, or it would have no features. The
    last part also has the pixels beyond the last whole step.
    """
    steps = length // step
    count = min(steps, -(-length // tile))
    while True:
        cuts = [i * steps // count * step for i in range(count)]
        pairs = list(zip(cuts, [*cuts[1:], length]))
        longest = max(last - first for first, last in pairs)
        if count == steps or longest <= tile:
            return pairs
        count += 1


def visible(X, tile):
    """Return the part of ``X`` that the network sees for a tile."""
    rows, columns = tile
    if X.shape[2:] == (rows.high - rows.low, columns.high - columns.low):
        return X
    if min(rows.low, columns.low) >= 0:
        if rows.high <= X.shape[2] and columns.high <= X.shape[3]:
            return X[:, :, rows.low : rows.high, columns.low : columns.high]
    return wrapped(X, (rows.low, rows.high), (columns.low, columns.high))


def wrapped(X, *ranges):
    """Return rows and columns of ``X``, whose opposite edges meet.

    ``ranges`` has a pair for the rows and one for the columns: the first, and
    the one after the last. They may lie beyond the picture's ends.
    """
    for axis, (low, high) in enumerate(ranges, start=2):
        places = numpy.arange(low, high) % X.shape[axis]
        X = X.take(np.array(places, dtype='int32', ctx=X.ctx), axis=axis)
    return X


def place_in_tile(tile, layer):
    """Return where a tile's own features lie in those of what it sees."""
    return _features_at(tile, layer, [span.low for span in tile])


def place_in_picture(tile, layer):
    """Return where a tile's own features lie in the picture's."""
    return _features_at(tile, layer, (0, 0))


def cut(Y, place):
    """Return ``Y[place]``, or ``Y`` itself where the place is all of it.

    Even a slice of everything would copy the features from oneDNN's order of
    elements to NumPy's, and the next layer would copy them back.
    """
    _, _, rows, columns = place
    if (rows.stop - rows.start, columns.stop - columns.start) == Y.shape[2:]:
        return Y
    return Y[place]


def _features_at(tile, layer, origins):
    scale = 2 ** num_poolings(layer)
    rows, columns = (
        slice(
            span.first // scale - origin // scale,
            span.last // scale - origin // scale,
        )
        for span, origin in zip(tile, origins)
    )
    return (slice(None), slice(None), rows, columns)


def positions(shape, layer):
    """Return how many positions a layer has of a picture (height, width)."""
    height, width = (side // 2 ** num_poolings(layer) for side in shape)
    return height * width
