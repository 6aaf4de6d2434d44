"""Read a picture from a file, a Pillow image or an array, as a person sees it.

Other rooms also find here how to make bytes of a picture.
"""

from __future__ import annotations

import contextlib
import io
import logging
import math
from pathlib import Path
from typing import Any, cast

import numpy
from PIL import Image, ImageCms, ImageOps

from gluon_style.errors import GluonStyleError
from gluon_style.pictures import Array
from gluon_style.pictures.deep import in_bytes, read_deep_tiff
from gluon_style.pictures.opening import (
    opened,
    quiet_pillow,
    reading,
    require_file,
)

logger = logging.getLogger(__name__)

# The formats that may have several frames or pages.
_ANIMATED = ('AVIF', 'GIF', 'PNG', 'TIFF', 'WEBP')
# Levels of 256 between the darkest and the brightest that a picture has.
_LEAST_CONTRAST = 8
# The longest side of a JPEG. Pillow takes seconds for pictures of millions of
# short rows.
_LONGEST_SIDE = 65535
# Profiles of printers have a few megabytes.
_LARGEST_PROFILE = 16 << 20
# The tag of a TIFF that is 0 where 0 is white.
_PHOTOMETRIC = 262


def read_picture(source: Any, behind: str = 'white') -> Array:
    """Return a picture as a person sees it: 8-bit sRGB, upright, opaque.

    ``source`` is a file's path, a Pillow image, or an array
    (height, width, 3) of uint8, which is returned unchanged. Returns a NumPy
    array (height, width, 3) of uint8.

    EXIF orientation and the color profile are applied, transparency is laid
    on the color ``behind``, 16 bits become 8, grey and CMYK become RGB.
    Raises FileNotFoundError for a missing file, and GluonStyleError unless
    ``source`` is a complete picture within Pillow's limit of pixels.
    """
    return laid_on(*read_transparent(source), behind)


def laid_on(picture: Array, alpha: Array | None, behind: str) -> Array:
    """Return a picture with its transparent parts laid on a color."""
    if alpha is None:
        return picture
    img = Image.fromarray(picture)
    opaque = Image.new('RGB', img.size, behind)
    opaque.paste(img, mask=Image.fromarray(alpha))
    return numpy.array(opaque)


def read_transparent(source: Any) -> tuple[Array, Array | None]:
    """Return a picture as ``read_picture`` does, but apart from its alpha.

    The alpha is an array (height, width) of uint8, 255 where the picture is
    opaque, or None where all of it is.
    """
    if isinstance(source, Image.Image):
        with quiet_pillow():
            return _as_seen(source, 'picture')
    if not isinstance(source, (str, Path)):
        return _checked_array(source), None
    path = Path(source)
    require_file(path)
    name = f'picture {str(path)!r}'
    with quiet_pillow(), contextlib.ExitStack() as stack:
        img = read_deep_tiff(path, name)
        if img is None:
            img = stack.enter_context(opened(path, name))
            _say_of_frames(img, name)
        return _as_seen(img, name, in_place=True)


def _say_of_frames(img: Image.Image, name: str) -> None:
    """Say that a picture has more frames than the first, which is taken."""
    if img.format not in _ANIMATED:
        return
    try:
        img.seek(1)
    # On broken files Pillow raises whatever its parts happen to raise.
    except Exception:
        return
    finally:
        with reading(name):
            img.seek(0)
    logger.warning('%s has several frames or pages: the first is taken', name)


def _checked_array(array: Any) -> Array:
    if not hasattr(array, 'shape') or not hasattr(array, 'dtype'):
        raise GluonStyleError(
            f'picture is a {type(array).__name__}: give a path, a Pillow '
            'image or an array'
        )
    shape, dtype = tuple(array.shape), numpy.dtype(array.dtype)
    if len(shape) != 3 or shape[2] != 3 or 0 in shape or dtype != 'uint8':
        raise GluonStyleError(
            f'picture is an array of {dtype}, shape {shape}: it must be '
            'uint8, shape (height, width, 3)'
        )
    return as_numpy(array)


def _upright(img: Image.Image, in_place: bool) -> Image.Image:
    """Apply the EXIF orientation, or ignore a broken EXIF block.

    ``in_place`` turns the picture itself, as a copy takes memory.
    """
    try:
        return ImageOps.exif_transpose(img, in_place=in_place) or img
    # Pillow raises whatever the block's parts happen to raise.
    except Exception as error:
        logger.warning('the EXIF orientation is ignored: broken (%s)', error)
        return img


def _as_seen(
    img: Image.Image, name: str, in_place: bool = False
) -> tuple[Array, Array | None]:
    if not 0 < min(img.size) <= max(img.size) <= _LONGEST_SIDE:
        raise GluonStyleError(
            f'{name} is {img.width}x{img.height} pixels: each side must be '
            f'from 1 to {_LONGEST_SIDE}'
        )
    with reading(name):
        # Load first, so that a truncated file is not taken for broken EXIF.
        img.load()
    format = img.format or ''
    img = _eight_bits(_upright(img, in_place), name, format)
    alpha: Array | None = None
    # Pillow cannot convert every mode, nor use all that a file says.
    with reading(name):
        if img.mode == 'P' or 'transparency' in img.info:
            transparent = 'transparency' in img.info
            img = _converted(img, 'RGBA' if transparent else 'RGB')
        if img.mode in ('RGBA', 'LA', 'PA', 'La', 'RGBa'):
            grey = img.mode in ('LA', 'La')
            img = _converted(img, 'LA' if grey else 'RGBA')
            alpha = numpy.array(img.getchannel('A'))
            img = _converted(img, 'L' if grey else 'RGB')
        img = _to_srgb(img)
    opaque = alpha is None or alpha.min() == 255
    return numpy.array(img), None if opaque else alpha


def _converted(img: Image.Image, mode: str) -> Image.Image:
    """Convert, and keep the color profile, which Pillow may drop."""
    converted = img.convert(mode)
    converted.info['icc_profile'] = img.info.get('icc_profile')
    return converted


def _eight_bits(img: Image.Image, name: str, format: str) -> Image.Image:
    """Scale modes of more than 8 bits; Pillow would clip them."""
    if not (img.mode.startswith('I') or img.mode == 'F'):
        return img
    scaled = Image.fromarray(in_bytes(numpy.asarray(img), name))
    if format == 'TIFF' and vars(img).get('tag_v2', {}).get(_PHOTOMETRIC) == 0:
        # Pillow turns the negative of 8 bits only.
        scaled = ImageOps.invert(scaled)
    scaled.info['icc_profile'] = img.info.get('icc_profile')
    return scaled


def _to_srgb(img: Image.Image) -> Image.Image:
    """Return an RGB image, converted from the color profile to sRGB."""
    profile = img.info.get('icc_profile')
    if profile and len(profile) <= _LARGEST_PROFILE:
        try:
            converted = ImageCms.profileToProfile(
                img,
                ImageCms.ImageCmsProfile(io.BytesIO(profile)),
                ImageCms.createProfile('sRGB'),
                outputMode='RGB',
            )
            # Pillow returns None only from a conversion in place.
            return cast(Image.Image, converted)
        except (ImageCms.PyCMSError, OSError) as error:
            logger.warning(
                'the color profile is ignored: it is broken or not for '
                '%s pictures (%s)',
                img.mode,
                error,
            )
    # A needless copy of a large picture would take memory.
    return img if img.mode == 'RGB' else img.convert('RGB')


def as_bytes(img: Any) -> Array:
    """Return a picture, floats from 0 to 1 or uint8, as NumPy uint8."""
    img = as_numpy(img)
    if img.dtype == 'uint8':
        return img
    return (img * 255).round().clip(0, 255).astype('uint8')


def as_numpy(array: Any) -> Array:
    """Return an array of MXNet or of NumPy as NumPy's."""
    return numpy.asarray(
        array.asnumpy() if hasattr(array, 'asnumpy') else array
    )


def warn_of_one_value(picture: Array, name: str) -> None:
    """Log a warning if nearly all of a picture is nearly of one value.

    ``picture`` is an array (height, width, 3) of uint8.
    """
    # A megapixel tells enough.
    step = math.ceil(math.sqrt(picture.size / 3e6))
    some = picture[::step, ::step]
    low, high = numpy.percentile(some, [0.5, 99.5])
    if high - low < _LEAST_CONTRAST:
        logger.warning(
            '%s is almost of one value (%d to %d of 255): is it the right '
            'file?',
            name,
            low,
            high,
        )
