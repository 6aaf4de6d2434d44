"""The package's own figure of AdaIN: what it makes of features, decoded.

Huang & Belongie 2017. Their decoder is a net that was trained for days. Here
the pixels are optimized until they have the wanted features: slower, and the
same question.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy
from matplotlib.figure import Figure

from gluon_style.figures.comparison import Comparison
from gluon_style.figures.recipe import FigureRuns
from gluon_style.figures.verdict import Check, check_falling, check_rising
from gluon_style.many.grid import picture_grid, show_picture
from gluon_style.methods.adain.layout import CHANNELS, LAST_LAYER
from gluon_style.pictures.read import as_bytes, read_picture
from gluon_style.pictures.resize import resized

# How much of the style the features have; 0 is the content's own.
_STRENGTHS = 0, 0.5, 1
# Longest side and steps of Adam.
_FULL, _QUICK = (300, 150), (96, 80)
_RATE = 0.05
# Features leave fine noise open. A little of this smooths it.
_TV_WEIGHT = 0.02


def adain(runs: FigureRuns) -> tuple[Figure, list[Check]]:
    """Draw pictures whose features AdaIN gave the style's statistics.

    Between the pictures themselves are those that the features lead back to:
    the content's own, half and all of the style.
    """
    size, steps = _QUICK if runs.options.quick else _FULL
    content = read_picture(runs.content)
    height, width = content.shape[:2]
    factor = (runs.options.size or size) / max(width, height)
    image_shape = round(width * factor), round(height * factor)
    content = resized(content, image_shape)
    style = read_picture(runs.style)
    style = resized(style, _within(style, max(image_shape)))
    images = _decoded(runs, content, style, steps)
    figure, axes = picture_grid(1, 5, image_shape[1] / image_shape[0])
    words = (
        'content picture',
        *(f'{LAST_LAYER}, style {strength:g}' for strength in _STRENGTHS),
        'style picture',
    )
    for ax, img, above in zip(axes.flat, (content, *images, style), words):
        show_picture(ax, img, above)
    return figure, list(_checks(runs.comparison, images))


def _within(img: numpy.ndarray, longest: int) -> tuple[int, int]:
    height, width = img.shape[:2]
    factor = longest / max(width, height)
    return round(width * factor), round(height * factor)


def _decoded(
    runs: FigureRuns, content: numpy.ndarray, style: numpy.ndarray, steps: int
) -> list[numpy.ndarray]:
    """Return a picture for each strength, an array of uint8."""
    from gluon_style._mxnet import numpy_mode
    from gluon_style.chapter.devices import get_device
    from gluon_style.methods.adain.net import Encoder, adain as adapted

    device = get_device(runs.options.device)
    with numpy_mode():
        encode = Encoder(
            numpy.ones(CHANNELS),
            runs.options.weights,
            device,
            runs.network.name,
        )
        X, style_X = (_pixels(img, device) for img in (content, style))
        own = encode(X)
        styled = adapted(own, encode(style_X))
        return [
            _optimized(encode, (1 - part) * own + part * styled, X, steps)
            for part in _STRENGTHS
        ]


def _pixels(img: numpy.ndarray, device: Any) -> Any:
    from mxnet import np

    from gluon_style.methods.adain.net import normalized

    X = (img / 255).transpose(2, 0, 1)[None].astype('float32')
    return normalized(np.array(numpy.ascontiguousarray(X), ctx=device))


def _optimized(encode: Any, features: Any, X: Any, steps: int) -> Any:
    """Return the picture that Adam finds for features, from a gray one.

    ``X`` has its shape.
    """
    from mxnet import autograd, gluon, init, np

    from gluon_style.chapter.losses import tv_loss
    from gluon_style.chapter.synthesis import SynthesizedImage
    from gluon_style.methods.adain.net import pixels

    image = SynthesizedImage(X.shape)
    image.initialize(init.Zero(), ctx=X.ctx, force_reinit=True)
    trainer = gluon.Trainer(
        image.collect_params(), 'adam', {'learning_rate': _RATE}
    )
    energy = float(np.square(features).mean())
    for step in range(steps):
        with autograd.record():
            difference = encode(image()) - features
            l = np.square(difference).mean() / energy
            l = l + _TV_WEIGHT * tv_loss(image())
        l.backward()
        trainer.set_learning_rate(_RATE * (1 - step / steps))
        trainer.step(1)
    return as_bytes(pixels(image())[0].asnumpy().transpose(1, 2, 0))


def _checks(
    comparison: Comparison, images: list[numpy.ndarray]
) -> Iterator[Check]:
    own = comparison.ssim(images[0])
    yield Check(
        f"the content's own features lead back to it (SSIM): {own:.2f}",
        own > 0.5,
    )
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
