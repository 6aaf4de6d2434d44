"""Where in the picture which style is wanted.

Guided Gram matrices (Gatys et al. 2017, 'Controlling Perceptual Factors in
Neural Style Transfer', section 4): a guide of 0 to 1 weighs each position in
the sums that a style loss is of.
"""

from typing import NamedTuple

from mxnet import np

from gluon_style.layers import num_poolings
from gluon_style.methods.gatys.style_losses import blend
from gluon_style.methods.gatys.tiles import positions


class Guide(NamedTuple):
    """How much each position of a layer counts, (1, 1, height, width).

    ``count`` is their sum.
    """

    weights: object
    count: float


class Region(NamedTuple):
    """Where a style is wanted, and its losses by layer.

    ``guides`` has a layer's ``Guide`` by the layer's index, or is None where
    all positions count alike; ``share`` is the region's part of the loss.
    """

    guides: dict
    share: float
    losses: dict

    def count(self, X, layer):
        """Return over how many positions of ``X`` a layer averages."""
        if self.guides is None:
            return positions(X, layer)
        return self.guides[layer].count


def everywhere(targets, loss, style_blend):
    """Return the one region of a picture without a mask.

    ``targets`` has for each style its ``Moments`` by the layer's index, which
    are averaged with the weights ``style_blend``, or None for equal ones.
    ``loss`` is one of ``STYLE_LOSSES``.
    """
    style_blend = style_blend or [1] * len(targets)
    losses = {
        i: loss(blend([found[i] for found in targets], style_blend))
        for i in targets[0]
    }
    return [Region(None, 1, losses)]


def masked(targets, loss, mask, ctx):
    """Return the regions of one style or two, apart by a mask.

    The mask is an array (height, width) of 0 to 1: the first style is where
    it is 1. Guides are made on ``ctx``; the rest is as for ``everywhere``.
    """
    return [
        Region(
            {i: _guide(where, i, ctx) for i in target},
            float(where.mean()),
            {i: loss(target[i]) for i in target},
        )
        for where, target in zip((mask, 1 - mask), targets)
        # Where a style is wanted nowhere it has no statistics.
        if where.any()
    ]


def _guide(where, layer, ctx):
    """Return the mask at a layer: its mean over what each position pools."""
    side = 2 ** num_poolings(layer)
    height, width = (length // side for length in where.shape)
    weights = where[: height * side, : width * side]
    weights = weights.reshape(1, 1, height, side, width, side)
    weights = weights.mean(axis=(3, 5)).astype('float32')
    # A region too small for a layer weighs nothing there.
    count = max(float(weights.sum()), 1e-6)
    return Guide(np.array(weights, dtype='float32', ctx=ctx), count)
