"""The contents and styles that the quality is measured with.

The contents are photographs of scikit-image (CC0 or public domain, except
where a line says otherwise) and two of scikit-learn (CC BY 2.0: the palace
by danielbuechele, the flower by vultilion). ``styles`` has the styles.
"""

import functools
import io
from typing import NamedTuple

import numpy
from PIL import Image
from skimage import data

from .downloads import FOLDER, SCIKIT_LEARN, member
from .styles import STYLES

SIZE = 320


def _learn(name):
    path = member(SCIKIT_LEARN, f'sklearn/datasets/images/{name}.jpg')
    with Image.open(path) as img:
        return numpy.asarray(img.convert('RGB'))


def _gray(img):
    return numpy.repeat(img[:, :, None], 3, axis=2)


CONTENTS = {
    'portrait': lambda: data.astronaut()[:360, 30:420],
    'cat': data.chelsea,
    'palace': lambda: _learn('china'),
    'coffee': data.coffee,
    'rocket': data.rocket,
    'flower': lambda: _learn('flower'),
    'cameraman': lambda: _gray(data.camera())[40:440],
    'retina': data.retina,
}
WHAT = {
    'portrait': 'a portrait',
    'cat': 'an animal',
    'palace': 'a building in a landscape',
    'coffee': 'an object',
    'rocket': 'a dark picture',
    'flower': 'a smooth picture',
    'cameraman': 'a figure in a landscape, without color',
    'retina': 'a smooth disc in the dark',
}
# Eight pairs that have each content once and each style at least once.
SHORT = (
    'portrait-painting',
    'cat-mosaic',
    'palace-pastel',
    'coffee-poster',
    'rocket-painting',
    'flower-night',
    'cameraman-engraving',
    'retina-mosaic',
)
ALL = tuple(f'{content}-{style}' for content in CONTENTS for style in STYLES)


class Pair(NamedTuple):
    """The paths of a content's and a style's picture, made by ``pair``."""

    name: str
    content: str
    style: str


def pair(name, size=SIZE):
    """Return a Pair, its pictures written as PNG if necessary.

    ``size`` is the longest side of both in pixels.
    """
    content, style = name.split('-')
    return Pair(
        name,
        _written('content', content, CONTENTS[content], size),
        _written('style', style, STYLES[style], size),
    )


def read(path):
    """Return a picture file as an array (height, width, 3)."""
    with Image.open(path) as img:
        return numpy.asarray(img.convert('RGB'))


def _written(kind, name, make, size):
    path = FOLDER / 'pictures' / f'{kind}-{name}-{size}.png'
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        img = Image.fromarray(numpy.ascontiguousarray(make()))
        # Lanczos averages over the area of a pixel.
        img.thumbnail(
            (size, size), Image.Resampling.LANCZOS, reducing_gap=None
        )
        buffer = io.BytesIO()
        img.save(buffer, 'PNG')
        partial = path.with_name(f'.{path.name}')
        partial.write_bytes(buffer.getvalue())
        partial.replace(path)
    return str(path)


@functools.cache
def pictures(name, size=SIZE):
    """Return the content's and the style's picture of a pair."""
    _, content, style = pair(name, size)
    return read(content), read(style)
