"""Keep a clip's pictures alike from frame to frame, where nothing changed.

The picture of the frame before is moved to where this frame shows the same
things, and blended in wherever that is sure (Ruder, Dosovitskiy & Brox 2016,
arXiv 1604.08610).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy
from scipy.ndimage import gaussian_filter

from gluon_style.pictures import Array
from gluon_style.video.flow import Motion, filled, motion, steadied, warped

# Of red, green and blue.
_MEAN = numpy.full(3, 1 / 3, 'float32')
# How far in the frame before what moved may have another brightness, from 0
# to 1, at which it counts half.
_BRIGHTNESS = 0.06
# The edge of what is sure is soft, so that no line shows, in pixels.
_SOFT = 1.0
# Detail is what a blur of so many pixels removes; it is compared over places
# of this size, and changed by this factor at most.
_FINE, _PLACE, _MOST_GAIN = 1.5, 6.0, 1.5
# From one scene to another hardly anything is sure, and what is moved there
# differs more than this, on average, from 0 to 1.
_CUT_SURE, _CUT_DIFFERENCE = 0.35, 0.08


class Link(NamedTuple):
    """How a frame follows the one before.

    ``motion`` leads back to it; ``weight``, (height, width) of 0 to 1, says
    how far the moved picture can be trusted. ``is_cut`` is true where another
    scene begins.
    """

    motion: Motion
    weight: Array
    is_cut: bool


class Moved(NamedTuple):
    """What a frame follows: pictures by their names, and how far they hold.

    Pictures are (height, width, 3) of floats from 0 to 1, ``weight`` is
    (height, width) of 0 to 1.
    """

    pictures: dict[str, Array]
    weight: Array


def link(
    frame: Array,
    before: Array,
    is_filled: bool = True,
    is_precise: bool = False,
) -> Link:
    """Return the ``Link`` between two frames, uint8 of one size.

    What the flow itself is not sure of stays so unless ``is_filled``, and
    what is plain follows the camera then.
    """
    found = motion(frame, before, is_precise)
    is_cut = _is_cut(found, frame, before)
    if is_filled:
        found = steadied(filled(found, frame, before), frame)
    same = 1 / (1 + numpy.square(_apart(found, frame, before) / _BRIGHTNESS))
    weight = gaussian_filter(found.sure, _SOFT) * found.sure * same
    return Link(found, weight.astype('float32'), is_cut)


def begins_scene(
    frame: Array, before: Array, is_precise: bool = False
) -> bool:
    """Return what ``link`` says of a cut, in less time."""
    return _is_cut(motion(frame, before, is_precise), frame, before)


def _is_cut(found: Motion, frame: Array, before: Array) -> bool:
    """Return whether another scene begins, by what a flow is sure of."""
    if found.sure.mean() >= _CUT_SURE:
        return False
    apart = _apart(found, frame, before).mean()
    return bool(apart > _CUT_DIFFERENCE)


def _apart(found: Motion, frame: Array, before: Array) -> Array:
    """Return how far each pixel is from what was moved there, 0 to 1."""
    then = warped(before / numpy.float32(255), found.back)
    return numpy.abs(then - frame / numpy.float32(255)) @ _MEAN


def moved(before: list[dict[str, Array]], links: list[Link]) -> Moved:
    """Return pictures of frames before, moved to where this one shows them.

    The nearest frame comes first. What it does not show comes from the next
    one (section 4.3 of the paper). ``before`` has pictures (height, width,
    3) of floats from 0 to 1 by their names.
    """
    left = numpy.ones_like(links[0].weight)
    total, weights = numpy.zeros_like(left), []
    for each in links:
        weights.append(numpy.minimum(each.weight, left))
        left = left - weights[-1]
        total = total + weights[-1]
    pictures = {}
    for name in before[0]:
        mixed = sum(
            (weight / numpy.maximum(total, 1e-6))[..., None]
            * warped(pictures_then[name], each.motion.back, order=3)
            for weight, pictures_then, each in zip(weights, before, links)
        )
        pictures[name] = numpy.clip(mixed, 0, 1)
    return Moved(pictures, total)


def blended(picture: Array, other: Array, weight: Array) -> Array:
    """Return two pictures, mixed by the other's weight (height, width)."""
    part = weight[..., None]
    return (1 - part) * picture + part * other


def sharpened(picture: Array, fresh: Array) -> Array:
    """Return a picture with as much fine detail, place by place, as another.

    To move and to blend is to blur a little: under AdaIN a sixth of the style
    was lost in eight frames. Both are (height, width, 3) of floats from 0 to
    1, and ``fresh`` is neither moved nor blended.
    """
    fine, fresh_fine = (
        each - gaussian_filter(each, (_FINE, _FINE, 0))
        for each in (picture, fresh)
    )
    energy, fresh_energy = (
        gaussian_filter(numpy.square(each) @ _MEAN, _PLACE)
        for each in (fine, fresh_fine)
    )
    gain = numpy.sqrt(fresh_energy / numpy.maximum(energy, 1e-8))
    gain = gain.clip(1 / _MOST_GAIN, _MOST_GAIN)[..., None]
    return (picture + (gain - 1) * fine).clip(0, 1)
