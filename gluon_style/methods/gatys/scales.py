"""Coarse to fine: small pictures first; each scale begins from the one before.

These were measured on the chapter's pictures, by the total loss at 450x300 or
300x200 after the same number of epochs of the last scale:

- Steps of 2, with the loss of 17.3 after three scales, displace the mountains;
  steps of 1.5, with 16.5, keep them where they are in the chapter's picture.
- 20 epochs, a quarter of the 80 that the last scale had, are enough for a
  coarser one: 40, in two scales, end at 16.2 and take as long to the
  chapter's loss.
- A finer scale begins from its own start plus the change that the coarser
  one made to its start, enlarged. Beginning from the enlarged picture, which
  lacks the details of the finer content, takes a tenth more epochs. Noise is
  not such a detail: with fresh noise at each scale a texture ends at a higher
  loss, and a run that stops at a coarse scale gives noise.
- Adam's moments, enlarged and passed on, slow it down: it ends at 37, and at
  31 without them. SciPy's L-BFGS cannot begin with a memory.
- With both optimizers, the average of the last 3, 5 or 10 iterates never has
  less loss than the best one, so that no average is taken.
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
from gluon_style.methods.gatys.strength import weaker
from gluon_style.methods.gatys.tile_losses import Here

GROWTH = 1.5
# A smaller picture keeps nothing of the content, and its features at conv5_1,
# of a 16th of the side, keep nothing of the style.
LEAST_SIDE = 64
# At a coarse scale the style's elements are large in the picture and displace
# what it shows. With the user's own weights the content never comes back at
# the finest scale. With 20 times the content weight it stays, and the total
# loss of the finest scale falls faster, too. With 50 or 100 times, it does not
# fall faster still.
COARSE_CONTENT = 20
# A coarse scale has a quarter of the epochs, and at most these.
COARSE_EPOCHS = 20


def scales(image_shape, count, step=1):
    """Return a list of at most ``count`` (width, height), coarse to fine.

    The last one is ``image_shape``. The sides of the others are multiples of
    ``step``.
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
    """Return the epochs of a coarser scale, where the last has ``epochs``."""
    return max(1, min(COARSE_EPOCHS, round(epochs / 4)))


def plan(settings, image_shape):
    """Return a ((width, height), settings) for each scale, in their order.

    The last scale has the settings as given. A coarser one has its own epochs
    and content weight, and a first stage has all the values of the ``Stage``.
    Raises GluonStyleError for a stage that is too small for the layers.
    """
    *coarser, last = scales(image_shape, settings.scales, settings.step)
    steps = [
        (
            shape,
            replace(
                settings,
                epochs=coarse_epochs(settings.epochs),
                **_coarse_weights(settings),
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


def _coarse_weights(settings):
    """Return changes that give the content more weight at coarse scales."""
    if settings.strength is not None:
        return {'strength': weaker(settings.strength, COARSE_CONTENT)}
    return {'content_weight': settings.content_weight * COARSE_CONTENT}


def coarse_to_fine(
    net,
    inputs,
    settings,
    image_shape,
    log,
    tile=None,
    checkpoint=None,
    place=Here,
):
    """Return the synthesized image, (1, 3, height, width), and its losses.

    ``inputs`` are ``Inputs``, ``image_shape`` is the result's (width,
    height), ``tile`` and ``place`` as in ``Objective``. The scales are those
    of ``plan``. All epochs are logged in ``log``, and the losses returned are
    an entry of its history. If the log stops the run at a coarser scale, the
    picture of that scale is enlarged, as is the one that a
    NonFiniteLossError holds.

    ``checkpoint`` is a ``Checkpoint`` of this run: it saves on the way and
    at each scale's end, and the run begins at its ``state``.
    """
    image_shape = tuple(image_shape)
    state = State() if checkpoint is None else checkpoint.state
    X = state.X
    steps = plan(settings, image_shape)
    for scale in range(state.scale, len(steps)):
        shape, current = steps[scale]
        if scale > state.scale:
            X, state = _grown(X, shape, inputs, settings), State(scale)
        elif X is None:
            X = inputs.start(shape)
        if not state.ended:
            objective = _objective(net, inputs, current, shape, tile, place)
            try:
                X = _optimize(objective, X, current, log, checkpoint, state)
            except NonFiniteLossError as error:
                if error.X is not None:
                    error.X = _grown(error.X, image_shape, inputs, settings)
                raise
            if checkpoint is not None and not log.interrupted:
                checkpoint.save(State(scale, X=X, ended=True))
        if log.stopped:
            break
    # Adam's last pixels are one step further than its last losses.
    losses = log.best if X is log.best_X else log.history[-1]
    return _grown(X, image_shape, inputs, settings), losses


def _grown(X, image_shape, inputs, settings):
    """Return the start of a finer scale, (width, height), after pixels ``X``.

    That is ``X`` itself where the scale is the same.
    """
    before = X.shape[3], X.shape[2]
    if before == image_shape:
        return X
    if settings.first is not None:
        # Edition 0.7 enlarges what can be displayed of the picture.
        return preprocess(255 * postprocess(X), image_shape).copyto(X.ctx)
    change = enlarge(X - inputs.start_picture(before), image_shape)
    return inputs.start_picture(image_shape) + change


def _objective(net, inputs, settings, image_shape, tile, place):
    return Objective(
        net,
        inputs.content(image_shape),
        inputs.styles(image_shape),
        settings,
        mask=inputs.mask(image_shape),
        tile=tile,
        place=place,
        follow=inputs.follow,
    )


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
