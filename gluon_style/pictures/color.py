"""Colors of one picture given to another; no MXNet.

Gatys, Bethge, Hertzmann and Shechtman 2016, 'Preserving Color in Neural
Artistic Style Transfer': before a run the style picture takes the content's
colors (``match_color``, ``match_histogram``), or after it the result does
(``keep_color``). Pictures are arrays (height, width, 3) of uint8 unless said
otherwise.
"""

import numpy
from PIL import Image

# Eigenvalues of the colors' covariance, 0 to 1 a channel. A direction in
# which they deviate by less than this, two of a byte's steps, or by less than
# this part of the largest one, has noise, and no color: a camera's noise of
# 1.3 steps on a grey, sepia or blue picture would be enlarged up to fifty
# times. Photographs deviate by at least 2.2 steps and have parts from 6e-4 on
# (the sample cat 3.8 and 5e-3, the sample painting 21 and 6e-2).
_LEAST_VARIANCE = 4 / 255**2
_LEAST_PART = 5e-4


def match_color(style_img, content_img):
    """Return the style picture with the content's mean color and covariance.

    The colors are mapped linearly, by the symmetric roots of both
    covariances. Where the style picture does not vary by more than noise, as
    a grey one does not in all but one direction, neither does the returned
    one.
    """
    style, content = _as_floats(style_img), _as_floats(content_img)
    return _as_bytes(matched(style, content))


def matched(style, content):
    """Return ``match_color``, of floats of 0 to 1, before it is clipped."""
    style_mean, style_covariance = _moments(style)
    content_mean, content_covariance = _moments(content)
    transform = _power(content_covariance, 0.5) @ _power(
        style_covariance, -0.5
    )
    return (style - style_mean) @ transform.T + content_mean


def _moments(img):
    pixels = img.reshape(-1, 3)
    return pixels.mean(axis=0), numpy.cov(pixels.T, bias=True)


def _power(covariance, exponent):
    """Return a power of a covariance, of its directions with color only."""
    values, vectors = numpy.linalg.eigh(covariance)
    kept = values > max(_LEAST_VARIANCE, _LEAST_PART * values[-1])
    powers = numpy.zeros(3)
    powers[kept] = values[kept] ** exponent
    return (vectors * powers) @ vectors.T


def match_histogram(style_img, content_img):
    """Return the style picture with the content's histogram per channel."""
    from skimage.exposure import match_histograms

    # Bytes would be cut off, not rounded.
    return _as_bytes(
        match_histograms(
            _as_floats(style_img), _as_floats(content_img), channel_axis=-1
        )
    )


def keep_color(image, content_img):
    """Return the luminance of ``image`` with the content picture's colors.

    ``image`` is of uint8, or of floats of 0 to 1, and so is what is
    returned; the content picture is resized to its shape. Colors that no
    screen has are clipped.
    """
    from skimage.color import rgb2yiq, yiq2rgb

    height, width = image.shape[:2]
    content = Image.fromarray(numpy.ascontiguousarray(content_img))
    if content.size != (width, height):
        content = content.resize((width, height), Image.Resampling.LANCZOS)
    yiq = rgb2yiq(_as_floats(numpy.asarray(content)))
    yiq[..., 0] = rgb2yiq(_as_floats(image))[..., 0]
    rgb = yiq2rgb(yiq)
    if image.dtype == 'uint8':
        return _as_bytes(rgb)
    return rgb.clip(0, 1).astype(image.dtype)


def _as_floats(img):
    img = numpy.asarray(img)
    return img / 255 if img.dtype == 'uint8' else img.astype('float64')


def _as_bytes(img):
    return (img * 255).round().clip(0, 255).astype('uint8')
