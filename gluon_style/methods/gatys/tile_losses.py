"""What the losses take of the tiles of a picture, and give back to them.

The content and the style loss depend on the picture only through sums over
positions, which can be taken tile by tile. ``TileLosses`` is one tile's part.
It needs nothing but the pixels that the network sees for the tile, so that it
may as well be in another process.
"""

from functools import reduce
from operator import add
from typing import NamedTuple

from mxnet import autograd, np, npx

from gluon_style.chapter.devices import device_of
from gluon_style.chapter.vgg import check_depth, network_of
from gluon_style.layers import num_poolings
from gluon_style.methods.gatys.features import feature_maps
from gluon_style.methods.gatys.precision import choose_precision
from gluon_style.methods.gatys.style_losses import Moments, sum_of_squares
from gluon_style.methods.gatys.tiles import (
    cut,
    place_in_picture,
    place_in_tile,
    positions,
    spans,
    visible,
)


class LossLayers(NamedTuple):
    """The layers of the losses, each with its factor, by the layer's name.

    The content loss is in units of its whole weight. ``needs_mean`` says
    whether the style loss needs the mean features.
    """

    content: dict[str, float]
    style: dict[str, float]
    needs_mean: bool

    @property
    def names(self):
        """The layers of both losses, without order."""
        return {*self.content, *self.style}


def features_by_layer(net, settings, layers):
    """Return a function from a picture to its features by the layer's name.

    ``layers`` are names. The border and the precision are those of the
    settings. Raises GluonStyleError for a layer that ``net`` does not have.
    """
    network = network_of(net)
    names = sorted(layers, key=network.index)
    indices = network.indices(names)
    check_depth(net, indices)
    precision = choose_precision(settings, device_of(net))
    maps = feature_maps(net, indices, settings.border, precision)
    return lambda X: dict(zip(names, maps(X)))


def guide_weights(guide):
    """Return the weights of a region's ``Guide`` by layer, or None."""
    return guide and {i: each.weights for i, each in guide.items()}


def cut_guide(weights, tile):
    """Return a region's weights of a tile's own positions by layer, or None.

    Those of all positions are given, or already the tile's own.
    """
    return weights and {
        i: cut(each, place_in_picture(tile, i)) for i, each in weights.items()
    }


def cut_picture(shape, settings, layers, tile, wraps=False):
    """Return the tiles of a picture of (height, width), row by row.

    ``tile`` is their longest side, or None for the whole picture.
    """
    step = 2 ** max(map(num_poolings, layers), default=0)
    margin = max(map(settings.architecture.halo, layers), default=0)
    rows, columns = (
        spans(length, tile, step, margin, wraps) for length in shape
    )
    return [(a, b) for a in rows for b in columns]


class TileLosses:
    """The content and style losses of one tile.

    ``features`` is what ``features_by_layer`` returns, ``layers`` the
    ``LossLayers``, ``tile`` a pair of ``Span`` of a picture of
    ``shape``, (height, width). ``guides`` has for each region None, or
    the weights of its positions by layer: those of the tile's own positions,
    or of all. A picture ``X`` is (1, 3, height, width): the whole one, or
    what the network sees for the tile. With ``keeps`` there is memory for the
    features between the two passes.
    """

    def __init__(
        self, features, layers, tile, shape, guides=(None,), keeps=False
    ):
        self._features, self._layers = features, layers
        self._tile, self._shape = tile, shape
        self._guides = [cut_guide(guide, tile) for guide in guides]
        self._contents_Y, self._kept = {}, None
        self.keeps = keeps

    def see_content(self, content_X):
        """Keep the features of the content picture."""
        features = self._features(visible(content_X, self._tile))
        self._contents_Y = {
            i: self._own(features[i], i) for i in self._layers.content
        }

    def content_sums(self):
        """Return the sums of the content's features by layer."""
        return {
            i: Y.sum(axis=(2, 3), keepdims=True)
            for i, Y in self._contents_Y.items()
        }

    def content_spread(self, means):
        """Return the sum of the squares of what differs from the means."""
        return {
            i: np.square(Y - means[i]).sum()
            for i, Y in self._contents_Y.items()
        }

    def style_sums(self, X, goes_back=False):
        """Return the sums over the tile's own positions, by layer and region.

        They are the products of channels (C, C), and the features (C,) or
        None. ``goes_back`` says that ``backward`` is next.
        """
        self._kept = None
        if goes_back:
            # What is not recorded is rounded otherwise in bfloat16: a result
            # would depend on whether features are kept.
            features = self._record(X)
        else:
            features = self._features(visible(X, self._tile))
        sums = {}
        for i in self._layers.style:
            Y = self._own(features[i], i)
            for k in range(len(self._guides)):
                weighted_Y, mean = self._guided(Y, i, k), None
                if self._layers.needs_mean:
                    mean = weighted_Y.sum(axis=(0, 2, 3))
                sums[i, k] = _product(weighted_Y, Y), mean
        if goes_back and self.keeps:
            self._kept = features
        return sums

    def backward(self, X, slopes, content_weight):
        """Add the gradient for ``X`` to its ``grad``, return a content loss.

        ``slopes`` has for each layer of the style a list of ``Slopes``, one a
        region. The loss is that of the tile, without its weight.
        """
        features = self._kept or self._record(X)
        self._kept = None
        heads, loss = [], 0
        for i, Y in features.items():
            tile_Y, parts = self._own(Y, i), []
            if i in self._layers.style:
                parts = [
                    self._guided(slope.gradient(tile_Y), i, k)
                    for k, slope in enumerate(slopes[i])
                ]
            if i in self._layers.content:
                weight = self._layers.content[i]
                difference = tile_Y - self._contents_Y[i]
                size = tile_Y.shape[1] * positions(self._shape, i)
                loss = loss + weight * sum_of_squares(difference) / size
                factor = content_weight * weight * 2 / size
                parts.append(factor * difference)
            # There is no region where a mask is black everywhere. Adding to
            # 0 would copy features as large as the picture's.
            head = reduce(add, parts) if parts else np.zeros_like(tile_Y)
            heads.append(self._with_halo(head, Y, i))
        autograd.backward(list(features.values()), heads)
        return loss

    def _record(self, X):
        with autograd.record():
            part = visible(X, self._tile)
            if part is X and not self._is_whole:
                # What MXNet adds to a gradient that others have added to is
                # rounded otherwise than its sum, which is added here.
                part = X.reshape(X.shape)
            return self._features(part)

    def keep_nothing(self):
        """Free the features that were kept for ``backward``."""
        self._kept = None

    @property
    def _is_whole(self):
        """Whether the tile is the whole picture."""
        own = tuple(span.last - span.first for span in self._tile)
        return own == tuple(self._shape)

    def _own(self, Y, layer):
        return cut(Y, place_in_tile(self._tile, layer))

    def _guided(self, Y, layer, region):
        """Return a tile's own features times the weights of a region."""
        guide = self._guides[region]
        return Y if guide is None else Y * guide[layer]

    def _with_halo(self, head, Y, layer):
        """Return a gradient with 0 for what is around the tile's own."""
        if head.shape == Y.shape:
            return head
        whole = np.zeros_like(Y)
        whole[place_in_tile(self._tile, layer)] = head
        return whole


class Here:
    """Where this process computes the tiles of pictures, one after another.

    Arguments are as for ``Objective``; ``layers`` are the ``LossLayers``.
    """

    def __init__(self, net, settings, layers, tile):
        self._settings, self._layers, self._tile = settings, layers, tile
        self._features = features_by_layer(net, settings, layers.names)

    def cut(self, shape, wraps=False, guides=(None,)):
        """Return what calls a method of each tile of a picture.

        ``shape`` is (height, width), ``guides`` as for ``Tiles``. Given
        the name of a method of ``TileLosses``, and arguments for it, it
        returns a list of what the tiles return.
        """
        layers = self._layers
        pairs = cut_picture(
            shape, self._settings, layers.names, self._tile, wraps
        )
        weights = [guide_weights(guide) for guide in guides]
        features, alone = self._features, len(pairs) == 1
        tiles = [
            TileLosses(features, layers, pair, shape, weights, alone)
            for pair in pairs
        ]

        def each(name, *arguments):
            answers = []
            for tile in tiles:
                answers.append(getattr(tile, name)(*arguments))
                if not alone:
                    # Free this tile before the next one takes memory.
                    npx.waitall()
            return answers

        return each


class Tiles:
    """The losses of a picture of ``shape``, from those of its tiles.

    ``place`` is a ``Here``, or computes the tiles in other processes.
    ``guides`` has for each region None or its ``Guide`` by layer. A picture
    ``X`` is (1, 3, height, width).
    """

    def __init__(self, place, layers, shape, wraps=False, guides=(None,)):
        self._layers, self._shape = layers, shape
        self._guides = guides
        self._each = place.cut(shape, wraps, guides)

    def see_content(self, content_X):
        """Keep the features of the content picture."""
        self._each('see_content', content_X)

    def content_energy(self):
        """Return the content loss of a picture without any structure."""
        sums = self._each('content_sums')
        means = {
            i: sum(tile[i] for tile in sums) / positions(self._shape, i)
            for i in self._layers.content
        }
        spreads = self._each('content_spread', means)
        return float(
            sum(
                weight
                * sum(tile[i] for tile in spreads)
                / (means[i].size * positions(self._shape, i))
                for i, weight in self._layers.content.items()
            )
        )

    def moments(self, X, goes_back=False):
        """Return the ``Moments`` of ``X`` by layer: a list, one a region.

        ``goes_back`` says that ``backward`` of these pixels is next.
        """
        sums = self._each('style_sums', X, goes_back)
        moments = {i: [] for i in self._layers.style}
        for i in moments:
            for k in range(len(self._guides)):
                n = self.num_positions(i, k)
                products, means = zip(*(tile[i, k] for tile in sums))
                mean = sum(means) / n if self._layers.needs_mean else None
                moments[i].append(Moments(sum(products) / n, mean))
        return moments

    def num_positions(self, layer, region):
        """Return how many positions a region averages over, by weight."""
        guide = self._guides[region]
        if guide is None:
            return positions(self._shape, layer)
        return guide[layer].total

    def backward(self, X, slopes, content_weight):
        """Add the gradient to ``X.grad``, and return the content loss."""
        return sum(self._each('backward', X, slopes, content_weight))


def _product(Y, Z):
    """Return the products of the C channels of ``Y`` and ``Z``, (C, C).

    The chapter's ``np.dot`` runs in OpenBLAS and takes three times as long
    as this layer does in oneDNN.
    """
    C = Y.shape[1]
    flat_Y = Y.reshape(C, -1)
    # Reshaping puts features of oneDNN's own order into MXNet's.
    flat_Z = flat_Y if Z is Y else Z.reshape(C, -1)
    return npx.fully_connected(
        flat_Y, flat_Z, num_hidden=C, no_bias=True, flatten=False
    )
