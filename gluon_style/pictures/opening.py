"""Open the files of pictures, within what they may cost."""

from __future__ import annotations

import contextlib
import difflib
import logging
import math
import re
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from PIL import Image, JpegImagePlugin, UnidentifiedImageError

from gluon_style.errors import GluonStyleError, MissingPackageError

logger = logging.getLogger(__name__)

# The formats that people have pictures in. Pillow reads others too, among
# them EPS, for which it runs a program on the file.
_FORMATS = (
    *('AVIF', 'BMP', 'DIB', 'GIF', 'ICNS', 'ICO', 'JPEG', 'JPEG2000', 'MPO'),
    *('HEIF', 'PCX', 'PNG', 'PPM', 'PSD', 'SGI', 'TGA', 'TIFF', 'WEBP'),
)
# What iPhones take. Pillow reads it with the package pillow-heif.
_HEIC_BRANDS = (b'heic', b'heix', b'heim', b'heis', b'mif1', b'hevc')
# libjpeg makes a JPEG smaller while it reads it, by these factors. It keeps
# all of a progressive one in memory, in six bytes a pixel.
_JPEG_FACTORS = (1, 2, 4, 8)
_MOST_PROGRESSIVE = 200_000_000


def require_file(path: str | Path, noun: str = 'picture') -> None:
    """Raise FileNotFoundError, with advice, unless a path is a file.

    ``noun`` is what the file should be.
    """
    name, path = f'{noun} {str(path)!r}', Path(path)
    if path.is_file():
        return
    # A Path makes one slash of two.
    if re.match(r'\w+:/', str(path)):
        raise FileNotFoundError(
            f'{name} is not a file but an address: download the {noun}, and '
            'name its file'
        )
    if path.is_dir():
        raise FileNotFoundError(
            f'{name} is not a file but a folder: name a {noun} in it'
        )
    raise FileNotFoundError(f'{name} is not a file{_advice(path)}')


def require_files(paths: Iterable[str | Path]) -> None:
    """Raise FileNotFoundError for a picture that is not a file."""
    for path in paths:
        require_file(path)


def _advice(path: Path) -> str:
    """Return the file that may be meant, as the end of a sentence."""
    try:
        names = [each.name for each in path.parent.iterdir()]
    except OSError:
        return ''
    like = path.name.lower()
    # photo.JPG, or photo, for photo.jpg.
    near = [n for n in sorted(names) if like in _without_case(n)]
    near += difflib.get_close_matches(path.name, names, n=1, cutoff=0.75)
    return f': did you mean {str(path.with_name(near[0]))!r}?' if near else ''


def _without_case(name: str) -> tuple[str, str]:
    """Return a file's name, and it without its suffix, in small letters."""
    return name.lower(), Path(name).stem.lower()


def opened(path: Path, name: str) -> Image.Image:
    """Return a Pillow image of a file, which is not decoded yet.

    A JPEG of too many pixels is read at a part of its size, which is said.
    Raises GluonStyleError; ``name`` is the picture's.
    """
    with open(path, 'rb') as file:
        start = file.read(12)
    if start[:3] == b'\xff\xd8\xff':
        large = _large_jpeg(path, name)
        if large is not None:
            return large
    if start[4:8] == b'ftyp' and start[8:] in _HEIC_BRANDS:
        _prepare_heic(name)
    with reading(name):
        # Some of the formats are not in every Pillow.
        Image.init()
        formats = [name for name in _FORMATS if name in Image.OPEN]
        return Image.open(path, formats=formats)


def _large_jpeg(path: Path, name: str) -> Image.Image | None:
    """Return a JPEG of too many pixels at a part of its size, or None."""
    most = Image.MAX_IMAGE_PIXELS or math.inf
    with reading(name):
        # Image.open would refuse it before it can be made smaller.
        img: Any = JpegImagePlugin.JpegImageFile(path)
    pixels = img.width * img.height
    if pixels > _MOST_PROGRESSIVE and 'progressive' in img.info:
        img.close()
        raise GluonStyleError(
            f'{name} has too many pixels: of a progressive JPEG at most '
            f'{_MOST_PROGRESSIVE} are read, so save it as a plain one'
        )
    if pixels <= most:
        img.close()
        return None
    factor = next((f for f in _JPEG_FACTORS if pixels <= most * f * f), 8)
    img.draft(img.mode, (img.width // factor, img.height // factor))
    logger.warning(
        '%s has %.0f million pixels: it is read at %dx%d',
        name,
        pixels / 1e6,
        *img.size,
    )
    return img


def _prepare_heic(name: str) -> None:
    try:
        import pillow_heif  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise MissingPackageError(
            f'{name} is a HEIC: install its reader with: python -m pip '
            "install 'gluon_style[heic]', or save the picture as a JPEG"
        ) from None
    pillow_heif.register_heif_opener()


@contextlib.contextmanager
def quiet_pillow() -> Iterator[None]:
    """Ignore Pillow's warnings of broken metadata; refuse too many pixels."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', UserWarning)
        warnings.simplefilter('error', Image.DecompressionBombWarning)
        yield


@contextlib.contextmanager
def reading(name: str) -> Iterator[None]:
    """Make one sentence of why Pillow cannot read the picture ``name``.

    Wrap calls of Pillow only, so that no other bug is hidden.
    """
    try:
        yield
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise GluonStyleError(
            f'{name} has too many pixels: at most '
            f'{Image.MAX_IMAGE_PIXELS} are read, so save it smaller, or as '
            'a JPEG, which is read at a part of its size'
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
