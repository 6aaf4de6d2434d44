"""Read a picture from a file, a Pillow image or an array, as a person sees it.

Other rooms also find here how to make bytes of a picture.
"""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from gluon_style.errors import GluonStyleError
from gluon_style.pictures import Array

logger = logging.getLogger(__name__)

# The formats that people have pictures in. Pillow reads others too, among
# them EPS, for which it runs a program on the file.
_FORMATS = (
    *('AVIF', 'BMP', 'DIB', 'GIF', 'ICNS', 'ICO', 'JPEG', 'JPEG2000', 'MPO'),
    *('PCX', 'PNG', 'PPM', 'PSD', 'SGI', 'TGA', 'TIFF', 'WEBP'),
)
# The longest side of a JPEG. Pillow takes seconds for pictures of millions of
# short rows.
_LONGEST_SIDE = 65535
# Profiles of printers have a few megabytes.
_LARGEST_PROFILE = 16 << 20
# Modes of many bits are converted by this many rows at a time, to save memory.
_ROWS = 256


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
    if isinstance(source, Image.Image):
        with _quiet_pillow():
            return numpy.array(_as_seen(source, behind, 'picture'))
    if not isinstance(source, (str, Path)):
        return _checked_array(source)
    path = Path(source)
    if not path.is_file():
        raise FileNotFoundError(f'picture {str(path)!r} is not a file')
    name = f'picture {str(path)!r}'
    with _quiet_pillow(), contextlib.ExitStack() as stack:
        with _reading(name):
            # Some of the formats are not in every Pillow.
            Image.init()
            formats = [name for name in _FORMATS if name in Image.OPEN]
            img = stack.enter_context(Image.open(path, formats=formats))
        return numpy.array(_as_seen(img, behind, name, in_place=True))


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


@contextlib.contextmanager
def _quiet_pillow() -> Iterator[None]:
    """Ignore Pillow's warnings of broken metadata; refuse too many pixels."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', UserWarning)
        warnings.simplefilter('error', Image.DecompressionBombWarning)
        yield


@contextlib.contextmanager
def _reading(name: str) -> Iterator[None]:
    """Make one sentence of why Pillow cannot read the picture ``name``.

    Wrap calls of Pillow only, so that no other bug is hidden.
    """
    try:
        yield
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise GluonStyleError(
            f'{name} has too many pixels: at most '
            f'{Image.MAX_IMAGE_PIXELS} are read'
        ) from None
    except UnidentifiedImageError:
        raise GluonStyleError(
            f'{name} is not in a format that Pillow reads: give a JPEG, '
            'PNG, TIFF, WebP or similar'
        ) from None
    # On broken files Pillow raises whatever its parts happen to raise.
    except Exception as error:
        reason = ' '.join(str(error).split()) or type(error).__name__
        raise GluonStyleError(
            f'{name} is broken or incomplete ({reason[:200]}): give a '
            'whole picture file'
        ) from error


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
    img: Image.Image, behind: str, name: str, in_place: bool = False
) -> Image.Image:
    if not 0 < min(img.size) <= max(img.size) <= _LONGEST_SIDE:
        raise GluonStyleError(
            f'{name} is {img.width}x{img.height} pixels: each side must be '
            f'from 1 to {_LONGEST_SIDE}'
        )
    with _reading(name):
        # Load first, so that a truncated file is not taken for broken EXIF.
        img.load()
    return _opaque_srgb(_eight_bits(_upright(img, in_place)), behind, name)


def _opaque_srgb(img: Image.Image, behind: str, name: str) -> Image.Image:
    """Return an RGB image in sRGB, laid on the color ``behind``."""
    alpha = None
    # Pillow cannot convert every mode, nor use all that a file says.
    with _reading(name):
        if img.mode == 'P' or 'transparency' in img.info:
            transparent = 'transparency' in img.info
            img = _converted(img, 'RGBA' if transparent else 'RGB')
        if img.mode in ('RGBA', 'LA', 'PA', 'La', 'RGBa'):
            grey = img.mode in ('LA', 'La')
            img = _converted(img, 'LA' if grey else 'RGBA')
            alpha = img.getchannel('A')
            img = _converted(img, 'L' if grey else 'RGB')
        img = _to_srgb(img)
    if alpha is None:
        return img
    opaque = Image.new('RGB', img.size, behind)
    opaque.paste(img, mask=alpha)
    return opaque


def _converted(img: Image.Image, mode: str) -> Image.Image:
    """Convert, and keep the color profile, which Pillow may drop."""
    converted = img.convert(mode)
    converted.info['icc_profile'] = img.info.get('icc_profile')
    return converted


def _eight_bits(img: Image.Image) -> Image.Image:
    """Scale modes of more than 8 bits; Pillow would clip them."""
    if not (img.mode.startswith('I') or img.mode == 'F'):
        return img
    values = numpy.asarray(img)
    scale = 1 / 257
    if img.mode == 'F':
        # Floats are from 0 to 1, or from 0 to 255.
        largest = values.max(initial=0, where=numpy.isfinite(values))
        scale = 255 if largest <= 1 else 1
    eight = numpy.empty(values.shape, 'uint8')
    for start in range(0, len(values), _ROWS):
        rows = values[start : start + _ROWS].astype('float64') * scale
        rows = numpy.nan_to_num(rows).clip(0, 255)
        eight[start : start + _ROWS] = rows.round()
    scaled = Image.fromarray(eight)
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
