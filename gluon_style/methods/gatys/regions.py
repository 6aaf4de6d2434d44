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


def regions(targets, loss, style_blend, mask, ctx):
    """Return the regions of a picture: one, or two that a mask keeps apart.

    ``targets`` has for each style its ``Moments`` by the layer's index.
    ``loss`` is one of ``STYLE_LOSSES``. Without a mask, the styles' moments
    are averaged with the weights ``style_blend``, or None for equal ones.
    The mask is an array (height, width) of 0 to 1: the first style is where
    it is 1, the second, if there is one, where it is 0. Guides are made on
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
            {i: _guide(where, i, ctx) for i in target},
            float(where.mean()),
            {i: loss(target[i]) for i in target},
        )
        for where, target in zip((mask, 1 - mask), targets)
        # A style that is wanted nowhere has no statistics.
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
