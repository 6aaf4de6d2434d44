"""Lay the chapter's road and the fast one side by side, six pairs of pictures.

    python tests/benchmarks/pairs.py SHEET.jpg

runs both presets with the Oxford weights at a longest side of 240 pixels,
writes all pictures on one sheet (content, style, chapter, fast in each row),
and prints the losses and seconds as a table. The pictures are scikit-image's,
CC0 or public domain, and the package's own painting.
"""

import sys

import numpy
from PIL import Image
from skimage import data

from gluon_style import stylize
from gluon_style.pictures.resize import resized
from gluon_style.samples import PAINTING

SIZE = 240


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


def fitted(img, width=SIZE, height=2 * SIZE // 3):
    """Return a picture, whole, in the middle of a white field."""
    part = min(width / img.shape[1], height / img.shape[0])
    shape = [round(part * side) for side in img.shape[1::-1]]
    field = Image.new('RGB', (width, height), 'white')
    place = (width - shape[0]) // 2, (height - shape[1]) // 2
    field.paste(Image.fromarray(resized(img, shape)), place)
    return field


def main():
    (path,) = sys.argv[1:]
    sheet = Image.new('RGB', (4 * SIZE, len(PAIRS) * 2 * SIZE // 3), 'white')
    print('| pair | preset | content | style | TV | total | seconds |')
    print('|---|---|---|---|---|---|---|')
    for row, (name, sources) in enumerate(PAIRS.items()):
        content, style = map(read, sources)
        cells = [content, style]
        for preset in ('chapter', 'fast'):
            result = stylize(content, style, preset, size=SIZE)
            cells.append(result.image)
            losses = ' | '.join(
                f'{getattr(result.record.losses, kind):.2f}'
                for kind in ('content', 'style', 'tv', 'total')
            )
            seconds = result.history[-1].seconds
            row_text = f'| {name} | {preset} | {losses} | {seconds:.0f} |'
            print(row_text, flush=True)
        for column, cell in enumerate(cells):
            sheet.paste(fitted(cell), (column * SIZE, row * 2 * SIZE // 3))
        sheet.save(path, quality=90)


if __name__ == '__main__':
    main()
