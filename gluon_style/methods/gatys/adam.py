"""Adam on the pixels, with the chapter's step decay of the learning rate."""

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

    ``X``, (1, 3, height, width), is the start and is not changed. The result
    has the best pixels if the log stops the run, and the last ones otherwise.

    With ``guard``, a loss that diverges sends the run back to the best pixels
    with half the learning rate. The first loss is read at once, so that there
    are such pixels. ``checkpoint`` is a ``Checkpoint`` of the run, which
    saves after the epochs that are due; ``state`` is a ``State`` that it
    saved, and the run goes on from there. Raises NonFiniteLossError or
    DivergedError.
    """
    state = state or State()
    if log.stopped:
        return log.best_X
    guard = Guard(state) if guard else None
    descent = _Descent(X, lr, lr_decay_epoch, lr_decay, bounded, guard, state)
    pixels = descent.pixels
    while descent.epoch < num_epochs:
        log.add(*objective(pixels))
        due = log.due() or descent.epoch + 1 == num_epochs
        saving = checkpoint is not None and checkpoint.due(descent.epoch + 1)
        if not (due or saving or descent.needs_best(log)):
            # Reading the losses would make the device wait.
            descent.step()
        elif descent.read(log):
            descent.step()
            descent.mark()
            if due or log.stopped:
                log.call(pixels)
            if saving:
                checkpoint.save(descent.state())
            if log.stopped:
                return log.best_X
    return pixels


class _Descent:
    """Gluon's Adam on pixels, which can go back to the best ones.

    ``epoch`` counts the epochs done at this scale. Where the losses are read,
    the epoch and the learning rate are marked: a loss that diverges later
    sends the run back there.
    """

    def __init__(self, X, lr, lr_decay_epoch, lr_decay, bounded, guard, state):
        self._bounds = display_bounds(X.ctx) if bounded else None
        self._gen_img = SynthesizedImage(X.shape)
        self._gen_img.weight.grad_req = 'add'
        self._gen_img.initialize(init.Zero(), ctx=X.ctx)
        self._gen_img.weight.set_data(self._clipped(X))
        self._parameters = {'pixels': self._gen_img.weight}
        self.pixels = self._gen_img()
        self.epoch = state.epoch
        self._lr_decay_epoch, self._lr_decay = lr_decay_epoch, lr_decay
        self._guard, self._scale = guard, state.scale
        numbers, arrays = state.numbers, state.arrays
        moments = [arrays.get(name) for name in MOMENTS]
        self._begin(numbers.get('lr', lr), numbers.get('steps', 0), moments)
        # The steps and the moments that led to the best pixels.
        self._best = self._steps, self._moments()
        if 'best_mean' in arrays:
            best_moments = [arrays[f'best_{name}'] for name in MOMENTS]
            self._best = numbers['best_steps'], best_moments
        self.mark()

    def _begin(self, lr, steps, moments):
        """Begin with a new trainer as if it had made ``steps`` steps."""
        self._steps = steps
        self._trainer = gluon.Trainer(
            self._gen_img.collect_params(),
            'adam',
            {'learning_rate': lr, 'begin_num_update': steps},
        )
        if steps:
            set_moments(self._trainer, self._parameters, {'pixels': moments})

    def needs_best(self, log):
        """Return whether a guard lacks pixels that it could go back to."""
        return self._guard is not None and not log.has_best(self.pixels)

    def read(self, log):
        """Read the log; return False where the run had to go back."""
        try:
            log.read(self.pixels, MOST_GROWTH if self._guard else math.inf)
        except NonFiniteLossError as error:
            if self._guard is None:
                raise
            self._guard.halve(error, self.pixels)
            self._go_back(error.X)
            return False
        if self._guard and log.best is log.history[-1]:
            self._best = self._steps, self._moments()
        return True

    def _go_back(self, best_X):
        self.pixels[:] = best_X
        self.epoch = self._marked_epoch
        self._marked_lr /= 2
        self._begin(self._marked_lr, *self._best)

    def step(self):
        """Make a step, and decay the learning rate if that is due."""
        self._trainer.step(1)
        self._steps += 1
        self.epoch += 1
        if self.epoch % self._lr_decay_epoch == 0:
            lr = self._trainer.learning_rate * self._lr_decay
            self._trainer.set_learning_rate(lr)
        if self._bounds is not None:
            self.pixels[:] = self._clipped(self.pixels)

    def mark(self):
        """Mark this epoch: all losses up to it are read."""
        self._marked_epoch = self.epoch
        self._marked_lr = self._trainer.learning_rate

    def state(self):
        """Return the ``State`` at the marked epoch."""
        arrays = dict(zip(MOMENTS, self._moments()))
        numbers = {'steps': self._steps, 'lr': self._marked_lr}
        if self._guard:
            numbers['best_steps'], best_moments = self._best
            numbers['halvings'] = self._guard.halvings
            names = [f'best_{name}' for name in MOMENTS]
            arrays.update(zip(names, best_moments))
        return State(
            self._scale, self._marked_epoch, self.pixels, arrays, numbers
        )

    def _moments(self):
        if not self._steps:
            return [numpy.zeros(self.pixels.shape, 'float32')] * 2
        return get_moments(self._trainer, self._parameters)['pixels']

    def _clipped(self, X):
        """Return pixels that can be displayed, if only these are wanted."""
        if self._bounds is None:
            return X
        black, white = self._bounds
        return np.minimum(np.maximum(X, black), white)
