"""L-BFGS on the pixels: SciPy's L-BFGS-B, an evaluation of the loss an epoch."""

import math

from mxnet import np
from scipy.optimize import minimize

from gluon_style._mxnet import numpy_mode
from gluon_style.chapter.images import display_bounds
from gluon_style.errors import NonFiniteLossError
from gluon_style.methods.gatys.recovery import Guard, State

# Pairs of steps and changes of the gradient that L-BFGS remembers. With 5 it
# gets less far, with 20 hardly farther, and takes twice the time of its own.
MEMORY = 10


@numpy_mode()
def lbfgs(
    objective,
    X,
    num_epochs,
    log,
    *,
    bounded=False,
    guard=False,
    restarts=(),
    checkpoint=None,
    state=None,
):
    """Return the best pixels that L-BFGS finds in ``num_epochs`` epochs.

    An epoch is one evaluation of the loss and its gradient. ``X``, (1, 3,
    height, width), is what it starts from and not changed. The algorithm is
    SciPy's L-BFGS-B (Byrd, Lu, Nocedal & Zhu 1995), in double precision.

    ``guard``, ``checkpoint`` and ``state`` are as for ``adam``. SciPy does not
    hand out what L-BFGS remembers: whenever ``checkpoint`` saves, it begins
    anew from the best pixels, as it will after going on from there. So it does
    after the epochs of the log that ``restarts`` has.
    """
    state = state or State()
    search = _Search(objective, X, num_epochs, log, state, restarts)
    guard = Guard(state) if guard else None
    x = search.begin_anew() if state.arrays else _flat(X.asnumpy())
    while True:
        before = search.least
        try:
            x = search.minimize(x, checkpoint, guard, bounded)
        except _Stop:
            break
        except _Restart:
            x = search.begin_anew()
        except NonFiniteLossError as error:
            if guard is None:
                raise
            guard.halve(error, X)
            x = search.begin_anew()
        else:
            # Single precision may end a line search; begin anew, unless that
            # has been of no use.
            if not search.least < before:
                break
    return log.best_X


class _Stop(Exception):
    """No more epochs are wanted."""


class _Restart(Exception):
    """L-BFGS is to forget what it remembers."""


class _Search:
    """The loss and its gradient as SciPy asks for them, logged."""

    def __init__(self, objective, X, num_epochs, log, state, restarts):
        self._objective = objective
        self._pixels = X.copy()
        self._pixels.attach_grad('add')
        self._num_epochs = num_epochs
        self._scale, self._epoch = state.scale, state.epoch
        self._log = log
        self._restarts = set(restarts)
        # Of the best pixels, so that to begin anew there costs no epoch.
        self._gradient = state.arrays.get('gradient')
        self._known = None
        self.least = log.best.total if state.arrays else math.inf

    def begin_anew(self):
        """Return the best pixels; their loss is not computed once more."""
        self._known = self._log.best.total, _flat(self._gradient)
        return _flat(self._log.best_X.asnumpy())

    def minimize(self, x, checkpoint, guard, bounded):
        """Return where SciPy ends. Raises as ``__call__`` does."""
        # SciPy's first step is the gradient where there are bounds, and of
        # length 1 else; it is halved by scaling the variables.
        halvings = guard.halvings if guard else 0
        scale = 0.5 ** (halvings / 2 if bounded else halvings)
        bounds = None
        if bounded:
            # A pair for each pixel, but one object for each channel: SciPy
            # would make of its own Bounds three objects a pixel.
            low, high = (
                (bound.reshape(-1) / scale).tolist()
                for bound in display_bounds(self._pixels.ctx)
            )
            positions = self._pixels.size // 3
            bounds = [p for p in zip(low, high) for _ in range(positions)]
        options = {
            'maxcor': MEMORY,
            'maxfun': self._num_epochs,
            'maxiter': self._num_epochs,
            # It ends by the number of epochs, not by small changes.
            'ftol': 0,
            'gtol': 0,
        }

        def scaled(y):
            total, gradient = self(scale * y, checkpoint, guard)
            return total, scale * gradient

        y = minimize(
            scaled,
            x / scale,
            jac=True,
            method='L-BFGS-B',
            bounds=bounds,
            options=options,
        ).x
        return scale * y

    def __call__(self, x, checkpoint, guard):
        """Return the total loss of the pixels ``x`` and its gradient.

        Raises NonFiniteLossError, for SciPy takes a loss that is not a
        number for the least one, ``_Stop`` after the last epoch, and
        ``_Restart`` where it is to begin anew.
        """
        if self._epoch == self._num_epochs or self._log.stopped:
            raise _Stop
        if self._known is not None:
            known, self._known = self._known, None
            return known
        pixels = self._pixels
        pixels[:] = np.array(x.reshape(pixels.shape), dtype='float32')
        self._log.add(*self._objective(pixels))
        self._log.read(pixels)
        self._epoch += 1
        gradient = pixels.grad.asnumpy()
        total = self._log.history[-1].total
        # A stage as large as the one before begins from that one's best.
        best = self._log.best is self._log.history[-1]
        if best or self._gradient is None:
            self._gradient = gradient
        self.least = min(self.least, total)
        if (
            self._log.due()
            or self._epoch == self._num_epochs
            or self._log.stopped
        ):
            self._log.call(pixels)
        saving = checkpoint is not None and checkpoint.due(self._epoch)
        epoch = len(self._log.history)
        if saving or epoch in self._restarts:
            self._log.restarts.append(epoch)
            if saving:
                checkpoint.save(self._state(guard))
            raise _Restart
        return total, _flat(gradient)

    def _state(self, guard):
        """Return the State, to go on from with the best pixels."""
        return State(
            self._scale,
            self._epoch,
            self._log.best_X,
            {'gradient': self._gradient},
            {'halvings': guard.halvings} if guard else {},
        )


def _flat(array):
    return array.astype('float64').ravel()
