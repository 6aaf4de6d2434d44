"""Figures of Gatys et al. 2016, Image Style Transfer Using CNNs.

Weights are in the chapter's units, not in the paper's, so that the ratios are
other numbers than those under its figures. The paper's network is VGG-19; all
layers that are named here are in VGG-16, too.
"""

from __future__ import annotations

from itertools import combinations

import numpy
from matplotlib.figure import Figure

from gluon_style.figures.recipe import (
    FAST,
    SINGLE,
    FigureRuns,
    RunSpec,
    as_power,
)
from gluon_style.figures.verdict import (
    Check,
    check_balance,
    check_falling,
    check_rising,
    three_decimals,
)
from gluon_style.many.grid import picture_grid, show_picture

RATIOS = (1e-4, 1e-3, 1e-2, 1e-1)
STYLE_WEIGHT = 1e4
SEEDS = (0, 1, 2, 3)


def alpha_beta(runs: FigureRuns) -> tuple[Figure, list[Check]]:
    """Draw figure 4: the content weight against the style weight."""
    images = runs.images(
        [
            runs.job(f'{ratio:g}', FAST, content_weight=ratio * STYLE_WEIGHT)
            for ratio in RATIOS
        ]
    )
    height, width = images[0].shape[:2]
    figure, axes = picture_grid(1, len(RATIOS), height / width)
    for ax, img, ratio in zip(axes[0], images, RATIOS):
        show_picture(ax, img, f'content / style = {as_power(ratio)}')
    comparison = runs.comparison
    likeness = [comparison.ssim(img) for img in images]
    return figure, [
        *check_balance(comparison, images),
        check_rising('and SSIM with the photograph rises', likeness),
    ]


_COMPARED = ('conv2_2', 'conv4_2')


def content_layer(runs: FigureRuns) -> tuple[Figure, list[Check]]:
    """Draw figure 5: the content kept at conv2_2, and at conv4_2."""
    images = _at_each_layer(runs)
    comparison = runs.comparison
    height, width = images[0].shape[:2]
    figure, axes = picture_grid(1, 3, height / width)
    target = comparison.target('content', images[0])
    show_picture(axes[0, 0], target, 'content picture')
    for ax, img, layer in zip(axes[0, 1:], images, _COMPARED):
        show_picture(ax, img, f'content at {layer}')
    return figure, list(_check_content_layer(comparison, images))


def _at_each_layer(runs: FigureRuns) -> list[numpy.ndarray]:
    """Return a picture with the content kept at each of the two layers.

    Losses of two layers have different units. Each weight is such that the
    style picture, as a picture that is not the content, costs what it costs
    at the network's own content layer with the chapter's weight.
    """
    settings = FAST.chosen(runs.options)
    (own_layer,) = runs.network.content_layers
    costs = {
        layer: runs.comparison.target_distance(layer, settings)
        for layer in (*_COMPARED, own_layer)
    }
    # The smaller the picture, the more of it the style displaces: the
    # chapter's 1e4 would leave too little of the content.
    style_weight = 1e2 if runs.options.quick else 1e3
    return runs.images(
        [
            runs.job(
                layer,
                FAST,
                content_layers=layer,
                style_weight=style_weight,
                content_weight=costs[own_layer] / costs[layer],
            )
            for layer in _COMPARED
        ]
    )


def _check_content_layer(comparison, images):
    yield check_falling(
        "conv2_2 keeps more of the photograph's pixels than conv4_2 (SSIM)",
        [comparison.ssim(img) for img in images],
    )
    shallow, deep = (
        [comparison.content_distance(img, layer) for img in images]
        for layer in _COMPARED
    )
    yield check_rising('and its fine structure (distance at conv2_2)', shallow)
    yield check_falling(
        'conv4_2 keeps more of what is where (distance at conv4_2)', deep
    )


_STARTS = {
    'content': {'init': 'content'},
    'style': {'init': 'style'},
    **{f'noise {seed}': {'init': 'noise', 'seed': seed} for seed in SEEDS},
}


def inits(runs: FigureRuns) -> tuple[Figure, list[Check]]:
    """Draw figure 6: the content, the style and four noises as the start."""
    spec = RunSpec(
        SINGLE.changed({'style_weight': 1e3, 'tv_weight': 1}),
        full=(225, 300),
        quick=(64, 40),
    )
    jobs = [
        runs.job(name.replace(' ', '-'), spec, **start)
        for name, start in _STARTS.items()
    ]
    results = dict(zip(_STARTS, runs.results(jobs)))
    height, width = results['content'].image.shape[:2]
    figure, axes = picture_grid(2, 3, height / width)
    for ax, (name, result) in zip(axes.flat, results.items()):
        above = f'from the {name}' if ' ' not in name else name
        show_picture(ax, result.image, above)
    return figure, list(_check_inits(runs.comparison, results))


def _check_inits(comparison, results):
    for picture, words in (
        ('content', 'begun from the content, the most of it is kept'),
        (
            'style',
            "begun from the style, the most of that picture's layout is kept",
        ),
    ):
        likeness = {
            name: comparison.ssim(result.image, picture)
            for name, result in results.items()
        }
        yield Check(
            f'{words} (SSIM): {three_decimals(likeness.values())}',
            max(likeness, key=lambda name: likeness[name]) == picture,
        )
    noises = [results[name] for name in results if name.startswith('noise')]
    totals = [result.record.losses.total for result in noises]
    yield Check(
        f'all noises come to about the same loss: {three_decimals(totals)}',
        max(totals) < 1.25 * min(totals),
    )
    differences = [
        numpy.abs(a.image.astype(float) - b.image).mean()
        for a, b in combinations(noises, 2)
    ]
    yield Check(
        'and to different pictures, more than 10 of 255 apart: '
        f'{three_decimals(differences)}',
        min(differences) > 10,
    )
