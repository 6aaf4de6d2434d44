"""Write a figure as a JPEG, which Matplotlib does worse than Pillow."""

import io

from PIL import Image


def write_jpeg(figure, path, dpi, quality=85):
    """Write a Matplotlib figure to a file, in colors without alpha."""
    file = io.BytesIO()
    figure.savefig(file, dpi=dpi)
    with Image.open(file) as picture:
        picture.convert('RGB').save(path, 'JPEG', quality=quality)
