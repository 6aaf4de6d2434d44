"""The package's own figure of the style loss: the Gram matrices of layers."""

from __future__ import annotations

import numpy
from matplotlib.figure import Figure

from gluon_style.figures.recipe import FAST, FigureRuns
from gluon_style.figures.verdict import Check
from gluon_style.layers import STYLE_LAYERS
from gluon_style.many.grid import show_picture


def gram(runs: FigureRuns) -> tuple[Figure, list[Check]]:
    """Draw what the style loss sees: the Gram matrices of five layers.

    They are those of the content picture, the style picture and the result.
    The channels of each layer are in the order of the style picture's
    energy, the largest first.
    """
    [image] = runs.images([runs.job('result', FAST, style_weight=1e3)])
    comparison = runs.comparison
    pictures = {
        'content picture': comparison.target('content', image),
        'style picture': comparison.target('style', image),
        'result': image,
    }
    style_grams = comparison.grams(pictures['style picture'])
    figure = Figure(figsize=(12, 6.2), layout='constrained')
    axes = figure.subplots(len(pictures), 1 + len(STYLE_LAYERS))
    for ax, layer in zip(axes[0, 1:], STYLE_LAYERS):
        ax.set_title(layer, fontsize=9)
    for row, (name, img) in zip(axes, pictures.items()):
        show_picture(row[0], img, left=name)
        grams = comparison.grams(img)
        for ax, matrix, style in zip(row[1:], grams, style_grams):
            _show_matrix(ax, matrix, style)
    return figure, list(_checks(comparison, pictures))


def _show_matrix(ax, matrix, style):
    """Show a Gram matrix in the order and the range of the style's."""
    order = numpy.argsort(-numpy.diag(style))
    limit = numpy.percentile(numpy.abs(style), 99)
    ax.imshow(
        matrix[order][:, order],
        cmap='RdBu_r',
        vmin=-limit,
        vmax=limit,
        aspect='equal',
    )
    ax.set(xticks=[], yticks=[])


def _checks(comparison, pictures):
    for layer in STYLE_LAYERS:
        before, after = (
            comparison.style_distance(pictures[name], [layer])
            for name in ('content picture', 'result')
        )
        yield Check(
            f"{layer}: the result's matrix is nearer to the style's than the "
            f"content picture's: {after:.3f} in place of {before:.3f}",
            after < before / 2,
        )
