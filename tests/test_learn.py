"""Learning a style: what it returns, what it keeps, what it refuses."""

import re
import signal

import numpy
import pytest
from PIL import Image

from gluon_style.cli import main
from gluon_style.errors import GluonStyleError
from gluon_style.methods.feedforward import learn as learning, photos
from gluon_style.methods.feedforward.learn import learn
from gluon_style.methods.feedforward.lesson import Lesson
from gluon_style.methods.feedforward.lesson_settings import LessonSettings
from gluon_style.methods.feedforward.paint import as_pixels, predicted
from gluon_style.methods.feedforward.photos import crops, read_photos
from gluon_style.methods.feedforward.styles import Style, numbered
from gluon_style.methods.feedforward.stylize import stylize
from gluon_style.methods.observers import Observer


@pytest.fixture(autouse=True)
def small_crops(monkeypatch):
    """Learn on small crops, which take little time."""
    monkeypatch.setattr(photos, 'CROP_SIDES', (32,))
    monkeypatch.setattr(photos, 'NUM_CROPS', 3)


@pytest.fixture
def random_vgg(weights_file):
    return str(weights_file)


@pytest.fixture(scope='module')
def painting():
    rng = numpy.random.RandomState(1)
    blocks = rng.randint(0, 256, (8, 8, 3)).astype('uint8')
    return blocks.repeat(8, axis=0).repeat(8, axis=1)


@pytest.fixture
def settings(random_vgg):
    return LessonSettings(
        iterations=3,
        weights=random_vgg,
        network='vgg19',
        style_size=64,
        start='painting',
    )


def test_a_learned_style_has_a_lower_loss(painting, settings):
    seen = []

    class Seeing(Observer):
        def epoch(self, history, picture):
            seen.append((len(history), picture().shape))

    style = learn(painting, settings, iterations=12, observers=[Seeing()])
    assert style.trunk == 'any-style'
    assert not numpy.array_equal(style.vector, predicted(painting).vector)
    losses = style.record['losses']
    assert losses['last']['total'] < losses['first']['total']
    assert seen[0] == (1, (32, 32, 3)) and seen[-1][0] == 12
    assert style.record['iterations'] == 12
    assert style.record['start'] == 'the net of any style'


def test_the_same_seed_learns_the_same_style(painting, settings):
    first, again = (learn(painting, settings) for _ in range(2))
    assert numpy.array_equal(first.vector, again.vector)
    other = learn(painting, settings, seed=5)
    assert not numpy.array_equal(first.vector, other.vector)


def test_a_learned_style_paints(painting, settings, tmp_path):
    learn(painting, settings).save(tmp_path / 'a.style')
    result = stylize(painting, str(tmp_path / 'a.style'))
    assert result.image.shape == painting.shape


class StopAfter(Observer):
    def __init__(self, steps):
        self.left = steps

    def stop(self):
        self.left -= 1
        return None if self.left else 'test'


@pytest.mark.parametrize('whole_net', [False, True])
def test_a_resumed_lesson_ends_as_one_without_a_stop(
    painting, settings, tmp_path, whole_net
):
    path = tmp_path / 'checkpoint'
    settings = settings.changed({'iterations': 5, 'all': whole_net})
    whole = learn(painting, settings)
    part = learn(painting, settings, checkpoint=path, observers=[StopAfter(2)])
    assert part.record['stopped'] == 'test'
    assert part.record['iterations'] == 2
    assert not numpy.array_equal(part.vector, whole.vector)
    resumed = learn(painting, settings, checkpoint=path, resume=True)
    assert numpy.array_equal(resumed.vector, whole.vector)
    assert set(resumed.weights) == set(whole.weights)
    for name, array in whole.weights.items():
        assert numpy.array_equal(resumed.weights[name], array)
    assert not path.exists()


class Press(Observer):
    """Press Ctrl-C at a step."""

    def __init__(self, step):
        self.step = step

    def epoch(self, history, picture):
        if len(history) == self.step:
            signal.raise_signal(signal.SIGINT)


def test_ctrl_c_in_python_leaves_the_style_and_the_checkpoint(
    painting, settings, tmp_path
):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    path = tmp_path / 'checkpoint'
    settings = settings.changed({'iterations': 4})
    try:
        with pytest.raises(KeyboardInterrupt, match='after 2 steps') as error:
            learn(painting, settings, checkpoint=path, observers=[Press(2)])
        assert signal.getsignal(signal.SIGINT) == signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    style = error.value.result
    assert style.record['stopped'] == 'SIGINT'
    assert style.record['iterations'] == 2
    resumed = learn(painting, settings, checkpoint=path, resume=True)
    assert numpy.array_equal(resumed.vector, learn(painting, settings).vector)


def test_a_checkpoint_that_cannot_be_saved_does_not_end_the_lesson(
    painting, settings, tmp_path, caplog
):
    path = tmp_path / 'no' / 'checkpoint'
    style = learn(
        painting, settings, checkpoint=path, observers=[StopAfter(2)]
    )
    assert style.record['iterations'] == 2
    [message] = [m for m in caplog.messages if 'checkpoint' in m]
    assert message.startswith('the checkpoint was not saved: folder')


def test_a_style_that_cannot_be_written_is_rescued(tmp_path, monkeypatch):
    monkeypatch.setattr('tempfile.tempdir', str(tmp_path))
    style = numbered(3)
    with pytest.raises(GluonStyleError) as error:
        style.save(tmp_path / 'no' / 'a.style')
    words = re.fullmatch(
        r"style '.*no/a.style' was not written \(folder '.*no' does not "
        r"exist: make it first\): the style is in '(.*)' instead",
        str(error.value),
    )
    assert numpy.array_equal(Style.load(words[1]).vector, style.vector)
    monkeypatch.setattr('tempfile.tempdir', str(tmp_path / 'none'))
    with pytest.raises(FileNotFoundError, match='does not exist: make it'):
        style.save(tmp_path / 'no' / 'a.style')


def test_a_net_of_its_own_is_kept_in_the_file(painting, settings, tmp_path):
    style = learn(painting, settings, all=True)
    assert set(style.weights) == {
        *(f'contract.{i}.{k}' for i in range(3) for k in ('weight', 'bias')),
        *(f'res.{i}.{k}.weight' for i in range(5) for k in (0, 1)),
        *(f'expand.{i}.weight' for i in range(3)),
    }
    style.save(tmp_path / 'own.style')
    loaded = Style.load(tmp_path / 'own.style')
    first, again = stylize(painting, style), stylize(painting, loaded)
    assert numpy.array_equal(first.image, again.image)
    plain = Style(style.trunk, style.vector)
    assert not numpy.array_equal(stylize(painting, plain).image, first.image)
    with pytest.raises(GluonStyleError, match='has a net of its own'):
        stylize(painting, [style, plain])


def test_the_nearest_of_the_26_may_be_the_start(painting, settings):
    style = learn(painting, settings, start='net')
    assert style.trunk == 'styles26'
    assert style.record['start'].startswith('net:')


def test_losses_are_parts_of_their_most(painting, settings, random_vgg):
    from gluon_style.chapter.devices import get_device

    device = get_device('cpu')
    lesson = Lesson(painting, settings, device)
    same = lesson.style_loss(as_pixels(painting, device))
    other = lesson.style_loss(as_pixels(255 - painting, device))
    assert same < 1e-6 < other


def test_without_time_for_a_step_nothing_is_learned(
    painting, settings, tmp_path
):
    path = tmp_path / 'checkpoint'
    with pytest.raises(GluonStyleError, match='give 30 or more'):
        learn(
            painting,
            settings,
            iterations=None,
            seconds=1e-6,
            checkpoint=path,
        )
    assert not path.exists()


def test_time_may_end_the_lesson(painting, settings):
    style = learn(painting, settings, iterations=None, seconds=4)
    assert style.record['iterations'] >= 1
    assert style.record['seconds'] < 20


@pytest.mark.parametrize(
    'given, changes, problem',
    [
        ('net:3', {}, 'a style already'),
        ('mine.style', {}, 'a style already'),
        (None, {'seconds': -1}, 'seconds is -1'),
        (None, {'iterations': 0}, 'iterations is 0'),
        (None, {'start': 'x'}, "start is 'x'"),
        (None, {'secnds': 1}, "did you mean 'seconds'"),
    ],
)
def test_what_cannot_be_learned_is_one_sentence(
    painting, settings, given, changes, problem
):
    with pytest.raises(GluonStyleError, match=problem):
        learn(given or painting, settings, **changes)


def test_resuming_needs_the_same_painting(painting, settings, tmp_path):
    path = tmp_path / 'checkpoint'
    with pytest.raises(FileNotFoundError, match='leave out --resume'):
        learn(painting, settings, checkpoint=path, resume=True)
    learn(painting, settings, checkpoint=path, observers=[StopAfter(1)])
    with pytest.raises(GluonStyleError, match='of another painting'):
        learn(255 - painting, settings, checkpoint=path, resume=True)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(GluonStyleError, match='not a whole archive'):
        learn(painting, settings, checkpoint=path, resume=True)
    with pytest.raises(GluonStyleError, match='name its file'):
        learn(painting, settings, resume=True)


def test_photographs_of_a_folder_are_read(tmp_path, caplog):
    for name, side in (('small.png', 20), ('large.png', 300)):
        Image.new('RGB', (side, side), 'red').save(tmp_path / name)
    (tmp_path / 'broken.png').write_bytes(b'no picture')
    [photo] = read_photos(tmp_path)
    assert photo.shape == (128, 128, 3)
    assert 'small.png is left out' in caplog.text
    assert 'broken.png' in caplog.text
    (tmp_path / 'large.png').unlink()
    with pytest.raises(GluonStyleError, match='has no photograph of'):
        read_photos(tmp_path)
    with pytest.raises(GluonStyleError, match='does not exist'):
        read_photos(tmp_path / 'none')


def test_crops_are_the_same_for_the_same_seed(painting):
    first, again, other = (crops([painting], seed) for seed in (1, 1, 2))
    assert [crop.shape for crop in first] == [(32, 32, 3)] * 3
    assert all(map(numpy.array_equal, first, again))
    assert not all(map(numpy.array_equal, first, other))


@pytest.fixture
def command(tmp_path, painting, random_vgg, monkeypatch):
    """Return a function that runs gluon-style learn in a folder."""
    Image.fromarray(painting).save(tmp_path / 'painting.png')
    monkeypatch.chdir(tmp_path)

    def run(*words):
        return main(
            [
                *('learn', 'painting.png', '--weights', random_vgg),
                *('--network', 'vgg19', '--start', 'painting'),
                *('--style-size', '64', *words),
            ]
        )

    return run


def test_the_command_writes_a_style_and_a_preview(command, tmp_path, capsys):
    assert command('-o', 'mine.style', '--iterations', '2') == 0
    assert 'mine.style: 2 steps in' in capsys.readouterr().out
    assert Style.load('mine.style').record['iterations'] == 2
    assert Image.open('mine.png').size == (32, 32)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ['mine.png', 'mine.style', 'painting.png']
    # Files of this program may be overwritten, others may not.
    assert command('-o', 'mine.style', '--iterations', '1', '--quiet') == 0
    (tmp_path / 'words.style').write_text('mine')
    assert command('-o', 'words.style', '--iterations', '1') == 2


def test_what_was_learned_outlasts_a_failure_to_write_it(
    command, tmp_path, monkeypatch, capsys
):
    def fail(style, path):
        raise OSError(28, 'No space left on device')

    write = Style._write
    monkeypatch.setattr(Style, '_write', fail)
    words = ['-o', 'mine.style', '--iterations', '2', '--quiet']
    monkeypatch.setattr(learning, '_SAVE_EVERY', 0)
    assert command(*words) == 2
    assert 'No space left on device' in capsys.readouterr().err
    assert (tmp_path / '.mine.style.learning').exists()
    monkeypatch.setattr(Style, '_write', write)
    assert command(*words, '--resume') == 0
    assert Style.load('mine.style').record['iterations'] == 2
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ['mine.png', 'mine.style', 'painting.png']


@pytest.mark.parametrize(
    'words, problem',
    [
        ('-o mine.png', 'a style ends in .style'),
        ('-o painting.style', "'painting.png' is the painting"),
        ('-o no/mine.style', "folder 'no' does not exist"),
        ('-o mine.style --seconds 1e-6', 'give 30 or more'),
        ('-o mine.style --photos no', "folder 'no' of photographs"),
        ('-o mine.style --resume', 'leave out --resume'),
    ],
)
def test_a_mistake_writes_nothing(command, tmp_path, capsys, words, problem):
    assert command(*words.split()) == 2
    assert problem in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ['painting.png']
