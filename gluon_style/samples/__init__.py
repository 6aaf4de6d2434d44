"""The pictures of the demo and the notebooks, in the public domain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

# Painted by the project's tools/paint.py, CC0 1.0.
PAINTING = Path(__file__).with_name('painting.jpg')


def photograph() -> Any:
    """Return the demo's content picture, an array (height, width, 3).

    It is scikit-image's 'chelsea', by Stefan van der Walt, CC0 1.0.
    """
    from skimage import data

    return data.chelsea()
