"""Checkpoints for the fuzzer: whole files, and their JSON alone.

A checksum guards the content of a .npz, so that few mutations of it reach the
checks behind the checksum. Therefore the JSON is also mutated on its own, and
the reader puts it into a whole file.
"""

import tempfile
from pathlib import Path

import numpy

import gluon_style  # noqa: F401 - readies MXNet before it is imported

# isort: split
from gluon_style.methods.gatys.frames import Frames
from mxnet import cpu, np

from gluon_style.methods.gatys.checkpoint import FILE, FRAMES, META, Checkpoint
from gluon_style.methods.gatys.recovery import State
from gluon_style.methods.gatys.scales import plan
from gluon_style.methods.gatys.settings import Settings
from gluon_style.records.log import ENTRY, Log

SHAPE = (8, 6)
_SHALLOW = {'content_layers': 'conv1_1', 'style_layers': 'conv1_2'}
RUNS = {
    optimizer: Settings(
        size=SHAPE, epochs=12, guard=True, optimizer=optimizer, **_SHALLOW
    )
    for optimizer in ('adam', 'lbfgs')
}


def _frames():
    """Return an animation that has one frame."""
    frames = Frames(SHAPE, 'a.gif')
    frames.add(1, numpy.zeros((*SHAPE[::-1], 3)))
    return frames


def _checkpoint(folder, optimizer, log, resume):
    return Checkpoint(
        folder,
        1,
        resume,
        run={'gluon_style': '1', 'optimizer': optimizer},
        steps=plan(RUNS[optimizer], SHAPE),
        log=log,
        frames=_frames(),
        device=cpu(),
    )


def _state(optimizer, epoch):
    """Return the pixels and the State of a run after so many epochs."""
    rng = numpy.random.RandomState(epoch)
    X, *others = (
        rng.uniform(0.1, 1, (1, 3, *SHAPE[::-1])).astype('float32')
        for _ in range(5)
    )
    X = np.array(X)
    if optimizer == 'lbfgs':
        return X, State(0, epoch, X, {'gradient': others[0]}, {'halvings': 1})
    names = ('mean', 'variance', 'best_mean', 'best_variance')
    numbers = {'steps': epoch, 'lr': 0.5, 'best_steps': epoch, 'halvings': 0}
    return X, State(0, epoch, X, dict(zip(names, others)), numbers)


def make_checkpoints(folder):
    """Write checkpoints of both optimizers, and the JSON of each."""
    for optimizer in RUNS:
        for epoch in (1, 5, 12):
            log = Log()
            if optimizer == 'lbfgs':
                log.restarts += range(1, epoch + 1, 2)
            for i in range(epoch):
                X, state = _state(optimizer, i + 1)
                log.add(np.array(3 / (i + 1)), np.array(2.0), np.array(1.0))
                log.read(X)
            name = f'{optimizer}{epoch}'
            with tempfile.TemporaryDirectory() as place:
                with _checkpoint(place, optimizer, log, False) as keeper:
                    keeper.save(state)
                data = (Path(place) / FILE).read_bytes()
            (folder / f'{name}.npz').write_bytes(data)
            with numpy.load(folder / f'{name}.npz') as arrays:
                meta = arrays[META].tobytes()
            (folder / f'{name}.json').write_bytes(meta)


def read_a_checkpoint(path):
    """Resume from a file; any state that such a run can be in is right."""
    data = path.read_bytes()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if path.suffix == '.json':
            _write_whole(folder / FILE, data)
        else:
            (folder / FILE).write_bytes(data)
        for optimizer in RUNS:
            try:
                _resume(folder, optimizer)
            except ValueError as error:
                # Another run's is refused by its name, and tried as that.
                other = f'not {optimizer}' in str(error)
                if not other or optimizer == 'lbfgs':
                    raise
            else:
                return


def _write_whole(path, meta):
    optimizer = 'lbfgs' if b'"optimizer": "lbfgs"' in meta else 'adam'
    X, state = _state(optimizer, 1)
    arrays = {**state.arrays, 'best': X.asnumpy(), 'pixels': X.asnumpy()}
    arrays[FRAMES] = _frames().packed()[1]
    if b'"pixels": false' in meta:
        del arrays['pixels']
    numpy.savez(path, **{META: numpy.frombuffer(meta, 'uint8')}, **arrays)


def _resume(folder, optimizer):
    log = Log()
    with _checkpoint(folder, optimizer, log, True) as keeper:
        state = keeper.state
    assert isinstance(state, State) and 0 <= state.epoch <= 12
    shape = (1, 3, *SHAPE[::-1])
    for array in (state.X.asnumpy(), *state.arrays.values()):
        assert array.shape == shape and numpy.isfinite(array).all()
    assert 1 <= len(log.history) <= 12
    for epoch, entry in enumerate(log.history, start=1):
        assert tuple(entry) == ENTRY and entry['epoch'] == epoch
    assert log.best in log.history and log.best_X.shape == shape
    assert all(1 <= epoch <= len(log.history) for epoch in log.restarts)
