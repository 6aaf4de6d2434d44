"""The file that an interrupted run goes on from, written whole or not at all.

It has arrays and JSON, no pickle. What is read is taken for another's: its
names, shapes, types and sizes must be those of this very run.
"""

import json
import logging
from contextlib import ExitStack, suppress
from dataclasses import asdict
from pathlib import Path

import filelock
import numpy
from mxnet import np

from gluon_style.errors import GluonStyleError
from gluon_style.files.atomic import replacing
from gluon_style.methods.gatys.checks import checked_meta
from gluon_style.methods.gatys.recovery import State
from gluon_style.weights.npz import read_npz

logger = logging.getLogger(__name__)

FILE, LOCK = 'checkpoint.npz', '.gluon_style.lock'
META, FRAMES = 'meta', 'frames'
# What the JSON may have besides an entry for each epoch, and each entry.
_META_BYTES, _ENTRY_BYTES = 1 << 20, 1 << 10
# Characters told of a value; all layers have fewer.
_LONGEST = 300


def identity(record, settings, every):
    """Return what makes a run this one, by name, as JSON would have it.

    ``record`` is the record of a ``Result``. The tiles that 'auto' chose are
    no part of it, for the numbers are the same with others; the epochs
    between checkpoints are for L-BFGS, which begins anew at each.
    """
    pictures = {name: record[name] for name in ('content', 'style')}
    pictures.update(record['others'])
    versions = record['versions']
    named = {
        'gluon_style': versions['gluon_style'],
        **asdict(settings),
        **{f'{name} picture': img['sha256'] for name, img in pictures.items()},
        'weights file': record['weights']['sha256'],
        'picture size': [record['width'], record['height']],
        'mxnet': versions['mxnet'],
        'checkpoint_every': every if settings.optimizer == 'lbfgs' else None,
    }
    return json.loads(json.dumps(named))


def require_folder(folder, resume):
    """Raise ValueError where a checkpoint cannot be in ``folder``.

    If one is there already, ``resume`` must be true.
    """
    folder = Path(folder)
    if not folder.parent.is_dir():
        raise GluonStyleError(
            f'checkpoint folder {str(folder.parent)!r} does not exist: make '
            'it first'
        )
    if folder.exists() and not folder.is_dir():
        raise GluonStyleError(
            f'checkpoint {str(folder)!r} is a file: name a folder'
        )
    if (folder / FILE).exists() and not resume:
        raise GluonStyleError(
            f'checkpoint {str(folder)!r} is there already: add --resume '
            '(resume=True) to go on from it, or name another folder'
        )


def remove(folder):
    """Remove a checkpoint, and its folder if nothing else is in it.

    That it cannot be removed is a warning only.
    """
    folder = Path(folder)
    try:
        with _Lock(folder):
            for name in (FILE, LOCK):
                (folder / name).unlink(missing_ok=True)
    except (OSError, ValueError) as error:
        logger.warning('the checkpoint was not removed: %s', error)
    # Not if it has something else, or is where somebody works.
    with suppress(OSError):
        folder.rmdir()


class Checkpoint:
    """What one run saves in a folder, which no other run shares meanwhile.

    It is used in a ``with`` statement. ``state`` is then where the run is to
    begin, and ``log`` and ``frames`` have what came before. ``every`` is a
    number of epochs, or 0 to save only when the log is interrupted, in place
    of what was in the folder. ``steps`` is the ``plan`` of the run, ``run``
    its ``identity``, ``device`` where pixels are to be. ``saved`` is how many
    epochs are saved.

    Raises ValueError if the folder cannot be used, if another run uses it,
    and, with ``resume``, for a checkpoint of another run or a broken one.
    """

    def __init__(
        self, folder, every, resume, *, run, steps, log, frames, device
    ):
        self.state, self.saved = State(), 0
        self._folder = Path(folder)
        self._every = every
        self._resume = resume
        self._run = run
        self._steps = steps
        self._log = log
        self._frames = frames
        self._device = device
        self._open = ExitStack()

    def __enter__(self):
        with self._open as stack:
            if self._every or self._resume:
                self._lock(stack)
            if self._resume:
                self._load()
            # Without an error, the lock is kept until the end.
            self._open = stack.pop_all()
        return self

    def __exit__(self, *error):
        self._open.close()

    def _lock(self, stack):
        require_folder(self._folder, self._resume or not self._every)
        stack.enter_context(_Lock(self._folder))
        # Another run may have ended meanwhile.
        require_folder(self._folder, self._resume or not self._every)

    def due(self, epoch, log):
        """Return whether to save after this epoch of a scale.

        Where the log is interrupted, Adam saves so as to go on exactly from
        there. L-BFGS, which cannot, has what it saved last to do so.
        """
        if self._every and epoch % self._every == 0:
            return True
        optimizer = self._steps[-1][1].optimizer
        return bool(log.interrupted) and (
            optimizer == 'adam' or not self._every
        )

    def save(self, state):
        """Write where the run stands.

        That it cannot be written is a warning only: the run goes on, and
        what was saved before is still there.
        """
        if not self._every and not self._log.interrupted:
            return
        try:
            if not self._every and not self._resume:
                with ExitStack() as stack:
                    self._lock(stack)
                    self._require_ours()
                    self._write(state)
            else:
                self._write(state)
            self.saved = len(self._log.history)
        except (OSError, ValueError) as error:
            logger.warning('the checkpoint was not saved: %s', error)

    def _require_ours(self):
        path = self._folder / FILE
        if path.exists():
            try:
                self._read_meta(path)
            except (OverflowError, RecursionError, ValueError):
                raise GluonStyleError(
                    f'{str(path)!r} exists and is no checkpoint: remove it'
                ) from None

    def _write(self, state):
        log = self._log
        packed, frames = self._frames.packed()
        arrays = {**state.arrays, 'best': log.best_X.asnumpy()}
        arrays[FRAMES] = frames
        if state.X is not log.best_X:
            arrays['pixels'] = state.X.asnumpy()
        meta = {
            'identity': self._run,
            'scale': state.scale,
            'epoch': state.epoch,
            'ended': state.ended,
            'numbers': state.numbers,
            'pixels': 'pixels' in arrays,
            'best': log.best['epoch'],
            'elapsed': log.elapsed,
            'reached': log.reached,
            'restarts': log.restarts,
            'frames': packed,
            'history': log.history,
        }
        meta = numpy.frombuffer(json.dumps(meta).encode(), 'uint8')
        with replacing(self._folder / FILE) as path:
            numpy.savez(path, **{META: meta}, **arrays)

    def _load(self):
        """Restore the log, and set ``state``."""
        path = self._folder / FILE
        if not path.exists():
            logger.info(
                'no checkpoint is in %r: this run begins from its start',
                str(self._folder),
            )
            return
        try:
            meta = self._read_meta(path)
        except (OverflowError, RecursionError, ValueError) as error:
            raise self._broken(error) from None
        self._require_same(meta.get('identity'))
        try:
            meta, shape, names = checked_meta(meta, self._steps)
            arrays = _read_arrays(path, shape, names)
            if self._frames.animation is not None:
                packed = _read_frames(path, meta['frames']['lengths'])
                self._frames.restore(meta['frames'], packed)
        except (OverflowError, RecursionError, ValueError) as error:
            raise self._broken(error) from None
        self._restore(meta, arrays)

    def _read_meta(self, path):
        epochs = sum(current.epochs for _, current in self._steps)
        most = _META_BYTES + _ENTRY_BYTES * epochs

        def wanted(name, shape, dtype):
            if name == META and (len(shape) != 1 or dtype != 'uint8'):
                raise GluonStyleError('its JSON is not made of bytes')
            if name == META and shape[0] > most:
                raise GluonStyleError(f'its JSON is longer than {most} bytes')
            return name == META

        arrays = read_npz(path, wanted)
        if META not in arrays:
            raise GluonStyleError('it has no JSON')
        meta = json.loads(arrays[META].tobytes())
        if not isinstance(meta, dict):
            raise GluonStyleError('its JSON is no object')
        return meta

    def _require_same(self, made):
        if not isinstance(made, dict):
            raise self._broken('it does not say what run it is of')
        for name in {**self._run, **made}:
            old, new = made.get(name), self._run.get(name)
            # One that was saved only once it was interrupted goes on in any.
            if old != new and (name, old) != ('checkpoint_every', 0):
                raise GluonStyleError(
                    f'checkpoint {str(self._folder)!r} was made with '
                    f'{_short(name)} {_short(old)}, not {_short(new)}: give '
                    'the same settings or another folder'
                )

    def _broken(self, reason):
        return ValueError(
            f'checkpoint {str(self._folder)!r} is broken or was made '
            f'otherwise ({reason}): remove it or name another folder'
        )

    def _restore(self, meta, arrays):
        def pixels(array):
            return np.array(array, dtype='float32', ctx=self._device)

        for entry in meta['history']:
            entry['scale'] = tuple(map(int, entry['scale']))
        self._log.restore(
            meta['history'],
            meta['restarts'],
            pixels(arrays.pop('best')),
            meta['best'],
            meta['elapsed'],
            meta['reached'],
        )
        X = self._log.best_X
        if meta['pixels']:
            X = pixels(arrays.pop('pixels'))
        self.saved = len(meta['history'])
        self.state = State(
            meta['scale'],
            meta['epoch'],
            X,
            arrays,
            meta['numbers'],
            meta['ended'],
        )


class _Lock:
    """Keep other runs out of a folder, which is made if it is missing."""

    def __init__(self, folder):
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._lock = filelock.FileLock(folder / LOCK)

    def __enter__(self):
        try:
            self._lock.acquire(timeout=0)
        except filelock.Timeout:
            raise GluonStyleError(
                f'checkpoint {str(self._folder)!r} is in use by another run: '
                'wait for its end or name another folder'
            ) from None
        return self

    def __exit__(self, *error):
        self._lock.release()


def _read_frames(path, lengths):
    """Return the bytes of an animation's frames, of these epochs and lengths.

    They are stored as they are, and so take no more memory than the file.
    """
    length = sum(length for _, length in lengths)

    def wanted(name, found, dtype):
        if name != FRAMES:
            return False
        if found != (length,) or dtype != 'uint8':
            raise GluonStyleError(f'array {name!r} is not {length} bytes')
        if length > path.stat().st_size:
            raise GluonStyleError(f'array {name!r} is longer than the file')
        return True

    arrays = read_npz(path, wanted)
    if FRAMES not in arrays:
        raise GluonStyleError(f'array {FRAMES!r} is missing')
    return arrays[FRAMES]


def _read_arrays(path, shape, names):
    """Return the named arrays, of which there must be all and no others.

    They are of float32 and of one shape.
    """

    def wanted(name, found, dtype):
        if name in (META, FRAMES):
            return False
        if name not in names:
            raise GluonStyleError(f'array {name[:60]!r} is not expected')
        if found != shape or dtype != 'float32':
            raise GluonStyleError(
                f'array {name!r} is {dtype} of shape {found}, not float32 of '
                f'{shape}'
            )
        return True

    arrays = read_npz(path, wanted)
    for name in names:
        if name not in arrays:
            raise GluonStyleError(f'array {name!r} is missing')
        if not numpy.isfinite(arrays[name]).all():
            raise GluonStyleError(
                f'array {name!r} has values that are not finite'
            )
        if name.endswith('variance') and arrays[name].min() < 0:
            raise GluonStyleError(f'array {name!r} has values below 0')
    return arrays


def _short(value):
    """Return what is told of a value, in a line: of a hash, its beginning."""
    try:
        text = ascii(value) if isinstance(value, str) else str(value)
    except RecursionError:
        return 'nested too deeply'
    text = text.strip("'")
    if len(text) == 64:
        return text[:12]
    return text if len(text) <= _LONGEST else f'{text[:_LONGEST]}...'
