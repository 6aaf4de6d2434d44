"""Read masks, which say where in the picture the first style goes."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy
from PIL import Image, ImageFilter

from gluon_style.errors import GluonStyleError
from gluon_style.pictures import Array
from gluon_style.pictures.read import as_bytes, as_numpy, read_picture
from gluon_style.pictures.resize import resized

logger = logging.getLogger(__name__)

# How much a mask's proportions may differ from the picture's, as a part.
_MOST_STRETCH = 0.02
# A mask that is nowhere brighter has labels in place of grey levels.
_MOST_LABEL = 31


def read_mask(source: Any) -> Array:
    """Return a mask as an array (height, width, 3) of uint8.

    ``source`` is a path, a Pillow image, an array (height, width) of uint8,
    bool or floats from 0 to 1, or an array (height, width, 3) of uint8.
    Transparency becomes black. A mask of two values, such as the labels 0
    and 1, is black and white. Raises FileNotFoundError, and GluonStyleError,
    also for a mask of more labels.
    """
    if isinstance(source, (str, Path, Image.Image)):
        return _without_labels(read_picture(source, behind='black'))
    if not hasattr(source, 'shape') or not hasattr(source, 'dtype'):
        raise GluonStyleError(
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
    array = as_numpy(source)
    # Written so that NaN fails.
    if dtype.kind == 'f' and not ((array >= 0) & (array <= 1)).all():
        raise GluonStyleError(
            f'mask has floats from {array.min():g} to {array.max():g}: they '
            'must be from 0 to 1'
        )
    img = as_bytes(array)
    img = numpy.repeat(img[..., None], 3, axis=2) if grey else img
    # Floats say what they mean.
    return img if dtype.kind == 'f' else _without_labels(img)


def _without_labels(mask: Array) -> Array:
    """Return a mask of two values as black and white, others unchanged."""
    sums = mask.sum(axis=2, dtype='uint16')
    values = numpy.flatnonzero(numpy.bincount(sums.ravel()))
    if len(values) == 2:
        white = numpy.where(sums == values[1], 255, 0).astype('uint8')
        return white[..., None].repeat(3, axis=2)
    if len(values) > 2 and values[-1] <= 3 * _MOST_LABEL:
        raise GluonStyleError(
            f'mask has only the values {_listed(values / 3)} of 255, which '
            'look like labels: save it with 255 where the first style goes '
            'and 0 elsewhere'
        )
    return mask


def _listed(values: Array) -> str:
    texts = [f'{value:g}' for value in values[:4]]
    return ', '.join([*texts, '...'] if len(values) > 4 else texts)


def feathered(
    mask: Array,
    image_shape: tuple[int, int],
    feather: float,
    antialias: bool = True,
) -> Array:
    """Return a mask of the size ``image_shape`` with soft edges.

    The mask and the result are arrays (height, width) from 0 to 1;
    ``image_shape`` is (width, height). ``feather`` is the width of an edge
    as a part of the longest side. Without ``antialias`` a mask that is
    smaller than that has stairs for edges.
    """
    if antialias:
        whole = resized(mask, image_shape)
    else:
        img = Image.fromarray(mask.astype('float32'))
        whole = numpy.asarray(img.resize(image_shape, Image.Resampling.BOX))
    # The edge of a Gaussian goes from 2 to 98 % within four deviations.
    radius = feather * max(image_shape) / 4
    blurred = Image.fromarray((255 * whole).round().astype('uint8'))
    blurred = blurred.filter(ImageFilter.GaussianBlur(radius))
    return numpy.asarray(blurred) / 255


def warn_of_mask(mask: Array, shapes: Sequence[tuple[int, int]]) -> None:
    """Log a warning if a mask separates no styles or fits no picture.

    ``mask`` is an array (height, width) from 0 to 1. ``shapes`` are the
    (width, height) of the pictures that it may have been drawn for.
    """
    for value, color, place in (
        (1, 'white', 'everywhere'),
        (0, 'black', 'nowhere'),
    ):
        if (mask == value).all():
            logger.warning(
                'the mask is %s everywhere, and so the first style goes %s',
                color,
                place,
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
