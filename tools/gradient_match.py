"""Find factors of one layer's filters that give another network's gradients.

The pixels move along the gradient of the style loss. So two networks make
like pictures where they give it like gradients. The gradient that a layer of
Oxford's VGG-19 gives depends on the squares w of its filters' factors:

    J^T h,  h = 4 / (C^2 N) * (w w^T * D) F

with F the features (C, N), D the difference of the Gram matrices, and J the
derivative of the features by the pixels. ``match_gradients`` finds the w that
bring it close to the gradient of VGG-16's layer of the same name.
"""

from typing import NamedTuple

import numpy
from scipy.optimize import minimize

import gluon_style  # noqa: F401 - prepares NumPy for MXNet

# isort: split
from mxnet import autograd, np

# A gradient is compared pixel by pixel, and as means over squares of 4 and of
# 16 pixels: colors and large shapes count as much as grain.
SQUARES = (1, 4, 16)
# The natural logarithm of the most that a w may move from one for all.
MOST = 4.0
# The weight of the mean square of these logarithms.
RIDGE = 0.01
# The largest change of a pixel in the differences that replace J.
STEP = 0.02


class State(NamedTuple):
    """Pixels on the way from a content picture to a style picture.

    Both are preprocessed, NumPy's (1, 3, height, width).
    """

    X: numpy.ndarray
    style: numpy.ndarray


class _Case(NamedTuple):
    """A state with its features, Gram difference and wanted gradient."""

    X: numpy.ndarray
    F: np.ndarray
    difference: np.ndarray
    wanted: list


def match_gradients(of_oxford, of_vgg16, states, evaluations, ridge=RIDGE):
    """Return the factors of the layer's filters, float64 (channels,).

    ``of_oxford`` and ``of_vgg16`` are functions from pixels to the features
    of the layer, (1, channels, height, width). Where the gradients differ
    much, the factors are too small, all of them: only their ratios count.
    """
    cases = [_case(of_oxford, of_vgg16, state) for state in states]
    w = numpy.ones(cases[0].F.shape[1])
    w *= _best_factor(of_oxford, cases, w) ** 0.5
    found = minimize(
        lambda logs: _distance(of_oxford, cases, w, logs, ridge),
        numpy.zeros_like(w),
        jac=True,
        method='L-BFGS-B',
        bounds=[(-MOST, MOST)] * len(w),
        options={'maxfun': evaluations},
    )
    return (numpy.exp(found.x) * w) ** 0.5


def gram(F):
    """Return the chapter's Gram matrix of features (1, C, height, width)."""
    Y = F.reshape(F.shape[1], -1)
    return np.dot(Y, Y.T) / Y.size


def _case(of_oxford, of_vgg16, state):
    F, difference = _difference(of_oxford, state)
    wanted = _gradient(of_vgg16, state.X, *_difference(of_vgg16, state))
    return _Case(state.X, F, difference, _means(wanted))


def _difference(layer, state):
    F = layer(np.array(state.X))
    return F, gram(F) - gram(layer(np.array(state.style)))


def _gradient(layer, X, F, difference):
    """Return the gradient of the style loss at a layer for the pixels."""
    C = F.shape[1]
    head = 4 / (C * C * F.size) * np.dot(difference, F.reshape(C, -1))
    X = np.array(X)
    X.attach_grad()
    with autograd.record():
        Y = layer(X)
    Y.backward(head.reshape(F.shape))
    return X.grad.asnumpy()


def _weighted_gradient(layer, case, w):
    w = np.array(w.astype('float32'))
    weighted = w[:, None] * case.difference * w[None]
    return _gradient(layer, case.X, case.F, weighted)


def _means(gradient):
    """Return means over squares of each size, in whole squares of 16."""
    height, width = (side // 16 * 16 for side in gradient.shape[2:])
    gradient = gradient[:, :, :height, :width]
    return [
        gradient.reshape(1, 3, height // k, k, width // k, k).mean((3, 5))
        for k in SQUARES
    ]


def _spread(means, shape):
    """Return the transpose of ``_means``."""
    gradient = numpy.zeros(shape, 'float32')
    for k, mean in zip(SQUARES, means):
        part = mean.repeat(k, 2).repeat(k, 3) / k**2
        gradient[:, :, : part.shape[2], : part.shape[3]] += part
    return gradient


def _norms(case):
    return [float((mean * mean).sum()) for mean in case.wanted]


def _best_factor(layer, cases, w):
    """Return the factor of the gradients that brings them closest."""
    products = squares = 0
    for case in cases:
        means = _means(_weighted_gradient(layer, case, w))
        for mean, wanted, norm in zip(means, case.wanted, _norms(case)):
            products += float((mean * wanted).sum()) / norm
            squares += float((mean * mean).sum()) / norm
    return products / squares


def _distance(layer, cases, w, logs, ridge):
    """Return the mean relative squared distance, and its gradient by logs.

    With the distance's gradient u for the pixels' gradient, its gradient by h
    is J u: the change of the features along u.
    """
    w = w * numpy.exp(logs)
    distance, slope = 0, numpy.zeros_like(w)
    count = len(SQUARES) * len(cases)
    for case in cases:
        gradient = _weighted_gradient(layer, case, w)
        parts = []
        triples = zip(_means(gradient), case.wanted, _norms(case))
        for mean, wanted, norm in triples:
            distance += float(((mean - wanted) ** 2).sum()) / norm / count
            parts.append(2 * (mean - wanted) / norm / count)
        u = _spread(parts, gradient.shape)
        step = STEP / abs(u).max()
        C = case.F.shape[1]
        moved = layer(np.array(case.X + numpy.float32(step) * u))
        Ju = ((moved - case.F) / step).reshape(C, -1)
        products = np.dot(case.F.reshape(C, -1), Ju.T)
        products = products * (4 / (C * C * case.F.size))
        both = (case.difference * (products + products.T)).asnumpy()
        slope += both @ w
    even = logs - logs.mean()
    distance += ridge * (even**2).mean()
    return distance, slope * w + ridge * 2 * even / len(w)
