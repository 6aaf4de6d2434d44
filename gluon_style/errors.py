"""The errors that a user can cause, each with one sentence to show.

GluonStyleError (a ValueError)
├── MissingPackageError       an optional package is missing or broken
│                             (an ImportError too)
├── OutOfMemoryError          the run does not fit into memory
│                             (a MemoryError too)
├── WeightsError              weights are missing, or do not fit the network
└── NonFiniteLossError        a loss became infinite or not a number
    │                         (an ArithmeticError too)
    └── DivergedError         it still did after the step was halved

A missing or unreadable file is an OSError. Ctrl-C is a KeyboardInterrupt:
InterruptedRun once there is a result. Every other exception is a bug.
"""

from __future__ import annotations

from typing import Any


class GluonStyleError(ValueError):
    """A mistake in the input; the text says what to give instead."""


class MissingPackageError(GluonStyleError, ImportError):
    """A package is not installed, or does not load on this machine."""


class OutOfMemoryError(GluonStyleError, MemoryError):
    """A run does not fit into memory; the text says how to make it fit."""


class WeightsError(GluonStyleError):
    """Weights are missing, or do not fit the network."""


class NonFiniteLossError(GluonStyleError, ArithmeticError):
    """A loss became infinite or not a number, and the run stopped.

    ``X`` holds the best pixels before that, or None. ``losses`` is the entry
    of ``history`` that belongs to them; ``history`` ends before the epoch
    that failed. ``result`` is None until ``stylize`` puts the last good
    ``Result`` there. Of a run in another process only the sentence is known.
    """

    def __init__(
        self, epoch: int | None, X: Any, losses: Any, history: list
    ) -> None:
        super().__init__(self._sentence(epoch))
        self.epoch = epoch
        self.X = X
        self.losses = losses
        self.history = history
        self.result: Any = None

    @classmethod
    def elsewhere(cls, sentence: str) -> NonFiniteLossError:
        """Return the error of a run that another process made."""
        error = cls(None, None, None, [])
        error.args = (sentence,)
        return error

    def __reduce__(self) -> tuple[Any, ...]:
        """Let the error leave a process of a pool, which pickles it."""
        arguments = self.epoch, self.X, self.losses, self.history
        state = {'result': self.result, 'args': self.args}
        return type(self), arguments, state

    def _sentence(self, epoch: int | None) -> str:
        return (
            f'the loss is not finite at epoch {epoch}: try a smaller lr or '
            'smaller weights of the losses'
        )


class DivergedError(NonFiniteLossError):
    """A loss exploded or was not finite, even after the step was halved."""

    def _sentence(self, epoch: int | None) -> str:
        # The number is MOST_HALVINGS of gluon_style.methods.gatys.recovery.
        return (
            f'the loss diverges at epoch {epoch}, although the step was '
            'halved three times: try a much smaller lr, smaller weights of '
            'the losses or the optimizer lbfgs'
        )


class InterruptedRun(KeyboardInterrupt):
    """Ctrl-C ended a run after what is ``done``; ``result`` is what it has.

    That is the best ``Result`` so far, or the ``Style``; ``noun`` names it.
    """

    def __init__(self, result: Any, done: str, noun: str) -> None:
        super().__init__(
            f"after {done}: the {noun} so far is this exception's result"
        )
        self.result = result
