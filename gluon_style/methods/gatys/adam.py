"""Adam on the pixels, with step decay of the learning rate, as in the chapter."""

import math

import numpy
from mxnet import gluon, init, np

from gluon_style._mxnet import get_moments, numpy_mode, set_moments
from gluon_style.chapter.images import display_bounds
from gluon_style.chapter.synthesis import SynthesizedImage
from gluon_style.errors import NonFiniteLossError
from gluon_style.methods.gatys.recovery import MOST_GROWTH, Guard, State
from gluon_style.methods.gatys.settings import LR_DECAY

MOMENTS = ('mean', 'variance')


@numpy_mode()
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
    checkpoint=None,
    state=None,
):
    """Return pixels after Adam with step decay (chapter: Training).

    ``X``, (1, 3, height, width), is what it starts from and not changed. If
    the log says stop, the pixels are the best ones, else the last ones.

    With ``guard``, a loss that diverges sends it back to the best pixels
    with half the learning rate; there are some, for the first loss is read
    at once. ``checkpoint`` is a ``Checkpoint`` of the run, which saves after
    the epochs that are due; ``state`` is a ``State`` that it saved, to go on
    from. Raises NonFiniteLossError or DivergedError.
    """
    state = state or State()
    if log.stopped:
        return log.best_X
    descent = _Adam(X, lr, bounded, state, Guard(state) if guard else None)
    pixels, epoch = descent.pixels, state.epoch
    while epoch < num_epochs:
        log.add(*objective(pixels))
        due = log.due() or epoch + 1 == num_epochs
        saving = checkpoint is not None and checkpoint.due(epoch + 1)
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
            checkpoint.save(descent.state())
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


def _clip(X, bounds):
    return np.minimum(np.maximum(X, bounds[0]), bounds[1])
