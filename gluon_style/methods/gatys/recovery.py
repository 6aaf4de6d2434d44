"""Going back and going on: the guard against divergence, and a run's state.

The guard acts only on a loss that exploded, because Adam's loss may rise
before it falls. With the chapter's settings on the sample pictures, 200
pixels wide, the highest total of 50 epochs was this many times the first one:

- Learning rate 0.9: 3 from the content picture, 1.3 from noise, 9 at the last
  of three scales, 630 from the style picture. Learning rate 3, which also
  ends far below its start: 370 from the content picture, 410 from noise.
- Learning rate 10, which does not come back: 43000 from the content picture,
  70000 from noise, 36000 at the first of three scales.

L-BFGS recovers from a high loss by itself, but not from NaN.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Any

from gluon_style.errors import DivergedError

logger = logging.getLogger(__name__)

# A total of more times the first one at its scale diverges.
MOST_GROWTH = 5000
# How often the step is halved at one scale, before the run is given up.
MOST_HALVINGS = 3


# A run that ends at a total of more times the first one at its scale has
# exploded: the runs above that come back end below their start.
_EXPLODED = 10


def warn_of_explosion(history):
    """Log a warning if a run without guard ends with an exploded loss."""
    last = history[-1]
    first = next(entry for entry in history if entry.scale == last.scale)
    if last.total <= _EXPLODED * first.total:
        return
    name = max(('content', 'style', 'tv'), key=lambda n: getattr(last, n))
    logger.warning(
        'the loss has exploded: it ends at %.3g, mostly the %s loss, and '
        'began at %.3g; try a smaller lr, smaller weights of the losses, or '
        'the preset chapter-fast',
        last.total,
        name,
        first.total,
    )


@dataclass(frozen=True)
class State:
    """Where a run stands: its scale, the epochs done there, and its arrays.

    ``X`` are the pixels, (1, 3, height, width), or None at the start of a
    scale. ``arrays`` of the same shape and ``numbers`` are what the optimizer
    remembers, by name. ``ended`` says that the scale is finished.
    """

    scale: int = 0
    epoch: int = 0
    X: Any = None
    arrays: dict[str, Any] = field(default_factory=dict)
    numbers: dict[str, float] = field(default_factory=dict)
    ended: bool = False


class Guard:
    """Count how often the step was halved, at one scale."""

    def __init__(self, state):
        self.halvings = state.numbers.get('halvings', 0)

    def halve(self, error, X):
        """Count one more halving for the NonFiniteLossError ``error``.

        Raises ``error`` if there are no good pixels of the shape of ``X`` to
        go back to, and DivergedError after ``MOST_HALVINGS``.
        """
        if error.X is None or error.X.shape != X.shape:
            raise error
        if self.halvings == MOST_HALVINGS:
            raise DivergedError(
                error.epoch, error.X, error.losses, error.history
            ) from None
        self.halvings += 1
        logger.warning(
            'the loss diverges at epoch %d: back to the best picture so far, '
            'with half the step',
            error.epoch,
        )
