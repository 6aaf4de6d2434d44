from dataclasses import replace

import pytest
from mxnet import np

from gluon_style import NonFiniteLossError
from gluon_style.records.log import Log
from gluon_style.records.record import Epoch

SMALL, LARGE = np.zeros((1, 3, 4, 5)), np.zeros((1, 3, 8, 10))


def read(log, total, X=SMALL):
    log.add(0.25 * total, 0.5 * total, np.array(0.25 * total))
    log.read(X)


def test_entries_have_scale_losses_and_sum():
    log = Log()
    read(log, 8.0)
    read(log, 4.0, LARGE)
    first, second = log.history
    assert 0 < first.seconds <= second.seconds
    assert replace(first, seconds=None) == Epoch(1, (5, 4), 2.0, 4.0, 2.0, 8.0)
    assert (second.epoch, second.scale) == (2, (10, 8))


def test_best_pixels_are_of_the_latest_scale():
    log = Log()
    for total, value in ((3.0, 1), (2.0, 2), (9.0, 3)):
        read(log, total, SMALL + value)
    assert float(log.best_X[0, 0, 0, 0]) == 2
    assert log.best is log.history[1]
    read(log, 50.0, LARGE + 4)
    assert log.best_X.shape == LARGE.shape
    assert log.best is log.history[3]


def test_best_pixels_are_a_copy():
    log, X = Log(), SMALL.copy()
    read(log, 1.0, X)
    X[:] = 7
    assert float(log.best_X.max()) == 0


def test_several_epochs_read_at_once_share_the_time():
    log = Log()
    for total in (4.0, 2.0, 1.0):
        log.add(total, 0.0, 0.0)
    log.read(SMALL)
    seconds = [entry.seconds for entry in log.history]
    assert seconds[1] == pytest.approx(2 * seconds[0])
    assert seconds[2] == pytest.approx(3 * seconds[0])


@pytest.mark.parametrize(
    'stop_at, X, stopped',
    [(2.0, SMALL, True), (1.9, SMALL, False), (2.0, LARGE, False)],
)
def test_stop_at_counts_at_the_final_scale(stop_at, X, stopped):
    log = Log(stop_at=stop_at, final_shape=SMALL.shape)
    read(log, 2.0, X)
    assert log.stopped is stopped


def test_repeated_style_losses_are_logged_once_and_summed_each_time():
    log = Log(style_repeats=10)
    log.add(1.0, 5.0, 2.0)
    log.read(SMALL)
    assert log.history[0].style == 0.5
    assert log.history[0].total == 8.0


def test_time_limit_counts_everywhere():
    log = Log(time_limit=3600)
    read(log, 1.0)
    assert not log.stopped
    log = Log(time_limit=1e-9, final_shape=LARGE.shape)
    read(log, 1.0)
    assert log.stopped


@pytest.mark.parametrize('value', [float('nan'), float('inf')])
def test_non_finite_losses_name_their_epoch(value):
    log = Log()
    read(log, 1.0, SMALL + 1)
    with pytest.raises(NonFiniteLossError, match='at epoch 2: try') as error:
        read(log, value)
    assert float(error.value.X.max()) == 1
    assert len(error.value.history) == 1
