"""The tiles that a picture is computed in, and where they lie.

A tile is a pair of ``Span``: its rows and its columns.
"""

from typing import NamedTuple

import numpy
from mxnet import np

from gluon_style.errors import GluonStyleError
from gluon_style.layers import halo, num_poolings


class Span(NamedTuple):
    """A tile along one axis, in pixels.

    The tile's own pixels go from ``first`` to ``last``; the network sees
    those from ``low`` to ``high``, so that their features are right.
    """

    first: int
    last: int
    low: int
    high: int


def spans(length, tile, layers, wraps=False):
    """Cut ``length`` pixels into about equal spans of about ``tile``.

    They begin where the poolings on the way to the deepest of ``layers``,
    indices, do. None, or a tile that takes in the whole length, gives one
    span. All see equally many pixels, so that the memory of one serves the
    next. None is longer than ``tile``, unless a shorter one would have no
    features. Where the picture ``wraps``, what a span sees goes on beyond its
    ends. Raises ValueError for a tile that is no multiple of the poolings',
    and for a length that wraps and is none.
    """
    step = 2 ** num_poolings(max(layers))
    if tile is not None and (tile < step or tile % step):
        raise GluonStyleError(
            f'tile is {tile!r}: it must be a multiple of {step}'
        )
    if wraps and length % step:
        raise GluonStyleError(
            f'a tileable picture has a side of {length} pixels: it must be a '
            f'multiple of {step}'
        )
    margin = halo(max(layers))
    if tile is None or length <= tile:
        beyond = margin if wraps else 0
        return [Span(0, length, -beyond, length + beyond)]
    # Whole steps, of which each span has one at least, or it would have no
    # features; what is over goes to the last span.
    steps = length // step
    count = min(steps, -(-length // tile))
    while True:
        cuts = [i * steps // count * step for i in range(count)]
        owned = list(zip(cuts, [*cuts[1:], length]))
        if count == steps or max(b - a for a, b in owned) <= tile:
            break
        count += 1
    sees = max(b - a for a, b in owned) + 2 * margin
    if wraps:
        return [
            Span(*own, own[0] - margin, own[0] - margin + sees)
            for own in owned
        ]
    # The last span ends with the length and begins at a multiple of step.
    sees = min(length, sees + (length - sees) % step)
    lows = [min(max(0, a - margin), length - sees) for a, _ in owned]
    return [Span(*own, low, low + sees) for own, low in zip(owned, lows)]


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
    """Return rows and columns of ``X``, of which each goes on at its ends.

    ``ranges`` are two pairs: the first and the one after the last.
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
    """Return ``Y[place]``, and ``Y`` itself where that is all of it.

    Even a slice of everything would put the features from the order of
    oneDNN into that of NumPy, and the next layer back again.
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


def feature_shape(X, layer):
    """Return (height, width) of a layer's features of ``X``."""
    return tuple(side // 2 ** num_poolings(layer) for side in X.shape[2:])


def positions(X, layer):
    """Return over how many positions a layer sees ``X``."""
    height, width = feature_shape(X, layer)
    return height * width
