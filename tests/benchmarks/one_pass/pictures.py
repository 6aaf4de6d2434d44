"""Draw what one pass is beside the optimization: the picture of its page.

    PYTHONPATH=tests python -m benchmarks.one_pass.pictures OUT.jpg [STYLE]

STYLE is a style of the sample painting, made with gluon-style learn; without
it, it is learned first.
"""

import sys
import time

from benchmarks.jpeg import write_jpeg
from gluon_style import learn, samples, stylize
from gluon_style.many.grid import picture_grid, show_picture
from gluon_style.methods.feedforward.styles import Style
from gluon_style.methods.table import get_method
from gluon_style.pictures.read import read_picture
from gluon_style.pictures.resize import resized


def panels(style):
    """Yield the words and the picture of each panel."""
    photo = resized(samples.photograph(), (450, 299))
    painting = samples.PAINTING
    yield 'photograph', photo
    yield 'painting', read_picture(painting)
    yield 'optimized: quick', stylize(photo, painting, 'quick').image
    method = get_method('feedforward')
    for words, source, changes in (
        ('one pass', painting, {}),
        ('--strength 0.5', painting, {'strength': 0.5}),
        ('a learned style', style, {}),
        ('--net-size 250', style, {'net_size': 250}),
        ('net:15', 'net:15', {}),
    ):
        settings = method.settings(**changes)
        began = time.perf_counter()
        result = method.stylize(photo, source, settings)
        print(f'{words}: {time.perf_counter() - began:.2f} s')
        yield words, result.image


def main():
    output, *files = sys.argv[1:]
    style = Style.load(files[0]) if files else learn(samples.PAINTING)
    pictures = list(panels(style))
    figure, axes = picture_grid(2, 4, 299 / 450, margins=(0.1, 0.1))
    for ax, (words, img) in zip(axes.flat, pictures):
        show_picture(ax, resized(img, (450, 299)), above=words)
    write_jpeg(figure, output, dpi=150)


if __name__ == '__main__':
    main()
