"""L-BFGS on the pixels, by SciPy's L-BFGS-B."""

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
    """Return the best pixels that L-BFGS comes to in ``num_epochs`` epochs.

    An epoch is one evaluation of the loss and its gradient. ``X``, (1, 3,
    height, width), is the start and is not changed. The algorithm is SciPy's
    L-BFGS-B (Byrd, Lu, Nocedal & Zhu 1995), in double precision.

    ``guard``, ``checkpoint`` and ``state`` are as for ``adam``. SciPy does
    not hand out what L-BFGS remembers. Whenever ``checkpoint`` saves, the
    search therefore begins anew from the best pixels, as a run does that goes
    on from the checkpoint. It also begins anew after the epochs in
    ``restarts``, which count over all scales.
    """
    state = state or State()
    guard = Guard(state) if guard else None
    search = _Search(
        objective, X, num_epochs, log, bounded, guard, checkpoint, state
    )
    search.restarts.update(restarts)
    x = search.best() if state.arrays else _flat(X.asnumpy())
    while True:
        before = search.least
        try:
            x = search.minimize(x)
        except _Stop:
            break
        except _Restart:
            x = search.best()
        except NonFiniteLossError as error:
            if guard is None:
                raise
            guard.halve(error, X)
            x = search.best()
        else:
            # In single precision a line search may end too early. Another
            # search helps unless the last one gained nothing.
            if not search.least < before:
                break
    return log.best_X


class _Stop(Exception):  # noqa: N818 - not an error
    """No more epochs are wanted."""


class _Restart(Exception):  # noqa: N818 - not an error
    """L-BFGS must forget what it remembers."""


class _Search:
    """The loss and its gradient as SciPy asks for them, logged.

    ``least`` is the least total loss so far, ``restarts`` the epochs of the
    log after which the search begins anew.
    """

    def __init__(
        self, objective, X, num_epochs, log, bounded, guard, checkpoint, state
    ):
        self._objective = objective
        self._pixels = X.copy()
        self._pixels.attach_grad('add')
        self._num_epochs = num_epochs
        self._log = log
        self._bounded, self._guard = bounded, guard
        self._checkpoint = checkpoint
        self._scale, self._epoch = state.scale, state.epoch
        self.restarts = set()
        self.least = log.best.total if state.arrays else math.inf
        # The gradient at the best pixels: a search begins there without an
        # epoch, for it knows their loss and gradient.
        self._best_gradient = state.arrays.get('gradient')
        self._known = None

    def best(self):
        """Return the best pixels; their loss is not computed once more."""
        self._known = self._log.best.total, _flat(self._best_gradient)
        return _flat(self._log.best_X.asnumpy())

    def minimize(self, x):
        """Return where SciPy ends, from ``x``. Raises as ``_evaluate``."""
        # SciPy's first step is the gradient where there are bounds, and has
        # the length 1 otherwise. Scaling the variables halves it.
        halvings = self._guard.halvings if self._guard else 0
        scale = 0.5 ** (halvings / 2 if self._bounded else halvings)

        def scaled(y):
            total, gradient = self._evaluate(scale * y)
            return total, scale * gradient

        y = minimize(
            scaled,
            x / scale,
            jac=True,
            method='L-BFGS-B',
            bounds=self._bounds(scale) if self._bounded else None,
            options={
                'maxcor': MEMORY,
                'maxfun': self._num_epochs,
                'maxiter': self._num_epochs,
                # The number of epochs ends the search, not small changes.
                'ftol': 0,
                'gtol': 0,
            },
        ).x
        return scale * y

    def _bounds(self, scale):
        """Return black and white for each pixel, divided by ``scale``.

        All pixels of a channel share one pair: SciPy would make three objects
        a pixel of its own Bounds.
        """
        black, white = (
            (bound.reshape(-1) / scale).tolist()
            for bound in display_bounds(self._pixels.ctx)
        )
        positions = self._pixels.size // 3
        return [pair for pair in zip(black, white) for _ in range(positions)]

    def _evaluate(self, x):
        """Return the total loss of the pixels ``x`` and its gradient.

        Raises NonFiniteLossError, because SciPy takes NaN for the least loss;
        ``_Stop`` after the last epoch, and ``_Restart`` where the search must
        begin anew.
        """
        log, pixels = self._log, self._pixels
        if self._epoch == self._num_epochs or log.stopped:
            raise _Stop
        if self._known is not None:
            known, self._known = self._known, None
            return known
        pixels[:] = np.array(x.reshape(pixels.shape), dtype='float32')
        log.add(*self._objective(pixels))
        log.read(pixels)
        self._epoch += 1
        gradient = pixels.grad.asnumpy()
        last = log.history[-1]
        # A second stage of the same size begins with the first one's best.
        if log.best is last or self._best_gradient is None:
            self._best_gradient = gradient
        self.least = min(self.least, last.total)
        if log.due() or self._epoch == self._num_epochs or log.stopped:
            log.call(pixels)
        self._save_or_restart()
        return last.total, _flat(gradient)

    def _save_or_restart(self):
        """Save if that is due; raise ``_Restart`` then, or where planned."""
        checkpoint, epoch = self._checkpoint, len(self._log.history)
        saving = checkpoint is not None and checkpoint.due(self._epoch)
        if not saving and epoch not in self.restarts:
            return
        self._log.restarts.append(epoch)
        if saving:
            checkpoint.save(self._state())
        raise _Restart

    def _state(self):
        """Return the ``State`` with the best pixels, to go on from."""
        return State(
            self._scale,
            self._epoch,
            self._log.best_X,
            {'gradient': self._best_gradient},
            {'halvings': self._guard.halvings} if self._guard else {},
        )


def _flat(array):
    return array.astype('float64').ravel()
