"""Checkpoints for the fuzzer: whole files, and their JSON alone.

A checksum guards the content of a .npz, so that few mutations of it reach the
checks behind the checksum. Therefore the JSON is also mutated on its own, and
the reader puts it into a whole file.
"""

import tempfile
from pathlib import Path

import numpy

import gluon_style  # noqa: F401 - prepares MXNet before it is imported

# isort: split
from mxnet import cpu, np, npx

from gluon_style.errors import GluonStyleError
from gluon_style.methods.gatys.checkpoint import Checkpoint
from gluon_style.methods.gatys.checkpoint_folder import FILE
from gluon_style.methods.gatys.recovery import State
from gluon_style.methods.gatys.scales import plan
from gluon_style.methods.gatys.settings import Settings
from gluon_style.methods.observers import Animate, Plan
from gluon_style.records.log import Log
from gluon_style.records.record import Epoch

npx.set_np()

SHAPE = (8, 6)
_SHALLOW = {'content_layers': 'conv1_1', 'style_layers': 'conv1_2'}
RUNS = {
    optimizer: Settings(
        size=SHAPE, epochs=12, guard=True, optimizer=optimizer, **_SHALLOW
    )
    for optimizer in ('adam', 'lbfgs')
}


def _animate():
    """Return an observer that has taken one frame."""
    animate = Animate('a.gif', write=False)
    steps = [(SHAPE, 12)]
    animate.begin(Plan(steps, SHAPE, SHAPE, None, lambda: None))
    history = [Epoch(1, SHAPE, 1.0, 1.0, 1.0, 3.0, 0.1)]
    animate.epoch(history, lambda: numpy.zeros((*SHAPE[::-1], 3)))
    return animate


def _bound(folder, optimizer, log, resume):
    """Return the context in which a checkpoint belongs to a run."""
    return Checkpoint(folder, 1, resume).of_run(
        {'gluon_style': '1', 'optimizer': optimizer},
        plan(RUNS[optimizer], SHAPE),
        log,
        _animate(),
        cpu(),
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
                with _bound(place, optimizer, log, False) as checkpoint:
                    checkpoint.save(state)
                data = (Path(place) / FILE).read_bytes()
            (folder / f'{name}.npz').write_bytes(data)
            with numpy.load(folder / f'{name}.npz') as arrays:
                meta = arrays['meta'].tobytes()
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
            except GluonStyleError as error:
                # The other run's is refused by name; try it as that one's.
                other = f'not {optimizer}' in str(error)
                if not other or optimizer == 'lbfgs':
                    raise
            else:
                return


def _write_whole(path, meta):
    optimizer = 'lbfgs' if b'"optimizer": "lbfgs"' in meta else 'adam'
    X, state = _state(optimizer, 1)
    arrays = {**state.arrays, 'best': X.asnumpy(), 'pixels': X.asnumpy()}
    if b'"pixels": false' in meta:
        del arrays['pixels']
    arrays['frames'] = _animate().packed()[1]
    arrays['meta'] = numpy.frombuffer(meta, 'uint8')
    numpy.savez(path, **arrays)


def _resume(folder, optimizer):
    log = Log()
    with _bound(folder, optimizer, log, True) as checkpoint:
        state = checkpoint.state
    assert isinstance(state, State) and 0 <= state.epoch <= 12
    shape = (1, 3, *SHAPE[::-1])
    for array in (state.X.asnumpy(), *state.arrays.values()):
        assert array.shape == shape and numpy.isfinite(array).all()
    assert 1 <= len(log.history) <= 12
    for epoch, entry in enumerate(log.history, start=1):
        assert isinstance(entry, Epoch) and entry.epoch == epoch
    assert log.best in log.history and log.best_X.shape == shape
    assert all(1 <= epoch <= len(log.history) for epoch in log.restarts)
