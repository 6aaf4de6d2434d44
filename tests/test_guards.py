"""The library guards files and results as the command line does."""

import os
import re
import signal
import threading
from pathlib import Path

import pytest
from conftest import picture
from PIL import Image

from gluon_style import Result, Settings, stylize
from gluon_style.chapter.vgg import build_net
from gluon_style.errors import GluonStyleError
from gluon_style.files.ours import is_ours
from gluon_style.methods.gatys.checkpoint import Checkpoint
from gluon_style.methods.observers import Animate, Observer, SaveSteps
from gluon_style.pictures.write import save_image

SHALLOW = {'content_layers': 'conv1_1', 'style_layers': 'conv1_1'}


@pytest.fixture
def run(weights_file, tmp_path, monkeypatch):
    """Stylize files in an empty folder with the first layer, in no time."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr('tempfile.tempdir', str(tmp_path / 'temporary'))
    Path('temporary').mkdir()
    Image.fromarray(picture(60, 40, seed=1)).save('content.png')
    # A style that this package made could be taken for a former result.
    save_image(picture(50, 50, seed=2), 'style.png')
    net = build_net(['conv1_1'], ['conv1_1'], weights=weights_file)
    settings = Settings(
        size=(32, 24), epochs=4, lr=0.1, weights=weights_file, **SHALLOW
    )

    def stylized(*observers, **changes):
        return stylize(
            *('content.png', 'style.png', settings),
            net=net,
            observers=observers,
            **changes,
        )

    return stylized


@pytest.mark.parametrize(
    'path, reason',
    [
        ('no/out.png', "output folder 'no' does not exist: make it first"),
        ('content.png', 'it is a picture that this one was made from'),
        ('style.png', 'it is a picture that this one was made from'),
        ('foreign.png', "'foreign.png' exists and was not written by"),
        ('noted.png', "'noted.json' exists and was not written by this"),
        ('former.jpg', "the record of 'former.png' has the name of the one"),
        ('folder.png', "output 'folder.png' cannot be written: name a file"),
        ('out.bmp', "output 'out.bmp' must end in .png, .jpg"),
    ],
)
def test_a_result_is_saved_elsewhere_rather_than_lost(run, path, reason):
    result = run()
    Path('foreign.png').write_bytes(b'of somebody')
    Path('noted.json').write_text('{"mine": 1}')
    Path('folder.png').mkdir()
    run(seed=5).save('former.png')
    before = {p: p.read_bytes() for p in Path().iterdir() if p.is_file()}
    with pytest.raises(GluonStyleError) as error:
        result.save(path)
    sentence = re.escape(f'output {path!r} was not written ({reason}')
    rescued = re.fullmatch(
        rf"{sentence}.*\): the picture is in '(.*)' instead", str(error.value)
    )[1]
    assert Path(rescued).name == path.replace('no/', '').replace('bmp', 'png')
    assert Result.load(rescued).history == result.history
    assert Path(rescued).is_relative_to(Path('temporary').resolve())
    assert before == {p: p.read_bytes() for p in before}


def test_force_overwrites_others_but_not_the_runs_own_pictures(run):
    result = run()
    Path('foreign.png').write_bytes(b'of somebody')
    result.save('foreign.png', force=True)
    assert Result.load('foreign.png').history == result.history
    before = Path('content.png').read_bytes()
    with pytest.raises(GluonStyleError, match='that this one was made from'):
        result.save('content.png', force=True)
    assert Path('content.png').read_bytes() == before


def test_one_result_may_be_saved_in_several_formats(run):
    result = run()
    result.save('out.png')
    result.save('out.tif')
    assert Result.load('out.png').record == Result.load('out.tif').record


def test_what_can_be_written_nowhere_is_the_first_error(run, monkeypatch):
    result = run()

    def fail(*args):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr('gluon_style.records.result.save_image', fail)
    with pytest.raises(OSError, match='No space left on device'):
        result.save('out.png')
    assert list(Path('temporary').iterdir()) == []
    assert not Path('out.png').exists() and not Path('out.json').exists()


@pytest.mark.parametrize(
    'observer, reason',
    [
        (lambda: Animate('no/a.gif'), "output folder 'no' does not exist"),
        (lambda: Animate('foreign.gif'), 'was not written by this program'),
        (lambda: Animate('style.gif'), 'also another file of this run'),
        (lambda: SaveSteps('no/a.png', 2), "output folder 'no' does not"),
        (lambda: SaveSteps('style.png', 2), 'also another file of this run'),
        (lambda: SaveSteps('other.png', 2), 'was not written by this program'),
        (lambda: SaveSteps('init.png', 2), 'has the name of a picture that'),
    ],
)
def test_what_cannot_be_written_is_refused_before_the_run(
    run, observer, reason
):
    Path('foreign.gif').write_bytes(b'GIF89a of somebody')
    Path('other-00004.png').write_bytes(b'of somebody')
    run(Animate('style.gif'))
    save_image(picture(32, 24), 'init-00004.png')
    epochs = []

    class Count(Observer):
        def epoch(self, history, picture):
            epochs.append(len(history))

    changes = {'init': 'init-00004.png'}
    if 'also another' in reason:
        changes = {'init': 'style.gif'}
    with pytest.raises(GluonStyleError, match=reason):
        run(observer(), Count(), **changes)
    assert epochs == [] and is_ours('style.gif')


@pytest.fixture
def ctrl_c():
    """Ctrl-C is Python's own, also where the tests began without it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Press(Observer):
    """Press Ctrl-C at an epoch, so many times."""

    def __init__(self, epoch, times=1):
        self.at, self.times = epoch, times

    def epoch(self, history, picture):
        if len(history) == self.at:
            for _ in range(self.times):
                os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.usefixtures('ctrl_c')
@pytest.mark.parametrize('optimizer', ['adam', 'lbfgs'])
def test_ctrl_c_leaves_the_best_result_and_the_checkpoint(run, optimizer):
    changes = {'optimizer': optimizer, 'epochs': 8}
    whole = run(**changes)
    with pytest.raises(KeyboardInterrupt, match='after 3 epochs') as error:
        run(Press(2), Checkpoint('kept', 1), **changes)
    best = error.value.result
    assert best.record.stopped == 'SIGINT'
    entries = zip(best.history, whole.history)
    if optimizer == 'adam':
        assert all(a.total == pytest.approx(b.total) for a, b in entries)
    assert best.record.losses.total == min(e.total for e in best.history)
    best.save('best.png')
    resumed = run(Checkpoint('kept', 1, resume=True), **changes)
    assert len(resumed.history) == 8
    if optimizer == 'adam':
        assert abs(resumed.image.astype(int) - whole.image).max() <= 1
    # Later, Ctrl-C is Python's own again.
    assert signal.getsignal(signal.SIGINT) == signal.default_int_handler


@pytest.mark.usefixtures('ctrl_c')
def test_a_second_ctrl_c_ends_at_once(run):
    with pytest.raises(KeyboardInterrupt) as error:
        run(Press(2, times=2))
    assert not hasattr(error.value, 'result')
    assert signal.getsignal(signal.SIGINT) == signal.default_int_handler


def test_who_handles_ctrl_c_goes_on_to(run):
    noted = []
    before = signal.signal(signal.SIGINT, lambda *about: noted.append(about))
    try:
        assert len(run(Press(2)).history) == 4
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(noted) == 1


def test_a_run_in_another_thread_leaves_signals_alone(run):
    results = []
    thread = threading.Thread(target=lambda: results.append(run()))
    thread.start()
    thread.join()
    assert len(results[0].history) == 4
