"""The package's own figure of a video: the flow, and what it keeps still.

A camera moves over the content picture, with noise, so that the true flow is
known (after Ruder, Dosovitskiy & Brox 2016, arXiv 1604.08610).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy
from matplotlib.colors import hsv_to_rgb
from matplotlib.figure import Figure

from gluon_style.figures.recipe import FigureRuns
from gluon_style.figures.verdict import Check, check_falling
from gluon_style.many.grid import picture_grid, show_picture
from gluon_style.methods.table import get_method
from gluon_style.pictures import Array
from gluon_style.pictures.read import read_picture
from gluon_style.pictures.resize import resized
from gluon_style.video.chain import Chain
from gluon_style.video.consistency import link
from gluon_style.video.flow import Motion, warped
from gluon_style.video.painters import Painting
from gluon_style.video.read import Frame
from gluon_style.video.settings import DEFAULT_METHOD, VideoSettings

# In full and quick.
_SIZES, _FRAMES = (300, 160), (12, 6)
# Rows and columns that the camera moves each frame, and its noise, of 255.
_STEP, _NOISE = (1, 2), 4
# What is nearer to an edge than this comes from outside.
_MARGIN = 6
_WORDS = (
    *('a frame', 'the flow back', 'what is sure', 'the frame before, moved'),
    *('frame by frame', 'its change, x3', 'with the flow', 'its change, x3'),
)


def video(runs: FigureRuns) -> tuple[Figure, list[Check]]:
    """Draw a clip of the content picture, painted by a net of one pass.

    The first row has a frame, how it moved, and the frame before, moved; the
    second its pictures without and with the flow, and what changed in them.
    """
    frames = _clip(runs)
    found = link(frames[-1], frames[-2]).motion
    usual = VideoSettings().consistency
    alone, alike = (
        _painted(runs, frames, consistency) for consistency in (0.0, usual)
    )
    changes = [
        (3 * numpy.abs(_change(pictures[-2:]))).clip(0, 1)
        for pictures in (alone, alike)
    ]
    images = (
        *(frames[-1], _colors(found), found.sure),
        warped(frames[-2] / numpy.float32(255), found.back).clip(0, 1),
        *(alone[-1], changes[0], alike[-1], changes[1]),
    )
    height, width = frames[-1].shape[:2]
    figure, axes = picture_grid(2, 4, height / width)
    for ax, img, above in zip(axes.flat, images, _WORDS):
        if img.ndim == 2:
            img = numpy.repeat(img[..., None], 3, axis=2)
        show_picture(ax, img, above)
    return figure, list(_checks(runs, found, alone, alike))


def _clip(runs: FigureRuns) -> list[Array]:
    """Return the frames, (height, width, 3) of uint8."""
    quick = runs.options.quick
    longest = runs.options.size or _SIZES[quick]
    number = _FRAMES[quick]
    img = read_picture(runs.content)
    height, width = img.shape[:2]
    part = longest / max(height, width)
    shape = round(part * width), round(part * height)
    room = [step * number for step in _STEP[::-1]]
    img = resized(img, (shape[0] + room[0], shape[1] + room[1]))
    rng = numpy.random.RandomState(0)
    frames = []
    for k in range(number):
        top, left = (step * k for step in _STEP)
        frame = img[top : top + shape[1], left : left + shape[0]]
        frame = frame + rng.normal(0, _NOISE, frame.shape)
        frames.append(frame.clip(0, 255).round().astype('uint8'))
    return frames


def _painted(
    runs: FigureRuns, frames: list[Array], consistency: float
) -> list[Array]:
    """Return the pictures of the frames, uint8."""
    method = get_method(DEFAULT_METHOD)
    height, width = frames[0].shape[:2]
    settings = method.settings().changed(
        {'size': (width, height), 'device': runs.options.device}
    )
    shape = width, height
    painting = Painting(method, runs.style, settings, shape, consistency)
    chain = Chain(painting.painter(), shape, painting.follows)
    timed = (
        Frame(frame, float(number)) for number, frame in enumerate(frames)
    )
    return [made.picture for made in chain.made(timed)]


def _change(pictures: list[Array]) -> Array:
    """Return what differs from the picture before, moved by the true flow."""
    before, now = (each / numpy.float32(255) for each in pictures)
    down, right = _STEP
    height, width = now.shape[:2]
    return now[: height - down, : width - right] - before[down:, right:]


def _warping_error(pictures: list[Array]) -> float:
    """Return the root mean square of what changes from frame to frame."""
    inner = (slice(_MARGIN, -_MARGIN),) * 2
    squares = [
        numpy.square(_change(pictures[k : k + 2])[inner]).mean()
        for k in range(len(pictures) - 1)
    ]
    return float(numpy.sqrt(numpy.mean(squares)))


def _colors(motion: Motion) -> Array:
    """Return the flow as colors: its direction, and its length."""
    back = motion.back
    angle = numpy.arctan2(back[..., 0], back[..., 1]) / (2 * numpy.pi) % 1
    length = numpy.hypot(back[..., 0], back[..., 1]).clip(0, 4) / 4
    parts = angle, length, numpy.ones_like(angle)
    return hsv_to_rgb(numpy.stack(parts, axis=-1))


def _checks(
    runs: FigureRuns, found: Motion, alone: list[Array], alike: list[Array]
) -> Iterator[Check]:
    rows, columns = numpy.median(found.back, axis=(0, 1))
    yield Check(
        f'the flow is the path of the camera, {_STEP}: '
        f'({rows:.2f}, {columns:.2f})',
        max(abs(rows - _STEP[0]), abs(columns - _STEP[1])) < 0.3,
    )
    yield check_falling(
        'with the flow the picture changes less (warping errors)',
        [_warping_error(pictures) for pictures in (alone, alike)],
    )
    details = [
        float(numpy.abs(numpy.diff(pictures[-1] / 255, axis=1)).mean())
        for pictures in (alone, alike)
    ]
    yield Check(
        'its detail is not smeared (differences of neighbors): '
        f'{details[1]:.3f}, alone {details[0]:.3f}',
        details[1] > 0.6 * details[0],
    )
    distances = [
        runs.comparison.style_distance(pictures[-1])
        for pictures in (alone, alike)
    ]
    yield Check(
        f'and the style is about as near: {distances[1]:.3f}, alone '
        f'{distances[0]:.3f}',
        0.7 < distances[1] / distances[0] < 1.4,
    )
