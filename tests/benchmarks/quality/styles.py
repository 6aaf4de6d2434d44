"""Make the style pictures: paintings, an engraving, a mosaic and a poster.

All are this project's own, CC0 1.0. They depend on nothing but NumPy's seeds.
"""

import importlib.util

import numpy
from PIL import Image, ImageDraw
from scipy.spatial import cKDTree

from gluon_style import samples

from .downloads import ROOT

WIDTH, HEIGHT = 720, 480
_SMOOTHING = 2


def _palette(codes):
    return numpy.array([list(bytes.fromhex(code)) for code in codes.split()])


NIGHT = (
    '05070f 080c1c 0a1028 0d1636 111f44 152a50 1c3a5c 2a4f68 4a6a6a 8a8a5a '
    'c8a850 f0d890',
    '04060c 080e1a 0c1828 122434 1a303c 24403f 38503f',
    '030608 070d0e 0b1614 10201a 182c1e 243a22 3c4c2c',
    '040508 0a0a12 120f1c 1c1626 281e2c 3a2a2e 543c30 7a5834',
    '020306 05080c 081012 0c1a18 14261c 223422 3e4a2c',
)
PASTEL = (
    '9fb4d8 a9c0e0 b4cce6 c0d6ea ccdfee d8e6ee e4ece8 eeeee0 f4ead4 f8e2cc '
    'fadcc8 fcd2c0',
    'a8a8cc b4b4d6 c0c0de ccc8e0 d8d0de e4d4d8 f0d8d0',
    '98b8a4 a8c4a8 b8d0ac c8dab4 d8e2bc e6e8c8 f2eed6',
    'd0a8b8 dab4b8 e4c0b8 ecccbc f2d8c4 f6e2cc faeada fcf4e6',
    '7c9c94 8cac98 9cbca0 b0caac c6d6b8 dce0c4 f0e8d4',
)
MOSAIC = (
    '10204c 183a78 2058a0 3c84b8 74b0c4 c8d8d0 e8d8a0 d8a840 b87820',
    '24184c 403070 6c4c90 9c74a0 c8a0a8 e0c8b0',
    '103828 1c5434 3c7440 709850 b0b868 dcd090',
    '5c1810 8c2818 b44424 d07038 e0a058 ecd090',
    '0c2818 184028 2c5c34 508048 90a058 d0c070',
)


def _paint_module():
    """Return tools/paint.py as a module of its own, free to be changed."""
    spec = importlib.util.spec_from_file_location(
        'paint', ROOT / 'tools' / 'paint.py'
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _with_palettes(palettes):
    module = _paint_module()
    names = 'SKY', 'FAR_HILLS', 'NEAR_HILLS', 'FIELD', 'TREE'
    for name, codes in zip(names, palettes):
        setattr(module, name, _palette(codes))
    return module


def painting():
    """Return the package's own painting: bright, thick, in long strokes."""
    with Image.open(samples.PAINTING) as img:
        return numpy.asarray(img.convert('RGB').resize((WIDTH, HEIGHT)))


def night():
    """Return a dark painting in broad strokes."""
    module = _with_palettes(NIGHT)
    module.LAYERS = (
        (0.09, 0.40, 16, 0.4),
        (0.055, 0.30, 3, 0.4),
        (0.035, 0.20, 1.4, 0.5),
    )
    return numpy.asarray(module.paint(WIDTH, HEIGHT, seed=3))


def pastel():
    """Return a pale painting in short dabs."""
    module = _with_palettes(PASTEL)
    module.LAYERS = (
        (0.05, 0.12, 12, 0.6),
        (0.026, 0.06, 4, 1.0),
        (0.016, 0.035, 2.5, 1.3),
    )
    return numpy.asarray(module.paint(WIDTH, HEIGHT, seed=5))


def _grid():
    height, width = HEIGHT * _SMOOTHING, WIDTH * _SMOOTHING
    y, x = numpy.mgrid[:height, :width] / height
    return height, width, x, y


def engraving():
    """Return a landscape in black lines that swell with the darkness."""
    height, width, x, y = _grid()
    ink = numpy.zeros((height, width))
    wave = 0.006 * numpy.sin(9 * x) + 0.01 * numpy.sin(3.1 * x + 1)
    for i, plane in enumerate(_paint_module().planes(width, height)):
        _, _, mask, flow, tone = plane
        darkness = (0.95 - tone).clip(0.05, 0.95)
        phase = y + wave + 0.012 * tone
        if i == 3:
            phase = 1.1 * numpy.angle(flow)
        elif i > 3:
            phase = 0.1 * numpy.abs(flow) + 0.01 * numpy.sin(60 * x)
        lines = _lines(phase, 62, 0.8 * darkness)
        cross = _lines(x + 0.8 * y + wave, 55, 0.9 * (darkness - 0.55))
        ink = numpy.where(mask, numpy.maximum(lines, cross), ink)
    paper, black = numpy.array([238, 229, 208]), numpy.array([34, 28, 26])
    img = paper + ink[..., None] * (black - paper)
    grain = numpy.random.default_rng(2).normal(0, 5, (height, width, 1))
    return _reduced(img + grain)


def _lines(phase, count, share):
    """Return lines that cover a share of their distance, 0 to 1."""
    distance = numpy.abs(2 * (phase * count % 1) - 1)
    return ((share - distance) * 6 + 0.5).clip(0, 1)


def mosaic():
    """Return a landscape of small stones in pale mortar."""
    height, width, x, y = _grid()
    img, size = numpy.zeros((height, width, 3)), (width, height)
    # All three trees have the last palette.
    palettes = map(_palette, MOSAIC + 2 * MOSAIC[-1:])
    for palette, plane in zip(palettes, _paint_module().planes(*size)):
        _, _, mask, _, tone = plane
        steps = (tone * len(palette)).astype(int).clip(0, len(palette) - 1)
        img = numpy.where(mask[..., None], palette[steps], img)
    rng = numpy.random.default_rng(4)
    side = height / 44
    rows, columns = numpy.mgrid[-1 : height / side + 2, : width / side + 1]
    # Rows of stones rise and fall together, as they are laid.
    rise = 0.8 * numpy.sin(columns / 9)
    seeds = numpy.stack([rows + rise, columns + rows % 2 / 2], -1)
    seeds = seeds.reshape(-1, 2)
    seeds = (seeds + rng.uniform(-0.16, 0.16, seeds.shape)) * side
    points = numpy.mgrid[:height, :width].reshape(2, -1).T
    distances, nearest = cKDTree(seeds).query(points, k=2, p=4)
    places = seeds.astype(int).clip(0, (height - 1, width - 1))
    stones = img[places[:, 0], places[:, 1]] + rng.normal(
        0, 9, (len(seeds), 3)
    )
    gap = (distances[:, 1] - distances[:, 0]) / side
    stone = ((gap - 0.12) * 8).clip(0, 1)[:, None]
    # Each stone catches the light on one side.
    light = ((seeds[nearest[:, 0]] - points) @ (1, 1))[:, None]
    colors = stones[nearest[:, 0]] + 1.6 * light
    mortar = numpy.array([206, 196, 178])
    return _reduced((mortar + stone * (colors - mortar)).reshape(img.shape))


def poster():
    """Return a poster in seven flat colors with hard edges."""
    size = WIDTH * _SMOOTHING, HEIGHT * _SMOOTHING
    img = Image.new('RGB', size, '#f2e3c6')
    draw = ImageDraw.Draw(img)
    scale = size[1]

    def shape(color, *points):
        draw.polygon([(scale * x, scale * y) for x, y in points], color)

    def disc(color, x, y, radius):
        box = [x - radius, y - radius, x + radius, y + radius]
        draw.ellipse([scale * value for value in box], color)

    for i in range(24):
        a, b = (2 * numpy.pi * (i + part) / 24 for part in (0, 0.5))
        ends = [
            (0.98 + 2 * numpy.cos(t), 0.42 + 2 * numpy.sin(t)) for t in (a, b)
        ]
        shape('#f0b64a', (0.98, 0.42), *ends)
    disc('#f2e3c6', 0.98, 0.42, 0.31)
    disc('#d8412f', 0.98, 0.42, 0.26)
    shape('#1f6f78', (0, 0.62), (0.28, 0.3), (0.52, 0.55), (0.72, 0.36),
          (1.15, 0.72), (1.5, 0.56), (1.5, 1), (0, 1))  # fmt: skip
    shape('#f2e3c6', (0.28, 0.3), (0.36, 0.385), (0.29, 0.41), (0.24, 0.38),
          (0.2, 0.395))  # fmt: skip
    shape('#173f5f', (0, 0.74), (0.5, 0.6), (1.0, 0.78), (1.5, 0.68),
          (1.5, 1), (0, 1))  # fmt: skip
    shape('#d8412f', (0, 0.86), (0.7, 0.8), (1.5, 0.9), (1.5, 1), (0, 1))
    shape('#222222', (0.14, 0.98), (0.17, 0.5), (0.2, 0.98))
    for x, y, radius in (
        (0.17, 0.5, 0.1),
        (0.1, 0.58, 0.07),
        (0.25, 0.59, 0.08),
    ):
        disc('#222222', x, y, radius)
        disc('#1f6f78', x - 0.015, y - 0.02, 0.6 * radius)
    for i in range(5):
        x = 0.5 + 0.16 * i
        shape('#f2e3c6', (x, 0.9), (x + 0.05, 0.78), (x + 0.1, 0.9))
        shape('#f0b64a', (x + 0.05, 0.78), (x + 0.1, 0.9), (x + 0.05, 0.9))
    return _reduced(numpy.asarray(img))


def _reduced(img):
    img = Image.fromarray(img.clip(0, 255).astype('uint8'))
    return numpy.asarray(img.reduce(_SMOOTHING))


STYLES = {
    make.__name__: make
    for make in (painting, pastel, night, engraving, mosaic, poster)
}
