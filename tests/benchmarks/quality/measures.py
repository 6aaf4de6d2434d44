"""Measure how much content a picture keeps, and how much style it takes.

The functions compute with NumPy on features, which ``Judge`` takes from the
networks. A picture is an array (height, width, 3) of 0 to 255.
"""

import functools
from dataclasses import dataclass

import numpy
from scipy.ndimage import gaussian_gradient_magnitude

from gluon_style.methods.diffusion.patches import patches_at

# The convolutions after which the networks are tapped: of AlexNet all, of
# VGG-16 relu1_2, 2_2, 3_3, 4_3 and 5_3 for DISTS, and for the Gram matrices
# the layers that are usual in style transfer.
ALEXNET_TAPS = 1, 2, 3, 4, 5
DISTS_TAPS = 2, 4, 7, 10, 13
GRAM_TAPS = 1, 3, 5, 8, 10, 11
KEPT_TAP = 10
LUMINANCE = numpy.array([0.299, 0.587, 0.114])
# The sides of the squares that are compared, and how far apart those of the
# picture lie, for the time. Of the style all count.
PATCH_SIDE, PATCH_STEP = 7, 4
_CHUNK = 256
# A subject is recognized from here on.
RECOGNIZED = 0.23


@dataclass(frozen=True)
class Measures:
    """What ``Judge`` finds in a picture.

    ``kept`` is the correlation of channel-centered features of VGG-16's
    relu4_3 of the picture and the content; ``kept_alexnet`` that of AlexNet's
    relu5; ``kept_edges`` that of the strengths of their edges. ``lpips`` is
    the distance to the content, ``dists`` DISTS' too.

    ``texture``, ``gram`` and ``frechet`` are distances to the style, 0 for
    the style and 1 for the untouched content. ``taken`` is 1 less their mean.
    ``patches`` is such a distance too, without a network: that of its squares
    to the nearest ones of the style. It is not part of ``taken``. ``grain``
    is the mean difference of neighboring pixels, the style's 1.
    """

    kept: float
    kept_alexnet: float
    kept_edges: float
    lpips: float
    dists: float
    texture: float
    gram: float
    frechet: float
    taken: float
    patches: float
    grain: float


def correlation(a, b):
    """Return the correlation of two features, each channel centered.

    Both are (channels, height, width); all channels and positions are pooled.
    """
    a, b = (
        (x - x.mean(axis=(1, 2), keepdims=True)).ravel().astype(float)
        for x in (a, b)
    )
    norm = numpy.sqrt((a @ a) * (b @ b))
    return float(a @ b / norm) if norm else 0.0


def edges(img, sigma=1.5):
    """Return the strength of a picture's edges, (1, height, width)."""
    gray = numpy.asarray(img, float) @ LUMINANCE
    return gaussian_gradient_magnitude(gray, sigma, mode='nearest')[None]


def neighbor_difference(img):
    """Return the mean absolute difference of neighboring pixels."""
    img = numpy.asarray(img, float)
    down, right = (numpy.abs(numpy.diff(img, axis=axis)) for axis in (0, 1))
    return float((down.sum() + right.sum()) / (down.size + right.size))


def squares(img, step=1):
    """Return a picture's squares of 7x7 pixels, (number, values), 0 to 1."""
    pixels = numpy.asarray(img, 'float32').transpose(2, 0, 1) / 255
    rows, columns = (
        numpy.arange(0, length - PATCH_SIDE + 1, step)
        for length in pixels.shape[1:]
    )
    return patches_at(pixels, PATCH_SIDE, rows, columns)


def patch_distance(own, style):
    """Return the mean over squares of the distance to the nearest other one.

    Both are ``squares``. A distance is the root mean square of its values.
    """
    energies = (style**2).sum(axis=1)
    distances = []
    for start in range(0, len(own), _CHUNK):
        chunk = own[start : start + _CHUNK]
        nearest = (energies - 2 * chunk @ style.T).min(axis=1)
        nearest += (chunk**2).sum(axis=1)
        distances.append(numpy.sqrt(nearest.clip(0) / style.shape[1]))
    return float(numpy.concatenate(distances).mean())


def gram(feature):
    """Return the Gram matrix of a feature, divided by its positions."""
    flat = feature.reshape(len(feature), -1).astype(float)
    return flat @ flat.T / flat.shape[1]


def gram_distance(grams, style_grams):
    """Return the mean over layers of the relative Frobenius distance."""
    return float(
        numpy.mean(
            [
                numpy.linalg.norm(own - style) / numpy.linalg.norm(style)
                for own, style in zip(grams, style_grams)
            ]
        )
    )


def statistics(feature):
    """Return the mean and the covariance of a feature's positions."""
    flat = feature.reshape(len(feature), -1).astype(float)
    mean = flat.mean(axis=1)
    flat = flat - mean[:, None]
    return mean, flat @ flat.T / flat.shape[1]


def frechet(one, other):
    """Return the Fréchet distance of two normal distributions, squared.

    Each is a mean and a covariance (Dowson & Landau 1982).
    """
    (mean, covariance), (other_mean, other_covariance) = one, other
    values, vectors = numpy.linalg.eigh(covariance)
    root = (vectors * numpy.sqrt(values.clip(0))) @ vectors.T
    product = numpy.linalg.eigvalsh(root @ other_covariance @ root)
    trace = numpy.trace(covariance) + numpy.trace(other_covariance)
    shift = ((mean - other_mean) ** 2).sum()
    return float(max(0, shift + trace - 2 * numpy.sqrt(product.clip(0)).sum()))


def frechet_distance(statistics, style_statistics):
    """Return the mean over layers of the distance, each in the style's RMS."""
    distances = []
    for own, style in zip(statistics, style_statistics):
        mean, covariance = style
        energy = mean @ mean + numpy.trace(covariance)
        distances.append(numpy.sqrt(frechet(own, style) / energy))
    return float(numpy.mean(distances))


def lpips(features, others, heads):
    """Return LPIPS of two pictures' features (Zhang et al. 2018, eq. 1)."""
    total = 0
    for a, b, head in zip(features, others, heads):
        a, b = (
            x / (numpy.sqrt((x**2).sum(axis=0, keepdims=True)) + 1e-10)
            for x in (a, b)
        )
        total += float((head @ ((a - b) ** 2).reshape(len(head), -1)).mean())
    return total


def texture_distance(means, other_means, weights):
    """Return DISTS' distance of textures, 0 to 1 (Ding et al. 2020, eq. 8).

    ``means`` has the mean of each channel, layer by layer; the weights are
    divided by their sum.
    """
    total = sum(
        (weight * _ratio(a, b, 2 * a * b)).sum()
        for weight, a, b in zip(weights, means, other_means)
    )
    return float(1 - total / sum(weight.sum() for weight in weights))


def dists(features, others, weights):
    """Return DISTS of two pictures of one size (Ding et al. 2020, eq. 11)."""
    score = 0
    for alpha, beta, a, b in zip(*weights, features, others):
        a, b = (x.reshape(len(x), -1).astype(float) for x in (a, b))
        mean_a, mean_b = a.mean(axis=1), b.mean(axis=1)
        score += (alpha * _ratio(mean_a, mean_b, 2 * mean_a * mean_b)).sum()
        covariance = (a * b).mean(axis=1) - mean_a * mean_b
        deviations = a.std(axis=1), b.std(axis=1)
        score += (beta * _ratio(*deviations, 2 * covariance)).sum()
    return float(1 - score)


def _ratio(a, b, product):
    return (product + 1e-6) / (a**2 + b**2 + 1e-6)


class Look:
    """All that the measures need of one picture.

    Of a style they need no maps, only sums over its positions.
    """

    def __init__(self, img, eyes, maps=True):
        img = numpy.asarray(img)
        planes = (img / 255).transpose(2, 0, 1)
        self.shape = img.shape
        self.pixels = img
        self.edges = edges(img)
        self.neighbors = neighbor_difference(img)
        self.alexnet = eyes.alexnet(img)
        by_tap = dict(zip(eyes.vgg_taps, eyes.vgg(img)))
        self.kept = by_tap[KEPT_TAP]
        self.grams = [gram(by_tap[tap]) for tap in GRAM_TAPS]
        self.statistics = [statistics(feature) for feature in self.alexnet]
        self.dists = [planes, *eyes.dists(img)]
        self.means = [x.mean(axis=(1, 2), dtype=float) for x in self.dists]
        if not maps:
            self.edges = self.alexnet = self.kept = self.dists = None

    @functools.cached_property
    def squares(self):
        """All squares, which a style is searched for."""
        return squares(self.pixels)


class Eyes:
    """The networks, made once."""

    vgg_taps = tuple(sorted({*GRAM_TAPS, KEPT_TAP}))

    def __init__(self):
        from .networks import Network, dists_weights, l2_pool

        self.alexnet = Network('alexnet', ALEXNET_TAPS)
        self.vgg = Network('vgg16', self.vgg_taps)
        self.dists = Network('vgg16', DISTS_TAPS, l2_pool)
        self.dists_weights = dists_weights()


class Judge:
    """Measures pictures made of one content and one style.

    Contents and pictures have one size; a style may have another.
    """

    def __init__(self, content, style, eyes=None):
        self.eyes = eyes or default_eyes()
        self.content, self.style = map(self._look, (content, style))
        self._untouched = self._distances(self.content)

    def _look(self, img):
        return img if isinstance(img, Look) else Look(img, self.eyes)

    def _distances(self, look):
        return (
            texture_distance(
                look.means, self.style.means, self.eyes.dists_weights[0]
            ),
            gram_distance(look.grams, self.style.grams),
            frechet_distance(look.statistics, self.style.statistics),
            patch_distance(
                squares(look.pixels, PATCH_STEP), self.style.squares
            ),
        )

    def __call__(self, img):
        """Return the Measures of a picture.

        Raises ValueError unless it has the content's size.
        """
        look, content, eyes = self._look(img), self.content, self.eyes
        if look.shape != content.shape:
            raise ValueError(
                f'the picture has the shape {look.shape}: it must have the '
                f"content's, {content.shape}"
            )
        *left, patches = [
            distance / untouched
            for distance, untouched in zip(
                self._distances(look), self._untouched
            )
        ]
        return Measures(
            correlation(look.kept, content.kept),
            correlation(look.alexnet[-1], content.alexnet[-1]),
            correlation(look.edges, content.edges),
            lpips(look.alexnet, content.alexnet, eyes.alexnet.lpips_heads),
            dists(look.dists, content.dists, eyes.dists_weights),
            *left,
            1 - float(numpy.mean(left)),
            patches,
            look.neighbors / self.style.neighbors,
        )


@functools.cache
def default_eyes():
    """Return the networks, made at the first call."""
    return Eyes()
