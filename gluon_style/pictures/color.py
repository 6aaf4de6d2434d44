"""Give the colors of one picture to another.

Gatys, Bethge, Hertzmann and Shechtman 2016, 'Preserving Color in Neural
Artistic Style Transfer': either the style picture takes the content's colors
before a run (``match_color``, ``match_histogram``), or the result takes them
after it (``keep_color``). The other way round, the content picture takes the
style's colors before a run (``transfer_map``). Pictures are arrays (height,
width, 3) of uint8 unless a function says otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy

from gluon_style.pictures import Array
from gluon_style.pictures.read import as_bytes
from gluon_style.pictures.resize import resized

# The least eigenvalue of the colors' covariance, for channels from 0 to 1, and
# its least part of the largest eigenvalue. In a direction with less variance
# than either there is noise and no color: a camera's noise of 1.3 steps of a
# byte on a grey, sepia or blue picture would be enlarged up to fifty times.
# The least deviation of a photograph is at least 2.2 steps, its least part
# 6e-4 (3.8 and 5e-3 in the sample cat, 21 and 6e-2 in the sample painting).
_LEAST_VARIANCE = 4 / 255**2
_LEAST_PART = 5e-4
# A color transfer stretches no direction of color more than this. A photograph
# that is nearly grey has noise there, and blocks of JPEG.
_MOST_GAIN = 4.0


def match_color(style_img: Array, content_img: Array) -> Array:
    """Return the style picture with the content's mean color and covariance.

    The colors are mapped linearly, by the symmetric roots of both
    covariances. In a direction of color in which the style picture varies
    only by noise, the result does not vary. A grey picture has one direction
    of color only.
    """
    style, content = _as_floats(style_img), _as_floats(content_img)
    return as_bytes(matched(style, content))


def matched(style: Array, content: Array) -> Array:
    """Return ``match_color`` of floats from 0 to 1, before it is clipped."""
    style_mean, style_covariance = _moments(style)
    content_mean, content_covariance = _moments(content)
    transform = _power(content_covariance, 0.5) @ _power(
        style_covariance, -0.5
    )
    return (style - style_mean) @ transform.T + content_mean


def _moments(img: Array) -> tuple[Array, Array]:
    pixels = img.reshape(-1, 3)
    return pixels.mean(axis=0), numpy.cov(pixels.T, bias=True)


def _power(
    covariance: Array, exponent: float, least: float = _LEAST_VARIANCE
) -> Array:
    """Return a power of a covariance, in its directions with color only.

    Those have at least the variance ``least``, and are no small part of the
    largest.
    """
    values, vectors = numpy.linalg.eigh(covariance)
    kept = values > max(least, _LEAST_PART * values[-1])
    powers = numpy.zeros(3)
    powers[kept] = values[kept] ** exponent
    return (vectors * powers) @ vectors.T


def transfer_map(
    content_img: Array,
    style_imgs: Sequence[Array],
    parts: Sequence[float],
    amount: float = 1.0,
) -> tuple[Array, Array]:
    """Return the linear map that gives a content picture a style's colors.

    It is a matrix (3, 3) and an offset (3,) for colors from 0 to 1: of all
    linear maps to the style's mean and covariance, the one that moves the
    colors least (Pitie & Kokaram 2007, 'The Linear Monge-Kantorovitch Linear
    Colour Mapping for Example-Based Colour Transfer'). So blue stays as blue
    as the style lets it. Several styles count with their ``parts``. Where the
    content hardly varies, the map stretches by at most ``_MOST_GAIN``. Each
    color goes the part ``amount`` of its way, from 0 to 1.
    """
    mean, covariance = _moments(_as_floats(content_img))
    style_mean, style_covariance = _blended_moments(style_imgs, parts)
    root, inverse = _power(covariance, 0.5), _power(covariance, -0.5)
    middle = root @ style_covariance @ root
    matrix = inverse @ _power(middle, 0.5, least=0) @ inverse
    gains, axes = numpy.linalg.eigh(matrix)
    matrix = (axes * gains.clip(0, _MOST_GAIN)) @ axes.T
    offset = style_mean - matrix @ mean
    return amount * matrix + (1 - amount) * numpy.eye(3), amount * offset


def transferred(
    content_img: Array, style_imgs: Sequence[Array], parts: Sequence[float]
) -> Array:
    """Return a content picture, uint8, in the colors of styles."""
    matrix, offset = transfer_map(content_img, style_imgs, parts)
    return as_bytes((_as_floats(content_img) @ matrix.T + offset).clip(0, 1))


def _blended_moments(
    imgs: Sequence[Array], parts: Sequence[float]
) -> tuple[Array, Array]:
    """Return the mean and covariance of the colors of pictures together."""
    shares = numpy.asarray(parts, float) / sum(parts)
    mean, square = numpy.zeros(3), numpy.zeros((3, 3))
    for img, share in zip(imgs, shares):
        img_mean, covariance = _moments(_as_floats(img))
        mean += share * img_mean
        square += share * (covariance + numpy.outer(img_mean, img_mean))
    return mean, square - numpy.outer(mean, mean)


def match_histogram(style_img: Array, content_img: Array) -> Array:
    """Return the style picture with the content's histogram per channel."""
    from skimage.exposure import match_histograms

    # Of bytes, the result would be truncated instead of rounded.
    return as_bytes(
        match_histograms(
            _as_floats(style_img), _as_floats(content_img), channel_axis=-1
        )
    )


def keep_color(image: Array, content_img: Array) -> Array:
    """Return the luminance of ``image`` with the content picture's colors.

    ``image`` is uint8 or floats from 0 to 1, and the result is of the same
    type. The content picture is resized to its shape. Colors beyond sRGB are
    clipped.
    """
    from skimage.color import rgb2yiq, yiq2rgb

    height, width = image.shape[:2]
    yiq = rgb2yiq(_as_floats(resized(content_img, (width, height))))
    yiq[..., 0] = rgb2yiq(_as_floats(image))[..., 0]
    rgb = yiq2rgb(yiq)
    if image.dtype == 'uint8':
        return as_bytes(rgb)
    return rgb.clip(0, 1).astype(image.dtype)


def _as_floats(img: Array) -> Array:
    img = numpy.asarray(img)
    return img / 255 if img.dtype == 'uint8' else img.astype('float64')
