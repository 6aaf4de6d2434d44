"""What the methods of one pass share; what one of them paints for others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import numpy
import psutil

from gluon_style.errors import GluonStyleError, OutOfMemoryError
from gluon_style.records.record import PictureId

# The most memory that a pixel of ``paint_in_one_pass`` takes.
BYTES_PER_PIXEL = 240


def paint_in_one_pass(content, styles, style_blend=None, device='auto'):
    """Return the content in the styles, floats from 0 to 1.

    Pictures are uint8 arrays (height, width, 3), and so is the result's
    shape. ``style_blend`` and ``device`` are those of the method's settings.
    Raises GluonStyleError where the content is too small for the net, and
    OutOfMemoryError.
    """
    # Methods do not import each other. It takes time, too, and is rare.
    method = import_module('gluon_style.methods.feedforward.stylize')
    result = method.stylize(
        content, styles, style_blend=style_blend, device=device
    )
    return result.pixels


def require_memory(
    setting: str, shape: tuple[int, int], bytes_per_pixel: float
) -> None:
    """Raise OutOfMemoryError unless a net's features fit.

    ``shape`` is (width, height), and ``setting`` makes it smaller.
    """
    width, height = shape
    needed = bytes_per_pixel * width * height
    free = psutil.virtual_memory().available
    if needed > free:
        longest = int(max(shape) * (0.9 * free / needed) ** 0.5)
        raise OutOfMemoryError(
            f'{width}x{height} pixels at once need about {needed / 1e9:.1f} '
            f'GB of memory and {free / 1e9:.1f} GB are free: choose a '
            f'{setting} of {longest} or less'
        )


def style_parts(
    styles: Sequence[Any], blend: Sequence[float] | None, kinds: str
) -> list[float]:
    """Return each style's part of the whole.

    ``blend`` is the setting ``style_blend``. Raises GluonStyleError if it
    does not fit, or where there is no style; ``kinds`` says what a style is.
    """
    if not styles or any(style is None for style in styles):
        raise GluonStyleError(f'no style is given: name {kinds}')
    if blend is not None and len(blend) != len(styles):
        raise GluonStyleError(
            f'style_blend has {len(blend)} parts and the number of styles is '
            f'{len(styles)}: give a number for each style'
        )
    parts = numpy.asarray(blend or [1] * len(styles), float)
    return [float(part) for part in parts / parts.sum()]


def picture_ids(
    content: Any,
    styles: Sequence[Any],
    identify: Callable[[Any], PictureId] = PictureId.of,
) -> dict[str, PictureId]:
    """Return the ids of the content and the styles by their roles."""
    ids = {'content': PictureId.of(content)}
    for i, style in enumerate(styles, start=1):
        ids['style' if i == 1 else f'style {i}'] = identify(style)
    return ids
