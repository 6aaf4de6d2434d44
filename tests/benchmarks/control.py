"""Draw the sample cat under some of the options.

    PYTHONPATH=tests python -m benchmarks.control OUT.jpg

Each picture is one of the preset 'quick', with the option above it. Some
minutes of two cores. notebooks/control.md shows what comes of it.
"""

import functools
import sys

import numpy
from matplotlib.figure import Figure

from benchmarks.jpeg import write_jpeg
from gluon_style import build_net, samples, stylize, texture
from gluon_style.cli import demo

SETTINGS = demo.SETTINGS
TILE = {'size': (192, 128), 'tileable': True}


@functools.cache
def network(pooling):
    """Return the network of several runs."""
    return build_net(network=SETTINGS.network, pooling=pooling)


def main():
    cat, painting = samples.photograph(), samples.PAINTING

    def make(**changes):
        net = network(changes.get('pooling', SETTINGS.pooling))
        return stylize(cat, painting, SETTINGS, net=net, **changes)

    runs = {
        '--strength 0.2': lambda: make(strength=0.2),
        'run': make,
        '--strength 0.8': lambda: make(strength=0.8),
        '--style-scale 0.5': lambda: make(style_scale=0.5),
        '--color style': lambda: make(color='style'),
        '--color luminance': lambda: make(color='luminance'),
        '--color match': lambda: make(color='match'),
        '--style-loss w2': lambda: make(style_loss='w2'),
        '--pooling max': lambda: make(pooling='max'),
        '--border zero': lambda: make(border='zero'),
        '--mask': lambda: make(mask=around_the_face(cat)),
        'texture --tileable, 2x2': lambda: texture(painting, **TILE),
    }
    figure = Figure(figsize=(9.6, 5.5))
    edges = {'left': 0.005, 'right': 0.995, 'top': 0.96, 'bottom': 0.005}
    axes = figure.subplots(
        3, 4, gridspec_kw={'wspace': 0.03, 'hspace': 0.13, **edges}
    )
    for ax, (title, run) in zip(axes.flat, runs.items()):
        image = run().image
        if 'tileable' in title:
            image = numpy.tile(image, (2, 2, 1))
        ax.imshow(image, interpolation='lanczos')
        ax.set_axis_off()
        ax.set_title(title, fontsize=8, family='monospace', pad=3)
        print(title, flush=True)
    write_jpeg(figure, sys.argv[1], dpi=125, quality=88)


def around_the_face(cat):
    """Return a mask, black where the sample cat's face is."""
    height, width = cat.shape[:2]
    y, x = numpy.mgrid[0:height, 0:width]
    x, y = (x / width - 0.47) / 0.42, (y / height - 0.5) / 0.5
    mask = numpy.where(x**2 + y**2 < 1, 0, 255).astype('uint8')
    return numpy.repeat(mask[..., None], 3, axis=2)


if __name__ == '__main__':
    main()
