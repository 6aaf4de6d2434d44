"""The chapter's combined loss and its gradient by the pixels, fast.

The numbers are those of ``losses.compute_loss``. Two things differ from the
chapter's way to them. The gradient of the loss by each layer's features is
written down, not recorded, for it is short: with G the Gram matrix of the
features Y of C channels and n positions, and A its target, the style loss's
is 4 / (C**3 * n) * (G - A) Y. And as the picture enters only through sums
over positions, it may be taken tile by tile, in the memory of one tile.
"""

from typing import NamedTuple

from mxnet import autograd, np, npx
from mxnet.gluon import nn

from gluon_style.layers import (
    CONTENT_LAYERS,
    STYLE_LAYERS,
    halo,
    layer_indices,
    num_poolings,
)
from gluon_style.losses import tv_loss
from gluon_style.vgg import check_depth


class Span(NamedTuple):
    """A tile along one axis, in pixels.

    The tile's own pixels go from ``first`` to ``last``; the network sees
    those from ``low`` to ``high``, so that their features are right.
    """

    first: int
    last: int
    low: int
    high: int


def spans(length, tile, layers):
    """Cut ``length`` pixels into about equal spans of about ``tile``.

    They begin where the poolings on the way to the deepest of ``layers``,
    indices, do. None, or a tile that takes in the whole length, gives one
    span. All see equally many pixels, so that the memory of one serves the
    next. None is longer than ``tile``, unless a shorter one would have no
    features. Raises ValueError for a tile that is no multiple of the
    poolings'.
    """
    step = 2 ** num_poolings(max(layers))
    if tile is not None and (tile < step or tile % step):
        raise ValueError(f'tile is {tile!r}: it must be a multiple of {step}')
    if tile is None or length <= tile:
        return [Span(0, length, 0, length)]
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
    margin = halo(max(layers))
    sees = max(b - a for a, b in owned) + 2 * margin
    # The last span ends with the length and begins at a multiple of step.
    sees = min(length, sees + (length - sees) % step)
    lows = [min(max(0, a - margin), length - sees) for a, _ in owned]
    return [Span(*own, low, low + sees) for own, low in zip(owned, lows)]


class Objective:
    """The combined loss of a synthesized image, and its gradient.

    ``content_X`` and ``style_X`` are preprocessed pictures, (1, 3, height,
    width), on the device of ``net``; the loss is of pictures of the shape of
    ``content_X``. ``tile`` is the longest side in pixels, without its halo,
    of the tiles that are computed one at a time, a multiple of 32, or None
    for the picture as a whole.
    """

    def __init__(
        self,
        net,
        content_X,
        style_X,
        *,
        content_layers=CONTENT_LAYERS,
        style_layers=STYLE_LAYERS,
        content_weight=1,
        style_weight=1e4,
        tv_weight=10,
        tile=None,
    ):
        self._content_layers = layer_indices(content_layers)
        self._style_layers = layer_indices(style_layers)
        self._layers = sorted({*self._content_layers, *self._style_layers})
        check_depth(net, self._layers)
        self._weights = content_weight, style_weight, tv_weight
        self._tile = tile
        self._segments = _segments(net, self._layers)
        self._contents_Y = self._content_features(content_X)
        self._styles_Y_gram = self._grams(style_X)

    def __call__(self, X):
        """Return the weighted content, style and TV losses of ``X``.

        ``X`` is (1, 3, height, width); its ``grad``, attached with
        ``grad_req`` 'add', becomes the gradient of their sum. The losses are
        arrays on the device: reading them waits for it.
        """
        content_weight, style_weight, tv_weight = self._weights
        tiles = self._tiles(X)
        # The features of a picture in one tile serve both passes.
        features = self._record(X, tiles[0]) if len(tiles) == 1 else None
        grams = self._grams(X, features)
        errors = {i: grams[i] - self._styles_Y_gram[i] for i in grams}
        style = sum(np.square(error).mean() for error in errors.values())
        X.grad[:] = 0
        content = 0
        for tile in tiles:
            if len(tiles) > 1:
                features = self._record(X, tile)
            heads, square = self._heads(X, tile, features, errors)
            content = content + square
            autograd.backward(list(features.values()), heads)
            if len(tiles) > 1:
                # Free this tile before the next one takes memory.
                del features, heads
                npx.waitall()
        with autograd.record():
            tv = tv_weight * tv_loss(X)
        tv.backward()
        return content_weight * content, style_weight * style, tv

    def _tiles(self, X):
        rows, columns = (
            spans(length, self._tile, self._layers) for length in X.shape[2:]
        )
        return [(a, b) for a in rows for b in columns]

    def _features(self, X):
        """Return the features of ``X`` by their layer's index."""
        features = {}
        for layer, segment in zip(self._layers, self._segments):
            X = features[layer] = segment(X)
        return features

    def _record(self, X, tile):
        with autograd.record():
            return self._features(_seen(X, tile))

    def _grams(self, X, features=None):
        """Return the Gram matrices of ``X`` by layer, summed over tiles."""
        products = {}
        for tile in self._tiles(X):
            found = features or self._features(_seen(X, tile))
            for i in self._style_layers:
                Y = _cut(found[i], _own(tile, i))
                products[i] = products.get(i, 0) + _product(Y)
            if features is None:
                del found
                npx.waitall()
        return {
            i: product / (product.shape[0] * _positions(X, i))
            for i, product in products.items()
        }

    def _content_features(self, X):
        """Return the content layers' features of ``X``, tiles put together."""
        tiles = self._tiles(X)
        whole = {}
        for tile in tiles:
            found = self._features(_seen(X, tile))
            for i in self._content_layers:
                Y = found[i]
                if len(tiles) == 1:
                    whole[i] = Y
                    continue
                if i not in whole:
                    shape = (1, Y.shape[1], *_feature_shape(X, i))
                    whole[i] = np.zeros(shape, ctx=X.ctx)
                whole[i][_place(tile, i)] = Y[_own(tile, i)]
            del found, Y
            npx.waitall()
        return whole

    def _heads(self, X, tile, features, errors):
        """Return the gradient by each feature map, and the content loss."""
        content_weight, style_weight, _ = self._weights
        heads, loss = [], 0
        for i, Y in features.items():
            own = _cut(Y, _own(tile, i))
            head = 0
            if i in self._style_layers:
                C = own.shape[1]
                scale = style_weight * 4 / (C**3 * _positions(X, i))
                K = (scale * errors[i]).reshape(C, C, 1, 1)
                head = npx.convolution(
                    own, K, kernel=(1, 1), num_filter=C, no_bias=True
                )
            if i in self._content_layers:
                target = _cut(self._contents_Y[i], _place(tile, i))
                difference = own - target
                size = own.shape[1] * _positions(X, i)
                loss = loss + np.square(difference).sum() / size
                head = head + (content_weight * 2 / size) * difference
            if own.shape != Y.shape:
                head, inside = np.zeros_like(Y), head
                head[_own(tile, i)] = inside
            heads.append(head)
        return heads, loss


def _segments(net, layers):
    """Return blocks that lead from each of ``layers`` to the next.

    Compiled (hybridized), they spare Python's time and some memory. A static
    allocation was measured, too: it saves no time and takes more memory.
    """
    segments, begin = [], 0
    for layer in layers:
        segment = nn.HybridSequential()
        for i in range(begin, layer + 1):
            segment.add(net[i])
        segment.hybridize()
        segments.append(segment)
        begin = layer + 1
    return segments


def _seen(X, tile):
    """Return the part of ``X`` that the network sees for a tile."""
    rows, columns = tile
    if X.shape[2:] == (rows.high - rows.low, columns.high - columns.low):
        return X
    return X[:, :, rows.low : rows.high, columns.low : columns.high]


def _own(tile, layer):
    """Return where a tile's own features lie in those of what it sees."""
    return _features_at(tile, layer, [span.low for span in tile])


def _place(tile, layer):
    """Return where a tile's own features lie in the picture's."""
    return _features_at(tile, layer, (0, 0))


def _cut(Y, place):
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


def _feature_shape(X, layer):
    return tuple(side // 2 ** num_poolings(layer) for side in X.shape[2:])


def _positions(X, layer):
    height, width = _feature_shape(X, layer)
    return height * width


def _product(Y):
    """Return the products of the channels of ``Y``, as a matrix.

    ``np.dot``, with which the chapter multiplies, runs in OpenBLAS and takes
    three times as long as this layer does in oneDNN.
    """
    C = Y.shape[1]
    Y = Y.reshape(C, -1)
    return npx.fully_connected(Y, Y, num_hidden=C, no_bias=True, flatten=False)
