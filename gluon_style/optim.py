"""The two optimizers of the pixels: Adam, as in the chapter, and L-BFGS.

Both call an ``Objective`` once an epoch and keep a ``Log``. Both can bound
the pixels to what can be displayed.
"""

import math

from mxnet import gluon, init, np
from scipy.optimize import minimize

from gluon_style.images import RGB_MEAN, RGB_STD
from gluon_style.settings import LR_DECAY
from gluon_style.synthesis import SynthesizedImage

# Pairs of steps and changes of the gradient that L-BFGS remembers. With 5 it
# gets less far, with 20 hardly farther, and takes twice the time of its own.
MEMORY = 10


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
):
    """Return pixels after Adam with step decay (chapter: Training).

    ``X``, (1, 3, height, width), is what it starts from and not changed. If
    the log says stop, the pixels are the best ones, else the last ones.
    """
    gen_img = SynthesizedImage(X.shape)
    gen_img.weight.grad_req = 'add'
    gen_img.initialize(init.Zero(), ctx=X.ctx)
    bounds = display_bounds(X.ctx) if bounded else None
    gen_img.weight.set_data(_clip(X, bounds) if bounded else X)
    pixels = gen_img()
    trainer = gluon.Trainer(
        gen_img.collect_params(), 'adam', {'learning_rate': lr}
    )
    for epoch in range(num_epochs):
        log.add(*objective(pixels))
        due = log.due() or epoch + 1 == num_epochs
        if due:
            log.read(pixels)
        trainer.step(1)
        if (epoch + 1) % lr_decay_epoch == 0:
            trainer.set_learning_rate(trainer.learning_rate * lr_decay)
        if bounded:
            pixels[:] = _clip(pixels, bounds)
        if due:
            log.call(pixels)
            if log.stopped:
                return log.best_X
    return pixels


def lbfgs(objective, X, num_epochs, log, *, bounded=False):
    """Return the best pixels that L-BFGS finds in ``num_epochs`` epochs.

    An epoch is one evaluation of the loss and its gradient. ``X``, (1, 3,
    height, width), is what it starts from and not changed. The algorithm is
    SciPy's L-BFGS-B (Byrd, Lu, Nocedal & Zhu 1995), in double precision.
    """
    search = _Search(objective, X, num_epochs, log)
    bounds = None
    if bounded:
        # A pair for each pixel, but one object for each channel: SciPy would
        # make of its own Bounds three objects a pixel.
        low, high = (b.reshape(-1).tolist() for b in display_bounds(X.ctx))
        positions = X.shape[2] * X.shape[3]
        bounds = [pair for pair in zip(low, high) for _ in range(positions)]
    x = X.asnumpy().astype('float64').ravel()
    options = {
        'maxcor': MEMORY,
        'maxfun': num_epochs,
        'maxiter': num_epochs,
        # It ends by the number of epochs, not by small changes.
        'ftol': 0,
        'gtol': 0,
    }
    try:
        while True:
            before = search.least
            x = minimize(
                search,
                x,
                jac=True,
                method='L-BFGS-B',
                bounds=bounds,
                options=options,
            ).x
            # Single precision may end a line search; begin anew, unless that
            # has been of no use.
            if not search.least < before:
                break
    except _EndError:
        pass
    return log.best_X


class _EndError(Exception):
    """No more epochs are wanted."""


class _Search:
    """The loss and its gradient as SciPy asks for them, logged."""

    def __init__(self, objective, X, num_epochs, log):
        self.least = math.inf
        self._objective = objective
        self._pixels = X.copy()
        self._pixels.attach_grad('add')
        self._left = num_epochs
        self._log = log

    def __call__(self, x):
        """Return the total loss of the pixels ``x`` and its gradient.

        Raises NonFiniteLossError, for SciPy takes a loss that is not a
        number for the least one, and ``_EndError`` after the last epoch.
        """
        if self._left == 0 or self._log.stopped:
            raise _EndError
        self._left -= 1
        pixels = self._pixels
        pixels[:] = np.array(x.reshape(pixels.shape), dtype='float32')
        self._log.add(*self._objective(pixels))
        self._log.read(pixels)
        if self._log.due() or self._left == 0 or self._log.stopped:
            self._log.call(pixels)
        total = self._log.history[-1]['total']
        self.least = min(self.least, total)
        return total, pixels.grad.asnumpy().astype('float64').ravel()


def _clip(X, bounds):
    return np.minimum(np.maximum(X, bounds[0]), bounds[1])
