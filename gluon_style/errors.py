"""All that a user can cause, as exceptions with a sentence each.

GluonStyleError (a ValueError)
├── MissingPackageError (an ImportError too)  a package is missing or broken
├── WeightsError              weights cannot be had, or are not the network's
└── NonFiniteLossError        a loss became infinite or not a number
    └── DivergedError         and did so again with smaller steps

A missing or unreadable file is an OSError. Every other exception is a bug.
"""


class GluonStyleError(ValueError):
    """A mistake in the input; its text says what to give instead."""


class MissingPackageError(GluonStyleError, ImportError):
    """A package is not installed, or does not load on this machine."""


class WeightsError(GluonStyleError):
    """Weights cannot be had, or are not those of the network."""


class NonFiniteLossError(GluonStyleError, ArithmeticError):
    """A loss became infinite or not a number, and the run stopped.

    ``X`` holds the best pixels before it, or None, and ``losses`` their
    entry of ``history``, which ends before that epoch. ``result`` is the
    last good ``Result`` where ``stylize`` raises, or None.
    """

    def __init__(self, epoch, X, losses, history):
        super().__init__(self._sentence(epoch))
        self.epoch = epoch
        self.X = X
        self.losses = losses
        self.history = history
        self.result = None

    def _sentence(self, epoch):
        return (
            f'the loss is not finite at epoch {epoch}: try a smaller lr or '
            'smaller weights of the losses'
        )


class DivergedError(NonFiniteLossError):
    """A loss exploded or was not finite, however often the step was halved."""

    def _sentence(self, epoch):
        return (
            f'the loss diverges at epoch {epoch}, although the step was '
            'halved three times: try a much smaller lr, smaller weights of '
            'the losses or the optimizer lbfgs'
        )
