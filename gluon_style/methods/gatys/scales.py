"""Coarse to fine: the picture at small sizes first, each begun by the last.

What was measured on the chapter's pictures, by the total loss at 450x300 or
300x200 after equally many epochs of the last scale:

- Steps of 2, with the loss of 17.3 after three scales, displace the mountains;
  steps of 1.5, with 16.5, keep them where they are in the chapter's picture.
- 20 epochs, a quarter of the 80 that the last scale had, are enough for a
  coarser one: 40, in two scales, end at 16.2 and take as long to the
  chapter's loss.
- A finer scale begins from its own start plus the change that the coarser
  one made to its start, enlarged. To begin from the enlarged picture, without
  the details that only the finer content has, takes a tenth more. Noise in a
  start is no such detail: with fresh noise at each scale a texture ends at
  a higher loss, and a run that is stopped at a coarse one as noise.
- Adam's moments, enlarged and handed on, make it slower: 37 where it came to
  31 without. SciPy's L-BFGS takes no memory to begin with.
- The average of the last 3, 5 or 10 iterates has never less loss than the
  best one, of neither optimizer, so that none is taken.
"""

from dataclasses import asdict, replace

import numpy
from mxnet import np
from PIL import Image

from gluon_style.chapter.images import postprocess, preprocess
from gluon_style.errors import NonFiniteLossError
from gluon_style.methods.gatys.adam import adam
from gluon_style.methods.gatys.lbfgs import lbfgs
from gluon_style.methods.gatys.objective import Objective
from gluon_style.methods.gatys.recovery import State

GROWTH = 1.5
# Coarser pictures than this have nothing left of the content, nor do their
# features at conv5_1, a 16th of the side, of the style.
LEAST_SIDE = 64
# At a coarse scale the style's elements are large in the picture and displace
# what it shows. With the user's own weights the finest scale then never finds
# the content again; with 20 times the content weight it is kept, and the
# total of the finest scale falls faster, too. With 50 or 100 times, it does
# not fall faster still.
COARSE_CONTENT = 20
# A coarse scale is run for a quarter of the epochs, up to these.
COARSE_EPOCHS = 20


def scales(image_shape, count, step=1):
    """Return at most ``count`` (width, height), the last ``image_shape``.

    The sides of the others are multiples of ``step``.
    """
    shapes = [tuple(image_shape)]
    while len(shapes) < count:
        coarser = tuple(
            round(side / GROWTH / step) * step for side in shapes[0]
        )
        if min(coarser) < LEAST_SIDE:
            break
        shapes.insert(0, coarser)
    return shapes


def coarse_epochs(epochs):
    """Return the epochs of a coarser scale, of those of the last one."""
    return max(1, min(COARSE_EPOCHS, round(epochs / 4)))


def plan(settings, image_shape):
    """Return a ((width, height), settings) for each scale, the last as given.

    A coarser scale's settings have its epochs and its content weight, a first
    stage's all that is its own. Raises ValueError for a stage too small.
    """
    *coarser, last = scales(image_shape, settings.scales, settings.step)
    steps = [
        (
            shape,
            replace(
                settings,
                epochs=coarse_epochs(settings.epochs),
                content_weight=settings.content_weight * COARSE_CONTENT,
            ),
        )
        for shape in coarser
    ]
    if settings.first is not None:
        stage = asdict(settings.first)
        scale = stage.pop('scale')
        shape = tuple(max(1, round(side * scale)) for side in last)
        settings.require_shape(shape)
        steps = [(shape, replace(settings, first=None, **stage))]
    return [*steps, (last, settings)]


def coarse_to_fine(
    net, inputs, settings, image_shape, log, tile=None, checkpoint=None
):
    """Return the synthesized image, (1, 3, height, width), and its losses.

    ``inputs`` are ``Inputs``, ``image_shape`` is the result's (width,
    height), ``tile`` as in ``Objective``. The last scale is run for the
    epochs of ``settings``, on exactly its objective, and a coarser one for
    ``coarse_epochs``; all are logged in ``log``, and the losses are an entry
    of its history. If the log says stop at a coarser scale, the picture is
    that scale's, enlarged, and so is the one that a NonFiniteLossError holds.

    ``checkpoint`` is a ``Checkpoint`` of this run: it saves on the way and
    at each scale's end, and its ``state`` is where to begin.
    """
    image_shape = tuple(image_shape)

    def grown(X, shape):
        """Return ``X``, or that of a coarser scale with finer details."""
        before = X.shape[3], X.shape[2]
        if before == shape:
            return X
        if settings.first is not None:
            # So does edition 0.7: what can be displayed of it, enlarged.
            return preprocess(255 * postprocess(X), shape).copyto(X.ctx)
        change = enlarge(X - inputs.start_picture(before), shape)
        return inputs.start_picture(shape) + change

    state = State() if checkpoint is None else checkpoint.state
    X = state.X
    steps = plan(settings, image_shape)
    for scale in range(state.scale, len(steps)):
        shape, current = steps[scale]
        if scale > state.scale:
            X, state = grown(X, shape), State(scale)
        elif X is None:
            X = inputs.start(shape)
        if not state.ended:
            objective = Objective(
                net,
                inputs.content(shape),
                inputs.styles(shape),
                current,
                mask=inputs.mask(shape),
                tile=tile,
            )
            try:
                X = _optimize(objective, X, current, log, checkpoint, state)
            except NonFiniteLossError as error:
                if error.X is not None:
                    error.X = grown(error.X, image_shape)
                raise
            if checkpoint is not None and not log.interrupted:
                checkpoint.save(State(scale, X=X, ended=True))
        if log.stopped:
            break
    # The last pixels of Adam are a step on from the losses of the last.
    losses = log.best if X is log.best_X else log.history[-1]
    return grown(X, image_shape), losses


def _optimize(objective, X, settings, log, checkpoint, state):
    options = {
        'bounded': settings.bounded,
        'guard': settings.guard,
        'checkpoint': checkpoint,
        'state': state,
    }
    if settings.optimizer == 'lbfgs':
        options['restarts'] = settings.restarts
        return lbfgs(objective, X, settings.epochs, log, **options)
    return adam(
        objective,
        X,
        settings.epochs,
        log,
        lr=settings.lr,
        lr_decay_epoch=settings.lr_decay_epoch,
        lr_decay=settings.lr_decay,
        **options,
    )


def enlarge(X, image_shape):
    """Return pixels (1, 3, height, width) resized to (width, height)."""
    channels = [
        Image.fromarray(channel).resize(image_shape, Image.BICUBIC)
        for channel in X[0].asnumpy()
    ]
    return np.array(numpy.stack(channels)[None], ctx=X.ctx)
