"""Masks: where in the picture the first style goes; no MXNet."""

import logging
from pathlib import Path

import numpy
from PIL import Image, ImageFilter

from gluon_style.errors import GluonStyleError
from gluon_style.pictures.read import as_bytes, read_picture

logger = logging.getLogger(__name__)

# How far a mask's proportions may be from those of what it is laid on.
_MOST_STRETCH = 0.02


def read_mask(source):
    """Return a mask as an array (height, width, 3) of uint8."""
    if isinstance(source, (str, Path, Image.Image)):
        return read_picture(source, behind='black')
    if not hasattr(source, 'shape') or not hasattr(source, 'dtype'):
        raise TypeError(
            f'mask is a {type(source).__name__}: give a path, a Pillow image '
            'or an array'
        )
    shape, dtype = tuple(source.shape), numpy.dtype(source.dtype)
    grey = len(shape) == 2 and (dtype == 'uint8' or dtype.kind in 'bf')
    colored = len(shape) == 3 and shape[2] == 3 and dtype == 'uint8'
    if 0 in shape or not (grey or colored):
        raise GluonStyleError(
            f'mask is an array of {dtype}, shape {shape}: it must be uint8, '
            'bool or floats of 0 to 1, shape (height, width), or uint8, shape '
            '(height, width, 3)'
        )
    array = source.asnumpy() if hasattr(source, 'asnumpy') else source
    array = numpy.asarray(array)
    # Written so that NaN fails.
    if dtype.kind == 'f' and not ((array >= 0) & (array <= 1)).all():
        raise GluonStyleError(
            f'mask has floats from {array.min():g} to {array.max():g}: they '
            'must be from 0 to 1'
        )
    img = as_bytes(array)
    return numpy.repeat(img[..., None], 3, axis=2) if grey else img


def feathered(mask, image_shape, feather):
    """Return a mask at the size (width, height), with soft edges.

    Both are arrays (height, width) of 0 to 1. ``feather`` is the width of
    an edge as a part of the longest side.
    """
    mask = Image.fromarray(mask.astype('float32'))
    mask = numpy.asarray(mask.resize(image_shape, Image.BOX))
    # A Gaussian's edge goes from 2 to 98 % in four deviations.
    radius = feather * max(image_shape) / 4
    blurred = Image.fromarray((255 * mask).round().astype('uint8'))
    blurred = blurred.filter(ImageFilter.GaussianBlur(radius))
    return numpy.asarray(blurred) / 255


def warn_of_mask(mask, shapes):
    """Log a mask that keeps no style apart, or does so elsewhere.

    ``shapes`` are the (width, height) of what it may have been drawn for.
    """
    for value, word, where in (
        (1, 'white', 'everywhere'),
        (0, 'black', 'nowhere'),
    ):
        if (mask == value).all():
            logger.warning(
                'the mask is %s everywhere, and so the first style goes %s',
                word,
                where,
            )
    height, width = mask.shape
    stretches = [abs(width * h / (height * w) - 1) for w, h in shapes]
    if min(stretches) > _MOST_STRETCH:
        logger.warning(
            'the mask is %dx%d pixels: it is stretched to the proportions of '
            '%dx%d',
            width,
            height,
            *shapes[0],
        )
