"""Going back and going on: the guard against divergence, and a run's state.

Only a loss that exploded is touched, for Adam's may rise before it falls.
What was measured with the chapter's settings on the sample pictures, 200
pixels wide, is the highest total of 50 epochs for one of the first epoch:

- Learning rate 0.9: 3 from the content picture, 1.3 from noise, 9 at the last
  of three scales, 630 from the style picture. 3, which also ends far below
  where it began: 370 from the content picture, 410 from noise.
- 10, which does not come back: 43000 from the content picture, 70000 from
  noise, 36000 at the first of three scales.

L-BFGS goes back from a high loss itself, but not from one that is no number.
"""

import logging
from dataclasses import dataclass, field

from gluon_style.errors import DivergedError

logger = logging.getLogger(__name__)

MOST_GROWTH = 5000
# How often the step is halved at one scale, before the run is given up.
MOST_HALVINGS = 3


@dataclass(frozen=True)
class State:
    """The scale a run is at, the epochs done there, and what it has then.

    ``X`` are the pixels, (1, 3, height, width), or None for a start anew.
    ``arrays`` of the same shape and ``numbers`` are what the optimizer
    remembers, by name. ``ended`` says that the scale is done.
    """

    scale: int = 0
    epoch: int = 0
    X: object = None
    arrays: dict = field(default_factory=dict)
    numbers: dict = field(default_factory=dict)
    ended: bool = False


class Guard:
    """Count how often the step was halved, at one scale."""

    def __init__(self, state):
        self.halvings = state.numbers.get('halvings', 0)

    def halve(self, error, X):
        """Count one more halving for the NonFiniteLossError ``error``.

        Raises it if there are no good pixels of the shape of ``X`` to go
        back to, and DivergedError after ``MOST_HALVINGS``.
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
