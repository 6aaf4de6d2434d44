"""The total variation loss: of all of it, or of what is not the style's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mxnet import np, npx

from gluon_style.methods.gatys.tiles import wrapped

# The loss of a difference of two pixels. Squares (Johnson, Alahi & Fei-Fei
# 2016) count large differences more and small ones less: they soften edges
# and keep fine grain.
TV_NORMS = {'l1': np.abs, 'l2': np.square}
# The total variation that a style has at least, so that a flat one allows
# something: differences of about one gray level of 256.
LEAST_TARGET = 0.02
# The part of the style's total variation from which on a lack counts little.
LACK = 0.2


def total_variation(X, norm, wraps=False):
    """Return half the mean norms of the differences of neighboring pixels.

    With the norm 'l1' it is the chapter's ``tv_loss``. ``X`` is (batch,
    channels, height, width). If it ``wraps``, pixels at opposite edges are
    neighbors, too.
    """
    cost = TV_NORMS[norm]
    if wraps:
        height, width = X.shape[2:]
        below = wrapped(X, (1, height + 1), (0, width)) - X
        beside = wrapped(X, (0, height), (1, width + 1)) - X
    else:
        below = X[:, :, 1:, :] - X[:, :, :-1, :]
        beside = X[:, :, :, 1:] - X[:, :, :, :-1]
    return 0.5 * (cost(below).mean() + cost(beside).mean())


@dataclass(frozen=True)
class TotalVariationLoss:
    """``weight`` times the total variation, or how far it is from a target.

    That is the square of its difference from ``target``, relative to
    ``target``; with None there is no target. A picture that is as rough as
    its style costs nothing, and one that is rougher has grain of its own. One
    that is a little smoother lacks the style's grain. One that is much
    smoother is a photograph with little of the style: it is not to be filled
    with noise, so that a lack x costs x**2 / (1 + (x / LACK)**2) (Geman &
    McClure 1985).
    """

    weight: float
    norm: str
    wraps: bool = False
    target: float | None = None

    def __call__(self, X: Any) -> Any:
        """Return the loss of ``X``, (batch, channels, height, width)."""
        variation = total_variation(X, self.norm, self.wraps)
        if self.target is None:
            return self.weight * variation
        difference = variation / self.target - 1
        excess = np.square(npx.relu(difference))
        lack = np.square(npx.relu(-difference))
        return self.weight * (excess + lack / (1 + lack / LACK**2))


def target_variation(
    pictures: Sequence[Any], parts: Sequence[float], norm: str
) -> float:
    """Return the mean total variation of pictures, each by its part."""
    total = sum(
        part * float(total_variation(X, norm))
        for X, part in zip(pictures, parts)
    )
    return max(total / sum(parts), LEAST_TARGET)
