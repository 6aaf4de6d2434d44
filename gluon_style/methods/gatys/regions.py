"""Regions of the picture, each with a style of its own.

Guided Gram matrices (Gatys et al. 2017, 'Controlling Perceptual Factors in
Neural Style Transfer', section 4): a guide of 0 to 1 is the weight of each
position in the sums that a style loss takes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from mxnet import np

from gluon_style.layers import num_poolings
from gluon_style.methods.gatys.style_losses import blend


class Guide(NamedTuple):
    """The weight of each position of a layer, (1, 1, height, width).

    ``total`` is the sum of the weights.
    """

    weights: Any
    total: float


class Region(NamedTuple):
    """A part of the picture, and its style losses.

    ``guide`` has a layer's ``Guide``, and ``losses`` its style loss, one of
    ``STYLE_LOSSES``, by the layer's name. ``guide`` is None where every
    position has the weight 1. ``share`` is the region's part of the loss.
    """

    guide: dict[str, Guide] | None
    share: float
    losses: dict[str, Any]


def regions(targets, loss, style_blend, mask, ctx):
    """Return the regions of a picture: one, or two that a mask separates.

    ``targets`` has, for each style, its ``Moments`` by the layer's name.
    ``loss`` is one of ``STYLE_LOSSES``. Without a mask, the styles' moments
    are averaged with the weights ``style_blend``; None means equal weights.
    The mask is an array (height, width) of 0 to 1: the first style goes where
    it is 1, and the second, if there is one, where it is 0. The guides are on
    the device ``ctx``.
    """
    if mask is None:
        style_blend = style_blend or [1] * len(targets)
        losses = {
            i: loss(blend([target[i] for target in targets], style_blend))
            for i in targets[0]
        }
        return [Region(None, 1, losses)]
    return [
        Region(
            {i: _guide(region_mask, i, ctx) for i in target},
            float(region_mask.mean()),
            {i: loss(target[i]) for i in target},
        )
        for region_mask, target in zip((mask, 1 - mask), targets)
        # An empty region has no statistics.
        if region_mask.any()
    ]


def _guide(region_mask, layer, ctx):
    """Return a mask at a layer: its mean over the pixels of each position."""
    side = 2 ** num_poolings(layer)
    height, width = (length // side for length in region_mask.shape)
    weights = region_mask[: height * side, : width * side]
    weights = weights.reshape(1, 1, height, side, width, side)
    weights = weights.mean(axis=(3, 5)).astype('float32')
    # A region that is too small for a layer has no weight there.
    total = max(float(weights.sum()), 1e-6)
    return Guide(np.array(weights, dtype='float32', ctx=ctx), total)
