"""Pictures as addresses that hold them, for a page that is whole in itself."""

from __future__ import annotations

import base64
import io
from pathlib import Path

from PIL import Image

from gluon_style.pictures import Array
from gluon_style.pictures.resize import resized

# The files that browsers show as they are.
_TYPES = {'.jpeg': 'jpeg', '.jpg': 'jpeg', '.png': 'png', '.webp': 'webp'}
# A file of more bytes is not in the page, which nobody could open then. A
# picture that the page shows in full has fewer.
_MOST_BYTES = 16 << 20


def fitted(image_shape: tuple[int, int], side: int) -> tuple[int, int]:
    """Return (width, height), reduced if its longest side is over ``side``."""
    part = min(1, side / max(image_shape))
    width, height = (max(1, round(part * each)) for each in image_shape)
    return width, height


def jpeg_address(picture: Array, image_shape: tuple[int, int]) -> str:
    """Return a picture as a JPEG resized to (width, height).

    ``picture`` is an array (height, width, 3) of uint8.
    """
    img = Image.fromarray(resized(picture, image_shape))
    file = io.BytesIO()
    img.save(file, format='JPEG', quality=90, optimize=True)
    return _address('jpeg', file.getvalue())


def file_address(path: Path) -> str | None:
    """Return a picture's file itself, which has the record within.

    It is None for files that browsers do not show and for large ones. Raises
    OSError as reading does.
    """
    kind = _TYPES.get(path.suffix.lower())
    if kind is None or path.stat().st_size > _MOST_BYTES:
        return None
    return _address(kind, path.read_bytes())


def _address(kind: str, content: bytes) -> str:
    return f'data:image/{kind};base64,{base64.b64encode(content).decode()}'
