"""What watches a run: the order of its calls, its failures, and each kind."""

import io
import logging
import re
import sys
import time
from types import SimpleNamespace

import numpy
import pytest
from conftest import picture
from PIL import Image

from gluon_style import NonFiniteLossError, Settings, stylize
from gluon_style.chapter.vgg import build_net
from gluon_style.errors import GluonStyleError
from gluon_style.files.ours import is_ours
from gluon_style.methods.observers import (
    Animate,
    Forecast,
    Observer,
    Observers,
    Patience,
    Plan,
    Progress,
    SaveSteps,
    is_step,
    step_path,
    with_defaults,
)
from gluon_style.records.record import Epoch

CONTENT, STYLE = picture(60, 40, seed=1), picture(50, 50, seed=2)
SHALLOW = {'content_layers': 'conv1_1', 'style_layers': 'conv1_1'}


@pytest.fixture(scope='module')
def run(weights_file):
    """Stylize with the first layer, 3 epochs of Adam; returns the result."""
    net = build_net(['conv1_1'], ['conv1_1'], weights=weights_file)
    settings = Settings(
        size=(32, 24), epochs=3, lr=0.1, weights=weights_file, **SHALLOW
    )

    def stylized(*observers, **changes):
        return stylize(
            *(CONTENT, STYLE, settings),
            net=net,
            observers=observers,
            **changes,
        )

    return stylized


class Spy(Observer):
    """Write down what is called, and fail where it is asked to."""

    def __init__(self, calls=None, name='', **failures):
        self.calls = [] if calls is None else calls
        self.name, self.failures = name, failures
        self.plan = self.result = None
        self.pictures = []

    def _call(self, method):
        self.calls.append(self.name + method)
        if method in self.failures:
            raise self.failures[method]

    def begin(self, plan):
        self.plan = plan
        self._call('begin')

    def stop(self):
        self._call('stop')

    def epoch(self, history, picture):
        self.pictures.append(picture())
        self._call('epoch')

    def end(self, result):
        self.result = result
        self._call('end')

    def close(self):
        self._call('close')


@pytest.mark.parametrize('optimizer', ['adam', 'lbfgs'])
def test_calls_come_in_order(run, optimizer):
    spy = Spy()
    result = run(spy, optimizer=optimizer)
    assert spy.calls == ['begin', *['stop', 'epoch'] * 3, 'end', 'close']
    assert spy.result is result


def test_observers_are_called_in_their_order(run):
    calls = []
    run(Spy(calls, 'a '), Spy(calls, 'b '), epochs=1)
    methods = ('begin', 'stop', 'epoch', 'end', 'close')
    expected = [f'{name} {method}' for method in methods for name in 'ab']
    assert calls == expected


def test_an_observer_sees_the_plan_and_the_pictures(run):
    spy = Spy()
    result = run(
        spy, size=(132, 96), scales=2, epochs=4, tile=64, original_size=True
    )
    assert spy.plan.steps == [((88, 64), 1), ((132, 96), 4)]
    assert spy.plan.image_shape == (132, 96)
    assert spy.plan.output_shape == (60, 40)
    assert spy.plan.tile == 64
    shapes = [img.shape for img in spy.pictures]
    assert shapes == [(64, 88, 3), *[(96, 132, 3)] * 4]
    assert result.image.shape == (40, 60, 3)
    for img in spy.pictures:
        assert img.dtype == 'float32'
        assert 0 <= img.min() < img.max() <= 1


def test_the_last_picture_is_the_results(run):
    spy = Spy()
    result = run(spy)
    assert (spy.pictures[-1] == result.pixels).all()
    assert (spy.pictures[0] != spy.pictures[1]).any()


def test_a_picture_is_made_once_for_all_observers(run):
    calls = []

    class Keep(Observer):
        def epoch(self, history, picture):
            calls.append(picture())

    run(Keep(), Keep(), epochs=1)
    assert calls[0] is calls[1]


def test_a_failed_run_is_closed(run):
    spy = Spy()
    with pytest.raises(NonFiniteLossError) as error:
        run(spy, lr=1e25)
    # The last good result is one, too.
    assert spy.calls[-2:] == ['end', 'close']
    assert spy.result is error.value.result
    spy = Spy()
    with pytest.raises(NonFiniteLossError):
        run(spy, tv_weight=3.4e38, init='noise')
    assert 'end' not in spy.calls and spy.calls[-1] == 'close'


def test_a_run_that_cannot_begin_is_closed(run):
    spy = Spy()
    with pytest.raises(GluonStyleError):
        run(spy, init='blank')
    assert spy.calls == ['close']


@pytest.mark.parametrize('error', [OSError('full'), GluonStyleError('full')])
def test_an_observer_may_refuse_the_run(run, error):
    calls = []
    with pytest.raises(type(error), match='full'):
        run(Spy(calls, 'a ', begin=error), Spy(calls, 'b '))
    assert calls == ['a begin', 'a close', 'b close']


@pytest.mark.parametrize('error', [OSError('full'), GluonStyleError('full')])
@pytest.mark.parametrize('method', ['epoch', 'end', 'close'])
def test_an_observer_that_fails_is_one_warning(run, caplog, error, method):
    expected = run()
    failing, other = Spy(**{method: error}), Spy()
    with caplog.at_level(logging.WARNING, 'gluon_style'):
        result = run(failing, other)
    (warning,) = caplog.messages
    assert warning == 'the observer Spy failed: full'
    assert (result.pixels == expected.pixels).all()
    assert len(other.pictures) == 3 and other.calls[-1] == 'close'


def test_each_observer_that_fails_is_a_warning(run, caplog):
    error = OSError('full')
    with caplog.at_level(logging.WARNING, 'gluon_style'):
        run(Spy(epoch=error, end=error), Spy(epoch=error, close=error))
    assert len(caplog.messages) == 2


@pytest.mark.parametrize('error', [TypeError('bug'), ZeroDivisionError('bug')])
@pytest.mark.parametrize('method', ['begin', 'stop', 'epoch', 'end', 'close'])
def test_a_bug_in_an_observer_shows_as_itself(run, error, method):
    with pytest.raises(type(error), match='bug'):
        run(Spy(**{method: error}))


@pytest.mark.parametrize('optimizer', ['adam', 'lbfgs'])
def test_an_observers_reason_ends_the_run(run, optimizer):
    class Enough(Spy):
        def stop(self):
            super().stop()
            return 'enough' if self.calls.count('stop') == 2 else None

    enough, other = Enough(), Spy()
    result = run(enough, other, optimizer=optimizer)
    assert result.record.stopped == 'enough'
    assert result.record.epochs == len(result.history) == 2
    best = min(result.history, key=lambda entry: entry.total)
    assert result.record.losses.total == best.total
    assert other.calls[-2:] == ['end', 'close'] and len(other.pictures) == 2


def test_a_run_that_nothing_stops_has_no_reason(run):
    assert run(Spy()).record.stopped is None
    assert run(Spy(), stop_after=2).record.stopped == 'limit'


class Every(Observer):
    """Write down the epochs that are shown."""

    def __init__(self, every=None):
        self.every = every
        self.epochs = []

    def epoch(self, history, picture):
        self.epochs.append(history[-1].epoch)


def test_an_observer_chooses_its_epochs(run):
    third, each = Every(3), Every()
    run(third, epochs=7)
    assert third.epochs == [3, 6]
    run(each, epochs=7)
    assert each.epochs == list(range(1, 8))


def test_observers_have_their_own_epochs(run):
    fourth, sixth, spy = Every(4), Every(6), Spy()
    run(fourth, sixth, spy, epochs=13)
    assert (fourth.epochs, sixth.epochs) == ([4, 8, 12], [6, 12])
    assert spy.plan.every == 1 and len(spy.pictures) == 13
    fourth, sixth = Every(4), Every(6)
    run(fourth, sixth, epochs=13)
    assert (fourth.epochs, sixth.epochs) == ([4, 8, 12], [6, 12])


def test_a_run_that_stops_is_shown_where_every_is_none(run):
    third, each = Every(3), Every()
    run(third, each, epochs=7, stop_after=5)
    assert third.epochs == [3]
    assert each.epochs == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    'observers, words',
    [
        (Progress(), ('observers is of type Progress', '[Progress()]')),
        ([Progress], ('Progress', 'Progress()')),
        ([Observer(), print], ('print', 'Observer')),
    ],
)
def test_what_is_not_an_observer_is_refused(observers, words):
    for make in (Observers, with_defaults):
        with pytest.raises(GluonStyleError) as error:
            make(observers)
        for word in words:
            assert word in str(error.value)


@pytest.mark.parametrize(
    'observers, default, expected',
    [
        ([], 10, 10),
        ([Every()], 10, 10),
        ([Every(4)], 10, 4),
        ([Every(4), Every(6)], 10, 2),
        ([Every(4), Every()], 10, 2),
        ([Every(20), Every()], 10, 10),
        # These take no epochs.
        ([Observer(), Patience()], 10, 10),
        ([Observer(), Every(7)], 1, 7),
    ],
)
def test_epochs_between_suit_every_observer(observers, default, expected):
    assert Observers(observers).epochs_between(default) == expected


def test_find_returns_the_first_of_a_kind():
    first, second = Every(1), Every(2)
    observers = Observers([Observer(), first, second])
    assert observers.find(Every) is first
    assert observers.find(Progress) is None


def notebook(monkeypatch, **shell):
    """Make Python look like IPython with such a shell."""
    ipython = SimpleNamespace(get_ipython=lambda: SimpleNamespace(**shell))
    monkeypatch.setitem(sys.modules, 'IPython', ipython)


def test_a_notebook_has_progress_by_default(monkeypatch):
    assert with_defaults(None).find(Progress) is None
    # IPython in a terminal has no kernel.
    notebook(monkeypatch)
    assert with_defaults(None).find(Progress) is None
    notebook(monkeypatch, kernel=object())
    assert isinstance(with_defaults(None).find(Progress), Progress)
    assert isinstance(with_defaults([]).find(Progress), Progress)
    own = Progress('mine')
    observers = with_defaults([own])
    kinds = [type(each) for each in observers.observers]
    assert kinds.count(Progress) == 1
    assert observers.find(Progress) is own


def test_every_run_has_patience():
    assert isinstance(with_defaults(None).find(Patience), Patience)
    own = Patience(5)
    kinds = [type(each) for each in with_defaults([own]).observers]
    assert kinds == [Patience]


STEPS = [((20, 10), 1), ((40, 20), 4)]


def plan(steps=STEPS, forecast=None, tile=None):
    image_shape = steps[-1][0]
    return Plan(steps, image_shape, image_shape, tile, forecast)


def entry(epoch, scale):
    return Epoch(epoch, scale, 1.0, 2.5, 0.25, 3.75)


def shown_by(progress, capsys):
    """Return the line that the bar shows after each epoch of ``STEPS``."""
    progress.begin(plan())
    lines, history = [], []
    for epoch in range(1, 6):
        history.append(entry(epoch, (20, 10) if epoch == 1 else (40, 20)))
        # The bar is drawn ten times a second at most.
        time.sleep(0.12)
        progress.epoch(history, None)
        lines.append(capsys.readouterr().err.split('\r')[-1].strip('\n'))
    progress.close()
    return lines


@pytest.fixture
def terminal(monkeypatch):
    """Have standard error be a terminal."""
    monkeypatch.setattr(type(sys.stderr), 'isatty', lambda stream: True)


def test_progress_is_by_the_work(capsys, terminal):
    lines = shown_by(Progress('cat.png'), capsys)
    # An epoch costs 20000 pixels more than it has, and the second scale two
    # epochs more: 20200, then 62400, then three times 20800.
    work = [20200 + 20800 * epochs for epochs in (0, 3, 4, 5, 6)]
    percents = [round(100 * done / work[-1]) for done in work]
    for i, (line, percent) in enumerate(zip(lines, percents)):
        step = f'40x20 {i}/4' if i else '20x10 1/1'
        assert line.startswith(f'cat.png {step} {percent}%|')
        assert line.rstrip().endswith('content 1.00, style 2.50, TV 0.25')


def test_quiet_progress_prints_nothing(capsys):
    assert shown_by(Progress(quiet=True), capsys) == [''] * 5


def test_progress_in_a_pipe_is_a_line_every_ten_per_cent(capsys):
    progress, history = Progress(), []
    progress.begin(plan([((40, 20), 200)]))
    for epoch in range(1, 201):
        history.append(entry(epoch, (40, 20)))
        progress.epoch(history, None)
    progress.close()
    lines = capsys.readouterr().err.splitlines()
    losses = 'content 1.00, style 2.50, TV 0.25'
    pattern = r'40x20 (\d+)/200 (\d+)%, 00:0\d left, ' + losses
    first, *lines = lines
    assert first == f'40x20 1/200 0%, ? left, {losses}'
    shown = [re.fullmatch(pattern, line).groups() for line in lines]
    percents = range(10, 101, 10)
    assert shown == [(f'{2 * p}', f'{p}') for p in percents]


def test_progress_in_a_pipe_has_a_line_for_every_size(capsys):
    lines = shown_by(Progress('cat.png'), capsys)
    places = [line.partition(',')[0] for line in lines]
    assert places[:2] == ['cat.png 20x10 1/1 13%', 'cat.png 40x20 1/4 56%']


@pytest.mark.parametrize('stream', [None, io.StringIO()])
def test_progress_of_a_service_is_not_shown(monkeypatch, stream):
    if stream is not None:
        stream.close()
    progress = Progress()
    with monkeypatch.context() as patch:
        patch.setattr(sys, 'stderr', stream)
        progress.begin(plan())
        progress.epoch([entry(1, (20, 10))], None)
        progress.close()


def test_the_time_left_is_first_the_forecasts(capsys, terminal):
    progress, calls = Progress(), []

    def measure():
        calls.append(1)
        return forecast(2400.0)

    # 100 epochs of 540000 pixels, a big run.
    steps = [((900, 600), 100)]
    progress.begin(plan(steps, measure))
    history = [entry(1, (900, 600))]
    for epoch in (2, 3):
        time.sleep(0.12)
        progress.epoch(history, None)
        history.append(entry(epoch, (900, 600)))
    lines = capsys.readouterr().err.split('\r')
    # 99 and 98 hundredths of 40 minutes.
    assert '| 00:00<39:36, ' in lines[-2] and '| 00:00<39:12, ' in lines[-1]
    # Ten epochs in 0.24 seconds are the machine's own measure.
    history += [entry(epoch, (900, 600)) for epoch in range(4, 11)]
    time.sleep(0.12)
    progress.epoch(history, None)
    assert '| 00:00<00:02, ' in capsys.readouterr().err.split('\r')[-1]
    assert calls == [1]


# Seconds of each epoch, by size, of runs on two cores of an EPYC.
FAST = [
    ((200, 150), [0.89, 0.36, *[0.22] * 8]),
    ((300, 225), [1.5, 0.69, *[0.39] * 8]),
    ((450, 338), [3.19, 1.51, *[0.8] * 12, *[0.88] * 26]),
]
QUICK = [
    ((133, 100), [0.46, 0.19, *[0.13] * 6]),
    ((200, 150), [0.86, 0.36, *[0.22] * 6]),
    ((300, 225), [1.51, 0.69, *[0.4] * 28]),
]
DIFFUSION = [
    ((133, 100), [0.88, *[0.3] * 5]),
    ((200, 150), [0.94, 0.45, *[0.37] * 4]),
    ((300, 225), [1.36, *[0.62] * 5]),
    ((450, 338), [2.63, 1.07, 1.11, 1.07, 1.22, 2.57]),
]
LARGE = [
    ((237, 178), [1.14, *[0.43] * 5]),
    ((355, 267), [1.66, *[0.74] * 5]),
    ((533, 400), [3.35, 1.45, 1.41, 1.41, 1.71, 1.65]),
    ((800, 600), [7.38, 3.19, 2.94, 3.0, 3.74, 7.52]),
]


@pytest.mark.parametrize('scales', [FAST, QUICK, DIFFUSION, LARGE])
def test_the_time_left_is_right_from_the_second_scale_on(
    capsys, monkeypatch, scales
):
    progress, history, now = Progress(), [], 0.0
    monkeypatch.setattr('time.perf_counter', lambda: now)
    progress.begin(plan([(scale, len(each)) for scale, each in scales]))
    total = sum(sum(each) for _, each in scales)
    said = []
    for scale, seconds in scales:
        for each in seconds:
            now += each
            history.append(entry(len(history) + 1, scale))
            progress.epoch(history, None)
            line = capsys.readouterr().err
            if line and scale != scales[0][0]:
                percent, minutes, rest = re.search(
                    r'(\d+)%, (\d+):(\d+) left', line
                ).groups()
                left = 60 * int(minutes) + int(rest)
                said.append((now + left) / total)
                assert abs(int(percent) / 100 - now / total) < 0.2
    # A line for each size and for each tenth.
    assert len(said) >= 8
    assert all(abs(each - 1) < 0.2 for each in said)


def test_the_time_of_a_short_run_waits_for_the_second_step(capsys, terminal):
    lines = shown_by(Progress(), capsys)
    assert '<?, ' in lines[0] and '<00:0' in lines[1]


def test_progress_of_a_run_that_never_began_is_closed():
    Progress().close()


def forecast(seconds):
    def within(patience):
        assert patience == 600
        return 450, 300

    return Forecast(seconds, memory=2.5e9, free=8e9, within=within)


LONG = [((600, 400), 20), ((900, 600), 80)]


def test_a_long_run_is_a_warning_with_the_size_that_fits(caplog):
    caplog.set_level(logging.INFO, 'gluon_style')
    Patience().begin(plan(LONG, lambda: forecast(2400.0)))
    assert caplog.messages == [
        '900x600 pixels: about 40.0 min for 80 epochs, and 2.5 GB of the '
        '8.0 GB free',
        'this run will take long: with 450x300 pixels it would take about '
        '10.0 min',
    ]
    levels = [record.levelname for record in caplog.records]
    assert levels == ['INFO', 'WARNING']


def test_a_run_within_patience_is_no_warning(caplog):
    caplog.set_level(logging.INFO, 'gluon_style')
    Patience().begin(plan(LONG, lambda: forecast(599.0), tile=256))
    assert caplog.messages == [
        '900x600 pixels in tiles of 256: about 10.0 min for 80 epochs, and '
        '2.5 GB of the 8.0 GB free'
    ]


@pytest.mark.parametrize(
    'seconds, measured',
    [(600, False), (60, False), (6, True), (1e9, False)],
)
def test_only_a_run_that_may_take_too_long_is_measured(seconds, measured):
    # 2e6 pixels times epochs, a tenth of a run that takes minutes.
    steps, calls = [((200, 100), 100)], []

    def measure():
        calls.append(None)
        return Forecast(1.0, 1e9, 8e9, lambda patience: (200, 100))

    Patience(seconds).begin(plan(steps, measure))
    assert bool(calls) is measured


def test_a_runs_forecast_warns_of_the_size_that_fits(run, caplog):
    caplog.set_level(logging.INFO, 'gluon_style')
    # A style that is squashed would be said.
    run(style_scale=1.0)
    assert caplog.messages == []
    # It is measured, and takes more than nothing.
    run(Patience(1e-9), size=(48, 32), style_scale=1.0)
    (info, warning) = caplog.messages
    assert info.startswith('48x32 pixels: about 0.0 min for 3 epochs, and ')
    # The least that the layers take.
    assert 'with 3x2 pixels' in warning


def test_an_animation_is_written_at_the_end(run, tmp_path):
    path = tmp_path / 'out.gif'
    result = run(Animate(path))
    assert is_ours(path)
    with Image.open(path) as gif:
        assert gif.size == (32, 24)
        # The finished picture is that of the last epoch.
        assert gif.n_frames == 3
        gif.seek(2)
        last = numpy.asarray(gif.convert('RGB')).astype(int)
    assert abs(last - result.image).mean() < 8


def test_an_animation_may_be_saved_by_hand(run, tmp_path):
    animate = Animate(tmp_path / 'out.gif', write=False)
    with pytest.raises(GluonStyleError, match='no frame'):
        animate.save()
    run(animate)
    assert not animate.path.exists()
    animate.save()
    assert is_ours(animate.path)


def test_an_animation_does_not_take_anothers_place(run, tmp_path):
    path = tmp_path / 'out.gif'
    path.write_bytes(b'GIF89a of somebody')
    with pytest.raises(GluonStyleError, match='out.gif'):
        run(Animate(path))
    assert path.read_bytes() == b'GIF89a of somebody'
    run(Animate(path, force=True))
    assert is_ours(path)
    with pytest.raises(GluonStyleError, match='must end in .gif or .mp4'):
        run(Animate(tmp_path / 'out.png'))


def test_another_file_that_comes_during_the_run_is_kept(run, tmp_path, caplog):
    path = tmp_path / 'out.gif'

    class Other(Observer):
        def epoch(self, history, picture):
            path.write_bytes(b'GIF89a of somebody')

    result = run(Animate(path), Other())
    assert len(result.history) == 3
    assert path.read_bytes() == b'GIF89a of somebody'
    assert 'the observer Animate failed' in caplog.text


def test_steps_are_saved_beside_the_output(run, tmp_path):
    spy, steps = Spy(), SaveSteps(tmp_path / 'out.png', every=2)
    run(steps, spy, epochs=5)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ['out-00002.png', 'out-00004.png']
    for epoch, name in zip((2, 4), names):
        saved = numpy.asarray(Image.open(tmp_path / name)).astype(int)
        wanted = 255 * spy.pictures[epoch - 1]
        assert abs(saved - wanted).max() <= 0.51


def test_steps_have_the_outputs_size(run, tmp_path):
    run(SaveSteps(tmp_path / 'out.png', every=3), original_size=True)
    with Image.open(tmp_path / 'out-00003.png') as saved:
        assert saved.size == (60, 40)


class Foreign(Observer):
    """Another program, which writes files once a run has begun."""

    def __init__(self, *paths):
        self.paths = paths

    def begin(self, plan):
        for path in self.paths:
            path.write_bytes(b'of somebody')


def test_steps_that_cannot_be_saved_are_one_warning(run, tmp_path, caplog):
    others = [step_path(tmp_path / 'out.png', epoch) for epoch in (1, 2)]
    run(SaveSteps(tmp_path / 'out.png', every=1), Foreign(*others))
    (warning,) = caplog.messages
    assert 'epoch 1 ' in warning and 'out-00001.png' in warning
    assert [path.read_bytes() for path in others] == [b'of somebody'] * 2
    assert is_ours(tmp_path / 'out-00003.png')
    run(SaveSteps(tmp_path / 'out.png', every=1, force=True))
    assert all(map(is_ours, others))


def test_steps_of_nothing_are_refused(run, tmp_path):
    with pytest.raises(GluonStyleError, match='save_every is 0'):
        SaveSteps(tmp_path / 'out.png', every=0)
    with pytest.raises(GluonStyleError, match='must end in'):
        run(SaveSteps(tmp_path / 'out.xyz', every=1))


def test_a_step_has_a_name_of_its_own(tmp_path):
    output = tmp_path / 'a+b.png'
    assert step_path(output, 20).name == 'a+b-00020.png'
    assert step_path(output, 1234567).name == 'a+b-1234567.png'
    for epoch in (1, 20, 1234567):
        assert is_step(step_path(output, epoch), output)
    for name in ('a+b-20.png', 'aab-00020.png', 'a+b-00020.jpg', 'a+b.png'):
        assert not is_step(tmp_path / name, output)


def test_a_result_shows_itself_in_a_notebook(run):
    result = run()
    with Image.open(io.BytesIO(result._repr_png_())) as shown:
        assert shown.format == 'PNG'
        assert (numpy.asarray(shown) == result.image).all()


@pytest.mark.parametrize('every', ['3', 2.5, 0, -1])
def test_the_epochs_between_calls_are_a_count(run, every):
    with pytest.raises(GluonStyleError, match=f'every is {every!r}: it must'):
        run(Every(every))


@pytest.mark.parametrize('seconds', ['x', None, -1, float('nan')])
def test_patience_is_a_time(seconds):
    with pytest.raises(GluonStyleError, match='patience is .* finite number'):
        Patience(seconds)
    assert Patience(float('inf')).seconds == float('inf')


def test_an_observer_cannot_change_the_history(run):
    class Clear(Observer):
        def epoch(self, history, picture):
            history.clear()

    assert len(run(Clear()).history) == len(run().history) > 0
