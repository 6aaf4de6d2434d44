"""The style losses of one layer, as functions of its features' moments.

A style forgets where things are: it knows features only by averages over
positions. Each loss here takes the mean of the C channels and the mean of
their products, and returns, beside itself, its slopes by both. From them the
gradient by the features F of n positions follows: at each position it is
(2 * by_second @ F + by_mean) / n.
"""

from typing import NamedTuple

import numpy
from mxnet import np

# The factors of those that are not the chapter's, so that a style weight is
# about as strong with each. At content pictures of 300 and 450 pixels their
# gradients by the pixels are 600 to 3000 times as large as the Gram loss's;
# near its end the Wasserstein loss keeps more of it than the other one.
_MEAN_VARIANCE, _WASSERSTEIN = 1e-3, 3e-4


class Moments(NamedTuple):
    """Averages over positions: products of channels (C, C), and means (C,).

    ``mean`` is None where the loss does not ask for it.
    """

    second: object
    mean: object


class Slopes(NamedTuple):
    """The derivatives of a loss by each of the ``Moments``."""

    by_second: object
    by_mean: object


class GramLoss:
    """The chapter's: mean squared error of Gram matrices.

    Gatys, Ecker & Bethge 2015, eq. 4, with the chapter's scaling: the Gram
    matrix is M / C, of M the mean product of channels, and the loss is
    sum((M / C - M_style / C)**2) / C**2.
    """

    takes_mean = False

    def __init__(self, target):
        self._target = target.second

    def __call__(self, moments):
        """Return the loss of ``moments`` and its ``Slopes``."""
        C = len(self._target)
        error = (moments.second - self._target) / C
        return np.square(error).mean(), Slopes(2 / C**3 * error, None)


class MeanVarianceLoss:
    """Mean squared errors of the channels' means and standard deviations.

    The statistics that Huang & Belongie 2017 (AdaIN) transfer, and the batch
    normalization statistics loss of Li, Wang, Liu & Hou 2017, 'Demystifying
    Neural Style Transfer': 0.001 * (sum((m - m_style)**2) + sum((s -
    s_style)**2)) / C, of means m and standard deviations s. Channels'
    relations are ignored.
    """

    takes_mean = True

    def __init__(self, target):
        self._mean = target.mean
        self._deviation = _deviation(target)

    def __call__(self, moments):
        """Return the loss of ``moments`` and its ``Slopes``."""
        C = len(self._mean)
        deviation = _deviation(moments)
        of_mean = moments.mean - self._mean
        of_deviation = deviation - self._deviation
        loss = (np.square(of_mean) + np.square(of_deviation)).mean()
        by_variance = _MEAN_VARIANCE / C * of_deviation / deviation
        by_mean = 2 * _MEAN_VARIANCE / C * of_mean
        by_mean = by_mean - 2 * by_variance * moments.mean
        return _MEAN_VARIANCE * loss, Slopes(np.diag(by_variance), by_mean)


def _deviation(moments):
    variance = np.diag(moments.second) - np.square(moments.mean)
    # Above 0, so that a dead channel has a slope; float32 may be below.
    return np.sqrt(np.maximum(variance, 0) + 1e-8)


class WassersteinLoss:
    """The squared Wasserstein-2 distance of two normal distributions.

    With mean m and covariance S of the features (Olkin & Pukelsheim 1982):
    0.0003 * (|m - m_style|**2 + tr(S + S_style - 2 * (S_style^(1/2) S
    S_style^(1/2))^(1/2))) / C. As a style loss: Mroueh 2020,
    'Wasserstein Style Transfer'. Computed in double precision on the CPU.
    """

    takes_mean = True
    # Both covariances get this part of the style's mean variance on their
    # diagonals: fewer positions than channels leave them singular.
    RIDGE = 1e-3

    def __init__(self, target):
        self._mean, covariance = _normal(target)
        self._ridge = self.RIDGE * max(numpy.trace(covariance), 1e-12)
        self._ridge /= len(covariance)
        values, vectors = self._eigen(covariance)
        self._trace = values.sum()
        self._root = (vectors * numpy.sqrt(values)) @ vectors.T

    def __call__(self, moments):
        """Return the loss of ``moments`` and its ``Slopes``."""
        mean, covariance = _normal(moments)
        C, ctx = len(mean), moments.mean.ctx
        covariance = covariance + self._ridge * numpy.eye(C)
        values, vectors = numpy.linalg.eigh(
            self._root @ covariance @ self._root
        )
        roots = numpy.sqrt(numpy.maximum(values, self._ridge**2))
        of_mean = mean - self._mean
        trace = numpy.trace(covariance) + self._trace - 2 * roots.sum()
        scale = _WASSERSTEIN / C
        loss = scale * (of_mean @ of_mean + trace)
        # The optimal map from these features to the style's.
        turned = self._root @ vectors
        by_second = scale * (numpy.eye(C) - (turned / roots) @ turned.T)
        by_mean = 2 * scale * of_mean - 2 * by_second @ mean
        slopes = (np.array(s, dtype='float32') for s in (by_second, by_mean))
        loss = np.array(loss, dtype='float32').copyto(ctx)
        return loss, Slopes(*(slope.copyto(ctx) for slope in slopes))

    def _eigen(self, covariance):
        values, vectors = numpy.linalg.eigh(covariance)
        return numpy.maximum(values, 0) + self._ridge, vectors


def _normal(moments):
    """Return the mean and the covariance in double precision."""
    second, mean = (m.asnumpy().astype('float64') for m in moments)
    return mean, second - numpy.outer(mean, mean)


STYLE_LOSSES = {
    'gram': GramLoss,
    'meanvar': MeanVarianceLoss,
    'w2': WassersteinLoss,
}


def blend(moments, weights):
    """Return the weighted average of the ``Moments`` of several styles."""
    total = sum(weights)
    parts = [weight / total for weight in weights]
    second = sum(p * m.second for p, m in zip(parts, moments))
    if moments[0].mean is None:
        return Moments(second, None)
    return Moments(second, sum(p * m.mean for p, m in zip(parts, moments)))
