"""Pictures from files, images and arrays; free of MXNet."""

import contextlib
import io
import logging
import warnings
from pathlib import Path

import numpy
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from gluon_style.errors import GluonStyleError

logger = logging.getLogger(__name__)

# What people have pictures in. Pillow's others include EPS, for which it runs
# a program on the file.
_FORMATS = (
    'AVIF',
    'BMP',
    'DIB',
    'GIF',
    'ICNS',
    'ICO',
    'JPEG',
    'JPEG2000',
    'MPO',
    'PCX',
    'PNG',
    'PPM',
    'PSD',
    'SGI',
    'TGA',
    'TIFF',
    'WEBP',
)
# A JPEG's; Pillow takes seconds for pictures of millions of short rows.
_LONGEST_SIDE = 65535
# Printers' profiles have a few megabytes.
_LARGEST_PROFILE = 16 << 20
# Modes of many bits are converted by so many rows, to save memory.
_ROWS = 256


def read_picture(source, behind='white'):
    """Return a picture as a person sees it: 8-bit sRGB, upright, opaque.

    ``source`` is a file's path, a Pillow image, or an array
    (height, width, 3) of bytes, which is returned as it is. Returns a NumPy
    array (height, width, 3) of uint8.

    EXIF orientation and the color profile are applied, transparency is laid
    on the color ``behind``, 16 bits become 8, grey and CMYK become RGB. Raises
    FileNotFoundError, ValueError or TypeError, in one sentence, for what is
    no complete picture within Pillow's limit of pixels.
    """
    if isinstance(source, Image.Image):
        with _in_a_sentence('picture'):
            return numpy.array(_as_seen(source, behind))
    if not isinstance(source, (str, Path)):
        return _checked_array(source)
    path = Path(source)
    if not path.is_file():
        raise FileNotFoundError(f'picture {str(path)!r} is not a file')
    with _in_a_sentence(f'picture {str(path)!r}'), _opened(path) as file:
        return numpy.array(_as_seen(file, behind, ours=True))


def _opened(path):
    """Open a picture in one of ``_FORMATS``, as far as Pillow has these."""
    Image.init()
    return Image.open(path, formats=[f for f in _FORMATS if f in Image.OPEN])


def _checked_array(array):
    if not hasattr(array, 'shape') or not hasattr(array, 'dtype'):
        raise TypeError(
            f'picture is a {type(array).__name__}: give a path, a Pillow '
            'image or an array'
        )
    shape, dtype = tuple(array.shape), numpy.dtype(array.dtype)
    if len(shape) != 3 or shape[2] != 3 or 0 in shape or dtype != 'uint8':
        raise GluonStyleError(
            f'picture is an array of {dtype}, shape {shape}: it must be '
            'uint8, shape (height, width, 3)'
        )
    return _as_numpy(array)


@contextlib.contextmanager
def _in_a_sentence(name):
    """Say in one sentence why Pillow does not read the picture ``name``."""
    with warnings.catch_warnings():
        # Of broken metadata, which cost no picture.
        warnings.simplefilter('ignore', UserWarning)
        warnings.simplefilter('error', Image.DecompressionBombWarning)
        try:
            yield
        except (
            Image.DecompressionBombWarning,
            Image.DecompressionBombError,
        ):
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
            ) from None


def _upright(img, ours):
    """Apply the EXIF orientation; a broken EXIF block costs no picture.

    A picture that is ``ours`` is turned itself: a copy takes memory.
    """
    try:
        return ImageOps.exif_transpose(img, in_place=ours) or img
    # Pillow raises whatever the block's parts happen to raise.
    except Exception as error:
        logger.warning('the EXIF orientation is ignored: broken (%s)', error)
        return img


def _as_seen(img, behind, ours=False):
    if not 0 < min(img.size) <= max(img.size) <= _LONGEST_SIDE:
        raise GluonStyleError(
            f'it is {img.width} by {img.height} pixels, and sides are of 1 '
            f'to {_LONGEST_SIDE}'
        )
    # Load first, so that a truncated file is not taken for broken EXIF.
    img.load()
    img = _eight_bits(_upright(img, ours))
    alpha = None
    if img.mode == 'P' or 'transparency' in img.info:
        transparent = 'transparency' in img.info
        img = _converted(img, 'RGBA' if transparent else 'RGB')
    if img.mode in ('RGBA', 'LA', 'PA', 'La', 'RGBa'):
        grey = img.mode in ('LA', 'La')
        img = _converted(img, 'LA' if grey else 'RGBA')
        alpha = img.getchannel('A')
        img = _converted(img, 'L' if grey else 'RGB')
    img = _to_srgb(img)
    if alpha is not None:
        opaque = Image.new('RGB', img.size, behind)
        opaque.paste(img, mask=alpha)
        img = opaque
    return img


def _converted(img, mode):
    """Convert, and keep the color profile, which Pillow may drop."""
    converted = img.convert(mode)
    converted.info['icc_profile'] = img.info.get('icc_profile')
    return converted


def _eight_bits(img):
    """Scale modes of more than 8 bits; Pillow would clip them."""
    if not (img.mode.startswith('I') or img.mode == 'F'):
        return img
    values = numpy.asarray(img)
    scale = 1 / 257
    if img.mode == 'F':
        # Of 0 to 1, or of 0 to 255.
        largest = values.max(initial=0, where=numpy.isfinite(values))
        scale = 255 if largest <= 1 else 1
    eight = numpy.empty(values.shape, 'uint8')
    for at in range(0, len(values), _ROWS):
        rows = values[at : at + _ROWS].astype('float64') * scale
        rows = numpy.nan_to_num(rows).clip(0, 255)
        eight[at : at + _ROWS] = rows.round()
    scaled = Image.fromarray(eight)
    scaled.info['icc_profile'] = img.info.get('icc_profile')
    return scaled


def _to_srgb(img):
    """Return an RGB image of the colors that the profile means."""
    profile = img.info.get('icc_profile')
    if profile and len(profile) <= _LARGEST_PROFILE:
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
    # A copy of a large picture would take memory for nothing.
    return img if img.mode == 'RGB' else img.convert('RGB')


def resized(img, width, height):
    """Return a picture, uint8 or float of 0 to 1, of another size."""

    def lanczos(array):
        resample = Image.Resampling.LANCZOS
        return Image.fromarray(array).resize((width, height), resample)

    img = numpy.ascontiguousarray(_as_numpy(img))
    if img.dtype == 'uint8':
        return numpy.array(lanczos(img))
    channels = [
        lanczos(numpy.ascontiguousarray(img[..., i])) for i in range(3)
    ]
    # Lanczos overshoots at edges.
    return numpy.stack(channels, axis=-1).clip(0, 1)


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
