"""Paint the style picture of the demo, gluon_style/samples/painting.jpg.

    python tools/paint.py painting.jpg

Brush strokes follow a flow field. Their color goes onto one canvas, the
thickness of their paint onto another, which then lights the first (impasto).
The picture is dedicated to the public domain under CC0 1.0.
"""

import argparse

import numpy
from PIL import Image, ImageDraw, ImageFilter

OVERSAMPLING = 2
# Each palette runs from its shadow (tone 0) to its light (tone 1).
SKY, FAR_HILLS, NEAR_HILLS, FIELD, TREE = (
    numpy.array([list(bytes.fromhex(code)) for code in codes.split()])
    for codes in (
        '14205e 1b2f86 2346a8 2a66bd 3f8fce 74bcd0 b9dccb f4e6b8 f3c9a4 '
        'f8c458 f59a35 ec6a2c',
        '2a2763 3d3a86 4f55a6 5d7fb5 7fa3b0 b58fa6 e0a27c',
        '3a2a6e 27495e 3c663f 6f8436 9ea03c cdb04a ecc968',
        '2f3585 5b3276 97354a c9432a de6f2b e39a35 efc052 f7e294',
        '1c1f55 2b2f6b 23504f 4a7034 86913a d2a838 ec7f34',
    )
)
# All lengths are in picture heights.
# Center x, center y, radius, sense of rotation and tone.
DISCS = (1.02, 0.40, 0.105, 1, 0.9), (0.44, 0.18, 0.06, -1, 0.66)
# Center x, center y and radius.
CROWNS = (0.11, 0.56, 0.11), (0.40, 0.61, 0.09), (0.26, 0.55, 0.14)
# Width and length of the strokes, overlap and color jitter.
LAYERS = (
    (0.060, 0.30, 5, 0.4),
    (0.036, 0.24, 3, 0.5),
    (0.023, 0.16, 2.2, 0.7),
    (0.011, 0.10, 0.8, 1),
)


def sky(x, y):
    """Return the flow (as complex numbers) and the tone of the sky."""
    flow = numpy.exp(1j * (0.45 * numpy.sin(3.5 * x - 5 * y) + 0.2))
    stripes = numpy.sin(
        24 * (y - 0.2 * x + 0.1 * numpy.cos(3.5 * x - 1)) + 0.6
    )
    tone = 0.2 + 0.16 * stripes + 0.24 * stripes.clip(0) ** 6 + 3.5 * y**3
    for center_x, center_y, radius, sense, peak in DISCS:
        offset = (x - center_x) + 1j * (y - center_y)
        reach = numpy.abs(offset) / radius
        pull = numpy.exp(-((reach / 3) ** 2))
        flow += 4 * sense * pull * 1j * offset / (numpy.abs(offset) + 1e-6)
        tone += pull * (0.5 + 0.2 * numpy.cos(3.3 * reach) - tone)
        tone += numpy.exp(-(reach**6)) * (peak - tone)
    return flow, tone


def hills(x, y, ridge):
    """Return the flow and the tone of the hills below a ridge."""
    slope = numpy.gradient(ridge, axis=1) / numpy.gradient(x, axis=1)
    flow = 1 + 1j * (slope + 4 * (y - ridge) * numpy.cos(7 * x))
    return flow, 0.52 + slope + 0.28 * numpy.sin(42 * (y - ridge) + 6 * x)


def planes(width, height):
    """Yield palette, stroke scale, mask, flow and tone, back to front."""
    y, x = numpy.mgrid[:height, :width] / height
    far = 0.50 + 0.05 * numpy.sin(3.4 * x + 2) - 0.025 * numpy.sin(8.1 * x)
    near = 0.60 + 0.05 * numpy.sin(3.0 * x + 1.8) + 0.015 * numpy.sin(9 * x)
    edge = 0.70 + 0.03 * numpy.sin(3.6 * x + 1.2)
    yield SKY, 1, y < far + 0.1, *sky(x, y)
    yield FAR_HILLS, 0.8, (y > far) & (y < near + 0.1), *hills(x, y, far)
    yield NEAR_HILLS, 0.8, (y > near) & (y < edge + 0.1), *hills(x, y, near)
    # Furrows that meet at the horizon.
    angle = numpy.angle(x - 0.9 + 1j * (y - 0.5)) + 0.3 * numpy.sin(6 * y + x)
    tone = 0.46 + 0.3 * numpy.sin(17 * angle) + 0.2 * numpy.sin(15 * y + 5 * x)
    yield FIELD, 1, y > edge, numpy.exp(1j * angle), tone
    for center_x, center_y, radius in CROWNS:
        spot = ((x - center_x) + 1j * (y - center_y)) / radius
        mask = numpy.abs(spot) < 1 + 0.1 * numpy.sin(5 * numpy.angle(spot))
        tone = 0.45 + 0.4 * spot.real - 0.35 * spot.imag
        yield TREE, 0.4, mask, spot - 1.15j, tone


def trace(point, mask, flow, step, count):
    """Return a path along the flow that ends where the mask does."""
    path = []
    for _ in range(count):
        x = min(max(int(point.real), 0), mask.shape[1] - 1)
        y = min(max(int(point.imag), 0), mask.shape[0] - 1)
        # The upper half of the brush must not stick out of the mask.
        if not mask[max(y - int(abs(step)), 0), x]:
            break
        path.append(point)
        point += step * flow[y, x] / (abs(flow[y, x]) + 1e-6)
    return path


def strokes(plane, layer, rng):
    """Yield the path, the two shades and the width of a layer's strokes."""
    palette, scale, mask, flow, tone = plane
    height, width = mask.shape
    brush, length, overlap, jitter = layer
    step, length = brush * height / 3, length * scale
    total = int(overlap * width / height / (brush * length))
    # An R2 sequence: as irregular as chance, but it leaves no gaps.
    starts = numpy.outer(
        numpy.arange(total), (0.7548777, 0.5698403)
    ) + rng.random(2)
    for x, y in (starts % 1 * (width, height)).astype(int):
        count = max(2, int(length * height / step * rng.uniform(0.2, 0.7)))
        path = trace(x + 1j * y, mask, flow, -step, count)[:0:-1] + trace(
            x + 1j * y, mask, flow, step, count
        )
        if len(path) > 2:
            spots = tone[y, x] * (len(palette) - 1) + rng.laplace(0, jitter)
            spots = (spots + rng.normal(0, 0.6, 2)).round().astype(int)
            shades = palette[spots.clip(0, len(palette) - 1)]
            # Short strokes are narrow, or they would be wider than long.
            breadth = step * min(3, len(path) / 2.5) * rng.uniform(0.6, 1.3)
            yield numpy.array(path), shades + rng.normal(0, 6, 3), breadth


def drag(color, relief, path, shades, width, rng):
    """Drag a brush that holds two shades along a path, hair by hair."""
    tangent = numpy.gradient(path)
    taper = width * numpy.sin(numpy.linspace(0.5, 2.8, len(path))) ** 0.5
    normal = 1j * taper * tangent / (numpy.abs(tangent) + 1e-6)
    count = int(width / 2) + 2
    places = rng.permutation(numpy.linspace(-0.5, 0.5, count))[:, None]
    share = (places + 0.5 + rng.normal(0, 0.15, (count, 1))).clip(0, 1)
    # Paint piles up along both sides of a stroke.
    piles = rng.normal(90, 30) + 130 * numpy.abs(places)
    inks = numpy.hstack([shades[0] * (1 - share) + shades[1] * share, piles])
    inks += rng.normal(0, 1, (count, 1)) * (8, 8, 8, 20)
    inks = inks.clip(0, 255).astype(int).tolist()
    ends = rng.integers(0, 2, (count, 2)) * (1, -1) + (0, len(path))
    for hair, ink, (start, stop) in zip(path + places * normal, inks, ends):
        points = hair[start:stop].view(float).tolist()
        color.line(points, tuple(ink[:3]), 4)
        relief.line(points, ink[3], 4)


def paint(width=900, height=600, seed=0):
    """Return the painting as an RGB image."""
    rng = numpy.random.default_rng(seed)
    size = width * OVERSAMPLING, height * OVERSAMPLING
    color, relief = Image.new('RGB', size, '#b9813f'), Image.new('L', size)
    draws = ImageDraw.Draw(color), ImageDraw.Draw(relief)
    for plane in planes(*size):
        for layer in LAYERS:
            for stroke in strokes(plane, layer, rng):
                drag(*draws, *stroke, rng)
    # The light comes from the upper left and grazes the relief.
    relief = relief.filter(ImageFilter.GaussianBlur(1.2))
    slope = sum(numpy.gradient(numpy.asarray(relief, float)))[..., None] / 40
    slope = slope.clip(-1, 1)
    lit = numpy.asarray(color) * (1 + 0.3 * slope) + 30 * slope.clip(0) ** 2
    lit = Image.fromarray(lit.clip(0, 255).astype(numpy.uint8))
    return lit.reduce(OVERSAMPLING)


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('path', help='where to save the painting')
    paint().save(parser.parse_args().path, quality=92)
