"""The chapter's combined loss and its gradient for the pixels, fast.

The numbers are those of ``losses.compute_loss``. Two things are computed
otherwise than in the chapter. First, the gradient of the loss with respect to
each layer's features is a short formula, in ``style_losses``, and is not
recorded. Second, the loss depends on the picture only through sums over
positions. They can be taken tile by tile, in the memory of one tile, and over
a region of the picture: see ``regions``.
"""

from functools import reduce
from operator import add

from mxnet import autograd, np, npx

from gluon_style._mxnet import numpy_mode
from gluon_style.chapter.devices import device_of
from gluon_style.chapter.vgg import check_depth, network_of
from gluon_style.layers import num_poolings
from gluon_style.methods.gatys.features import feature_maps
from gluon_style.methods.gatys.follow import TemporalLoss
from gluon_style.methods.gatys.precision import choose_precision
from gluon_style.methods.gatys.regions import Region, regions
from gluon_style.methods.gatys.settings import Settings
from gluon_style.methods.gatys.strength import LEAST_DISTANCE, weight_ratio
from gluon_style.methods.gatys.style_losses import (
    STYLE_LOSSES,
    Moments,
    sum_of_squares,
)
from gluon_style.methods.gatys.tiles import (
    cut,
    feature_shape,
    place_in_picture,
    place_in_tile,
    positions,
    spans,
    visible,
)
from gluon_style.methods.gatys.variation import (
    TotalVariationLoss,
    target_variation,
)


class Objective:
    """The combined loss of a synthesized image, and its gradient.

    ``content_X`` is a preprocessed picture, (1, 3, height, width), on the
    device of ``net``; the synthesized image has its shape. ``styles`` is one
    such picture, of any height and width, or a list of them, whose statistics
    are averaged with the weights ``style_blend`` of the settings. Without a
    content picture (None), or without styles (None or an empty list), there
    is no loss of that kind.

    ``settings`` are ``Settings``, by default the chapter's; further keywords
    change single ones. The objective uses their layers, the weights of the
    losses, ``style_loss``, ``style_blend``, ``style_repeats``, ``tv_norm``,
    ``tv_target``, ``border``, and ``tileable``, which makes opposite edges of
    the picture neighbors.

    A ``mask``, a NumPy array (height, width) of 0 to 1, puts the first style
    where it is 1 and the second, or no style, where it is 0. The style loss
    of a region is multiplied by the region's part of the picture. So content
    and style keep the balance there that they have without a mask.

    ``tile`` is the longest side, in pixels, of the tiles that are computed
    one at a time: a multiple of 32, not counting what a tile sees around it.
    None computes the picture as a whole. ``follow`` is a ``Follow`` or None;
    its temporal loss is part of the content loss.

    Raises GluonStyleError for a layer that ``net`` does not have.
    """

    @numpy_mode()
    def __init__(
        self,
        net,
        content_X,
        styles,
        settings=None,
        *,
        mask=None,
        tile=None,
        follow=None,
        **changes,
    ):
        network = network_of(net)
        settings = (settings or Settings()).changed(
            {'network': network.name, **changes}
        )
        styles = styles if isinstance(styles, (list, tuple)) else [styles]
        styles = [style_X for style_X in styles if style_X is not None]
        self._content_layers = self._style_layers = {}
        if content_X is not None:
            self._content_layers = settings.content_factors
        if styles:
            self._style_layers = settings.style_factors
        layers = {*self._content_layers, *self._style_layers}
        self._layers = sorted(layers, key=network.index)
        indices = network.indices(self._layers)
        check_depth(net, indices)
        self._step = 2 ** max(map(num_poolings, layers), default=0)
        self._margin = max(map(network.halo, layers), default=0)
        self._content_weight = settings.content_weight
        self._style_weight = settings.style_weight * settings.style_repeats
        self._tile, self._wraps = tile, settings.tileable
        loss = STYLE_LOSSES[settings.style_loss]
        self._needs_mean = loss.needs_mean
        precision = choose_precision(settings, device_of(net))
        self._feature_maps = feature_maps(
            net, indices, settings.border, precision
        )
        self._contents_Y, self._regions = {}, []
        if content_X is not None:
            self._contents_Y = self._content_features(content_X)
        if styles:
            targets = [self._style_moments(style_X) for style_X in styles]
            self._regions = regions(
                targets, loss, settings.style_blend, mask, styles[0].ctx
            )
            self._farthest = self._style_of_nothing(targets[0])
        if settings.strength is not None and self._contents_Y and styles:
            self._style_weight = self._weight_of(settings.strength, content_X)
        self._temporal = None
        if follow is not None:
            self._temporal = TemporalLoss(
                follow.start(content_X.shape[:1:-1], content_X.ctx),
                follow.sure,
                follow.weight * self._content_weight * self._energy(),
            )
        self._tv = TotalVariationLoss(
            settings.tv_weight, settings.tv_norm, self._wraps
        )
        if settings.tv_target == 'style' and styles:
            parts = settings.style_blend or [1] * len(styles)
            if mask is not None:
                # Where there is no style, the content's variation is right.
                styles, share = [*styles, content_X][:2], float(mask.mean())
                parts = share, 1 - share
            self._tv = self._variation_of(settings, styles, parts)

    def _style_of_nothing(self, moments):
        """Return the style loss of a picture without any style."""
        nothing = {
            layer: [each.zero()] * len(self._regions)
            for layer, each in moments.items()
        }
        return float(self._style(nothing)[0])

    def _variation_of(self, settings, pictures, parts):
        """Return the loss of another total variation than pictures' average.

        Its unit is the style loss of a picture without any style.
        """
        target = target_variation(pictures, parts, settings.tv_norm)
        weight = settings.tv_weight * self._style_weight * self._farthest
        return TotalVariationLoss(
            weight, settings.tv_norm, self._wraps, target
        )

    def _weight_of(self, strength, content_X):
        """Return the style weight that a strength means: see ``strength``."""
        tiles = self._tiles(content_X, self._wraps)
        moments = self._moments(content_X, tiles, self._regions)
        distance, _ = self._style(moments)
        distance = max(float(distance), LEAST_DISTANCE * self._farthest)
        return weight_ratio(strength) * self._energy() / max(distance, 1e-12)

    def _energy(self):
        """Return the content loss of a picture without any structure."""
        return float(
            sum(
                weight
                * np.square(Y - Y.mean(axis=(2, 3), keepdims=True)).mean()
                for weight, Y in zip(
                    self._content_layers.values(), self._contents_Y.values()
                )
            )
        )

    @numpy_mode()
    def __call__(self, X):
        """Return the weighted content, style and TV losses of ``X``.

        ``X`` is (1, 3, height, width) and has a ``grad``, attached with
        ``grad_req`` 'add', which becomes the gradient of the losses' sum. The
        losses are arrays on the device: reading them waits for it.
        """
        tiles = self._tiles(X, self._wraps)
        # The features of a picture in one tile serve both passes.
        features = self._record(X, tiles[0]) if len(tiles) == 1 else None
        moments = self._moments(X, tiles, self._regions, features)
        style, slopes = self._style(moments)
        X.grad[:] = 0
        content = 0
        for tile in tiles:
            if len(tiles) > 1:
                features = self._record(X, tile)
            heads, tile_content = self._heads(X, tile, features, slopes)
            content = content + tile_content
            autograd.backward(list(features.values()), heads)
            if len(tiles) > 1:
                # Free this tile before the next one takes memory.
                del features, heads
                npx.waitall()
        with autograd.record():
            tv = self._tv(X)
        tv.backward()
        content = self._content_weight * content
        if self._temporal is not None:
            with autograd.record():
                temporal = self._temporal(X)
            temporal.backward()
            content = content + temporal
        return content, self._style_weight * style, tv

    def _tiles(self, X, wraps=False):
        rows, columns = (
            spans(length, self._tile, self._step, self._margin, wraps)
            for length in X.shape[2:]
        )
        return [(a, b) for a in rows for b in columns]

    def _features(self, X):
        """Return the features of ``X`` by the layer's name."""
        return dict(zip(self._layers, self._feature_maps(X)))

    def _record(self, X, tile):
        with autograd.record():
            return self._features(visible(X, tile))

    def _style_moments(self, style_X):
        """Return the ``Moments`` of a style picture by layer."""
        whole = [Region(None, 1, {})]
        moments = self._moments(style_X, self._tiles(style_X), whole)
        return {i: of_regions[0] for i, of_regions in moments.items()}

    def _moments(self, X, tiles, regions, features=None):
        """Return the ``Moments`` of ``X`` by layer: a list, one a region.

        ``features`` are those of a picture in one tile, or None.
        """
        # Sums over all tiles, by layer and region.
        products, sums = {}, {}
        for tile in tiles:
            tile_features = features or self._features(visible(X, tile))
            for i in self._style_layers:
                Y = cut(tile_features[i], place_in_tile(tile, i))
                for k, region in enumerate(regions):
                    weighted_Y = region.guided(Y, i, tile)
                    product = _product(weighted_Y, Y)
                    products[i, k] = products.get((i, k), 0) + product
                    if self._needs_mean:
                        total = weighted_Y.sum(axis=(0, 2, 3))
                        sums[i, k] = sums.get((i, k), 0) + total
            if features is None:
                del tile_features
                npx.waitall()
        moments = {i: [] for i in self._style_layers}
        for (i, k), product in products.items():
            n = regions[k].num_positions(X, i)
            mean = sums[i, k] / n if self._needs_mean else None
            moments[i].append(Moments(product / n, mean))
        return moments

    def _style(self, moments):
        """Return the style loss, and ``Slopes`` by layer: one a region."""
        style, slopes = 0, {i: [] for i in self._style_layers}
        for i, weight in self._style_layers.items():
            for region, region_moments in zip(self._regions, moments[i]):
                loss, slope = region.losses[i](region_moments)
                style = style + weight * region.share * loss
                slopes[i].append(slope)
        return style, slopes

    def _content_features(self, X):
        """Return the content layers' features of ``X``, from all tiles."""
        tiles = self._tiles(X, self._wraps)
        whole = {}
        for tile in tiles:
            features = self._features(visible(X, tile))
            for i in self._content_layers:
                Y = cut(features[i], place_in_tile(tile, i))
                if len(tiles) == 1:
                    whole[i] = Y
                    continue
                if i not in whole:
                    shape = (1, Y.shape[1], *feature_shape(X, i))
                    whole[i] = np.zeros(shape, ctx=X.ctx)
                whole[i][place_in_picture(tile, i)] = Y
            del features, Y
            npx.waitall()
        return whole

    def _heads(self, X, tile, features, slopes):
        """Return the gradient for each feature map, and the content loss.

        The gradients are what ``autograd.backward`` calls heads. They are 0
        for the features around the tile's own ones.
        """
        heads, loss = [], 0
        for i, Y in features.items():
            tile_Y = cut(Y, place_in_tile(tile, i))
            # Adding to 0 would copy features as large as the picture's.
            parts = []
            if i in self._style_layers:
                parts = self._style_heads(X, tile, i, tile_Y, slopes[i])
            if i in self._content_layers:
                weight = self._content_layers[i]
                target = cut(self._contents_Y[i], place_in_picture(tile, i))
                difference = tile_Y - target
                size = tile_Y.shape[1] * positions(X, i)
                loss = loss + weight * sum_of_squares(difference) / size
                factor = self._content_weight * weight * 2 / size
                parts.append(factor * difference)
            # There is no region where a mask is black everywhere.
            head = reduce(add, parts) if parts else np.zeros_like(tile_Y)
            if tile_Y.shape != Y.shape:
                head, tile_head = np.zeros_like(Y), head
                head[place_in_tile(tile, i)] = tile_head
            heads.append(head)
        return heads, loss

    def _style_heads(self, X, tile, i, tile_Y, slopes):
        """Return the style loss's gradients for a tile's own features.

        There is one for each region.
        """
        heads = []
        for region, slope in zip(self._regions, slopes):
            factor = self._style_weight * self._style_layers[i] * region.share
            factor = factor / region.num_positions(X, i)
            gradient = slope.gradient(tile_Y, factor)
            heads.append(region.guided(gradient, i, tile))
        return heads


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
