"""The chapter's combined loss and its gradient for the pixels, fast.

The numbers are those of ``losses.compute_loss``. Two things are computed
otherwise than in the chapter. First, the gradient of the loss with respect to
each layer's features is a short formula, in ``style_losses``, and is not
recorded. Second, the loss depends on the picture only through sums over
positions. They can be taken tile by tile, in the memory of one tile or by
several machines, see ``tile_losses``, and over a region of the picture: see
``regions``.
"""

from mxnet import autograd

from gluon_style._mxnet import numpy_mode
from gluon_style.chapter.vgg import network_of
from gluon_style.methods.gatys.follow import TemporalLoss
from gluon_style.methods.gatys.regions import regions
from gluon_style.methods.gatys.settings import Settings
from gluon_style.methods.gatys.strength import LEAST_DISTANCE, weight_ratio
from gluon_style.methods.gatys.style_losses import STYLE_LOSSES
from gluon_style.methods.gatys.tile_losses import Here, LossLayers, Tiles
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
    None computes the picture as a whole. ``place`` returns where they are
    computed, from ``net``, the settings, the ``LossLayers`` and ``tile``: by
    default ``Here``. ``follow`` is a ``Follow`` or None; its temporal loss is
    part of the content loss.

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
        place=Here,
        follow=None,
        **changes,
    ):
        settings = (settings or Settings()).changed(
            {'network': network_of(net).name, **changes}
        )
        styles = styles if isinstance(styles, (list, tuple)) else [styles]
        styles = [style_X for style_X in styles if style_X is not None]
        self._content_weight = settings.content_weight
        self._style_weight = settings.style_weight * settings.style_repeats
        loss = STYLE_LOSSES[settings.style_loss]
        self._layers = LossLayers(
            {} if content_X is None else settings.content_factors,
            settings.style_factors if styles else {},
            loss.needs_mean,
        )
        self._wraps = settings.tileable
        self._place = place(net, settings, self._layers, tile)
        self._regions, self._tiles = [], None
        if styles:
            targets = [self._style_moments(style_X) for style_X in styles]
            self._regions = regions(
                targets, loss, settings.style_blend, mask, styles[0].ctx
            )
            self._farthest = self._style_of_nothing(targets[0])
        if content_X is not None:
            self._tiles_of(content_X).see_content(content_X)
        if settings.strength is not None and content_X is not None and styles:
            self._style_weight = self._weight_of(settings.strength, content_X)
        self._temporal = None
        if follow is not None:
            energy = self._tiles_of(content_X).content_energy()
            self._temporal = TemporalLoss(
                follow.start(content_X.shape[:1:-1], content_X.ctx),
                follow.sure,
                follow.weight * self._content_weight * energy,
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

    def _style_moments(self, style_X):
        """Return the ``Moments`` of a style picture by layer."""
        tiles = Tiles(self._place, self._layers, style_X.shape[2:])
        return {i: whole for i, [whole] in tiles.moments(style_X).items()}

    def _style_of_nothing(self, moments):
        """Return the style loss of a picture without any style."""
        nothing = {
            layer: [each.zero()] * len(self._regions)
            for layer, each in moments.items()
        }
        return float(self._style(nothing)[0])

    def _tiles_of(self, X):
        """Return the ``Tiles`` of the synthesized image."""
        if self._tiles is None:
            guides = [region.guide for region in self._regions]
            shape = X.shape[2:]
            self._tiles = Tiles(
                self._place, self._layers, shape, self._wraps, guides
            )
        return self._tiles

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
        tiles = self._tiles_of(content_X)
        distance, _ = self._style(tiles.moments(content_X))
        distance = max(float(distance), LEAST_DISTANCE * self._farthest)
        energy = tiles.content_energy()
        return weight_ratio(strength) * energy / max(distance, 1e-12)

    @numpy_mode()
    def __call__(self, X):
        """Return the weighted content, style and TV losses of ``X``.

        ``X`` is (1, 3, height, width) and has a ``grad``, attached with
        ``grad_req`` 'add', which becomes the gradient of the losses' sum. The
        losses are arrays on the device: reading them waits for it.
        """
        tiles = self._tiles_of(X)
        style, slopes = self._style(tiles.moments(X, goes_back=True))
        X.grad[:] = 0
        content = tiles.backward(
            X, self._weighted(slopes), self._content_weight
        )
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

    def _style(self, moments):
        """Return the style loss, and ``Slopes`` by layer: one a region."""
        style, slopes = 0, {i: [] for i in self._layers.style}
        for i, weight in self._layers.style.items():
            for region, region_moments in zip(self._regions, moments[i]):
                loss, slope = region.losses[i](region_moments)
                style = style + weight * region.share * loss
                slopes[i].append(slope)
        return style, slopes

    def _weighted(self, slopes):
        """Return the slopes of the weighted loss, for a sum over positions."""
        return {
            i: [
                slope.times(
                    self._style_weight * weight * region.share / region_size
                )
                for k, (region, slope) in enumerate(
                    zip(self._regions, slopes[i])
                )
                for region_size in [self._tiles.num_positions(i, k)]
            ]
            for i, weight in self._layers.style.items()
        }
