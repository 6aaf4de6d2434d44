"""What is known of a scale's picture beforehand: its styles, its content."""

import functools
import math

import numpy
from scipy.ndimage import gaussian_filter

from gluon_style.errors import GluonStyleError
from gluon_style.methods.diffusion.denoiser import PatchDenoiser

# How far the content's pixels are from the picture's, in deviations of the
# style's colors, at the strength 0.5: see ``Prior``.
_ANCHOR = 0.5
# How much more, and less, the content counts where it has fine structure than
# on the whole. It is found within so many pixels.
_MOST_DETAIL, _LEAST_DETAIL = 6.0, 0.5
_DETAIL_RADIUS = 2.0
# In a larger style picture its stones and strokes are more patches wide, and
# most patches are flat: the content decides there, and a mosaic of 900 pixels
# is half a photograph. So the content's noise grows from this longest side
# on. The power is the least that covers a cat with stones at 450 and keeps a
# face at 900: 1 leaves holes, 2 paints strokes across the mouth.
_PLAIN_SIDE, _GROWTH = 320, 1.5
# How much a followed picture counts beside the denoised one, for its weight.
_FOLLOW = 0.1


class Prior:
    """Denoise a picture of one scale by its styles' patches.

    The content's pixels count as a measurement of the picture, of a noise of
    ``anchor``: for a normal distribution the two together are one pixel of
    less noise, so the denoiser is the same. It keeps eyes, masts and windows,
    which the network's deep content layer lets go, and counts more where the
    content has such fine structure. Where noise is low it hardly counts, and
    strokes have their way.

    ``styles`` are arrays (3, height, width), ``parts`` says how much of each
    there is. With a ``mask``, an array (height, width) of 0 to 1, the first
    style is where it is 1, and the second, or the content as it is, where it
    is 0. ``content`` is None for a texture. ``deviation`` is that of the
    styles' colors, the unit of all noise.

    The result is drawn to a ``follow``, of a frame in a video, where that is
    sure. It is no measurement of the noisy pixels: these began from it, and
    to count it twice is to blur it a little with every frame.
    """

    def __init__(
        self,
        styles,
        settings,
        content=None,
        mask=None,
        device=None,
        follow=None,
    ):
        self._content, self._mask = content, mask
        self._wraps = settings.tileable
        self.deviation = _deviation(styles)
        self._anchor = math.inf
        if content is not None:
            noise = anchor(settings.strength) * growth(styles)
            self._anchor = noise * self.deviation * detail(content) ** -0.5
        self._followed = None
        if follow is not None:
            height, width = content.shape[1:]
            start = follow.start((width, height), device)[0].asnumpy()
            self._followed = start, _FOLLOW * follow.weight * follow.sure
        make = functools.partial(
            PatchDenoiser,
            side=settings.patch,
            seed=settings.seed,
            device=device,
        )
        parts = settings.style_blend
        if mask is None:
            self._denoisers = [make(styles, parts=parts)]
        else:
            self._denoisers = [make([style]) for style in styles]

    def __call__(self, pixels, sigma, stride=1, first=(0, 0)):
        """Return the expected picture without its noise of ``sigma``."""
        if numpy.isfinite(self._anchor).all():
            pixels, sigma = _combined(
                (pixels, sigma**-2.0), (self._content, self._anchor**-2.0)
            )
        options = {'stride': stride, 'first': first, 'wraps': self._wraps}
        clean = [
            denoise(pixels, sigma, **options) for denoise in self._denoisers
        ]
        mixed = clean[0]
        if self._mask is not None:
            # Without a second style the content stays as it is there.
            first_clean, second = [*clean, self._content][:2]
            mixed = self._mask * first_clean + (1 - self._mask) * second
        if self._followed is not None:
            start, weight = self._followed
            mixed = (mixed + weight * start) / (1 + weight)
        return mixed.astype('float32')


def anchor(strength):
    """Return the content's noise for a strength, in deviations.

    At 0 it is none, so that the content decides alone; at 1 it is infinite.
    """
    if strength >= 1:
        return math.inf
    return max(1e-3, _ANCHOR * strength / (1 - strength))


def growth(styles):
    """Return how much the content's noise grows with the styles' pixels."""
    side = numpy.mean([max(style.shape[1:]) for style in styles])
    return max(1.0, side / _PLAIN_SIDE) ** _GROWTH


def detail(content):
    """Return how much each pixel of a picture counts for its structure.

    It is the local energy of what a blur removes, (height, width), beside
    the picture's own mean energy, within limits. ``content`` is (3, height,
    width).
    """
    gray = content.mean(axis=0)
    fine = gray - gaussian_filter(gray, _DETAIL_RADIUS, mode='nearest')
    energy = gaussian_filter(fine**2, _DETAIL_RADIUS, mode='nearest')
    part = energy / max(float(energy.mean()), 1e-12)
    return part.clip(_LEAST_DETAIL, _MOST_DETAIL)


def _combined(*measurements):
    """Return pixels that were measured several times, and their noise.

    A measurement is pixels and their precision, the noise's square inverted.
    """
    total = sum(precision for _, precision in measurements)
    pixels = sum(
        (precision / total) * pixels for pixels, precision in measurements
    )
    return pixels.astype('float32'), total**-0.5


def _deviation(styles):
    """Return the deviation of the styles' colors, or refuse one color."""
    deviation = numpy.mean(
        [style.reshape(3, -1).std(axis=1).mean() for style in styles]
    )
    if deviation < 1e-3:
        raise GluonStyleError(
            'the style picture has one color only, and so all its patches '
            'are the same: give a picture with strokes'
        )
    return float(deviation)
