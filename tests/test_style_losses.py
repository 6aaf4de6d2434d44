"""The style losses against textbook formulae and finite differences."""

import numpy
import pytest
from mxnet import np
from scipy.linalg import sqrtm

from gluon_style.methods.gatys.style_losses import (
    STYLE_LOSSES,
    Moments,
    WassersteinLoss,
    blend,
)

C, N = 4, 50


def features(seed, scale=1.0):
    """Return features (C, N) whose channels depend on each other."""
    rng = numpy.random.RandomState(seed)
    mixed = rng.normal(size=(C, C)) @ rng.normal(size=(C, N))
    return scale * mixed + rng.normal(size=(C, 1))


def moments(F):
    return Moments(
        np.array(F @ F.T / F.shape[1], dtype='float32'),
        np.array(F.mean(axis=1), dtype='float32'),
    )


def by_hand(name, F, target):
    """Return the loss by its formula, in double precision."""
    if name == 'gram':
        error = (F @ F.T - target @ target.T) / N / C
        return (error**2).sum() / C**2
    mean, deviation = F.mean(axis=1), F.std(axis=1)
    means = ((mean - target.mean(axis=1)) ** 2).sum()
    if name == 'meanvar':
        deviations = ((deviation - target.std(axis=1)) ** 2).sum()
        return 0.001 * (means + deviations) / C
    # The ridge that the loss adds is part of what it promises.
    wanted = numpy.cov(target, bias=True)
    ridge = WassersteinLoss.RIDGE * numpy.trace(wanted) / C * numpy.eye(C)
    wanted, covariance = wanted + ridge, numpy.cov(F, bias=True) + ridge
    root = sqrtm(wanted)
    cross = numpy.real(sqrtm(root @ covariance @ root))
    return 0.0003 * (means + numpy.trace(covariance + wanted - 2 * cross)) / C


@pytest.mark.parametrize('name', STYLE_LOSSES)
def test_loss_is_its_formula(name):
    target, F = features(1), features(2, 0.7)
    loss, _ = STYLE_LOSSES[name](moments(target))(moments(F))
    assert float(loss) == pytest.approx(by_hand(name, F, target), rel=1e-4)


@pytest.mark.parametrize('name', STYLE_LOSSES)
def test_slopes_give_the_gradient_by_the_features(name):
    target, F = features(1), features(2, 0.7)
    _, slopes = STYLE_LOSSES[name](moments(target))(moments(F))
    Y = np.array(F.reshape(1, C, 5, N // 5), dtype='float32')
    gradient = slopes.times(1 / N).gradient(Y).asnumpy().reshape(C, N)
    rng = numpy.random.RandomState(3)
    for _ in range(5):
        step = 1e-5 * rng.normal(size=F.shape)
        slope = by_hand(name, F + step, target)
        slope = (slope - by_hand(name, F - step, target)) / 2
        assert (gradient * step).sum() == pytest.approx(slope, rel=1e-3)


@pytest.mark.parametrize('name', STYLE_LOSSES)
def test_the_style_itself_has_no_loss(name):
    target = moments(features(1))
    loss, slopes = STYLE_LOSSES[name](target)(target)
    assert abs(float(loss)) < 1e-6
    assert abs(slopes.second.asnumpy()).max() < 1e-5


@pytest.mark.parametrize('name', STYLE_LOSSES)
def test_dead_channels_and_few_positions_are_finite(name):
    dead = numpy.zeros((C, N))
    few = numpy.tile(features(1)[:, :1], (1, N))
    for F, target in ((dead, few), (few, dead), (few, features(2))):
        loss, slopes = STYLE_LOSSES[name](moments(target))(moments(F))
        assert 0 < float(loss) < 1e3
        for slope in slopes:
            if slope is not None:
                assert numpy.isfinite(slope.asnumpy()).all()


def test_only_some_losses_know_how_channels_depend_on_each_other():
    # Channels in another order of positions keep each one's mean and
    # deviation and lose their relations.
    F = features(1)
    rng = numpy.random.RandomState(0)
    shuffled = numpy.stack([rng.permutation(row) for row in F])
    losses = {
        name: float(make(moments(F))(moments(shuffled))[0])
        for name, make in STYLE_LOSSES.items()
    }
    assert losses['meanvar'] < 1e-9
    assert losses['gram'] > 1e-2 and losses['w2'] > 3e-6


def test_blend_is_a_weighted_average():
    first, second = moments(features(1)), moments(features(2))
    mixed = blend([first, second], (2, 1))
    for a, b, average in zip(first, second, mixed):
        expected = (2 * a.asnumpy() + b.asnumpy()) / 3
        assert numpy.allclose(average.asnumpy(), expected, atol=1e-6)
    without = blend([first._replace(mean=None)], (5,))
    assert without.mean is None
    assert (without.second == first.second).all()
