import numpy
import pytest
from mxnet import autograd, np

from gluon_style.chapter.images import postprocess, preprocess
from gluon_style.chapter.losses import (
    compute_loss,
    content_loss,
    gram,
    style_loss,
    tv_loss,
)


def arange(*shape):
    size = numpy.prod(shape)
    return np.array(numpy.arange(size).reshape(shape), dtype='float32')


def test_content_loss_is_the_mean_squared_error():
    Y_hat, Y = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 0.0, 3.0, 1.0])
    assert float(content_loss(Y_hat, Y)) == (0 + 4 + 0 + 9) / 4


def test_gram_by_hand():
    # Channels (0, 1, 2, 3) and (4, 5, 6, 7); divided by C * n = 2 * 4.
    expected = numpy.array([[14, 38], [38, 126]]) / 8
    result = gram(arange(1, 2, 2, 2))
    assert result.shape == (2, 2)
    assert (result.asnumpy() == expected).all()


def test_gram_of_a_batch_is_each_pictures_own():
    X = arange(3, 2, 4, 5)
    result = gram(X)
    assert result.shape == (3, 2, 2)
    for i in range(3):
        alone = gram(X[i : i + 1]).asnumpy()
        numpy.testing.assert_allclose(result[i].asnumpy(), alone, rtol=1e-6)


def test_style_loss_by_hand():
    # The Gram matrix of ones, 2 channels at 4 positions, is 4 / 8 all over.
    gram_Y = np.array([[0.5, 1.5], [0.5, 0.5]])
    assert float(style_loss(np.ones((1, 2, 2, 2)), gram_Y)) == 0.25


def test_tv_loss_by_hand():
    X = np.array([[[[0.0, 1.0, 3.0], [4.0, 4.0, 0.0]]]])
    down, across = (4 + 3 + 3) / 3, (1 + 2 + 0 + 4) / 4
    assert float(tv_loss(X)) == pytest.approx(0.5 * (down + across), 1e-7)


def test_tv_loss_of_one_color_is_zero():
    assert float(tv_loss(np.ones((1, 3, 5, 7)))) == 0


def test_compute_loss_weights_and_adds_up():
    ones, zeros = np.ones((1, 2, 2, 2)), np.zeros((1, 2, 2, 2))
    X = np.array([[[[0.0, 1.0], [2.0, 5.0]]]])
    contents_l, styles_l, tv_l, l = compute_loss(
        X,
        [ones],
        [ones, ones],
        [zeros],
        [np.zeros((2, 2)), np.full((2, 2), 0.5)],
        content_weight=3,
        style_weight=8,
        tv_weight=10,
    )
    # Content 1; style 0.25 and 0; variation ((2 + 4) / 2 + (1 + 3) / 2) / 2.
    assert [float(c) for c in contents_l] == [3]
    assert [float(s) for s in styles_l] == [2, 0]
    assert float(tv_l) == 25
    assert float(l) == 30


def test_compute_loss_has_the_chapters_weights():
    ones, zeros = np.ones((1, 2, 2, 2)), np.zeros((1, 2, 2, 2))
    contents_l, styles_l, tv_l, _ = compute_loss(
        np.array([[[[0.0, 1.0], [0.0, 1.0]]]]),
        [ones],
        [ones],
        [zeros],
        [np.zeros((2, 2))],
    )
    assert float(contents_l[0]) == 1
    assert float(styles_l[0]) == 2500
    assert float(tv_l) == 5


@pytest.mark.parametrize(
    'loss',
    [
        lambda X: content_loss(X, arange(2, 3, 4, 4) / 96),
        lambda X: style_loss(X[:1], np.ones((3, 3))),
        lambda X: style_loss(X, np.ones((2, 3, 3))),
        tv_loss,
    ],
    ids=['content', 'style', 'style of a batch', 'tv'],
)
def test_gradients_by_finite_differences(loss):
    rng = numpy.random.RandomState(0)
    X = np.array(rng.normal(size=(2, 3, 4, 4)), dtype='float64')
    X.attach_grad()
    with autograd.record():
        l = loss(X.astype('float32'))
    l.backward()
    direction = rng.normal(size=X.shape)
    step = 1e-2
    ends = []
    for sign in (1, -1):
        moved = np.array(X.asnumpy() + sign * step * direction)
        ends.append(float(loss(moved.astype('float32'))))
    expected = (ends[0] - ends[1]) / (2 * step)
    found = (X.grad.asnumpy() * direction).sum()
    assert found == pytest.approx(expected, rel=2e-3)


@pytest.mark.parametrize(
    'function',
    [content_loss, gram, style_loss, tv_loss, preprocess, postprocess],
)
def test_an_array_of_numpy_is_a_type_error_in_a_sentence(function):
    array = numpy.zeros((1, 3, 8, 8), 'float32')
    two = function in (content_loss, style_loss, preprocess)
    with pytest.raises(TypeError) as error:
        function(*[array] * (1 + two))
    assert str(error.value) == (
        f'{function.__name__} takes arrays of MXNet, and got one of NumPy: '
        'give mxnet.np.array(...) of it'
    )
