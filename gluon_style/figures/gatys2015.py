"""Figures of Gatys, Ecker & Bethge 2015, A Neural Algorithm of Artistic Style.

The paper takes averages where this network, like the chapter's, takes maxima
(pooling), and it weighs its losses in other units. Its network is VGG-19; all
layers that are named here are in VGG-16, too. What is checked is what the
figures are there to show.
"""

from __future__ import annotations

from matplotlib.figure import Figure

from gluon_style.figures.recipe import SINGLE, FigureRuns, RunSpec
from gluon_style.figures.verdict import (
    Check,
    check_balance,
    check_falling,
    three_decimals,
)
from gluon_style.layers import STYLE_LAYERS
from gluon_style.many.grid import picture_grid, show_picture
from gluon_style.many.jobs import Job

RECONSTRUCTED = ('conv1_2', 'conv2_2', 'conv3_2', 'conv4_2', 'conv5_2')
# The chapter's own weights of content and style are 1 and 1e4.
# From much style to little. The paper names ratios of the weights; what a
# ratio does depends on the layers, what a strength does hardly.
STRENGTHS = (0.5, 0.2, 0.1, 0.05)
# A picture with less of the structural similarity shows nothing of the other.
NOTHING = 0.05
STYLE_WEIGHT = 1e4
# The style layers up to each of them.
_CUMULATIVE = [STYLE_LAYERS[: i + 1] for i in range(len(STYLE_LAYERS))]
_FROM_NOISE = SINGLE.changed({'init': 'noise'})


def reconstructions(runs: FigureRuns) -> tuple[Figure, list[Check]]:
    """Draw figure 1: the content, and the style, as each layer knows them.

    From noise, with one loss at a time: the content at one layer, or the
    style at all layers up to one.
    """
    images = runs.images([*_content_jobs(runs), *_style_jobs(runs)])
    contents = images[: len(RECONSTRUCTED)]
    styles = images[len(RECONSTRUCTED) :]
    comparison, shape = runs.comparison, contents[0].shape
    figure, axes = picture_grid(2, 6, shape[0] / shape[1])
    for row, name in zip(axes, ('content', 'style')):
        target = comparison.target(name, contents[0])
        show_picture(row[0], target, f'{name} picture')
    for ax, img, layer in zip(axes[0, 1:], contents, RECONSTRUCTED):
        show_picture(ax, img, f'content of {layer}')
    for ax, img, layer in zip(axes[1, 1:], styles, STYLE_LAYERS):
        since = '' if layer == STYLE_LAYERS[0] else f'{STYLE_LAYERS[0]} to '
        show_picture(ax, img, f'style of {since}{layer}')
    return figure, [
        *_check_contents(comparison, contents),
        *_check_styles(comparison, styles),
    ]


_RECONSTRUCTION = RunSpec(_FROM_NOISE, full=(225, 200), quick=(64, 30))


def _content_jobs(runs: FigureRuns) -> list[Job]:
    """Return runs for the content as each layer knows it."""
    return [
        runs.job(
            f'content-{layer}',
            _RECONSTRUCTION,
            content_layers=layer,
            style_layers='conv1_1',
            style_weight=0,
            tv_weight=0.1,
        )
        for layer in RECONSTRUCTED
    ]


def _style_jobs(runs: FigureRuns) -> list[Job]:
    """Return runs for the style as the layers up to each know it."""
    return [
        runs.job(
            f'style-{layers[-1]}',
            _RECONSTRUCTION,
            content_layers='conv1_1',
            style_layers=layers,
            content_weight=0,
            style_weight=_style_weight(layers),
            tv_weight=1,
        )
        for layers in _CUMULATIVE
    ]


def _style_weight(layers: tuple[str, ...]) -> float:
    """Return a weight with which each layer's share is always the same."""
    return STYLE_WEIGHT * len(STYLE_LAYERS) / len(layers)


def _check_contents(comparison, contents):
    likeness = [comparison.ssim(img) for img in contents]
    yield Check(
        'the deeper the layer, the less of the picture is rebuilt (SSIM '
        f'falls, or is below {NOTHING}): {three_decimals(likeness)}',
        all(b < max(a, NOTHING) for a, b in zip(likeness, likeness[1:])),
    )
    own = [
        comparison.content_distance(img, layer)
        for img, layer in zip(contents, RECONSTRUCTED)
    ]
    # The style picture is as far as something that shows another thing.
    style = comparison.target('style', contents[0])
    other = [
        comparison.content_distance(style, layer) for layer in RECONSTRUCTED
    ]
    yield Check(
        'each layer finds its own content again (distance, and that of the '
        f'style picture): {three_decimals(own)} ({three_decimals(other)})',
        all(a < b / 2 for a, b in zip(own, other)),
    )


def _check_styles(comparison, styles):
    yield check_falling(
        'the more layers, the more of the style is rebuilt (distance of all '
        'Gram matrices falls)',
        [comparison.style_distance(img) for img in styles],
    )
    likeness = [comparison.ssim(img, 'style') for img in styles]
    yield Check(
        'but not where it was in the picture (SSIM below 0.3): '
        f'{three_decimals(likeness)}',
        max(likeness) < 0.3,
    )


def tradeoff(runs: FigureRuns) -> tuple[Figure, list[Check]]:
    """Draw figure 3: style layers downward, content against style across.

    From noise; the style layers of a row are those up to the one named.
    """
    strengths = STRENGTHS
    if runs.options.quick:
        # Pictures that are not finished come in either order if their
        # strengths are near: where the style of ``conv1_1`` alone costs the
        # content little. In full, all four columns are checked.
        strengths = STRENGTHS[0], STRENGTHS[-1]
    images = runs.images(
        [
            _balanced(runs, layers, strength)
            for layers in _CUMULATIVE
            for strength in strengths
        ]
    )
    width = len(strengths)
    rows = [images[i : i + width] for i in range(0, len(images), width)]
    height, width = rows[0][0].shape[:2]
    figure, axes = picture_grid(
        len(rows), len(strengths), height / width, gap=0.1
    )
    figure.suptitle('strength of the style', fontsize=9)
    for i, (row, layer) in enumerate(zip(rows, STYLE_LAYERS)):
        for j, (img, strength) in enumerate(zip(row, strengths)):
            above = f'{strength:g}' if i == 0 else None
            left = f'style up to {layer}' if j == 0 else None
            show_picture(axes[i, j], img, above, left)
    checks: list[Check] = []
    for row, layers in zip(rows, _CUMULATIVE):
        name = f'{layers[-1]}: '
        checks += check_balance(runs.comparison, row, layers, name)
    return figure, checks


def _balanced(
    runs: FigureRuns, layers: tuple[str, ...], strength: float
) -> Job:
    return runs.job(
        f'{layers[-1]}-{strength:g}',
        RunSpec(_FROM_NOISE, full=(225, 150), quick=(64, 25)),
        style_layers=layers,
        strength=strength,
        tv_weight=1,
    )
