"""Figures of Gatys et al. 2016, Image Style Transfer Using CNNs.

Weights are in the chapter's units, not in the paper's, so that the ratios are
other numbers than those under its figures.
"""

from itertools import combinations

import numpy

from gluon_style.figures.panels import grid, power, show
from gluon_style.figures.studio import SINGLE, Check, falling, numbers
from gluon_style.layers import CONTENT_LAYERS
from gluon_style.methods.gatys.presets import PRESETS

RATIOS = (1e-4, 1e-3, 1e-2, 1e-1)
STYLE_WEIGHT = 1e4
FAST = PRESETS['fast']
SEEDS = (0, 1, 2, 3)


def alpha_beta(studio):
    """Draw figure 4: the content weight against the style weight."""
    images = [
        studio.run(
            f'{ratio:g}',
            FAST,
            size=(300, 64),
            epochs=(80, 30),
            content_weight=ratio * STYLE_WEIGHT,
        ).image
        for ratio in RATIOS
    ]
    eye = studio.eye
    figure, axes = grid(1, len(RATIOS), images[0].shape)
    for ax, img, ratio in zip(axes[0], images, RATIOS):
        show(ax, img, f'content / style = {power(ratio)}')
    contents = [eye.content_distance(img, CONTENT_LAYERS[0]) for img in images]
    styles = [eye.style_distance(img) for img in images]
    likeness = [eye.ssim(img) for img in images]
    return figure, [
        Check(
            'with more content weight the content comes nearer: '
            f'{numbers(contents)}',
            falling(contents),
        ),
        Check(
            f'and the style goes away: {numbers(styles)}',
            falling(styles[::-1]),
        ),
        Check(
            f'and SSIM with the photograph rises: {numbers(likeness)}',
            falling(likeness[::-1]),
        ),
    ]


def content_layer(studio):
    """Draw figure 5: the content kept at conv2_2, and at conv4_2.

    Losses of two layers are of different units. Each weight is such that the
    style picture, as another picture than the content, costs what it costs
    at the chapter's layer with the chapter's weight.
    """
    layers = ('conv2_2', 'conv4_2')
    eye = studio.eye
    costs = {
        layer: eye.feature_distance(layer, studio.size(300, 64))
        for layer in (*layers, *CONTENT_LAYERS)
    }
    images = [
        studio.run(
            layer,
            FAST,
            size=(300, 64),
            epochs=(80, 30),
            content_layers=layer,
            # The smaller the picture, the more of it the style displaces:
            # the chapter's 1e4 would leave too little of the content.
            style_weight=studio.pick(1e3, 1e2),
            content_weight=costs[CONTENT_LAYERS[0]] / costs[layer],
        ).image
        for layer in layers
    ]
    figure, axes = grid(1, 3, images[0].shape)
    show(axes[0, 0], eye.target('content', images[0]), 'content picture')
    for ax, img, layer in zip(axes[0, 1:], images, layers):
        show(ax, img, f'content at {layer}')
    likeness = [eye.ssim(img) for img in images]
    shallow, deep = (
        [eye.content_distance(img, layer) for img in images]
        for layer in layers
    )
    return figure, [
        Check(
            "conv2_2 keeps more of the photograph's pixels than conv4_2 "
            f'(SSIM): {numbers(likeness)}',
            falling(likeness),
        ),
        Check(
            'and its fine structure (distance at conv2_2): '
            f'{numbers(shallow)}',
            falling(shallow[::-1]),
        ),
        Check(
            'conv4_2 keeps more of what is where (distance at conv4_2): '
            f'{numbers(deep)}',
            falling(deep),
        ),
    ]


def inits(studio):
    """Draw figure 6: the content, the style and four noises as the start."""
    starts = {
        'content': {'init': 'content'},
        'style': {'init': 'style'},
        **{f'noise {seed}': {'init': 'noise', 'seed': seed} for seed in SEEDS},
    }
    results = {
        name: studio.run(
            name.replace(' ', '-'),
            SINGLE,
            size=(225, 64),
            epochs=(300, 40),
            style_weight=1e3,
            tv_weight=1,
            **changes,
        )
        for name, changes in starts.items()
    }
    images = {name: result.image for name, result in results.items()}
    figure, axes = grid(2, 3, images['content'].shape)
    for ax, (name, img) in zip(axes.flat, images.items()):
        show(ax, img, f'from the {name}' if ' ' not in name else name)
    return figure, list(_check_inits(studio.eye, results, images))


def _check_inits(eye, results, images):
    likeness = {name: eye.ssim(img) for name, img in images.items()}
    yield Check(
        'begun from the content, the most of it is kept (SSIM): '
        f'{numbers(likeness.values())}',
        max(likeness, key=likeness.get) == 'content',
    )
    like_style = {name: eye.ssim(img, 'style') for name, img in images.items()}
    yield Check(
        "begun from the style, the most of that picture's layout is kept "
        f'(SSIM): {numbers(like_style.values())}',
        max(like_style, key=like_style.get) == 'style',
    )
    noises = [name for name in images if name.startswith('noise')]
    totals = [results[name].record['losses']['total'] for name in noises]
    yield Check(
        f'all noises come to about the same loss: {numbers(totals)}',
        max(totals) < 1.25 * min(totals),
    )
    differences = [
        numpy.abs(images[a].astype(float) - images[b]).mean()
        for a, b in combinations(noises, 2)
    ]
    yield Check(
        'and to different pictures, more than 10 of 255 apart: '
        f'{numbers(differences)}',
        min(differences) > 10,
    )
