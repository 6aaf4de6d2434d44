"""Pictures of more than 8 bits a channel: how bright their white is.

Files often do not say which number is white, so the numbers themselves must
tell. Where they do not, the picture is refused rather than made black.
"""

from __future__ import annotations

import logging
import math
from pathlib import Path
from typing import Any

import numpy
from PIL import Image

from gluon_style.errors import GluonStyleError
from gluon_style.pictures import Array

logger = logging.getLogger(__name__)

# What cameras and programs put into whole numbers of 16 or more bits.
_BITS = (8, 10, 12, 16)
# Resizing and light sources overshoot the white of floats from 0 to 1: in
# all but a hundredth of the picture by no more than this.
_OVERSHOOT = 1.5
# Floats from 0 to 255 with a little overshoot.
_LEAST_WHITE, _MOST_WHITE = 64, 280
# By this many rows at a time, to save memory.
_ROWS = 256
_TIFF_STARTS = (b'II*\0', b'MM\0*', b'II+\0', b'MM\0+')
_ORIENTATION, _PROFILE = 274, 34675


def in_bytes(values: Array, name: str) -> Array:
    """Return whole numbers or floats as uint8, with their white as 255.

    Raises GluonStyleError if the white is not clear; ``name`` is the
    picture's.
    """
    white = _white(values, name)
    eight = numpy.empty(values.shape, 'uint8')
    for start in range(0, len(values), _ROWS):
        rows = values[start : start + _ROWS].astype('float64') * (255 / white)
        rows = numpy.nan_to_num(rows).clip(0, 255)
        eight[start : start + _ROWS] = rows.round()
    return eight


def _white(values: Array, name: str) -> float:
    finite = values[numpy.isfinite(values)]
    if not finite.size:
        raise GluonStyleError(
            f'{name} has no finite number: save it with numbers from 0 to 1'
        )
    least, most = float(finite.min()), float(finite.max())
    kind = values.dtype.kind
    white = (_white_of_floats if kind == 'f' else _white_of)(finite, most)
    # Undershoot is small.
    if white is None or least < -0.5 * white:
        raise GluonStyleError(
            f'{name} has numbers from {least:g} to {most:g}, and its white '
            'is not clear: save it with floats from 0 to 1, or with 8 or 16 '
            'bits'
        )
    if kind != 'f' and 0 < white < 65535:
        logger.warning(
            '%s has no number above %d: it is taken as one of %d bits',
            name,
            most,
            math.log2(white + 1),
        )
    return white


def _white_of(values: Array, most: float) -> float | None:
    """Return the white of whole numbers, or None, where it is not clear."""
    if most <= 65535 and (values % 257 == 0).all():
        # Bytes that became 16 bits.
        return 65535
    return next((2**bits - 1 for bits in _BITS if most < 2**bits), None)


def _white_of_floats(values: Array, most: float) -> float | None:
    """Return 1, 255 or None, where it is not clear."""
    if most > 1 and (values == values.round()).all():
        return 255 if most <= 255 else None
    # A hundred thousand tell enough.
    some = values[:: max(1, values.size // 100_000)]
    if most <= 1 or numpy.percentile(some, 99) <= _OVERSHOOT:
        return 1
    return 255 if _LEAST_WHITE <= most <= _MOST_WHITE else None


def read_deep_tiff(path: Path, name: str) -> Image.Image | None:
    """Return a TIFF of 16 or more bits, made 8, or None for other files.

    Pillow reads no floats in color, and takes the upper half of 16 bits even
    where only 12 are used. Compressed files are left to Pillow: so a picture
    takes no more memory than its file has bytes. The image has the EXIF
    orientation and the profile of the file.
    """
    with open(path, 'rb') as file:
        if file.read(4) not in _TIFF_STARTS:
            return None
    import tifffile

    try:
        with tifffile.TiffFile(path) as tiff:
            page: Any = tiff.pages[0]
            if not _is_deep(page):
                return None
            values = page.asarray()
            tags = {
                code: page.tags[code].value
                for code in (_ORIENTATION, _PROFILE)
                if code in page.tags
            }
            negative = page.photometric == 0
    # On foreign and broken files tifffile raises errors of many types.
    except Exception:
        return None
    eight = in_bytes(values, name)
    img = Image.fromarray(255 - eight if negative else eight)
    img.info['icc_profile'] = tags.get(_PROFILE)
    if isinstance(tags.get(_ORIENTATION), int):
        img.getexif()[_ORIENTATION] = int(tags[_ORIENTATION])
    return img


def _is_deep(page: Any) -> bool:
    """Return whether a page is a grey or RGB picture of more than 8 bits."""
    shape = page.shape
    colors = {2: (0, 1), 3: (2,)}.get(len(shape), ())
    return (
        page.is_contiguous
        and page.photometric in colors
        and page.dtype is not None
        and page.dtype.kind in 'uif'
        and page.dtype.itemsize > 1
        and shape[2:] in ((), (3,), (4,))
        and 0 < min(shape[:2])
        and shape[0] * shape[1] <= (Image.MAX_IMAGE_PIXELS or 0)
    )
