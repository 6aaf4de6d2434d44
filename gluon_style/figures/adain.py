"""The package's own figure of AdaIN: how much of the style it decodes.

Huang & Belongie 2017, figure 7: the trade-off between content and style at
the time of use.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy
from matplotlib.figure import Figure

from gluon_style.figures.comparison import Comparison
from gluon_style.figures.recipe import FigureRuns
from gluon_style.figures.verdict import Check, check_falling, check_rising
from gluon_style.many.grid import picture_grid, show_picture

# How much of the style the features have; 0 is the content's own.
_STRENGTHS = 0, 0.25, 0.5, 0.75, 1
# Longest sides, in full and quick.
_SIZES = 450, 144


def adain(runs: FigureRuns) -> tuple[Figure, list[Check]]:
    """Draw pictures whose features AdaIN gave the style's statistics.

    Between the pictures themselves are those that the decoder makes of the
    content's own features, of the style's statistics, and of what is between
    them. The decoder is the package's own, with its own encoder; weights and
    network are those that the pictures are compared by.
    """
    # The style's strokes are as large as in the picture beside the results.
    size = runs.options.size or _SIZES[runs.options.quick]
    images = runs.images(
        [
            runs.job_of(
                'adain',
                f'strength-{strength:g}',
                _SIZES,
                strength=strength,
                style_size=max(size, 128),
                color='style',
            )
            for strength in _STRENGTHS
        ]
    )
    height, width = images[0].shape[:2]
    comparison = runs.comparison
    content, style = (
        comparison.target(name, images[0]) for name in ('content', 'style')
    )
    words = (
        'content picture',
        *(f'AdaIN, strength {strength:g}' for strength in _STRENGTHS),
        'style picture',
    )
    figure, axes = picture_grid(1, len(words), height / width)
    for ax, img, above in zip(axes.flat, (content, *images, style), words):
        show_picture(ax, img, above)
    return figure, list(_checks(comparison, images))


def _checks(
    comparison: Comparison, images: list[numpy.ndarray]
) -> Iterator[Check]:
    yield check_falling(
        'the more of the style, the nearer its Gram matrices, which AdaIN '
        'does not know',
        [comparison.style_distance(img) for img in images],
    )
    yield check_falling(
        "and the less of the content's structure stays (SSIM)",
        [comparison.ssim(img) for img in images],
    )
    (layer,) = comparison.network.content_layers
    yield check_rising(
        f'and of its features at {layer} of {comparison.network.title}',
        [comparison.content_distance(img, layer) for img in images],
    )
