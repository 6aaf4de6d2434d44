"""How like a picture is to a published one, and how like it is to be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy
from scipy.ndimage import gaussian_filter

from gluon_style.pictures import Array
from gluon_style.pictures.resize import resized

# Luma of red, green and blue (ITU-R BT.601).
LUMINANCE = (0.299, 0.587, 0.114)
# The Gaussian blur, in pixels of the published picture.
SIGMA = 2.0


@dataclass(frozen=True)
class Likeness:
    """How far two pictures agree.

    ``correlation`` is Pearson's, of their luminances, and ``blurred`` the
    same after a Gaussian of ``SIGMA`` pixels; both are at most 1. ``rms`` is
    the root mean square of their difference in red, green and blue, 0 to 255.
    """

    correlation: float
    blurred: float
    rms: float


# What the chapter's figure, edition 1.0, is to reach with each source of
# weights. Networks that were trained on standardized pixels give the published
# look; Oxford's weights come less near to it.
_PUBLISHED_LOOK = Likeness(0.88, 0.985, 50)
_OXFORD = Likeness(0.76, 0.945, 60)
LIMITS = {
    'zoo': _PUBLISHED_LOOK,
    'zoo-vgg16': _PUBLISHED_LOOK,
    'torchvision': _PUBLISHED_LOOK,
    'oxford': _OXFORD,
    'oxford-8bit': _OXFORD,
}


def reduced(img: Array, published: Array) -> Array:
    """Return a picture, antialiased, in the shape of the published one.

    Both are arrays (height, width, 3) of uint8.
    """
    return resized(img, (published.shape[1], published.shape[0]))


def likeness(img: Array, published: Array) -> Likeness:
    """Return how like a picture is to a published one of the same shape.

    Both are arrays (height, width, 3) of uint8.
    """
    a, b = (each.astype('float64') for each in (img, published))
    gray_a, gray_b = a @ LUMINANCE, b @ LUMINANCE
    return Likeness(
        _correlation(gray_a, gray_b),
        _correlation(
            gaussian_filter(gray_a, SIGMA), gaussian_filter(gray_b, SIGMA)
        ),
        float(numpy.sqrt(((a - b) ** 2).mean())),
    )


def _correlation(a: Array, b: Array) -> float:
    """Return Pearson's correlation; a flat picture is like no other: 0."""
    a, b = a - a.mean(), b - b.mean()
    scale = numpy.sqrt((a**2).sum() * (b**2).sum())
    # What rounding leaves of a flat picture is far below a byte's step.
    if min(a.std(), b.std()) < 1e-6:
        return 0.0
    return float((a * b).sum() / scale)
