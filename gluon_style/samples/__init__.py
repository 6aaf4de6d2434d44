"""The pictures of the demo and the notebooks, free of rights."""

from pathlib import Path

from gluon_style.presets import preset

# Painted by paint.py beside it; CC0 1.0, like the script's every output.
PAINTING = Path(__file__).with_name('painting.jpg')

# Not 'auto': the model zoo's file would be eight times the download. With the
# chapter's weight of the style, 1e4, the cat's eyes become suns.
DEMO = preset('quick').changed({'weights': 'oxford', 'style_weight': 1e3})


def photograph():
    """Return the demo's content picture, an array (height, width, 3).

    It is scikit-image's 'chelsea', by Stefan van der Walt, CC0 1.0.
    """
    from skimage import data

    return data.chelsea()
