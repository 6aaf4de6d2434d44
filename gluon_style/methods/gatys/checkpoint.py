"""The checkpoint that an interrupted run goes on from."""

import json
import logging
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path

import mxnet
import numpy
from mxnet import np

from gluon_style import __version__
from gluon_style.errors import GluonStyleError
from gluon_style.methods.fields import Integer, shown
from gluon_style.methods.gatys.checkpoint_file import (
    read_arrays,
    read_frames,
    read_meta,
    write_checkpoint,
)
from gluon_style.methods.gatys.checkpoint_folder import (
    FILE,
    Lock,
    require_folder,
)
from gluon_style.methods.gatys.checkpoint_meta import checked_meta
from gluon_style.methods.gatys.recovery import State
from gluon_style.methods.gatys.settings import CHECKPOINT_EVERY
from gluon_style.methods.observers import Observer

logger = logging.getLogger(__name__)


class Checkpoint(Observer):
    """Save in a folder what an interrupted run goes on from.

    ``save_every`` is the number of epochs of a scale between two saves; each
    scale's end is saved, too. By default it is 20 for Adam, and 40 for
    L-BFGS, which begins anew from the best pixels each time and is a little
    slower for it. 0 saves only when an observer stops the run, in place of
    what was in the folder. With ``resume`` a run with the same arguments goes
    on from what the folder has, and ends like an uninterrupted one. ``saved``
    is the number of epochs that are saved.

    Unlike ``Observer.every``, ``save_every`` does not change how often the
    observers are called.

    One run uses the folder at a time. Raises GluonStyleError if the folder
    cannot be used, if another run uses it, and, with ``resume``, for a
    checkpoint of another run or a broken one.
    """

    def __init__(self, folder, save_every=None, resume=False):
        if save_every is not None:
            Integer(least=0).check('checkpoint_every', save_every)
        self.folder = Path(folder)
        self.saved = 0
        self.state = State()
        self._given_every = self._save_every = save_every
        self._resume = resume

    def begin(self, plan):
        """Refuse a folder that cannot be used."""
        self.saved, self.state = 0, State()
        if self._given_every != 0:
            require_folder(self.folder, self._resume)

    @contextmanager
    def of_run(self, run, steps, log, animate, device):
        """Bind the checkpoint to a run, and keep other runs out meanwhile.

        Then ``state`` is where the run begins; ``log`` and ``animate``, an
        ``Animate`` or None, have what came before. ``run`` is the run's
        ``identity``, ``steps`` its ``plan``. Pixels are put on ``device``.
        """
        self._optimizer = steps[-1][1].optimizer
        self._save_every = self._given_every
        if self._save_every is None:
            self._save_every = CHECKPOINT_EVERY[self._optimizer]
        # L-BFGS begins anew at each checkpoint.
        begins_anew = self._optimizer == 'lbfgs'
        every = self._save_every if begins_anew else None
        self._run = {**run, 'checkpoint_every': every}
        self._steps, self._log = steps, log
        self._animate, self._device = animate, device
        with ExitStack() as stack:
            if self._save_every or self._resume:
                self._lock(stack)
            if self._resume:
                self._load()
            yield self

    def _lock(self, stack):
        may_exist = self._resume or not self._save_every
        require_folder(self.folder, may_exist)
        stack.enter_context(Lock(self.folder))
        # Another run may have ended meanwhile.
        require_folder(self.folder, may_exist)

    def due(self, epoch):
        """Return whether to save after this epoch of a scale.

        Where the run is interrupted, Adam saves and can go on exactly from
        there. L-BFGS cannot: it goes on from its last save, and saves here
        only if it does not save on the way.
        """
        if self._save_every and epoch % self._save_every == 0:
            return True
        return bool(self._log.interrupted) and (
            self._optimizer != 'lbfgs' or not self._save_every
        )

    def save(self, state):
        """Write where the run stands, a ``State``.

        A failure is a warning only: the run goes on, and what was saved
        before is still there.
        """
        if not self._save_every and not self._log.interrupted:
            return
        try:
            with ExitStack() as stack:
                if not self._save_every and not self._resume:
                    self._lock(stack)
                    self._require_ours()
                self._write(state)
            self.saved = len(self._log.history)
        except (OSError, GluonStyleError) as error:
            logger.warning('the checkpoint was not saved: %s', error)

    def _require_ours(self):
        path = self.folder / FILE
        if path.exists():
            try:
                self._read_meta(path)
            except GluonStyleError:
                raise GluonStyleError(
                    f'{str(path)!r} exists and is not a checkpoint: remove it'
                ) from None

    def _write(self, state):
        log = self._log
        frames, data = {'every': 1, 'lengths': []}, numpy.zeros(0, 'uint8')
        if self._animate is not None:
            frames, data = self._animate.packed()
        arrays = {**state.arrays, 'best': log.best_X.asnumpy()}
        if state.X is not log.best_X:
            arrays['pixels'] = state.X.asnumpy()
        meta = {
            'identity': self._run,
            'scale': state.scale,
            'epoch': state.epoch,
            'ended': state.ended,
            'numbers': state.numbers,
            'pixels': 'pixels' in arrays,
            'best': log.best.epoch,
            'elapsed': log.elapsed,
            'reached': log.reached,
            'restarts': log.restarts,
            'frames': frames,
            'history': [entry.to_json() for entry in log.history],
        }
        write_checkpoint(self.folder / FILE, meta, arrays, data)

    def _load(self):
        """Restore the log, and set ``state``."""
        path = self.folder / FILE
        if not path.exists():
            logger.info(
                'no checkpoint is in %r: this run begins from its start',
                str(self.folder),
            )
            return
        try:
            meta = self._read_meta(path)
        except GluonStyleError as error:
            raise self._broken(error) from None
        self._require_same(meta.get('identity'))
        try:
            history, shape, names = checked_meta(meta, self._steps)
            arrays = read_arrays(path, shape, names)
            if self._animate is not None:
                data = read_frames(path, meta['frames']['lengths'])
                self._animate.restore(meta['frames'], data)
        except GluonStyleError as error:
            raise self._broken(error) from None
        self._restore(meta, history, arrays)

    def _read_meta(self, path):
        return read_meta(path, sum(step.epochs for _, step in self._steps))

    def _require_same(self, saved_run):
        if not isinstance(saved_run, dict):
            raise self._broken('it does not say which run it belongs to')
        for name in {**self._run, **saved_run}:
            old, new = saved_run.get(name), self._run.get(name)
            # One that was saved only at an interruption fits any.
            if old != new and (name, old) != ('checkpoint_every', 0):
                raise GluonStyleError(
                    f'checkpoint {str(self.folder)!r} was made with '
                    f'{_short(name)} {_short(old)}, not {_short(new)}: give '
                    'the same settings or another folder'
                )

    def _broken(self, reason):
        return GluonStyleError(
            f'checkpoint {str(self.folder)!r} is broken or was made by '
            f'another program ({reason}): remove it or name another folder'
        )

    def _restore(self, meta, history, arrays):
        def pixels(array):
            return np.array(array, dtype='float32', ctx=self._device)

        self._log.restore(
            history,
            meta['restarts'],
            pixels(arrays.pop('best')),
            meta['best'],
            meta['elapsed'],
            meta['reached'],
        )
        X = self._log.best_X
        if meta['pixels']:
            X = pixels(arrays.pop('pixels'))
        self.saved = len(history)
        self.state = State(
            meta['scale'],
            meta['epoch'],
            X,
            arrays,
            meta['numbers'],
            meta['ended'],
        )


def identity(settings, pictures, weights, image_shape):
    """Return what distinguishes a run from others, by name, as JSON has it.

    ``pictures`` has a ``PictureId`` by role, ``weights`` is a ``WeightsId``,
    ``image_shape`` the result's (width, height). The tiles that 'auto' chose
    are left out, because other tiles give the same numbers.
    """
    names = {
        'gluon_style': __version__,
        **asdict(settings),
        **{f'{role} picture': pictures[role].sha256 for role in pictures},
        'weights file': weights.sha256,
        'weights scaling': weights.scaling,
        'picture size': image_shape,
        'mxnet': mxnet.__version__,
    }
    return json.loads(json.dumps(names))


def _short(value):
    """Return a value as a message shows it; a hash is cut short."""
    text = shown(value).strip("'")
    return text[:12] if len(text) == 64 else text
