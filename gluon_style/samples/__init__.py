"""The pictures of the demo and the notebooks, free of rights."""

from pathlib import Path

# Painted by tools/paint.py of the project; CC0 1.0, like the script's every output.
PAINTING = Path(__file__).with_name('painting.jpg')


def photograph():
    """Return the demo's content picture, an array (height, width, 3).

    It is scikit-image's 'chelsea', by Stefan van der Walt, CC0 1.0.
    """
    from skimage import data

    return data.chelsea()
