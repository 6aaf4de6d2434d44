"""Check that a run could have written the JSON of its checkpoint."""

from gluon_style.errors import GluonStyleError
from gluon_style.methods.fields import Integer, Number
from gluon_style.methods.gatys.recovery import MOST_HALVINGS
from gluon_style.pictures.animation import MOST_FRAMES
from gluon_style.records.record import Epoch

# The arrays and the numbers that each optimizer remembers, and its guard.
_REMEMBERED = {
    'adam': (('mean', 'variance'), ('steps', 'lr')),
    'lbfgs': (('gradient',), ()),
    # Levels of noise remember nothing but their pixels.
    'levels': ((), ()),
}
_GUARDED = {
    'adam': (('best_mean', 'best_variance'), ('best_steps', 'halvings')),
    'lbfgs': ((), ('halvings',)),
}
# What a JPEG has besides its pixels.
_FRAME_BYTES = 1 << 16
# Larger than any loss or time of a run.
_MOST = 1e300


def checked_meta(meta, steps):
    """Return the history, the shape of the arrays and their names.

    ``meta`` is the JSON of a checkpoint, ``steps`` the ``plan`` of the run.
    Raises GluonStyleError for what no such run writes.
    """
    scale = Integer(0, len(steps) - 1).check('scale', meta.get('scale'))
    final_shape, _ = steps[-1]
    steps = steps[: scale + 1]
    (width, height), settings = steps[-1]
    for name in ('ended', 'pixels', 'reached'):
        if not isinstance(meta.get(name), bool):
            raise GluonStyleError(f'{name} is not true or false')
    least = 0 if meta['ended'] else 1
    epoch = Integer(least, settings.epochs).check('epoch', meta.get('epoch'))
    most = sum(step.epochs for _, step in steps)
    history = _checked_history(meta, most, [shape for shape, _ in steps])
    _check_scales(history, steps, None if meta['ended'] else epoch)
    elapsed = Number(history[-1].seconds, _MOST)
    elapsed.check('elapsed', meta.get('elapsed'))
    Integer(1, len(history)).check('best', meta.get('best'))
    _check_restarts(meta, len(history))
    _check_frames(meta, len(history), final_shape)
    if history[meta['best'] - 1].scale != (width, height):
        raise GluonStyleError('the best epoch belongs to another scale')
    arrays, numbers = _remembered(meta['ended'], settings)
    _check_numbers(meta.get('numbers'), numbers, settings.lr, most)
    names = {'best', *arrays, *(['pixels'] if meta['pixels'] else [])}
    return history, (1, 3, height, width), names


def _remembered(ended, settings):
    """Return the names of the optimizer's arrays and numbers."""
    if ended:
        return (), ()
    arrays, numbers = _REMEMBERED[settings.optimizer]
    if settings.guard:
        more_arrays, more_numbers = _GUARDED[settings.optimizer]
        return arrays + more_arrays, numbers + more_numbers
    return arrays, numbers


def _checked_history(meta, most, shapes):
    entries = meta.get('history')
    if not isinstance(entries, list) or not 1 <= len(entries) <= most:
        raise GluonStyleError(f'the history does not have 1 to {most} epochs')
    history = [_checked_entry(entry) for entry in entries]
    for epoch, entry in enumerate(history, start=1):
        Integer(epoch, epoch).check('epoch', entry.epoch)
        if entry.scale not in shapes:
            raise GluonStyleError(f'epoch {epoch} has a scale of another run')
        # The losses were checked as they were read.
        Number(0, _MOST).check('seconds', entry.seconds)
    return history


def _checked_entry(value):
    entry = Epoch.from_json(value, 'an epoch')
    if entry.to_json() != value:
        raise GluonStyleError('an epoch has more than its losses')
    return entry


def _check_scales(history, steps, epoch):
    """Check that the scales follow each other.

    ``epoch`` is that of the last scale, or None where the scale has ended.
    """
    order = [shape for shape, _ in steps]
    indices = [order.index(entry.scale) for entry in history]
    last = order.index(order[-1])
    before = sum(step.epochs for _, step in steps[:-1])
    if indices != sorted(indices) or indices[-1] != last:
        raise GluonStyleError('the scales of its epochs are out of order')
    if epoch is None:
        return
    # L-BFGS may have ended a scale early, others go through all epochs.
    exact = steps[-1][1].optimizer != 'lbfgs'
    length = len(history)
    if length > before + epoch or exact and length < before + epoch:
        raise GluonStyleError(
            f'it has {length} losses, not those of {before + epoch} epochs'
        )
    if indices[-epoch:] != [last] * epoch:
        raise GluonStyleError(f'it lacks the losses of {epoch} epochs there')


def _check_restarts(meta, epochs):
    restarts = meta.get('restarts')
    if not isinstance(restarts, list) or len(restarts) > epochs:
        raise GluonStyleError('its restarts are not a list of epochs')
    for epoch in restarts:
        Integer(1, epochs).check('restart', epoch)


def _check_frames(meta, epochs, image_shape):
    """Check the JSON of an animation's frames: epochs and bytes."""
    frames = meta.get('frames')
    if not isinstance(frames, dict) or set(frames) != {'every', 'lengths'}:
        raise GluonStyleError('it does not describe its frames')
    Integer(1, epochs).check('every', frames['every'])
    lengths = frames['lengths']
    if not isinstance(lengths, list) or len(lengths) > MOST_FRAMES:
        raise GluonStyleError(f'it has more than {MOST_FRAMES} frames')
    # A JPEG of noise is not larger than its pixels.
    most = 3 * image_shape[0] * image_shape[1] + _FRAME_BYTES
    before = 0
    for pair in lengths:
        if not isinstance(pair, list) or len(pair) != 2:
            raise GluonStyleError('a frame lacks its epoch or its length')
        before = Integer(before + 1, epochs).check('frame', pair[0])
        Integer(1, most).check('length', pair[1])


def _check_numbers(numbers, names, most_lr, most):
    if not isinstance(numbers, dict) or set(numbers) != set(names):
        raise GluonStyleError(f'its numbers are not {", ".join(names)}')
    for name in names:
        if name == 'lr':
            Number(0, most_lr).check(name, numbers[name])
        else:
            limit = MOST_HALVINGS if name == 'halvings' else most
            Integer(0, limit).check(name, numbers[name])
