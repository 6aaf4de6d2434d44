"""The two optimizers of the pixels: Adam, as in the chapter, and L-BFGS.

Both call an ``Objective`` once an epoch and keep a ``Log``. Both can bound
the pixels to what can be displayed, go back to the best ones where the loss
diverges, and hand out the state they are in, to go on from later.
"""

import math

import numpy
from mxnet import gluon, init, np
from scipy.optimize import minimize

from gluon_style._mxnet import get_moments, set_moments
from gluon_style.guard import MOST_GROWTH, Guard
from gluon_style.history import NonFiniteLossError
from gluon_style.images import RGB_MEAN, RGB_STD
from gluon_style.settings import LR_DECAY
from gluon_style.state import State
from gluon_style.synthesis import SynthesizedImage

# Pairs of steps and changes of the gradient that L-BFGS remembers. With 5 it
# gets less far, with 20 hardly farther, and takes twice the time of its own.
MEMORY = 10
MOMENTS = ('mean', 'variance')


def display_bounds(device):
    """Return the preprocessed pixels of black and of white, (1, 3, 1, 1)."""
    return tuple(
        ((value - RGB_MEAN) / RGB_STD).reshape(1, 3, 1, 1).copyto(device)
        for value in (0, 1)
    )


def adam(
    objective,
    X,
    num_epochs,
    log,
    *,
    lr,
    lr_decay_epoch,
    lr_decay=LR_DECAY,
    bounded=False,
    guard=False,
    keeper=None,
    state=None,
):
    """Return pixels after Adam with step decay (chapter: Training).

    ``X``, (1, 3, height, width), is what it starts from and not changed. If
    the log says stop, the pixels are the best ones, else the last ones.

    With ``guard``, a loss that diverges sends it back to the best pixels
    with half the learning rate; there are some, for the first loss is read
    at once. After each epoch, ``keeper.due(epoch, log)``
    is asked whether to call ``keeper.save(state)``; ``state`` is a ``State``
    so saved, to go on from. Raises NonFiniteLossError or DivergedError.
    """
    state = state or State()
    if log.stopped:
        return log.best_X
    descent = _Adam(X, lr, bounded, state, Guard(state) if guard else None)
    pixels, epoch = descent.pixels, state.epoch
    while epoch < num_epochs:
        log.add(*objective(pixels))
        due = log.due() or epoch + 1 == num_epochs
        saving = keeper is not None and keeper.due(epoch + 1, log)
        reading = due or saving or (guard and not log.has_best(pixels))
        if reading:
            back = descent.read(log)
            if back is not None:
                epoch = back
                continue
        epoch += 1
        descent.step(lr_decay if epoch % lr_decay_epoch == 0 else None)
        if reading:
            descent.note(epoch)
        if due or log.stopped:
            log.call(pixels)
        if saving:
            keeper.save(descent.state())
        if log.stopped:
            return log.best_X
    return pixels


class _Adam:
    """Gluon's Adam on pixels, which can go back to where it has been."""

    def __init__(self, X, lr, bounded, state, guard):
        gen_img = SynthesizedImage(X.shape)
        gen_img.weight.grad_req = 'add'
        gen_img.initialize(init.Zero(), ctx=X.ctx)
        self._bounds = display_bounds(X.ctx) if bounded else None
        gen_img.weight.set_data(_clip(X, self._bounds) if bounded else X)
        self.pixels = gen_img()
        self._gen_img = gen_img
        self._guard = guard
        self._scale = state.scale
        numbers = state.numbers
        moments = [state.arrays.get(name) for name in ('mean', 'variance')]
        self._begin(numbers.get('lr', lr), numbers.get('steps', 0), moments)
        self._best = numbers.get('best_steps', 0), self._moments()
        if 'best_mean' in state.arrays:
            best = [state.arrays[f'best_{name}'] for name in MOMENTS]
            self._best = numbers['best_steps'], best
        self.note(state.epoch)

    def _begin(self, lr, steps, moments):
        """Begin with a new trainer as if ``steps`` had been made."""
        self._steps = steps
        self._trainer = gluon.Trainer(
            self._gen_img.collect_params(),
            'adam',
            {'learning_rate': lr, 'begin_num_update': steps},
        )
        if steps:
            set_moments(self._trainer, self.pixels, moments)

    def read(self, log):
        """Read the log; return the epoch gone back to, if it had to be."""
        try:
            log.read(self.pixels, MOST_GROWTH if self._guard else math.inf)
        except NonFiniteLossError as error:
            if self._guard is None:
                raise
            self._guard.halve(error, self.pixels)
            self.pixels[:] = error.X
            self._lr /= 2
            self._begin(self._lr, *self._best)
            return self._epoch
        if self._guard and log.best is log.history[-1]:
            self._best = self._steps, self._moments()
        return None

    def step(self, lr_decay):
        """Make a step, and then decay the learning rate, if not by None."""
        self._trainer.step(1)
        self._steps += 1
        if lr_decay is not None:
            lr = self._trainer.learning_rate * lr_decay
            self._trainer.set_learning_rate(lr)
        if self._bounds is not None:
            self.pixels[:] = _clip(self.pixels, self._bounds)

    def note(self, epoch):
        """Note that all epochs up to this one are read."""
        self._epoch, self._lr = epoch, self._trainer.learning_rate

    def state(self):
        """Return the State after the epoch noted last."""
        arrays = dict(zip(MOMENTS, self._moments()))
        numbers = {'steps': self._steps, 'lr': self._lr}
        if self._guard:
            numbers['best_steps'], best = self._best
            numbers['halvings'] = self._guard.halvings
            arrays.update(zip([f'best_{name}' for name in MOMENTS], best))
        return State(self._scale, self._epoch, self.pixels, arrays, numbers)

    def _moments(self):
        if not self._steps:
            return [numpy.zeros(self.pixels.shape, 'float32')] * 2
        return get_moments(self._trainer)


def lbfgs(
    objective,
    X,
    num_epochs,
    log,
    *,
    bounded=False,
    guard=False,
    restarts=(),
    keeper=None,
    state=None,
):
    """Return the best pixels that L-BFGS finds in ``num_epochs`` epochs.

    An epoch is one evaluation of the loss and its gradient. ``X``, (1, 3,
    height, width), is what it starts from and not changed. The algorithm is
    SciPy's L-BFGS-B (Byrd, Lu, Nocedal & Zhu 1995), in double precision.

    ``guard``, ``keeper`` and ``state`` are as for ``adam``. SciPy does not
    hand out what L-BFGS remembers: whenever ``keeper`` saves, it begins anew
    from the best pixels, as it will after going on from there. So it does
    after the epochs of the log that ``restarts`` has.
    """
    state = state or State()
    search = _Search(objective, X, num_epochs, log, state, restarts)
    guard = Guard(state) if guard else None
    x = search.begin_anew() if state.arrays else _flat(X.asnumpy())
    while True:
        before = search.least
        try:
            x = search.minimize(x, keeper, guard, bounded)
        except _EndError:
            break
        except _AnewError:
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


class _EndError(Exception):
    """No more epochs are wanted."""


class _AnewError(Exception):
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
        self.least = log.best['total'] if state.arrays else math.inf

    def begin_anew(self):
        """Return the best pixels; their loss is not computed once more."""
        self._known = self._log.best['total'], _flat(self._gradient)
        return _flat(self._log.best_X.asnumpy())

    def minimize(self, x, keeper, guard, bounded):
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
            total, gradient = self(scale * y, keeper, guard)
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

    def __call__(self, x, keeper, guard):
        """Return the total loss of the pixels ``x`` and its gradient.

        Raises NonFiniteLossError, for SciPy takes a loss that is not a
        number for the least one, ``_EndError`` after the last epoch, and
        ``_AnewError`` where it is to begin anew.
        """
        if self._epoch == self._num_epochs or self._log.stopped:
            raise _EndError
        if self._known is not None:
            known, self._known = self._known, None
            return known
        pixels = self._pixels
        pixels[:] = np.array(x.reshape(pixels.shape), dtype='float32')
        self._log.add(*self._objective(pixels))
        self._log.read(pixels)
        self._epoch += 1
        gradient = pixels.grad.asnumpy()
        total = self._log.history[-1]['total']
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
        saving = keeper is not None and keeper.due(self._epoch, self._log)
        epoch = len(self._log.history)
        if saving or epoch in self._restarts:
            self._log.restarts.append(epoch)
            if saving:
                keeper.save(self._state(guard))
            raise _AnewError
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


def _clip(X, bounds):
    return np.minimum(np.maximum(X, bounds[0]), bounds[1])
