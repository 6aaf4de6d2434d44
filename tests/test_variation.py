"""The loss of more or less total variation than the style's own."""

import numpy
import pytest
from conftest import picture
from mxnet import autograd, np

from gluon_style import PRESETS
from gluon_style.chapter.images import preprocess
from gluon_style.chapter.vgg import build_net
from gluon_style.layers import RGB_STD
from gluon_style.methods.gatys.objective import Objective
from gluon_style.methods.gatys.presets import reconstruction, texturing
from gluon_style.methods.gatys.strength import weight_ratio
from gluon_style.methods.gatys.variation import (
    LACK,
    LEAST_TARGET,
    TotalVariationLoss,
    target_variation,
)

LAYERS = {'content_layers': ['conv2_2'], 'style_layers': ['conv1_1']}
SHAPE = 24, 16


@pytest.fixture(scope='module')
def net(weights_file):
    return build_net(**LAYERS, weights=weights_file)


def pixels(seed, contrast=1.0):
    img = picture(*SHAPE, seed).astype('float32')
    img = numpy.round(128 + contrast * (img - 128)).astype('uint8')
    return preprocess(np.array(img, dtype='uint8'), SHAPE)


# Three contrasts, so that one is rougher than another.
ROUGH, STYLE, SMOOTH = pixels(1), pixels(2, 0.5), pixels(3, 0.1)
# Rougher than the first.
HARSH = pixels(4, 1.5)


def variation(X):
    X = X.asnumpy().astype('float64')
    down, across = (abs(numpy.diff(X, axis=axis)).mean() for axis in (2, 3))
    return 0.5 * (down + across)


def losses(net, X, styles, content_X=SMOOTH, **options):
    """Return the three losses of an objective at ``X``, as numbers."""
    options = {'tv_target': 'style', 'tv_weight': 3, **LAYERS, **options}
    objective = Objective(net, content_X, styles, **options)
    X = X.copy()
    X.attach_grad('add')
    return [float(loss) for loss in objective(X)]


def style_of_nothing(net, style_X):
    """Return the mean squared entries of a style's Gram matrix."""
    Y = net[0](style_X)[0].asnumpy().astype('float64')
    Y = Y.reshape(len(Y), -1)
    return ((Y @ Y.T / Y.size) ** 2).mean()


def test_the_difference_by_hand():
    # One column, with steps of 1 and 3: half of their mean.
    X = np.array([[[[0.0], [1.0], [4.0]]]])
    X = np.concatenate([X, X], axis=3)
    for target, expected in ((0.5, 7.0), (1.0, 0.0), (2.0, 7 / (4 + 25))):
        loss = TotalVariationLoss(7.0, 'l1', target=target)
        assert float(loss(X)) == pytest.approx(expected)
    assert float(TotalVariationLoss(7.0, 'l1')(X)) == pytest.approx(7.0)


@pytest.mark.parametrize('style_X', [STYLE, HARSH])
def test_the_difference_has_its_gradient(style_X):
    target = squares(style_X.asnumpy())
    loss = TotalVariationLoss(2.0, 'l2', target=target)
    X = ROUGH.copy()
    X.attach_grad()
    with autograd.record():
        value = loss(X)
    value.backward()
    step = numpy.random.RandomState(0).normal(size=X.shape)
    ahead, behind = (
        2 * cost(squares(X.asnumpy() + sign * 1e-4 * step) / target - 1)
        for sign in (1, -1)
    )
    slope = (X.grad.asnumpy() * step).sum()
    assert slope == pytest.approx((ahead - behind) / 2e-4, rel=1e-4)


def cost(difference):
    """Return what a relative difference from the style's variation costs."""
    square = difference**2
    return square if difference > 0 else square / (1 + square / LACK**2)


def squares(X):
    """Return the total variation of squared differences, of float64."""
    X = X.astype('float64')
    down, across = ((numpy.diff(X, axis=a) ** 2).mean() for a in (2, 3))
    return 0.5 * (down + across)


def test_what_is_as_rough_as_the_style_costs_nothing(net):
    assert losses(net, STYLE, STYLE)[2] == 0
    for X in (ROUGH, SMOOTH):
        assert losses(net, X, STYLE)[2] > 0


def test_a_photograph_is_not_filled_with_noise():
    # The slope of the cost is the pull, which falls where much is lacking.
    loss = TotalVariationLoss(1.0, 'l1', target=1.0)
    X = np.array([[[[0.0], [2.0]]]])
    X = np.concatenate([X, X], axis=3)
    pulls = []
    for lack in (0.05, 0.12, 0.9):
        Y = (1 - lack) * X
        Y.attach_grad()
        with autograd.record():
            value = loss(Y)
        value.backward()
        pulls.append(float(abs(Y.grad).max()))
    assert pulls[0] < pulls[1] and 20 * pulls[2] < pulls[1]


def test_the_unit_is_the_style_loss_of_nothing(net):
    difference = variation(ROUGH) / variation(STYLE) - 1
    expected = 3 * 500 * style_of_nothing(net, STYLE) * difference**2
    given = losses(net, ROUGH, STYLE, style_weight=500)
    assert given[2] == pytest.approx(expected, rel=1e-4)
    # No content is needed.
    given = losses(net, ROUGH, STYLE, None, style_weight=500)
    assert given[2] == pytest.approx(expected, rel=1e-4)


def test_it_grows_with_the_strength(net):
    weak, middle, none = (
        losses(net, ROUGH, STYLE, strength=strength)[2]
        for strength in (0.2, 0.5, 0)
    )
    ratio = weight_ratio(0.5) / weight_ratio(0.2)
    assert middle == pytest.approx(ratio * weak, rel=1e-4)
    assert none == 0


def test_several_styles_have_the_average_of_theirs(net):
    styles, blend = [STYLE, SMOOTH], (1, 3)
    target = (variation(STYLE) + 3 * variation(SMOOTH)) / 4
    assert target_variation(styles, blend, 'l1') == pytest.approx(target)
    rough, smooth = (
        losses(net, X, styles, style_blend=blend)[2] for X in (ROUGH, SMOOTH)
    )
    ratio = cost(variation(ROUGH) / target - 1) / cost(
        variation(SMOOTH) / target - 1
    )
    assert rough == pytest.approx(ratio * smooth, rel=1e-3)


def test_a_region_without_a_style_may_have_the_contents(net):
    mask = numpy.zeros(SHAPE[::-1])
    mask[:, : SHAPE[0] // 4] = 1
    target = variation(SMOOTH) / 4 + 3 * variation(ROUGH) / 4
    assert target < variation(ROUGH)
    options = {'content_X': ROUGH, 'mask': mask, 'style_weight': 500}
    given = losses(net, ROUGH, SMOOTH, **options)[2]
    # The style's Gram matrix counts by its region's part.
    unit = 500 * style_of_nothing(net, SMOOTH) / 4
    difference = variation(ROUGH) / target - 1
    assert given == pytest.approx(3 * unit * difference**2, rel=1e-3)


def test_a_flat_style_allows_a_gray_level():
    flat = 0 * STYLE
    assert target_variation([flat], [1], 'l1') == LEAST_TARGET
    level = 1 / 255 / numpy.mean(RGB_STD)
    assert pytest.approx(level, rel=0.2) == LEAST_TARGET


def test_who_has_the_styles_variation_as_the_target():
    of_style = {n for n, p in PRESETS.items() if p.tv_target == 'style'}
    assert of_style == {'fast', 'quick'}
    for make in (texturing, reconstruction):
        assert make('fast').tv_target == 'zero'
