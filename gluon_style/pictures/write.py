"""Write pictures to files, together with the record of what made them.

Every file has an sRGB profile, the name of this program as its software, and
the record as JSON. It has no date, so that the same run gives the same
bytes, and no orientation, since the pixels are upright.
"""

from __future__ import annotations

import functools
import json
import logging
import os
import warnings
from pathlib import Path
from typing import Any

from PIL import Image, ImageCms, PngImagePlugin

from gluon_style.errors import GluonStyleError
from gluon_style.files.atomic import replacing
from gluon_style.pictures import Array
from gluon_style.pictures.read import as_bytes, as_numpy

logger = logging.getLogger(__name__)

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
# The longest side that libjpeg (whose format allows 65535) and WebP write.
_LONGEST = {'JPEG': 65500, 'WebP': 16383}
_SOFTWARE = 'gluon_style'
# Tags that EXIF and TIFF share.
_DESCRIPTION_TAG, _SOFTWARE_TAG = 0x010E, 0x0131
# The day of IEC 61966-2-1, which defined sRGB. Pillow's profile has the
# current time instead.
_PROFILE_DATE = (1999, 10, 18, 0, 0, 0)


def check_output(
    path: str | os.PathLike[str], image_shape: tuple[int, int] | None = None
) -> None:
    """Raise GluonStyleError unless a picture can be written to ``path``.

    The suffix must be one of ``SUFFIXES``, and ``image_shape``,
    (width, height), must be possible in the format.
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
            f'{_LONGEST[kind]}, so name a .png or .tiff'
        )


def save_image(
    img: Any,
    path: str | os.PathLike[str],
    settings: dict[str, Any] | None = None,
) -> None:
    """Write a picture, whole or not at all, in the format of its suffix.

    ``img`` is an array (height, width, 3) of uint8, or of floats from 0 to 1
    as ``postprocess`` returns; a fourth channel is its alpha, which a JPEG
    does not have. PNG and TIFF lose nothing; TIFF has 16 bits a
    channel. JPEG and WebP lose a little: their quality is 95, and JPEG does
    not subsample the colors. ``settings`` goes into the file as JSON. Raises
    GluonStyleError for another suffix or too long a side, and OSError if the
    file cannot be written.
    """
    path = Path(path)
    check_output(path, (img.shape[1], img.shape[0]))
    writers = {'PNG': _write_png, 'TIFF': _write_tiff}
    kind = _FORMATS[path.suffix.lower()]
    if kind == 'JPEG' and img.shape[2] == 4:
        logger.warning(
            'output %r is a JPEG, which has no transparency: name a .png, '
            '.tif or .webp to keep it',
            str(path),
        )
        img = img[..., :3]
    record = None if settings is None else json.dumps(settings)
    with replacing(path) as temporary:
        if kind in writers:
            writers[kind](img, temporary, record)
        else:
            _write_lossy(img, temporary, record, kind)


def _write_png(img: Any, path: Path, record: str | None) -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text('Software', _SOFTWARE)
    if record is not None:
        text.add_itxt('gluon_style', record)
    Image.fromarray(as_bytes(img)).save(
        path, format='PNG', pnginfo=text, icc_profile=srgb_profile()
    )


def _write_lossy(img: Any, path: Path, record: str | None, kind: str) -> None:
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


def _write_tiff(img: Any, path: Path, record: str | None) -> None:
    import tifffile

    tifffile.imwrite(
        path,
        _as_words(img),
        photometric='rgb',
        extrasamples=['unassalpha'] if img.shape[2] == 4 else [],
        description=record,
        software=_SOFTWARE,
        iccprofile=srgb_profile(),
        metadata=None,
    )


def _as_words(img: Any) -> Array:
    """Return a picture, floats from 0 to 1 or uint8, as uint16."""
    img = as_numpy(img)
    if img.dtype == 'uint8':
        return img.astype('uint16') * 257
    words = (img.astype('float64') * 65535).round()
    return words.clip(0, 65535).astype('uint16')


@functools.cache
def srgb_profile() -> bytes:
    """Return the bytes of an sRGB profile, always the same."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile('sRGB')).tobytes()
    date = b''.join(part.to_bytes(2, 'big') for part in _PROFILE_DATE)
    return srgb[:24] + date + srgb[36:]


def read_words(
    path: str | os.PathLike[str], shape: tuple[int, ...] | None = None
) -> Array | None:
    """Return the pixels of a TIFF of 16 bits a channel, or None.

    They are an array (height, width, 3) of float32 from 0 to 1, without the
    alpha. Pillow would read 8 of the 16 bits. Returns None for any other
    file, for one of another ``shape`` than Pillow read, and for a compressed
    one, which ``save_image`` never writes: so the pixels take no more memory
    than the file has bytes.
    """
    if Path(path).suffix.lower() not in TIFF_SUFFIXES:
        return None
    import tifffile

    try:
        with tifffile.TiffFile(path) as file:
            # Only the first page: a description may claim more pixels, in
            # other pages and even in other files.
            page: Any = file.pages[0]
            expected = (
                page.dtype == 'uint16'
                and page.is_contiguous
                and len(page.shape) == 3
                and page.shape[2] in (3, 4)
                and shape in (None, (*page.shape[:2], 3))
            )
            if not expected:
                return None
            words = page.asarray()[..., :3]
    # On foreign and broken files tifffile raises errors of many types.
    except Exception:
        return None
    return (words / 65535).astype('float32')


def record_of(path: str | os.PathLike[str]) -> dict[str, Any] | None:
    """Return the record inside a picture of this package.

    Returns None for a file that is missing, foreign or broken.
    """
    try:
        with warnings.catch_warnings():
            # Of many pixels, which are not decoded here, or of truncated
            # metadata.
            warnings.simplefilter('ignore')
            with Image.open(path) as file:
                record = json.loads(_embedded_text(file))
    # On foreign and broken files Pillow raises errors of many types.
    except Exception:
        return None
    return record if isinstance(record, dict) else None


def _embedded_text(file: Image.Image) -> str:
    """Return the JSON inside a picture, 'null' for a foreign one."""
    if 'gluon_style' in file.info:
        return file.info['gluon_style']
    exif = file.getexif()
    ours = exif.get(_SOFTWARE_TAG) == _SOFTWARE
    return exif[_DESCRIPTION_TAG] if ours else 'null'
