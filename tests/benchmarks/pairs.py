"""Lay the chapter's picture beside the default one, six pairs of pictures.

    python tests/benchmarks/pairs.py SHEET.jpg

runs the presets 'chapter' and 'fast' at a longest side of 300 pixels, each
with the network and the weights that a reader gets, writes all pictures on
one sheet (content, style, chapter, fast in each row), and prints the weights
and the seconds as a table. The pictures are scikit-image's, CC0 or public
domain, and the package's own painting.
"""

import sys

import numpy
from PIL import Image
from skimage import data

from gluon_style import stylize
from gluon_style.pictures.resize import resized
from gluon_style.samples import PAINTING

SIZE = 300
WIDTH, HEIGHT = SIZE, 2 * SIZE // 3
PRESETS = 'chapter', 'fast'


def landscape():
    """Return the astronaut in the proportions of the others."""
    return data.astronaut()[:341]


PAIRS = {
    'cat, painting': (data.chelsea, PAINTING),
    'rocket, painting': (data.rocket, PAINTING),
    'astronaut, painting': (landscape, PAINTING),
    'astronaut, retina': (landscape, data.retina),
    'coffee, galaxies': (data.coffee, data.hubble_deep_field),
    'coffee, brick': (data.coffee, lambda: gray_to_rgb(data.brick())),
}


def gray_to_rgb(img):
    return numpy.repeat(img[:, :, None], 3, axis=2)


def read(source):
    if callable(source):
        return numpy.ascontiguousarray(source())
    return numpy.asarray(Image.open(source).convert('RGB'))


def fitted(img):
    """Return a picture, whole, in the middle of a white field."""
    part = min(WIDTH / img.shape[1], HEIGHT / img.shape[0])
    shape = [round(part * side) for side in img.shape[1::-1]]
    field = Image.new('RGB', (WIDTH, HEIGHT), 'white')
    place = (WIDTH - shape[0]) // 2, (HEIGHT - shape[1]) // 2
    field.paste(Image.fromarray(resized(img, shape)), place)
    return field


def main():
    (path,) = sys.argv[1:]
    columns = 2 + len(PRESETS)
    sheet = Image.new('RGB', (columns * WIDTH, len(PAIRS) * HEIGHT), 'white')
    print('| pair | preset | weights | seconds |')
    print('|---|---|---|---|')
    for row, (name, sources) in enumerate(PAIRS.items()):
        content, style = map(read, sources)
        cells = [content, style]
        for preset in PRESETS:
            result = stylize(content, style, preset, size=SIZE)
            cells.append(result.image)
            source = result.record.weights.source
            seconds = result.history[-1].seconds
            print(f'| {name} | {preset} | {source} | {seconds:.0f} |')
            sys.stdout.flush()
        for column, cell in enumerate(cells):
            sheet.paste(fitted(cell), (column * WIDTH, row * HEIGHT))
        sheet.save(path, quality=88)


if __name__ == '__main__':
    main()
