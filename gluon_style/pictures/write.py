"""Pictures into files, with the record of what made them; free of MXNet.

Every file has an sRGB profile, the name of this program as its software,
and the record as JSON. It has no time, so that the same run gives the same
bytes, and no orientation, for pixels are upright.
"""

import functools
import json
import warnings
from pathlib import Path

import numpy
from PIL import Image, ImageCms, PngImagePlugin

from gluon_style.errors import GluonStyleError
from gluon_style.files.atomic import replacing
from gluon_style.pictures.read import as_bytes

_FORMATS = {
    '.png': 'PNG',
    '.jpg': 'JPEG',
    '.jpeg': 'JPEG',
    '.webp': 'WebP',
    '.tif': 'TIFF',
    '.tiff': 'TIFF',
}
SUFFIXES = tuple(_FORMATS)
TIFF_SUFFIXES = ('.tif', '.tiff')
# Of libjpeg, whose format could have 65535, and of WebP.
_LONGEST = {'JPEG': 65500, 'WebP': 16383}
_SOFTWARE = 'gluon_style'
# The tags of EXIF and of TIFF.
_DESCRIPTION_TAG, _SOFTWARE_TAG = 0x010E, 0x0131
# When IEC 61966-2-1 defined sRGB; Pillow has its profile made right now.
_PROFILE_DATE = (1999, 10, 18, 0, 0, 0)


def check_output(path, image_shape=None):
    """Raise ValueError unless a picture can be written to ``path``.

    Its suffix must be one of ``SUFFIXES``; ``image_shape``, (width, height),
    must be within what the format has.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise GluonStyleError(
            f'output {str(path)!r} must end in {", ".join(SUFFIXES[:-1])} or '
            f'{SUFFIXES[-1]}'
        )
    kind = _FORMATS[suffix]
    if image_shape is not None and max(image_shape) > _LONGEST.get(kind, 1e9):
        raise GluonStyleError(
            f'output {str(path)!r} would have {image_shape[0]}x'
            f'{image_shape[1]} pixels: a side of a {kind} has at most '
            f'{_LONGEST[kind]}, one of a PNG or TIFF more'
        )


def save_image(img, path, settings=None):
    """Write a picture, whole or not at all, in the format of its suffix.

    ``img`` is an array (height, width, 3), float of 0 to 1 as from
    ``postprocess``, or uint8. PNG and TIFF lose nothing, and TIFF has 16
    bits a channel; JPEG and WebP are lossy, of quality 95, JPEG without
    subsampled colors. ``settings``, a dictionary, goes into the file as
    JSON. Raises ValueError for another suffix or too long a side, and
    OSError where the file cannot be written.
    """
    path = Path(path)
    check_output(path, (img.shape[1], img.shape[0]))
    writers = {'PNG': _write_png, 'TIFF': _write_tiff}
    kind = _FORMATS[path.suffix.lower()]
    record = None if settings is None else json.dumps(settings)
    with replacing(path) as temporary:
        if kind in writers:
            writers[kind](img, temporary, record)
        else:
            _write_lossy(img, temporary, record, kind)


def _write_png(img, path, record):
    text = PngImagePlugin.PngInfo()
    text.add_text('Software', _SOFTWARE)
    if record is not None:
        text.add_itxt('gluon_style', record)
    Image.fromarray(as_bytes(img)).save(
        path, format='PNG', pnginfo=text, icc_profile=srgb_profile()
    )


def _write_lossy(img, path, record, kind):
    exif = Image.Exif()
    exif[_SOFTWARE_TAG] = _SOFTWARE
    if record is not None:
        exif[_DESCRIPTION_TAG] = record
    options = {'subsampling': 0} if kind == 'JPEG' else {}
    Image.fromarray(as_bytes(img)).save(
        path,
        format=kind,
        quality=95,
        exif=exif,
        icc_profile=srgb_profile(),
        **options,
    )


def _write_tiff(img, path, record):
    import tifffile

    tifffile.imwrite(
        path,
        _as_words(img),
        photometric='rgb',
        description=record,
        software=_SOFTWARE,
        iccprofile=srgb_profile(),
        metadata=None,
    )


def _as_words(img):
    """Return a picture, float of 0 to 1 or uint8, as uint16."""
    img = numpy.asarray(img.asnumpy() if hasattr(img, 'asnumpy') else img)
    if img.dtype == 'uint8':
        return img.astype('uint16') * 257
    words = (img.astype('float64') * 65535).round()
    return words.clip(0, 65535).astype('uint16')


@functools.cache
def srgb_profile():
    """Return the bytes of an sRGB profile, the same at any time."""
    made = ImageCms.ImageCmsProfile(ImageCms.createProfile('sRGB')).tobytes()
    date = b''.join(part.to_bytes(2, 'big') for part in _PROFILE_DATE)
    return made[:24] + date + made[36:]


def read_words(path, shape=None):
    """Return the pixels of a TIFF of 16 bits a channel, or None.

    They are an array (height, width, 3) of float32 of 0 to 1. Pillow would
    read 8 of the bits. None is for all that is not such a file, or not as
    ``save_image`` writes it: of ``shape``, where that is given, as Pillow
    found it, and not compressed, so that the pixels take no more memory than
    the file has bytes.
    """
    if Path(path).suffix.lower() not in TIFF_SUFFIXES:
        return None
    import tifffile

    try:
        with tifffile.TiffFile(path) as file:
            # Its first page alone: a description may tell of more pixels,
            # in other pages and even in other files.
            page = file.pages[0]
            fit = page.dtype == 'uint16' and page.is_contiguous
            fit = fit and len(page.shape) == 3 and page.shape[2] == 3
            if not fit or shape not in (None, page.shape):
                return None
            words = page.asarray()
    # What tifffile meets in a foreign or broken file has many types.
    except Exception:
        return None
    return (words / 65535).astype('float32')


def record_of(path):
    """Return the record within a picture of this package, or None.

    None is also for files that are missing, foreign or broken.
    """
    try:
        with warnings.catch_warnings():
            # Of many pixels, none of which is decoded here, and of metadata
            # that are cut off.
            warnings.simplefilter('ignore')
            with Image.open(path) as file:
                record = json.loads(_embedded_text(file))
    # What Pillow meets in a foreign or broken file has many types.
    except Exception:
        return None
    return record if isinstance(record, dict) else None


def _embedded_text(file):
    if 'gluon_style' in file.info:
        return file.info['gluon_style']
    exif = file.getexif()
    ours = exif.get(_SOFTWARE_TAG) == _SOFTWARE
    return exif[_DESCRIPTION_TAG] if ours else 'null'
