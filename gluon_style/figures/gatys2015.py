"""Figures of Gatys, Ecker & Bethge 2015, A Neural Algorithm of Artistic Style.

The paper takes averages where this network, like the chapter's, takes maxima
(pooling), and it weighs its losses in other units. What is checked is what
the figures are there to show.
"""

from gluon_style.figures.panels import grid, power, show
from gluon_style.figures.studio import SINGLE, Check, falling, numbers
from gluon_style.layers import CONTENT_LAYERS, STYLE_LAYERS

RECONSTRUCTED = ('conv1_2', 'conv2_2', 'conv3_2', 'conv4_2', 'conv5_2')
# The chapter's own weights of content and style are 1 and 1e4.
RATIOS = (1e-4, 1e-3, 1e-2, 1e-1)
STYLE_WEIGHT = 1e4
_SIZE, _EPOCHS = (225, 64), (200, 30)


def reconstructions(studio):
    """Draw figure 1: the content, and the style, as each layer knows them.

    From noise, with one loss at a time: the content at one layer, or the
    style at all layers up to one.
    """
    contents = [
        studio.run(
            f'content-{layer}',
            SINGLE,
            size=_SIZE,
            epochs=_EPOCHS,
            init='noise',
            content_layers=layer,
            style_layers='conv1_1',
            style_weight=0,
            tv_weight=0.1,
        ).image
        for layer in RECONSTRUCTED
    ]
    styles = [
        studio.run(
            f'style-{layers[-1]}',
            SINGLE,
            size=_SIZE,
            epochs=_EPOCHS,
            init='noise',
            content_layers='conv1_1',
            style_layers=layers,
            content_weight=0,
            # Each layer's share is the same however many there are.
            style_weight=STYLE_WEIGHT * len(STYLE_LAYERS) / len(layers),
            tv_weight=1,
        ).image
        for layers in _cumulative()
    ]
    eye = studio.eye
    figure, axes = grid(2, 6, contents[0].shape)
    show(axes[0, 0], eye.target('content', contents[0]), 'content picture')
    show(axes[1, 0], eye.target('style', contents[0]), 'style picture')
    for ax, img, layer in zip(axes[0, 1:], contents, RECONSTRUCTED):
        show(ax, img, f'content of {layer}')
    for ax, img, layer in zip(axes[1, 1:], styles, STYLE_LAYERS):
        since = '' if layer == STYLE_LAYERS[0] else f'{STYLE_LAYERS[0]} to '
        show(ax, img, f'style of {since}{layer}')
    return figure, [
        *_check_contents(eye, contents),
        *_check_styles(eye, styles),
    ]


def _cumulative():
    """Return the style layers up to each of them."""
    return [STYLE_LAYERS[: i + 1] for i in range(len(STYLE_LAYERS))]


def _check_contents(eye, contents):
    likeness = [eye.ssim(img) for img in contents]
    yield Check(
        'the deeper the layer, the less of the picture is rebuilt (SSIM '
        f'falls): {numbers(likeness)}',
        falling(likeness),
    )
    own = [
        eye.content_distance(img, layer)
        for img, layer in zip(contents, RECONSTRUCTED)
    ]
    # The style picture is as far as something that shows another thing.
    other = [
        eye.content_distance(eye.target('style', contents[0]), layer)
        for layer in RECONSTRUCTED
    ]
    yield Check(
        'each layer finds its own content again (distance, and that of the '
        f'style picture): {numbers(own)} ({numbers(other)})',
        all(a < b / 2 for a, b in zip(own, other)),
    )


def _check_styles(eye, styles):
    distances = [eye.style_distance(img) for img in styles]
    yield Check(
        'the more layers, the more of the style is rebuilt (distance of all '
        f'Gram matrices falls): {numbers(distances)}',
        falling(distances),
    )
    likeness = [eye.ssim(img, 'style') for img in styles]
    yield Check(
        'but not where it was in the picture (SSIM below 0.3): '
        f'{numbers(likeness)}',
        max(likeness) < 0.3,
    )


def tradeoff(studio):
    """Draw figure 3: style layers downward, content against style across.

    From noise; the style layers of a row are those up to the one named.
    """
    rows = [
        [
            studio.run(
                f'{layers[-1]}-{ratio:g}',
                SINGLE,
                size=_SIZE,
                epochs=(150, 25),
                init='noise',
                content_layers=CONTENT_LAYERS,
                style_layers=layers,
                content_weight=ratio * STYLE_WEIGHT,
                style_weight=STYLE_WEIGHT * len(STYLE_LAYERS) / len(layers),
                tv_weight=1,
            ).image
            for ratio in RATIOS
        ]
        for layers in _cumulative()
    ]
    figure, axes = grid(len(rows), len(RATIOS), rows[0][0].shape, gap=0.1)
    figure.suptitle('content weight / style weight', fontsize=9)
    for i, (row, layer) in enumerate(zip(rows, STYLE_LAYERS)):
        for j, (img, ratio) in enumerate(zip(row, RATIOS)):
            title = power(ratio) if i == 0 else None
            side = f'style up to {layer}' if j == 0 else None
            show(axes[i, j], img, title, side)
    return figure, list(_check_tradeoff(studio.eye, rows))


def _check_tradeoff(eye, rows):
    for row, layers in zip(rows, _cumulative()):
        contents = [
            eye.content_distance(img, CONTENT_LAYERS[0]) for img in row
        ]
        styles = [eye.style_distance(img, layers) for img in row]
        yield Check(
            f'{layers[-1]}: with more content weight the content comes '
            f'nearer: {numbers(contents)}',
            falling(contents),
        )
        yield Check(
            f'{layers[-1]}: and the style goes away: {numbers(styles)}',
            falling(styles[::-1]),
        )
