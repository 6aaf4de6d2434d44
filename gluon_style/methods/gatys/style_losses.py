"""The style losses of one layer, as functions of its features' moments.

A style forgets where things are: it knows features only by averages over
positions. Each loss here takes the mean of the C channels (the first moment)
and the mean of their products (the second moment). It returns its value and
its derivatives with respect to both, the ``Slopes``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy
from mxnet import np, npx

# These factors make a style weight about as strong with each loss as with the
# chapter's. At content pictures of 300 and 450 pixels the gradients of the
# losses with respect to the pixels are, without them, 600 to 3000 times as
# large as the Gram loss's. Near the end of a run the Wasserstein loss keeps
# more of its gradient than the other one.
_MEAN_VARIANCE, _WASSERSTEIN = 1e-3, 3e-4


class Moments(NamedTuple):
    """Averages over positions: products of channels (C, C), and means (C,).

    ``mean`` is None where the loss does not need it.
    """

    second: Any
    mean: Any

    def zero(self):
        """Return the moments of features that are 0 everywhere."""
        mean = None if self.mean is None else 0 * self.mean
        return Moments(0 * self.second, mean)


class Slopes(NamedTuple):
    """The derivatives of a loss with respect to each of the ``Moments``.

    ``mean`` is None, for 0, where the loss does not need the mean.
    """

    second: Any
    mean: Any

    def times(self, factor):
        """Return the slopes of a loss that is multiplied by a factor."""
        mean = None if self.mean is None else factor * self.mean
        return Slopes(factor * self.second, mean)

    def gradient(self, Y):
        """Return the loss's gradient with respect to features, times n.

        ``Y`` is (1, C, height, width). With its n positions as columns, F of
        (C, n), the gradient is (2 * second @ F + mean) / n. A matrix times
        the channels at each position is a convolution with a kernel of 1x1.
        """
        C = Y.shape[1]
        kernel = (2 * self.second).reshape(C, C, 1, 1)
        bias = [] if self.mean is None else [self.mean]
        return npx.convolution(
            Y, kernel, *bias, kernel=(1, 1), num_filter=C, no_bias=not bias
        )


def sum_of_squares(array):
    """Return the sum of the squares of an array.

    ``np.square(array).sum()`` takes ten times as long.
    """
    flat = array.reshape(1, -1)
    return npx.fully_connected(flat, flat, num_hidden=1, no_bias=True)[0, 0]


class GramLoss:
    """The chapter's loss: the mean squared error of Gram matrices.

    Gatys, Ecker & Bethge 2015, eq. 4, with the chapter's scaling: the Gram
    matrix is M / C, where M are the mean products of channels, and the loss
    is sum((M / C - M_style / C)**2) / C**2.
    """

    needs_mean = False

    def __init__(self, target):
        self._target = target.second

    def __call__(self, moments):
        """Return the loss of ``moments`` and its ``Slopes``."""
        C = len(self._target)
        error = (moments.second - self._target) / C
        return sum_of_squares(error) / C**2, Slopes(2 / C**3 * error, None)


class MeanVarianceLoss:
    """Mean squared errors of the channels' means and standard deviations.

    The statistics that Huang & Belongie 2017 (AdaIN) transfer, and the batch
    normalization statistics loss of Li, Wang, Liu & Hou 2017, 'Demystifying
    Neural Style Transfer': 0.001 * (sum((m - m_style)**2) + sum((s -
    s_style)**2)) / C, with means m and standard deviations s. It ignores how
    channels depend on each other.
    """

    needs_mean = True

    def __init__(self, target):
        self._mean = target.mean
        self._deviation = _deviation(target)

    def __call__(self, moments):
        """Return the loss of ``moments`` and its ``Slopes``."""
        C = len(self._mean)
        deviation = _deviation(moments)
        mean_error = moments.mean - self._mean
        deviation_error = deviation - self._deviation
        loss = (np.square(mean_error) + np.square(deviation_error)).mean()
        variance_slope = _MEAN_VARIANCE / C * deviation_error / deviation
        mean_slope = 2 * _MEAN_VARIANCE / C * mean_error
        # The variance is the second moment minus the square of the mean.
        mean_slope = mean_slope - 2 * variance_slope * moments.mean
        slopes = Slopes(np.diag(variance_slope), mean_slope)
        return _MEAN_VARIANCE * loss, slopes


def _deviation(moments):
    variance = np.diag(moments.second) - np.square(moments.mean)
    # Above 0, so that a dead channel has a slope. Rounding may put the
    # variance below 0.
    return np.sqrt(np.maximum(variance, 0) + 1e-8)


class WassersteinLoss:
    """The squared Wasserstein-2 distance of two normal distributions.

    Olkin & Pukelsheim 1982; as a style loss, Mroueh 2020, 'Wasserstein Style
    Transfer'. With mean m and covariance S of the features it is 0.0003 *
    (|m - m_style|**2 + tr(S + S_style - 2 * (S_style^(1/2) S
    S_style^(1/2))^(1/2))) / C. It is computed in double precision on the CPU.
    """

    needs_mean = True
    # This part of the style's mean variance is added to the diagonals of both
    # covariances, which are singular with fewer positions than channels.
    RIDGE = 1e-3

    def __init__(self, target):
        self._mean, covariance = _normal(target)
        self._ridge = self.RIDGE * max(numpy.trace(covariance), 1e-12)
        self._ridge /= len(covariance)
        values, vectors = numpy.linalg.eigh(covariance)
        values = numpy.maximum(values, 0) + self._ridge
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
        error = mean - self._mean
        trace = numpy.trace(covariance) + self._trace - 2 * roots.sum()
        scale = _WASSERSTEIN / C
        loss = scale * (error @ error + trace)
        turned = self._root @ vectors
        optimal_map = (turned / roots) @ turned.T
        second_slope = scale * (numpy.eye(C) - optimal_map)
        mean_slope = 2 * scale * error - 2 * second_slope @ mean
        loss, second_slope, mean_slope = (
            np.array(array, dtype='float32').copyto(ctx)
            for array in (loss, second_slope, mean_slope)
        )
        return loss, Slopes(second_slope, mean_slope)


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
    second = sum(part * each.second for part, each in zip(parts, moments))
    if moments[0].mean is None:
        return Moments(second, None)
    mean = sum(part * each.mean for part, each in zip(parts, moments))
    return Moments(second, mean)
