"""Lay the demo's picture beside the two that it is made of: demo.py OUT.jpg.

The result is what ``gluon-style demo`` makes, at twice its size. README.md
shows it.
"""

import sys

from PIL import Image

from gluon_style import samples, stylize
from gluon_style.cli import demo

GAP = 8


def main():
    (path,) = sys.argv[1:]
    content = Image.fromarray(samples.photograph())
    style = Image.open(samples.PAINTING).convert('RGB')
    result = stylize(samples.photograph(), samples.PAINTING, demo.SETTINGS)
    height, width = result.image.shape[:2]
    sheet = Image.new('RGB', (3 * width + GAP, 2 * height), 'white')
    large = Image.fromarray(result.image)
    for img, factor, place in (
        (content, 1, (0, 0)),
        (style, 1, (0, height)),
        (large, 2, (width + GAP, 0)),
    ):
        shape = factor * width, factor * height
        sheet.paste(img.resize(shape, Image.Resampling.LANCZOS), place)
    sheet.save(path, quality=90)


if __name__ == '__main__':
    main()
