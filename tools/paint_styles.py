"""Paint any number of style pictures, each in a manner and colors of its own.

They are what ``train_adain.py`` learns styles from. Each is drawn with its own
seed: brush strokes along the edges of a photograph, or of waves; tiles; dots;
flat shapes; clouds; hatching. All are dedicated to the public domain, CC0 1.0,
as far as they are not photographs' own forms.
"""

import colorsys

import numpy
import paint
from PIL import Image, ImageDraw, ImageFilter
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

# Painting takes time; styles are learned from pieces of this.
WIDTH, HEIGHT = 400, 300


def painting(seed, photos):
    """Return a painting, (height, width, 3) of uint8.

    ``photos`` are arrays whose forms some manners paint.
    """
    rng = numpy.random.default_rng([seed, 7])
    manner = MANNERS[seed % len(MANNERS)]
    picture = manner(rng, photos)
    return numpy.asarray(picture, 'float32').clip(0, 255).astype('uint8')


def _palette(rng):
    """Return five to nine colors from dark to light, (colors, 3)."""
    count = rng.integers(5, 10)
    hue, spread = rng.random(), rng.choice([0.05, 0.15, 0.5])
    hues = hue + spread * rng.normal(0, 1, count)
    vivid = rng.uniform(0.1, 1)
    darkest, lightest = rng.uniform(0, 0.35), rng.uniform(0.7, 1)
    lights = numpy.linspace(darkest, lightest, count)
    lights = (lights + rng.normal(0, 0.06, count)).clip(0, 1)
    colors = [
        colorsys.hls_to_rgb(h % 1, light, (vivid * rng.uniform(0.6, 1)))
        for h, light in zip(hues, lights)
    ]
    return 255 * numpy.array(colors)


def _colored(palette, tone):
    """Return the palette's colors at tones from 0 to 1, in between too."""
    place = tone.clip(0, 1) * (len(palette) - 1)
    return numpy.stack(
        [
            numpy.interp(place, numpy.arange(len(palette)), palette[:, k])
            for k in range(3)
        ],
        axis=-1,
    )


def _tone(rng, photos, width, height):
    """Return a photograph's light, or that of waves, from 0 to 1."""
    if rng.random() < 0.7:
        photo = photos[rng.integers(len(photos))]
        image = Image.fromarray(photo).convert('L').resize((width, height))
        tone = numpy.asarray(image, float)
    else:
        tone = _noise(rng, width, height, rng.uniform(0.05, 0.3))
    low, high = numpy.percentile(tone, [2, 98])
    tone = ((tone - low) / (high - low + 1e-6)).clip(0, 1)
    return 1 - tone if rng.random() < 0.2 else tone


def _noise(rng, width, height, scale):
    """Return clouds: ``scale`` is their size in picture heights."""
    total = 0
    for octave in range(4):
        sigma = scale * height / 2**octave
        layer = gaussian_filter(
            rng.normal(0, 1, (height, width)), sigma, mode='wrap'
        )
        total = total + layer / (layer.std() + 1e-9) / 1.8**octave
    return total


def _strokes(rng, photos):
    """Return brush strokes along the edges of a tone."""
    width, height = 2 * WIDTH, 2 * HEIGHT
    tone = _tone(rng, photos, width, height)
    smooth = gaussian_filter(tone, height * rng.uniform(0.01, 0.04))
    dy, dx = numpy.gradient(smooth)
    # Where nothing is, the strokes follow slow waves.
    waves = numpy.exp(1j * _noise(rng, width, height, 0.3))
    flow = 1j * (dx + 1j * dy) / (smooth.std() + 1e-6) * 40 + waves * 0.5
    plane = (
        *(_palette(rng), rng.uniform(0.5, 1.2)),
        *(numpy.ones((height, width), bool), flow, tone),
    )
    scale = rng.uniform(0.6, 2)
    color = Image.new('RGB', (width, height), '#9a8a70')
    relief = Image.new('L', (width, height))
    draws = ImageDraw.Draw(color), ImageDraw.Draw(relief)
    for brush, length, overlap, jitter in paint.LAYERS:
        layer = brush * scale, length * scale, overlap, jitter
        for stroke in paint.strokes(plane, layer, rng):
            paint.drag(*draws, *stroke, rng)
    return _lit(color, relief, rng.uniform(0, 0.4))


def _lit(color, relief, depth):
    """Return paint whose thickness throws light and shadow, half as large."""
    relief = relief.filter(ImageFilter.GaussianBlur(1.2))
    slope = sum(numpy.gradient(numpy.asarray(relief, float)))[..., None] / 40
    lit = numpy.asarray(color) * (1 + depth * slope.clip(-1, 1))
    lit = Image.fromarray(lit.clip(0, 255).astype('uint8'))
    return lit.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)


def _tiles(rng, photos):
    """Return a mosaic, with or without dark joints."""
    tone = _tone(rng, photos, WIDTH, HEIGHT)
    count = int(10 ** rng.uniform(2, 3.5))
    points = rng.random((count, 2)) * (HEIGHT, WIDTH)
    y, x = numpy.mgrid[:HEIGHT, :WIDTH]
    places = numpy.stack([y, x], axis=-1).reshape(-1, 2)
    distances, nearest = cKDTree(points).query(places, k=2)
    rows, columns = points.astype(int).T
    tones = tone[rows, columns] + rng.normal(0, 0.1, count)
    colors = _colored(_palette(rng), tones) + rng.normal(0, 10, (count, 3))
    picture = colors[nearest[:, 0]].reshape(HEIGHT, WIDTH, 3)
    joint = (distances[:, 1] - distances[:, 0]).reshape(HEIGHT, WIDTH, 1)
    strength = rng.choice([0, 0.5, 0.9])
    return picture * (1 - strength * numpy.exp(-joint / 1.5))


def _dots(rng, photos):
    """Return dots of pure color, as pointillists set them."""
    width, height = 2 * WIDTH, 2 * HEIGHT
    tone, palette = _tone(rng, photos, width, height), _palette(rng)
    image = Image.new('RGB', (width, height), tuple(palette[-1].astype(int)))
    draw = ImageDraw.Draw(image)
    radius = rng.uniform(3, 9)
    for _ in range(int(3 * width * height / (3 * radius**2))):
        x, y = rng.integers(width), rng.integers(height)
        r = radius * rng.uniform(0.6, 1.3)
        place = tone[y, x] * (len(palette) - 1) + rng.normal(0, 0.8)
        shade = palette[int(round(place.clip(0, len(palette) - 1)))]
        color = (shade + rng.normal(0, 12, 3)).clip(0, 255).astype(int)
        draw.ellipse([x - r, y - r, x + r, y + r], tuple(color))
    return image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)


def _shapes(rng, photos):
    """Return flat shapes, with outlines or without."""
    width, height = 2 * WIDTH, 2 * HEIGHT
    palette = _palette(rng).astype(int)
    image = Image.new('RGB', (width, height), tuple(palette[-1]))
    draw = ImageDraw.Draw(image)
    outline = tuple(palette[0]) if rng.random() < 0.6 else None
    for _ in range(rng.integers(60, 400)):
        corners = rng.integers(3, 7)
        reach = height * rng.uniform(0.02, 0.25)
        angles = numpy.sort(rng.random(corners)) * 2 * numpy.pi
        center = rng.random(2) * (width, height)
        points = center + reach * numpy.stack(
            [numpy.cos(angles), numpy.sin(angles)], axis=1
        )
        fill = tuple(palette[rng.integers(len(palette))])
        draw.polygon(points.ravel().tolist(), fill, outline, 4)
    image = image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    grain = rng.normal(0, rng.uniform(0, 14), (HEIGHT, WIDTH, 1))
    return numpy.asarray(image) + gaussian_filter(grain, (0.7, 0.7, 0))


def _clouds(rng, photos):
    """Return washes of color: warped clouds, as on wet paper."""
    tone = _noise(rng, WIDTH, HEIGHT, rng.uniform(0.02, 0.3))
    rows, columns = numpy.mgrid[:HEIGHT, :WIDTH]
    reach = HEIGHT * rng.uniform(0, 0.15)
    shift_y, shift_x = (
        (reach * _noise(rng, WIDTH, HEIGHT, 0.15)).astype(int)
        for _ in range(2)
    )
    tone = tone[(rows + shift_y) % HEIGHT, (columns + shift_x) % WIDTH]
    bands = rng.choice([1, 1, 3, 6])
    tone = (tone - tone.min()) / (tone.max() - tone.min())
    if bands > 1:
        tone = numpy.abs((tone * bands) % 2 - 1)
    return _colored(_palette(rng), tone)


def _hatching(rng, photos):
    """Return lines whose width says how dark it is, as engravers cut them."""
    tone = _tone(rng, photos, WIDTH, HEIGHT)
    palette = _palette(rng)
    y, x = numpy.mgrid[:HEIGHT, :WIDTH]
    bend = gaussian_filter(tone, 6) * rng.uniform(0, 12)
    dark, soft = numpy.zeros((HEIGHT, WIDTH)), rng.uniform(0.05, 0.3)
    period = rng.uniform(3, 9)
    for k in range(rng.integers(1, 4)):
        angle = rng.uniform(0, numpy.pi)
        phase = (x * numpy.cos(angle) + y * numpy.sin(angle) + bend) / period
        line = numpy.abs(phase % 1 * 2 - 1)
        limit = (1 - tone) * 1.2 - 0.3 * k
        dark = numpy.maximum(dark, ((limit - line) / soft).clip(0, 1))
    paper = palette[-1] if rng.random() < 0.6 else _colored(palette, tone)
    return paper * (1 - dark[..., None]) + palette[0] * dark[..., None]


# Strokes are what most paintings are made of.
MANNERS = (
    *(_strokes, _tiles, _strokes, _dots, _strokes),
    *(_shapes, _strokes, _clouds, _strokes, _hatching),
)
