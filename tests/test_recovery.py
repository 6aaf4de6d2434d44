"""The guard against divergence, on a loss whose course is known."""

import logging
import math

import numpy
import pytest
from mxnet import np
from test_optim import Bowl

from gluon_style import PRESETS, NonFiniteLossError, stylize
from gluon_style.errors import DivergedError
from gluon_style.methods.gatys.adam import adam
from gluon_style.methods.gatys.lbfgs import lbfgs
from gluon_style.methods.gatys.recovery import MOST_GROWTH, MOST_HALVINGS
from gluon_style.records.log import Log

SHAPE = (1, 3, 4, 5)
ADAM = {'lr': 0.1, 'lr_decay_epoch': 100, 'guard': True}


class Failing(Bowl):
    """A bowl whose loss is multiplied at some calls, counted from 1."""

    def __init__(self, factors):
        super().__init__(np.ones(SHAPE))
        self.factors = factors

    def __call__(self, X):
        losses = super().__call__(X)
        factor = self.factors.get(len(self.pictures), 1)
        return tuple(loss * factor for loss in losses)


def start():
    return np.zeros(SHAPE)


def warnings_of(caplog):
    return [r.message for r in caplog.records if 'diverges' in r.message]


@pytest.mark.parametrize('factor', [math.nan, math.inf, 10 * MOST_GROWTH])
def test_adam_goes_back_to_the_best_with_half_the_rate(caplog, factor):
    bowl, log = Failing({4: factor}), Log()
    with caplog.at_level(logging.WARNING, 'gluon_style'):
        adam(bowl, start(), 8, log, **ADAM)
    assert warnings_of(caplog) == [
        'the loss diverges at epoch 4: back to the best picture so far, with '
        'half the step'
    ]
    # After three epochs the best pixels are the third ones, of two steps.
    third, fourth, again, after = bowl.pictures[2:6]
    assert (again == third).all()
    before = abs(fourth - third).mean()
    assert abs(after - again).mean() == pytest.approx(before / 2, rel=0.15)
    totals = [entry.total for entry in log.history]
    assert numpy.isfinite(totals).all() and max(totals) == totals[0]
    assert [e.epoch for e in log.history] == list(range(1, len(totals) + 1))


@pytest.mark.parametrize('factor', [math.nan, 1e9])
@pytest.mark.parametrize('call', [2, 4, 10])
def test_losses_that_are_read_every_tenth_epoch(caplog, factor, call):
    bowl, log = Failing({call: factor}), Log(callback_every=10)
    with caplog.at_level(logging.WARNING, 'gluon_style'):
        adam(bowl, start(), 25, log, **ADAM)
    [warning] = warnings_of(caplog)
    assert f'diverges at epoch {call}:' in warning
    # The first loss was read at once: there is something to go back to.
    assert (bowl.pictures[10] == bowl.pictures[0]).all()
    totals = [entry.total for entry in log.history]
    assert numpy.isfinite(totals).all() and max(totals) == totals[0]
    assert len(totals) == 25


def test_after_three_times_an_error_advises_what_to_try(caplog):
    bowl, log = Failing(dict.fromkeys(range(3, 99), math.nan)), Log()
    with pytest.raises(DivergedError) as error:
        adam(bowl, start(), 50, log, **ADAM)
    assert len(warnings_of(caplog)) == MOST_HALVINGS == 3
    assert isinstance(error.value, NonFiniteLossError)
    assert 'try a much smaller lr, smaller weights' in str(error.value)
    # The best pixels are those of the second call, of one step.
    assert (error.value.X.asnumpy() == bowl.pictures[1]).all()
    assert error.value.losses is log.history[1]


def test_nothing_to_go_back_to_is_an_error_at_once(caplog):
    with pytest.raises(NonFiniteLossError) as error:
        adam(Failing({1: math.nan}), start(), 5, Log(), **ADAM)
    assert not isinstance(error.value, DivergedError)
    assert warnings_of(caplog) == []


def test_without_a_guard_a_high_loss_stays(caplog):
    bowl, log = Failing({4: 10 * MOST_GROWTH}), Log()
    adam(bowl, start(), 8, log, **{**ADAM, 'guard': False})
    assert log.history[3].total > 1e4 * log.history[2].total
    assert warnings_of(caplog) == []
    with pytest.raises(NonFiniteLossError) as error:
        options = {**ADAM, 'guard': False}
        adam(Failing({4: math.nan}), start(), 8, Log(), **options)
    assert not isinstance(error.value, DivergedError)


def test_a_guard_does_not_change_a_run_that_does_not_diverge():
    runs = []
    for guard in (False, True):
        bowl = Bowl(np.ones(SHAPE))
        adam(bowl, start(), 20, Log(), **{**ADAM, 'guard': guard})
        runs.append(numpy.stack(bowl.pictures))
    assert (runs[0] == runs[1]).all()


@pytest.mark.parametrize('bounded', [False, True])
def test_lbfgs_begins_anew_with_half_its_first_step(caplog, bounded):
    bowl = Failing({2: math.nan})
    X = lbfgs(bowl, start(), 20, Log(), guard=True, bounded=bounded)
    assert len(warnings_of(caplog)) == 1
    # The first call is the start, the second a step from it that fails. The
    # third is half that step: the start's loss is known.
    first, failed, again = bowl.pictures[:3]
    step = failed - first
    assert numpy.allclose(again - first, step / 2, rtol=1e-3, atol=1e-6)
    assert abs(X.asnumpy() - 1).max() < 1e-3


def test_lbfgs_gives_up_after_three_times():
    bowl = Failing(dict.fromkeys(range(2, 99), math.nan))
    with pytest.raises(DivergedError) as error:
        lbfgs(bowl, start(), 50, Log(), guard=True)
    assert len(bowl.pictures) == 2 + MOST_HALVINGS
    assert (error.value.X.asnumpy() == 0).all()


def test_a_hopeless_rate_keeps_the_best_picture(pictures, weights_file):
    options = {
        'settings': 'chapter',
        'size': (32, 24),
        'epochs': 30,
        'weights': weights_file,
        'lr': 1e22,
    }
    with pytest.raises(NonFiniteLossError):
        stylize(*pictures, **options)
    # Half of it, an eighth: still too much. What was best is kept.
    with pytest.raises(DivergedError) as error:
        stylize(*pictures, guard=True, **options)
    assert error.value.result.image.shape == (24, 32, 3)


def test_the_chapters_own_presets_have_no_guard_and_the_others_do():
    guarded = {name for name, chosen in PRESETS.items() if chosen.guard}
    assert guarded == {'chapter-fast', 'fast', 'quick'}
