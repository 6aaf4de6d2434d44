"""Whether the JSON of a checkpoint has what its run could have written."""

from gluon_style.errors import GluonStyleError
from gluon_style.records.log import ENTRY
from gluon_style.methods.gatys.recovery import MOST_HALVINGS
from gluon_style.pictures.animation import MOST_FRAMES

# What each optimizer remembers, in arrays and in numbers.
_ARRAYS = {'adam': ('mean', 'variance'), 'lbfgs': ('gradient',)}
_GUARDED_ARRAYS = {'adam': ('best_mean', 'best_variance'), 'lbfgs': ()}
_NUMBERS = {'adam': ('steps', 'lr'), 'lbfgs': ()}
_GUARDED_NUMBERS = {'adam': ('best_steps', 'halvings'), 'lbfgs': ('halvings',)}
# What a JPEG has besides its pixels.
_FRAME_BYTES = 1 << 16
# Larger than any loss or time of a run, and no number of digits to choke on.
_MOST = 1e300


def checked_meta(meta, steps):
    """Return the JSON, the shape of the arrays and their names.

    ``steps`` is the ``plan`` of the run. Raises ValueError for what no such
    run writes.
    """
    scale = _integer(meta, 'scale', 0, len(steps) - 1)
    final_shape, _ = steps[-1]
    steps = steps[: scale + 1]
    (width, height), current = steps[-1]
    for name in ('ended', 'pixels', 'reached'):
        if not isinstance(meta.get(name), bool):
            raise GluonStyleError(f'{name} is not true or false')
    least = 0 if meta['ended'] else 1
    epoch = _integer(meta, 'epoch', least, current.epochs)
    most = sum(step.epochs for _, step in steps)
    _check_history(meta, most, [list(shape) for shape, _ in steps])
    history = meta['history']
    _check_scales(history, steps, None if meta['ended'] else epoch)
    _number(meta, 'elapsed', history[-1]['seconds'])
    _integer(meta, 'best', 1, len(history))
    _check_restarts(meta, len(history))
    _check_frames(meta, len(history), final_shape)
    if history[meta['best'] - 1]['scale'] != [width, height]:
        raise GluonStyleError('the best epoch is not of the scale')
    names = {'best', 'pixels'} if meta['pixels'] else {'best'}
    _check_numbers(meta, current, most)
    if not meta['ended']:
        names.update(_ARRAYS[current.optimizer])
        if current.guard:
            names.update(_GUARDED_ARRAYS[current.optimizer])
    return meta, (1, 3, height, width), names


def _check_history(meta, most, scales):
    history = meta.get('history')
    if not isinstance(history, list) or not 1 <= len(history) <= most:
        raise GluonStyleError(f'the history does not have 1 to {most} epochs')
    for epoch, entry in enumerate(history, start=1):
        if not isinstance(entry, dict) or tuple(entry) != ENTRY:
            raise GluonStyleError(f'epoch {epoch} has not its losses')
        _integer(entry, 'epoch', epoch, epoch)
        if entry['scale'] not in scales:
            raise GluonStyleError(f'epoch {epoch} is of no scale of this run')
        for name in ENTRY[2:-1]:
            # Rounding may put the loss w2 a little below 0.
            _number(entry, name, -_MOST)
        _number(entry, ENTRY[-1], 0)


def _check_scales(history, steps, epoch):
    """Check that scales follow each other; ``epoch`` is None at an end."""
    order = [list(shape) for shape, _ in steps]
    found = [order.index(entry['scale']) for entry in history]
    last = order.index(order[-1])
    before = sum(step.epochs for _, step in steps[:-1])
    if found != sorted(found) or found[-1] != last:
        raise GluonStyleError('the scales of its epochs are out of order')
    if epoch is None:
        return
    # L-BFGS may have ended a scale early, Adam goes through all epochs.
    exact = steps[-1][1].optimizer == 'adam'
    length = len(history)
    if length > before + epoch or exact and length < before + epoch:
        raise GluonStyleError(
            f'it has {length} losses, not those of {before + epoch} epochs'
        )
    if found[-epoch:] != [last] * epoch:
        raise GluonStyleError(f'it has not the losses of {epoch} epochs there')


def _check_restarts(meta, epochs):
    restarts = meta.get('restarts')
    if not isinstance(restarts, list) or len(restarts) > epochs:
        raise GluonStyleError('its restarts are no list of epochs')
    for epoch in restarts:
        _integer({'restart': epoch}, 'restart', 1, epochs)


def _check_frames(meta, epochs, image_shape):
    """Check what is said of an animation's frames: epochs and bytes."""
    frames = meta.get('frames')
    if not isinstance(frames, dict) or set(frames) != {'every', 'lengths'}:
        raise GluonStyleError('its frames are not told')
    _integer(frames, 'every', 1, epochs)
    lengths = frames['lengths']
    if not isinstance(lengths, list) or len(lengths) > MOST_FRAMES:
        raise GluonStyleError(f'it has not at most {MOST_FRAMES} frames')
    # No JPEG of noise is larger than its pixels.
    most = 3 * image_shape[0] * image_shape[1] + _FRAME_BYTES
    before = 0
    for pair in lengths:
        if not isinstance(pair, list) or len(pair) != 2:
            raise GluonStyleError('a frame has not an epoch and a length')
        pair = dict(zip(('frame', 'length'), pair))
        before = _integer(pair, 'frame', before + 1, epochs)
        _integer(pair, 'length', 1, most)


def _check_numbers(meta, settings, most):
    numbers = meta.get('numbers')
    names = ()
    if not meta['ended']:
        names = _NUMBERS[settings.optimizer]
        if settings.guard:
            names += _GUARDED_NUMBERS[settings.optimizer]
    if not isinstance(numbers, dict) or set(numbers) != set(names):
        raise GluonStyleError(f'its numbers are not {", ".join(names)}')
    for name in names:
        if name == 'lr':
            _number(numbers, name, 0, settings.lr)
        else:
            limit = MOST_HALVINGS if name == 'halvings' else most
            _integer(numbers, name, 0, limit)


def _integer(found, name, least, most):
    value = found.get(name)
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or not least <= value <= most:
        raise GluonStyleError(
            f'{name} is no whole number from {least} to {most}'
        )
    return value


def _number(found, name, least, most=_MOST):
    value = found.get(name)
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not least <= value <= most:
        raise GluonStyleError(f'{name} is no number from {least} to {most}')
    return value
