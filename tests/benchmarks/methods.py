"""Draw every method's picture of three pairs, with its defaults and seconds.

    PYTHONPATH=tests python -m benchmarks.methods OUT.jpg

It fetches the pictures of the quality benchmark. Five minutes of two cores;
nothing else may run beside it, or the seconds are too many.
"""

import sys
import time

from benchmarks.jpeg import write_jpeg
from benchmarks.quality.pairs import CONTENTS
from benchmarks.quality.styles import STYLES
from gluon_style import METHODS, stylize
from gluon_style.many.grid import picture_grid, show_picture
from gluon_style.pictures.resize import resized

PAIRS = ('portrait', 'painting'), ('coffee', 'poster'), ('cat', 'mosaic')
WIDTH, HEIGHT = 450, 300


def row(content, style):
    """Yield the words and the picture of each panel of a pair."""
    photo, painting = CONTENTS[content](), STYLES[style]()
    yield content, photo
    yield style, painting
    for name in METHODS:
        # The nets are loaded before.
        if not METHODS[name].has_epochs:
            stylize(photo, painting, method=name, size=64)
        began = time.perf_counter()
        result = stylize(photo, painting, method=name, size=WIDTH)
        seconds = time.perf_counter() - began
        print(f'{content}-{style} {name}: {seconds:.1f} s', flush=True)
        digits = int(seconds < 10)
        yield f'{name}: {seconds:.{digits}f} s', result.image


def filled(img):
    """Return the middle of a picture, as large as all others."""
    height, width = img.shape[:2]
    factor = max(WIDTH / width, HEIGHT / height)
    img = resized(img, (round(width * factor), round(height * factor)))
    top, left = (img.shape[0] - HEIGHT) // 2, (img.shape[1] - WIDTH) // 2
    return img[top : top + HEIGHT, left : left + WIDTH]


def main():
    (output,) = sys.argv[1:]
    columns = 2 + len(METHODS)
    figure, axes = picture_grid(
        len(PAIRS), columns, HEIGHT / WIDTH, margins=(0.1, 0.1)
    )
    for line, pair in zip(axes, PAIRS):
        for ax, (words, img) in zip(line, row(*pair)):
            show_picture(ax, filled(img), above=words)
    write_jpeg(figure, output, dpi=110)


if __name__ == '__main__':
    main()
