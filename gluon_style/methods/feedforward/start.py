"""The style that learning starts from: predicted, or the nearest of the 26."""

import numpy

from gluon_style.methods.feedforward.paint import (
    as_pixels,
    painted,
    predicted,
)
from gluon_style.methods.feedforward.styles import numbered
from gluon_style.methods.feedforward.trunks import NUM_STYLES

# The nearest of the 26 styles is the start where its loss is under this part
# of their mean's.
_NEAR = 0.5
_PREDICTED = 'the net of any style'


def first_style(painting, crop, lesson, settings, device):
    """Return the style to start from, and what it is in words.

    ``lesson`` tells the style loss of ``crop`` when a style has painted it.
    """

    def loss_of(style):
        picture = painted(crop, style, settings.device)
        return lesson.style_loss(as_pixels(picture, device))

    if settings.start == 'painting':
        return predicted(painting, settings.device), _PREDICTED
    losses = [loss_of(numbered(i)) for i in range(NUM_STYLES)]
    nearest = int(numpy.argmin(losses))
    if settings.start == 'auto':
        own = predicted(painting, settings.device)
        near = losses[nearest] < _NEAR * numpy.mean(losses)
        if not near or losses[nearest] >= loss_of(own):
            return own, _PREDICTED
    return numbered(nearest), f'net:{nearest}'
