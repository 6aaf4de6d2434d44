import json
import logging
import pickle

import filelock
import numpy
import pytest
from conftest import picture, random_layers

from gluon_style import Settings, stylize
from gluon_style.errors import GluonStyleError
from gluon_style.files.atomic import replacing
from gluon_style.layers import CONV_SHAPES
from gluon_style.methods.gatys.checkpoint import Checkpoint
from gluon_style.methods.gatys.checkpoint_folder import FILE, LOCK, remove
from gluon_style.methods.gatys.objective import Objective
from gluon_style.methods.gatys.settings import Stage
from gluon_style.methods.observers import Animate, Observer, Observers
from gluon_style.records.record import LOSSES
from gluon_style.weights.formats import write_layers

CONTENT, STYLE = picture(40, 30, seed=1), picture(30, 30, seed=2)
# Shallow layers are quick, and enough for what is not about the losses.
SHALLOW = {'content_layers': 'conv1_1', 'style_layers': 'conv1_2'}


class Killed(BaseException):
    """Ends a run as a kill does: nothing of the package catches it."""


@pytest.fixture(scope='module')
def tiny(weights_file):
    return Settings(
        size=(32, 24), epochs=10, lr=0.1, weights=weights_file, **SHALLOW
    )


class Watch(Observer):
    """Kill or stop a run after this many epochs of its history or its own."""

    def __init__(self, kill=None, stop=None, every=None):
        self.kill, self.stop_after, self.every = kill, stop, every
        self.asked = 0

    def stop(self):
        self.asked += 1
        return 'test' if self.asked == self.stop_after else None

    def epoch(self, history, picture):
        if self.kill is not None and len(history) >= self.kill:
            raise Killed


def run(
    settings,
    folder=None,
    *,
    kill=None,
    stop=None,
    every=4,
    resume=False,
    watch_every=None,
    observers=(),
):
    """Run; ``kill`` and ``stop`` are epochs of the history to end at."""
    observers = [Watch(kill, stop, watch_every), *observers]
    if folder is not None:
        observers.append(Checkpoint(folder, save_every=every, resume=resume))
    return stylize(CONTENT, STYLE, settings, observers=observers)


def killed(settings, folder, epoch, **options):
    with pytest.raises(Killed):
        run(settings, folder, kill=epoch, **options)


def require_same(result, expected):
    assert len(result.history) == len(expected.history)
    for entry, other in zip(result.history, expected.history):
        assert (entry.epoch, entry.scale) == (other.epoch, other.scale)
        for name in LOSSES:
            actual = getattr(entry, name)
            assert actual == pytest.approx(getattr(other, name), rel=1e-5)
    assert abs(result.pixels - expected.pixels).max() <= 1e-5
    assert (result.image == expected.image).all()
    assert result.record == expected.record


KINDS = {
    'adam': {'lr_decay_epoch': 3},
    'guarded': {'bounded': True, 'guard': True, 'lr_decay_epoch': 5},
    'lbfgs': {'optimizer': 'lbfgs', 'bounded': True, 'guard': True},
    'stage': {
        'first': {'scale': 0.5, 'epochs': 6, 'lr': 0.2, 'lr_decay_epoch': 2}
    },
    'same size': {'first': Stage(1, 6, 0.2, 2), 'optimizer': 'lbfgs'},
}


@pytest.fixture(scope='module', params=KINDS)
def kind(request, tiny, tmp_path_factory):
    """Settings of a kind, and the result of its uninterrupted run."""
    settings = tiny.changed(KINDS[request.param])
    folder = tmp_path_factory.mktemp('whole') / 'checkpoint'
    return settings, run(settings, folder)


@pytest.mark.parametrize('epoch', [1, 3, 4, 5, 6, 7, 9, 10])
def test_a_killed_run_resumes_to_the_same_end(kind, tmp_path, epoch):
    settings, expected = kind
    folder = tmp_path / 'run'
    killed(settings, folder, epoch)
    require_same(run(settings, folder, resume=True), expected)


@pytest.mark.parametrize('epoch', [1, 3, 4, 5, 6, 8, 9, 10])
def test_a_stopped_run_resumes_to_the_same_end(kind, tmp_path, epoch):
    settings, expected = kind
    folder = tmp_path / 'run'
    result = run(settings, folder, stop=epoch)
    assert result.record.stopped == 'test'
    assert len(result.history) == epoch
    require_same(run(settings, folder, resume=True), expected)


def test_several_interruptions_in_a_row(kind, tmp_path):
    settings, expected = kind
    folder = tmp_path / 'run'
    killed(settings, folder, 2)
    run(settings, folder, stop=5, resume=True)
    killed(settings, folder, 7, resume=True)
    run(settings, folder, stop=1, resume=True)
    killed(settings, folder, 10, resume=True)
    require_same(run(settings, folder, resume=True), expected)


@pytest.mark.parametrize('every', [1, 3, 20])
def test_a_look_every_tenth_epoch_as_on_a_gpu(kind, tmp_path, every):
    settings, _ = kind
    options = {'every': every, 'watch_every': 10}
    expected = run(settings, tmp_path / 'whole', **options)
    folder = tmp_path / 'run'
    run(settings, folder, stop=5, **options)
    killed(settings, folder, 10, resume=True, **options)
    require_same(run(settings, folder, resume=True, **options), expected)


@pytest.mark.parametrize('epoch', [3, 11, 12, 15])
@pytest.mark.parametrize(
    'changes',
    [
        {'optimizer': 'lbfgs', 'bounded': True, 'guard': True},
        {'lr': 0.3, 'bounded': True},
    ],
)
def test_two_scales(tiny, tmp_path, changes, epoch):
    settings = tiny.changed(
        {'size': (132, 130), 'scales': 2, 'epochs': 12, **changes}
    )
    expected = run(settings, tmp_path / 'whole', every=2)
    assert len({entry.scale for entry in expected.history}) == 2
    folder = tmp_path / 'run'
    killed(settings, folder, epoch, every=2)
    run(settings, folder, stop=1, every=2, resume=True)
    require_same(run(settings, folder, every=2, resume=True), expected)


@pytest.mark.parametrize(
    'changes', [{}, {'size': (100, 96), 'scales': 2, 'bounded': True}]
)
def test_adam_is_not_changed_by_checkpoints(tiny, tmp_path, changes):
    settings = tiny.changed(changes)
    whole = run(settings)
    require_same(run(settings, tmp_path / 'run', every=1), whole)
    # 0 saves only where it is stopped, and goes on exactly from there.
    folder = tmp_path / 'stopped'
    run(settings, folder, stop=7, every=0)
    saved = run(settings, folder, every=0, resume=True)
    assert totals(saved) == totals(whole)
    assert (saved.pixels == whole.pixels).all()


def totals(result):
    return [entry.total for entry in result.history]


def test_nothing_is_saved_where_a_run_is_not_stopped(tiny, tmp_path):
    run(tiny, tmp_path / 'run', every=0)
    killed(tiny, tmp_path / 'run', 5, every=0)
    assert list(tmp_path.iterdir()) == []


def test_a_goal_reached_at_a_save_ends_the_resumed_run_too(tiny, tmp_path):
    settings = tiny.changed({'stop_at': totals(run(tiny))[3] * 1.0001})
    expected = run(settings, tmp_path / 'whole')
    assert len(expected.history) == 4
    killed(settings, tmp_path / 'run', 4)
    require_same(run(settings, tmp_path / 'run', resume=True), expected)


@pytest.fixture
def evaluations(monkeypatch):
    """A list that gets an item at each evaluation of an objective."""
    made, call = [], Objective.__call__

    def counted(self, X):
        made.append(X.shape)
        return call(self, X)

    monkeypatch.setattr(Objective, '__call__', counted)
    return made


def test_a_finished_run_is_returned_at_once(kind, tmp_path, evaluations):
    settings, _ = kind
    result = run(settings, tmp_path / 'run')
    assert evaluations
    evaluations.clear()
    again = run(settings, tmp_path / 'run', resume=True)
    assert evaluations == []
    assert again.history == result.history
    assert (again.pixels == result.pixels).all()
    assert again.record == result.record


def test_resuming_goes_on_from_the_last_save(tiny, tmp_path, evaluations):
    killed(tiny, tmp_path / 'run', 9)
    evaluations.clear()
    run(tiny, tmp_path / 'run', resume=True)
    assert len(evaluations) == 2


@pytest.mark.parametrize(
    'changes, name',
    [
        ({'lr': 0.2}, 'lr 0.1, not 0.2'),
        ({'seed': 7}, 'seed 0, not 7'),
        ({'epochs': 11}, 'epochs 10, not 11'),
        ({'pooling': 'avg'}, 'pooling max, not avg'),
        ({'optimizer': 'lbfgs'}, 'optimizer adam, not lbfgs'),
        ({'size': (40, 24)}, 'size [32, 24], not [40, 24]'),
        ({'style_layers': 'conv1_1'}, "style_layers ['conv1_2'], not"),
        ({'first': Stage(1, 2, 0.1, 2)}, 'first None, not {'),
    ],
)
def test_other_settings_are_refused(tiny, tmp_path, changes, name):
    folder = tmp_path / 'run'
    killed(tiny, folder, 5)
    before = (folder / FILE).read_bytes()
    with pytest.raises(GluonStyleError) as error:
        run(tiny.changed(changes), folder, resume=True)
    assert f'was made with {name}' in str(error.value)
    assert str(folder) in str(error.value)
    assert len(str(error.value).splitlines()) == 1
    assert (folder / FILE).read_bytes() == before


@pytest.mark.parametrize('changed', ['content', 'style'])
def test_another_picture_is_refused(tiny, tmp_path, changed):
    folder = tmp_path / 'run'
    killed(tiny, folder, 5)
    before = (folder / FILE).read_bytes()
    images = {'content': CONTENT, 'style': STYLE}
    images[changed] = 255 - images[changed]
    with pytest.raises(
        GluonStyleError, match=f'with {changed} picture [0-9a-f]+,'
    ):
        stylize(
            *images.values(), tiny, observers=[Checkpoint(folder, resume=True)]
        )
    assert (folder / FILE).read_bytes() == before


def test_other_weights_of_the_same_name_are_refused(tiny, tmp_path):
    path, names = tmp_path / 'w.npz', list(CONV_SHAPES)[:2]
    write_layers(path, random_layers(names))
    settings = tiny.changed({'weights': str(path)})
    killed(settings, tmp_path / 'run', 5)
    write_layers(path, random_layers(names, seed=1))
    with pytest.raises(
        GluonStyleError, match='made with weights file [0-9a-f]+,'
    ):
        run(settings, tmp_path / 'run', resume=True)


def test_a_checkpoint_is_not_overwritten(tiny, tmp_path):
    folder = tmp_path / 'run'
    killed(tiny, folder, 5)
    before = (folder / FILE).read_bytes()
    with pytest.raises(
        GluonStyleError, match='is there already: add --resume'
    ):
        run(tiny, folder)
    assert (folder / FILE).read_bytes() == before


def test_without_a_checkpoint_it_begins_at_the_start(tiny, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    result = run(tiny, tmp_path / 'run', resume=True)
    assert 'this run begins from its start' in caplog.text
    require_same(result, run(tiny))


def test_folders_that_cannot_be_used(tiny, tmp_path, evaluations):
    file = tmp_path / 'file'
    file.write_text('kept')
    for resume in (False, True):
        with pytest.raises(
            GluonStyleError, match='does not exist: make it first'
        ):
            run(tiny, tmp_path / 'no' / 'run', resume=resume)
        with pytest.raises(GluonStyleError, match='is a file: name a folder'):
            run(tiny, file, resume=resume)
    used = tmp_path / 'used'
    used.mkdir()
    with filelock.FileLock(used / LOCK):
        with pytest.raises(GluonStyleError, match='is in use by another run'):
            run(tiny, used)
    assert evaluations == []
    assert file.read_text() == 'kept'
    run(tiny, used)


def test_the_folder_is_locked_until_the_end(tiny, tmp_path):
    class Lockpick(Observer):
        tried = 0

        def epoch(self, history, picture):
            self.tried += 1
            with pytest.raises(filelock.Timeout):
                filelock.FileLock(tmp_path / 'run' / LOCK).acquire(timeout=0)

    lockpick = Lockpick()
    observers = [Checkpoint(tmp_path / 'run'), lockpick]
    stylize(CONTENT, STYLE, tiny, observers=observers, epochs=2)
    assert lockpick.tried == 2
    with filelock.FileLock(tmp_path / 'run' / LOCK).acquire(timeout=0):
        pass


def test_a_failed_save_is_a_warning(tiny, tmp_path, monkeypatch, caplog):
    folder = tmp_path / 'run'
    killed(tiny, folder, 5)
    before = (folder / FILE).read_bytes()

    def full(*args, **kwargs):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(numpy.lib.format, 'write_array', full)
    result = run(tiny, folder, resume=True)
    assert 'the checkpoint was not saved: [Errno 28]' in caplog.text
    assert len(result.history) == 10
    assert (folder / FILE).read_bytes() == before
    assert sorted(p.name for p in folder.iterdir()) == [LOCK, FILE]


def test_what_a_killed_save_left_is_removed(tiny, tmp_path):
    folder = tmp_path / 'run'
    killed(tiny, folder, 6)
    with pytest.raises(Killed), replacing(folder / FILE) as left:
        raise Killed
    left.write_bytes(b'half')
    run(tiny, folder, resume=True)
    assert sorted(p.name for p in folder.iterdir()) == [LOCK, FILE]


def test_seconds_and_the_time_limit_go_on(tiny, tmp_path):
    folder = tmp_path / 'run'
    settings = tiny.changed({'time_limit': 1000.0})
    killed(settings, folder, 5)
    rewrite(folder, meta_of(elapsed=500.0))
    result = run(settings, folder, resume=True)
    seconds = [entry.seconds for entry in result.history]
    assert seconds == sorted(seconds) and len(seconds) == 10
    assert seconds[3] < 500 < seconds[4] < 1000
    (folder / FILE).unlink()
    killed(settings, folder, 5)
    rewrite(folder, meta_of(elapsed=1000.0))
    assert len(run(settings, folder, resume=True).history) == 5


@pytest.fixture(scope='module')
def lbfgs(tiny):
    return tiny.changed({'optimizer': 'lbfgs', 'bounded': True})


def test_a_run_with_checkpoints_is_repeated_without(lbfgs, tmp_path):
    killed(lbfgs, tmp_path / 'run', 6)
    result = run(lbfgs, tmp_path / 'run', resume=True)
    restarts = result.record.settings['restarts']
    assert restarts == [4, 8]
    again = run(lbfgs.changed({'restarts': restarts}))
    assert (again.image == result.image).all()
    assert again.record.settings == result.record.settings
    # Or the restarts were of no use.
    assert (run(lbfgs).image != result.image).any()


def test_a_run_that_was_interrupted_twice_is_repeated(lbfgs, tmp_path):
    folder = tmp_path / 'run'
    first = Checkpoint(folder, save_every=0)
    run(lbfgs, stop=3, observers=[first])
    assert first.saved == 3
    second = Checkpoint(folder, save_every=0, resume=True)
    run(lbfgs, stop=4, observers=[second])
    assert second.saved == 7
    result = run(lbfgs, folder, resume=True)
    restarts = result.record.settings['restarts']
    assert restarts == [3, 7, 8]
    again = run(lbfgs.changed({'restarts': restarts}))
    assert (again.image == result.image).all()


@pytest.mark.parametrize('watch_every', [1, 10])
def test_a_stopped_run_is_repeated_by_its_epochs(tiny, lbfgs, watch_every):
    for settings in (tiny, lbfgs):
        options = {'watch_every': watch_every}
        stopped = run(settings, stop=6, **options)
        again = run(settings.changed({'stop_after': 6}), **options)
        assert (again.image == stopped.image).all()
        assert len(again.history) == 6


def test_lbfgs_keeps_to_its_checkpoints(tiny, lbfgs, tmp_path):
    killed(lbfgs, tmp_path / 'run', 6)
    with pytest.raises(
        GluonStyleError, match='with checkpoint_every 4, not 5'
    ):
        run(lbfgs, tmp_path / 'run', resume=True, every=5)
    # Adam is the same with any.
    killed(tiny, tmp_path / 'adam', 6)
    result = run(tiny, tmp_path / 'adam', resume=True, every=5)
    require_same(result, run(tiny))


@pytest.fixture
def animated(tmp_path):
    """Run with an animation; return the run's ``Animate``."""

    def run_animated(settings, folder=None, *, look_every=None, **options):
        animate = Animate(tmp_path / 'a.gif')
        animate.every = look_every
        options['watch_every'] = look_every
        run(settings, folder, observers=[animate], **options)
        return animate

    return run_animated


def frame_epochs(animate):
    description, _ = animate.packed()
    return [epoch for epoch, _ in description['lengths']]


def test_an_interruption_is_not_a_frame(tiny, tmp_path, animated):
    expected = animated(tiny, look_every=4)
    folder = tmp_path / 'run'
    animated(tiny, folder, stop=6, every=0, look_every=4)
    result = animated(tiny, folder, every=0, resume=True, look_every=4)
    assert result.packed()[0] == expected.packed()[0]
    # The last one is the result's.
    assert frame_epochs(result) == [4, 8, 10]


@pytest.mark.parametrize('epoch', [3, 5, 9])
def test_an_interruption_on_a_gpu_is_not_a_frame(
    tiny, tmp_path, animated, monkeypatch, epoch
):
    # What a GPU has by default, at both ends of the first scale, too.
    epochs_between = Observers.epochs_between
    monkeypatch.setattr(
        Observers, 'epochs_between', lambda self, _: epochs_between(self, 4)
    )
    settings = tiny.changed({'size': (100, 96), 'scales': 2, 'epochs': 12})
    expected = animated(settings, tmp_path / 'whole')
    folder = tmp_path / 'run'
    animated(settings, folder, stop=epoch)
    result = animated(settings, folder, resume=True)
    assert result.packed()[0] == expected.packed()[0]
    assert frame_epochs(result) == [4, 8, 12, 15]


def test_frames_without_an_animation_are_not_read(tiny, tmp_path):
    folder = tmp_path / 'run'
    killed(tiny, folder, 6, observers=[Animate(tmp_path / 'a.gif')])
    rewrite(folder, lambda arrays: arrays['frames'].__setitem__(0, 0))
    require_same(run(tiny, folder, resume=True), run(tiny))


@pytest.mark.parametrize('optimizer', ['adam', 'lbfgs'])
def test_the_animation_of_a_resumed_run_is_whole(
    tiny, tmp_path, animated, optimizer
):
    settings = tiny.changed({'optimizer': optimizer})
    expected = animated(settings, tmp_path / 'whole')
    with pytest.raises(Killed):
        animated(settings, tmp_path / 'run', kill=6)
    result = animated(settings, tmp_path / 'run', resume=True)
    assert frame_epochs(result) == [*range(1, 11)]
    (description, data), (other, other_data) = (
        result.packed(),
        expected.packed(),
    )
    assert description == other
    assert (data == other_data).all()


def test_an_animation_that_begins_with_the_resumed_part(
    tiny, tmp_path, animated, caplog
):
    killed(tiny, tmp_path / 'run', 6)
    result = animated(tiny, tmp_path / 'run', resume=True)
    assert 'the animation begins there' in caplog.text
    assert frame_epochs(result) == [*range(5, 11)]


def test_frames_that_are_not_pictures_are_refused(tiny, tmp_path, animated):
    folder = tmp_path / 'run'
    killed(tiny, folder, 6, observers=[Animate(tmp_path / 'a.gif')])
    rewrite(folder, lambda arrays: arrays['frames'].__setitem__(0, 0))
    with pytest.raises(GluonStyleError, match='frame 1 is .* JPEG of 32x24'):
        animated(tiny, folder, resume=True)


def test_a_checkpoint_serves_several_runs(tiny, tmp_path):
    checkpoint = Checkpoint(tmp_path / 'run')
    expected = run(tiny, observers=[checkpoint])
    assert checkpoint.saved == 10
    remove(tmp_path / 'run')
    lbfgs = tiny.changed({'optimizer': 'lbfgs', 'epochs': 30})
    result = run(lbfgs, observers=[checkpoint])
    # Saved every 40 epochs, as L-BFGS is by default, and not every 20.
    assert result.record.settings['restarts'] == []
    remove(tmp_path / 'run')
    require_same(run(tiny, observers=[checkpoint]), expected)


def test_what_is_not_a_checkpoint_is_kept(tiny, tmp_path, caplog):
    folder = tmp_path / 'run'
    folder.mkdir()
    (folder / FILE).write_bytes(b'mine')
    checkpoint = Checkpoint(folder, save_every=0)
    run(tiny, stop=3, observers=[checkpoint])
    assert checkpoint.saved == 0
    assert f"{FILE}' exists and is not a checkpoint: remove" in caplog.text
    assert (folder / FILE).read_bytes() == b'mine'


def test_removing_takes_nothing_of_others(tiny, tmp_path, monkeypatch, caplog):
    folder = tmp_path / 'run'
    folder.mkdir()
    (folder / 'lock').write_bytes(b'mine')
    run(tiny, folder)
    remove(folder)
    assert [path.name for path in folder.iterdir()] == ['lock']
    (folder / 'lock').unlink()
    run(tiny, folder)
    monkeypatch.chdir(folder)
    remove('.')
    assert list(folder.iterdir()) == []
    monkeypatch.chdir(tmp_path)
    run(tiny, folder)
    with filelock.FileLock(folder / LOCK).acquire(timeout=0):
        remove(folder)
    assert 'was not removed: checkpoint' in caplog.text
    remove(folder)
    assert not folder.exists()


def rewrite(folder, change):
    """Write a checkpoint's arrays anew, changed by ``change(arrays)``."""
    with numpy.load(folder / FILE) as file:
        arrays = dict(file)
    change(arrays)
    numpy.savez(folder / FILE, **arrays)


def json_of(change):
    """Return a change of the arrays, by one of the JSON's object."""

    def changed(arrays):
        meta = json.loads(arrays['meta'].tobytes())
        change(meta)
        arrays['meta'] = numpy.frombuffer(json.dumps(meta).encode(), 'uint8')

    return changed


def meta_of(**values):
    return json_of(lambda meta: meta.update(values))


def entry_of(**values):
    return json_of(lambda meta: meta['history'][1].update(values))


def bytes_of(text):
    return lambda arrays: arrays.update(
        meta=numpy.frombuffer(text.encode(), 'uint8')
    )


def frames_of(lengths, files, every=1):
    description = {'every': every, 'lengths': lengths}

    def changed(arrays):
        meta_of(frames=description)(arrays)
        arrays['frames'] = numpy.frombuffer(files, 'uint8')

    return changed


class Trap:
    """Makes a file in the working folder when it is unpickled."""

    def __reduce__(self):
        return open, ('trapped', 'w')


BROKEN = {
    'no JSON': bytes_of('{"scale": '),
    'not an object': bytes_of('[1, 2]'),
    'too deep': bytes_of('[' * 100_000),
    'long digits': bytes_of(f'{{"identity": {"9" * 5000}}}'),
    'no identity': json_of(lambda meta: meta.pop('identity')),
    'odd identity': meta_of(identity=[]),
    'two lines': json_of(lambda meta: meta['identity'].update({'a\nb': '\n'})),
    'long': json_of(lambda meta: meta['identity'].update(lr='a' * 10**5)),
    'meta of floats': lambda arrays: arrays.update(meta=numpy.ones(3)),
    'meta missing': lambda arrays: arrays.pop('meta'),
    **{
        f'without {name}': json_of(lambda meta, name=name: meta.pop(name))
        for name in (
            *('scale', 'epoch', 'ended', 'numbers', 'pixels', 'best'),
            *('elapsed', 'reached', 'history', 'restarts', 'frames'),
        )
    },
    'epoch -1': meta_of(epoch=-1),
    'epoch 0': meta_of(epoch=0),
    'epoch 3': meta_of(epoch=3),
    'epoch 11': meta_of(epoch=11),
    'epoch true': meta_of(epoch=True),
    'epoch 4.0': meta_of(epoch=4.0),
    'scale 1': meta_of(scale=1),
    'best 0': meta_of(best=0),
    'best 5': meta_of(best=5),
    'elapsed': meta_of(elapsed=0),
    'elapsed NaN': meta_of(elapsed=float('nan')),
    'no history': meta_of(history=[]),
    'history a string': meta_of(history='four'),
    'short history': json_of(lambda meta: meta['history'].pop()),
    'restart 0': meta_of(restarts=[0]),
    'restart 5': meta_of(restarts=[1, 5]),
    'restart true': meta_of(restarts=[True]),
    'restarts a string': meta_of(restarts='4'),
    'frames a list': meta_of(frames=[]),
    'frame missing': meta_of(frames={'every': 1, 'lengths': [[1, 9]]}),
    'frame of no epoch': frames_of([[5, 3]], b'abc'),
    'frames out of order': frames_of([[2, 1], [1, 2]], b'abc'),
    'frame of one number': frames_of([[3]], b'abc'),
    'frame without bytes': frames_of([[3, 0]], b''),
    'frames too long': frames_of([[3, 10**9]], b'abc'),
    'frames every 0': frames_of([[3, 3]], b'abc', every=0),
    'too many frames': frames_of([[1, 1]] * 121, b'a' * 121),
    'loss NaN': entry_of(total=float('nan')),
    'loss infinite': entry_of(style=float('inf')),
    'loss a string': entry_of(style='1'),
    'seconds': entry_of(seconds=-1),
    'other epoch': entry_of(epoch=3),
    'other scale': entry_of(scale=[32, 25]),
    'more in an entry': entry_of(more=1),
    'lr negative': meta_of(numbers={'steps': 4, 'lr': -1}),
    'lr larger': meta_of(numbers={'steps': 4, 'lr': 0.2}),
    'steps': meta_of(numbers={'steps': -1, 'lr': 0.1}),
    'numbers a list': meta_of(numbers=['steps', 'lr']),
    'guarded numbers': meta_of(
        numbers={'steps': 4, 'lr': 0.1, 'halvings': 1, 'best_steps': 1}
    ),
    'mean missing': lambda arrays: arrays.pop('mean'),
    'best missing': lambda arrays: arrays.pop('best'),
    'more arrays': lambda arrays: arrays.update(more=arrays['best']),
    'shape': lambda arrays: arrays.update(best=arrays['best'][..., 1:]),
    'dtype': lambda arrays: arrays.update(
        best=arrays['best'].astype('float64')
    ),
    'order of bytes': lambda arrays: arrays.update(
        best=arrays['best'].astype('>f4')
    ),
    'NaN': lambda arrays: arrays['pixels'].__setitem__(0, numpy.nan),
    'infinite': lambda arrays: arrays['mean'].__setitem__(0, numpy.inf),
    'variance': lambda arrays: arrays['variance'].__setitem__(0, -1),
    'object': lambda arrays: arrays.update(
        best=numpy.array([Trap()], dtype=object)
    ),
    'huge': lambda arrays: arrays.update(
        best=numpy.zeros((1, 3, 5000, 5000), 'uint8')
    ),
}


@pytest.fixture(scope='module')
def saved(tiny, tmp_path_factory):
    """The bytes of a checkpoint after 4 of 10 epochs."""
    folder = tmp_path_factory.mktemp('saved') / 'run'
    killed(tiny, folder, 5)
    return (folder / FILE).read_bytes()


def require_refused(settings, folder, **options):
    """Resume; nothing is executed, changed or begun."""
    before = (folder / FILE).read_bytes()
    with pytest.raises(GluonStyleError) as error:
        run(settings, folder, resume=True, **options)
    sentence = str(error.value)
    assert sentence.startswith(f'checkpoint {str(folder)!r} ')
    assert len(sentence.splitlines()) == 1 and len(sentence) < 1000
    assert (folder / FILE).read_bytes() == before
    assert not (folder.parent / 'trapped').exists()


@pytest.mark.parametrize('change', BROKEN)
def test_broken_checkpoints(tiny, saved, tmp_path, monkeypatch, change):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / 'run'
    folder.mkdir()
    (folder / FILE).write_bytes(saved)
    rewrite(folder, BROKEN[change])
    require_refused(tiny, folder, observers=[Animate(tmp_path / 'a.gif')])


@pytest.mark.parametrize(
    'content',
    [
        lambda saved: b'',
        lambda saved: saved[: len(saved) // 2],
        lambda saved: saved[:-1],
        lambda saved: numpy.random.RandomState(0).bytes(5000),
        lambda saved: pickle.dumps(Trap()),
        # The first array's sides, in its header, as a terabyte's.
        lambda saved: saved.replace(b'(1, 3, 24, 32)', b'(1, 9, 9**9,9)', 1),
        lambda saved: saved.replace(b'(1, 3, 24, 32)', b'(10**5,999999)', 1),
        lambda saved: saved.replace(b'(1, 3, 24, 32)', b'(999999999999)', 1),
    ],
)
def test_other_bytes(tiny, saved, tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / 'run'
    folder.mkdir()
    (folder / FILE).write_bytes(content(saved))
    require_refused(tiny, folder)


def test_an_untouched_copy_is_read(tiny, saved, tmp_path):
    folder = tmp_path / 'run'
    folder.mkdir()
    (folder / FILE).write_bytes(saved)
    rewrite(folder, lambda arrays: None)
    require_same(run(tiny, folder, resume=True), run(tiny))
