"""Pictures from files, images and arrays; free of MXNet."""

import contextlib
import io
import logging
import struct
import warnings
from pathlib import Path

import numpy
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

logger = logging.getLogger(__name__)


def read_picture(source):
    """Return a picture as a person sees it: 8-bit sRGB, upright, opaque.

    ``source`` is a file's path, a Pillow image, or an array
    (height, width, 3) of bytes, which is returned as it is. Returns a NumPy
    array (height, width, 3) of uint8.

    EXIF orientation and the color profile are applied, transparency is laid
    on white, 16 bits become 8, grey and CMYK become RGB. Raises
    FileNotFoundError, ValueError or TypeError, in one sentence, for what is
    no complete picture within Pillow's limit of pixels.
    """
    if isinstance(source, Image.Image):
        with _in_a_sentence('picture'):
            return numpy.array(_as_seen(source))
    if not isinstance(source, (str, Path)):
        return _checked_array(source)
    path = Path(source)
    if not path.is_file():
        raise FileNotFoundError(f'picture {str(path)!r} is not a file')
    with _in_a_sentence(f'picture {str(path)!r}'), Image.open(path) as file:
        return numpy.array(_as_seen(file))


def _checked_array(array):
    if not hasattr(array, 'shape') or not hasattr(array, 'dtype'):
        raise TypeError(
            f'picture is a {type(array).__name__}: give a path, a Pillow '
            'image or an array'
        )
    shape, dtype = tuple(array.shape), numpy.dtype(array.dtype)
    if len(shape) != 3 or shape[2] != 3 or 0 in shape or dtype != 'uint8':
        raise ValueError(
            f'picture is an array of {dtype}, shape {shape}: it must be '
            'uint8, shape (height, width, 3)'
        )
    return _as_numpy(array)


@contextlib.contextmanager
def _in_a_sentence(name):
    """Say in one sentence why Pillow does not read the picture ``name``."""
    with warnings.catch_warnings():
        warnings.simplefilter('error', Image.DecompressionBombWarning)
        try:
            yield
        except (
            Image.DecompressionBombWarning,
            Image.DecompressionBombError,
        ):
            raise ValueError(
                f'{name} has too many pixels: at most '
                f'{Image.MAX_IMAGE_PIXELS} are read'
            ) from None
        except UnidentifiedImageError:
            raise ValueError(
                f'{name} is not in a format that Pillow reads: give a JPEG, '
                'PNG, TIFF, WebP or similar'
            ) from None
        except (OSError, SyntaxError, ValueError, EOFError) as error:
            raise ValueError(
                f'{name} is broken or incomplete ({error}): give a whole '
                'picture file'
            ) from None


def _upright(img):
    """Apply the EXIF orientation; a broken EXIF block costs no picture."""
    try:
        return ImageOps.exif_transpose(img)
    except (struct.error, SyntaxError, TypeError, ValueError) as error:
        logger.warning('the EXIF orientation is ignored: broken (%s)', error)
        return img


def _as_seen(img):
    # Load first, so that a truncated file is not taken for broken EXIF.
    img.load()
    img = _eight_bits(_upright(img))
    alpha = None
    if img.mode == 'P' or 'transparency' in img.info:
        transparent = 'transparency' in img.info
        img = _converted(img, 'RGBA' if transparent else 'RGB')
    if img.mode in ('RGBA', 'LA', 'PA', 'La', 'RGBa'):
        if img.mode != 'LA':
            img = _converted(img, 'RGBA')
        alpha = img.getchannel('A')
        img = _converted(img, 'L' if img.mode == 'LA' else 'RGB')
    img = _to_srgb(img)
    if alpha is not None:
        white = Image.new('RGB', img.size, 'white')
        img = Image.composite(img, white, alpha)
    return img


def _converted(img, mode):
    """Convert, and keep the color profile, which Pillow may drop."""
    converted = img.convert(mode)
    converted.info['icc_profile'] = img.info.get('icc_profile')
    return converted


def _eight_bits(img):
    """Scale modes of more than 8 bits; Pillow would clip them."""
    if img.mode.startswith('I'):
        values = numpy.asarray(img).astype('float64') / 257
    elif img.mode == 'F':
        values = numpy.asarray(img).astype('float64')
        values = values * 255 if values.max(initial=0) <= 1 else values
    else:
        return img
    values = numpy.nan_to_num(values).clip(0, 255).round().astype('uint8')
    eight = Image.fromarray(values)
    eight.info['icc_profile'] = img.info.get('icc_profile')
    return eight


def _to_srgb(img):
    """Return an RGB image of the colors that the profile means."""
    profile = img.info.get('icc_profile')
    if profile:
        try:
            return ImageCms.profileToProfile(
                img,
                ImageCms.ImageCmsProfile(io.BytesIO(profile)),
                ImageCms.createProfile('sRGB'),
                outputMode='RGB',
            )
        except (ImageCms.PyCMSError, OSError) as error:
            logger.warning(
                'the color profile is ignored: it is broken or not for '
                '%s pictures (%s)',
                img.mode,
                error,
            )
    return img.convert('RGB')


def as_bytes(img):
    """Return a picture, float of 0 to 1 or uint8, as NumPy uint8."""
    img = _as_numpy(img)
    if img.dtype == 'uint8':
        return img
    return (img * 255).round().clip(0, 255).astype('uint8')


def _as_numpy(array):
    """Return an array of MXNet or of NumPy as NumPy's."""
    return numpy.asarray(
        array.asnumpy() if hasattr(array, 'asnumpy') else array
    )
