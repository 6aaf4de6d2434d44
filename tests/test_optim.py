import numpy
import pytest
from conftest import picture
from mxnet import autograd, cpu, np

from gluon_style import NonFiniteLossError, train
from gluon_style.chapter.images import (
    RGB_MEAN,
    RGB_STD,
    display_bounds,
    postprocess,
)
from gluon_style.chapter.vgg import build_net, get_contents, get_styles
from gluon_style.methods.gatys.adam import adam
from gluon_style.methods.gatys.lbfgs import lbfgs
from gluon_style.methods.gatys.objective import Objective
from gluon_style.records.log import Log
from gluon_style.records.record import LOSSES

SHAPE = (32, 24)
OPTIMIZERS = {
    'adam': lambda *args, **options: adam(
        *args, lr=0.1, lr_decay_epoch=50, **options
    ),
    'lbfgs': lbfgs,
}
both = pytest.mark.parametrize('name', OPTIMIZERS)


@pytest.fixture(scope='module')
def inputs(weights_file):
    """The net, the content picture's pixels and features, the style's."""
    net = build_net(weights=weights_file)
    images = [
        np.array(picture(40, 30, seed), dtype='uint8') for seed in (1, 2)
    ]
    content_X, contents_Y = get_contents(net, images[0], SHAPE, cpu())
    style_X, styles_Y = get_styles(net, images[1], SHAPE, cpu())
    return net, content_X, contents_Y, style_X, styles_Y


@pytest.fixture
def objective(inputs):
    net, content_X, _, style_X, _ = inputs
    return Objective(net, content_X, style_X)


class Bowl:
    """Half the sum of a * (X - target)**2, in place of an objective."""

    def __init__(self, target, a=1.0):
        self.target, self.a = np.array(target, dtype='float32'), a
        self.pictures = []

    def __call__(self, X):
        self.pictures.append(X.asnumpy())
        X.grad[:] = 0
        with autograd.record():
            loss = 0.5 * (self.a * np.square(X - self.target)).sum()
        loss.backward()
        return 0 * loss, loss, 0 * loss


def test_adam_has_the_losses_of_train(inputs, objective):
    net, content_X, contents_Y, _, styles_Y = inputs
    expected, log = [], Log(callback_every=4)
    X = train(
        *(net, content_X, contents_Y, styles_Y, cpu(), 0.01, 10, 4),
        callback=lambda history, X: expected.append((history, X.asnumpy())),
    )
    Y = adam(objective, content_X, 10, log, lr=0.01, lr_decay_epoch=4)
    assert numpy.allclose(X.asnumpy(), Y.asnumpy(), atol=1e-4)
    assert len(log.history) == 10
    for entry, wanted in zip(log.history, expected[-1][0]):
        for name in LOSSES:
            assert getattr(entry, name) == pytest.approx(
                getattr(wanted, name), rel=1e-5, abs=1e-6
            )


def test_lbfgs_finds_the_bottom_of_a_bowl():
    rng = numpy.random.RandomState(0)
    target = rng.normal(size=(1, 3, 4, 5))
    a = np.array(numpy.exp(rng.normal(size=target.shape)), dtype='float32')
    X = lbfgs(Bowl(target, a), np.zeros(target.shape), 60, Log())
    assert numpy.allclose(X.asnumpy(), target, atol=1e-3)


def test_bounds_are_black_and_white():
    low, high = display_bounds(cpu())
    for bound, value in ((low, 0), (high, 1)):
        expected = (value - RGB_MEAN.asnumpy()) / RGB_STD.asnumpy()
        assert numpy.allclose(bound.asnumpy().ravel(), expected, atol=1e-6)


@both
def test_bounded_pixels_are_displayable_and_best(name):
    # Brighter than white here, darker than black there.
    target = numpy.where(numpy.arange(60).reshape(1, 3, 4, 5) % 2, 9, -9)
    bowl = Bowl(target)
    options = {'lr': 1.0, 'lr_decay_epoch': 50} if name == 'adam' else {}
    optimize = adam if name == 'adam' else lbfgs
    start = np.zeros(target.shape)
    X = optimize(bowl, start, 30, Log(), bounded=True, **options)
    low, high = (bound.asnumpy() for bound in display_bounds(cpu()))
    for pixels in (*bowl.pictures, X.asnumpy()):
        assert (pixels >= low - 1e-6).all()
        assert (pixels <= high + 1e-6).all()
    expected = numpy.where(target > 0, high, low)
    assert numpy.allclose(X.asnumpy(), expected, atol=1e-5)
    shown = postprocess(X).asnumpy()
    assert shown.min() == pytest.approx(0, abs=1e-6)
    assert shown.max() == pytest.approx(1, abs=1e-6)
    # Without bounds it goes where the target is.
    X = optimize(bowl, start, 200, Log(), **options)
    assert abs(X.asnumpy()).max() > 4


@both
def test_start_is_not_changed_and_log_is_complete(name, inputs, objective):
    content_X = inputs[1]
    before, calls = content_X.asnumpy(), []
    log = Log(lambda history, X: calls.append(len(history)), 3)
    X = OPTIMIZERS[name](objective, content_X, 8, log)
    assert (content_X.asnumpy() == before).all()
    assert calls == [3, 6, 8]
    assert [entry.epoch for entry in log.history] == list(range(1, 9))
    assert {entry.scale for entry in log.history} == {SHAPE}
    assert log.history[-1].total < log.history[0].total
    assert X.shape == content_X.shape


def test_lbfgs_returns_the_best_pixels(inputs, objective):
    log = Log()
    best = lbfgs(objective, inputs[1], 15, log, bounded=True)
    least = min(entry.total for entry in log.history)
    best.attach_grad('add')
    assert sum(map(float, objective(best))) == pytest.approx(least, rel=1e-6)


@both
def test_stop_at_and_time_limit_keep_the_best(name, inputs, objective):
    whole = Log()
    OPTIMIZERS[name](objective, inputs[1], 12, whole)
    totals = [entry.total for entry in whole.history]
    goal = totals[7] * 1.0001
    log = Log(stop_at=goal)
    X = OPTIMIZERS[name](objective, inputs[1], 12, log)
    first = next(i for i, total in enumerate(totals) if total <= goal)
    assert len(log.history) == first + 1
    X.attach_grad('add')
    assert sum(map(float, objective(X))) <= goal * 1.0001

    log = Log(time_limit=1e-6)
    X = OPTIMIZERS[name](objective, inputs[1], 12, log)
    assert len(log.history) == 1
    assert (X.asnumpy() == inputs[1].asnumpy()).all()


@both
def test_a_loss_of_nan_stops_with_the_good_pixels(name):
    class Cliff(Bowl):
        def __call__(self, X):
            content, style, tv = super().__call__(X)
            if len(self.pictures) == 4:
                return content, np.array(numpy.nan), tv
            return content, style, tv

    slopes = np.arange(60).reshape(1, 3, 4, 5)
    cliff = Cliff(numpy.ones((1, 3, 4, 5)) * 5, slopes)
    with pytest.raises(NonFiniteLossError, match='at epoch 4:') as error:
        OPTIMIZERS[name](cliff, np.zeros((1, 3, 4, 5)), 12, Log())
    assert len(error.value.history) == 3
    assert (error.value.X.asnumpy() == cliff.pictures[2]).all()


def test_lbfgs_ends_where_nothing_can_be_gained():
    # At the bottom at once: the gradient is 0 and nothing is to be gained.
    bowl = Bowl(numpy.zeros((1, 3, 4, 5)))
    X = lbfgs(bowl, np.zeros((1, 3, 4, 5)), 500, Log())
    assert len(bowl.pictures) < 5
    assert (X.asnumpy() == 0).all()


class Slope:
    """The sum of X: Adam's step down it is the learning rate, everywhere."""

    def __init__(self):
        self.pictures = []

    def __call__(self, X):
        self.pictures.append(X.asnumpy())
        X.grad[:] = 0
        with autograd.record():
            loss = X.sum()
        loss.backward()
        return 0 * loss, loss, 0 * loss


@pytest.mark.parametrize(
    'lr_decay_epoch, options, rates',
    [
        (3, {}, [1, 1, 1, 0.8, 0.8, 0.8, 0.64]),
        (1, {'lr_decay': 0.1}, [1, 0.1, 0.01]),
    ],
)
def test_steps_shrink_as_the_learning_rate_decays(
    lr_decay_epoch, options, rates
):
    slope, X = Slope(), np.zeros((1, 3, 4, 5))
    options = {'lr': 1.0, 'lr_decay_epoch': lr_decay_epoch, **options}
    last = adam(slope, X, len(rates), Log(), **options).asnumpy()
    pictures = numpy.stack([*slope.pictures, last])
    steps = -numpy.diff(pictures, axis=0)
    expected = numpy.reshape(rates, (-1, 1, 1, 1, 1))
    assert numpy.allclose(steps, expected, rtol=1e-4)
