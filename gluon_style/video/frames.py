"""Which frames of a clip are made, and when each is shown."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from fractions import Fraction

from gluon_style.video.read import Clip, Frame
from gluon_style.video.settings import VideoSettings

# A video that says that its last frame is shown for longer lacks others.
_LONGEST_STILL = 2.0


def rate_of(clip: Clip, settings: VideoSettings) -> Fraction:
    """Return the frames a second of the result."""
    rate = clip.rate
    if settings.fps is not None:
        rate = Fraction(settings.fps).limit_denominator(1001)
    return rate / settings.every


def end_of(clip: Clip, settings: VideoSettings) -> float | None:
    """Return the seconds that the result lasts, None where it is unknown."""
    ends = [end for end in (clip.seconds, settings.stop) if end is not None]
    return min(ends) - settings.start if ends else None


def count_of(clip: Clip, settings: VideoSettings) -> int | None:
    """Return about how many frames the result has, None if unknown."""
    end = end_of(clip, settings)
    if end is None:
        return None
    return max(1, round(end * rate_of(clip, settings)))


def chosen_frames(
    clip: Clip, settings: VideoSettings, start: float = 0
) -> Iterator[Frame]:
    """Yield the frames of the result, from its second ``start`` on.

    Without a rate of its own the result has the clip's frames at the clip's
    times, which may vary. With one, each is the frame that the clip shows
    then.
    """
    origin = settings.start
    wanted = itertools.takewhile(
        lambda frame: (
            settings.stop is None or frame.seconds < settings.stop - 1e-4
        ),
        clip.frames(origin + start),
    )
    frames = (
        Frame(frame.img, max(0.0, frame.seconds - origin)) for frame in wanted
    )
    if settings.fps is not None:
        rate = Fraction(settings.fps).limit_denominator(1001)
        frames = _resampled(frames, rate, clip, end_of(clip, settings), start)
    for number, frame in enumerate(frames):
        if number % settings.every == 0:
            yield frame


def _resampled(
    frames: Iterable[Frame],
    rate: Fraction,
    clip: Clip,
    end: float | None,
    start: float,
) -> Iterator[Frame]:
    """Yield a frame at each of the times k / rate from ``start`` on."""
    number, shown, last = -int(-start * rate // 1), None, 0.0
    for frame in frames:
        while shown is not None and number / rate < frame.seconds:
            yield Frame(shown, float(number / rate))
            number += 1
        shown, last = frame.img, frame.seconds
    # The last one is shown to the end, unless the file ended early.
    if end is None or not (clip.is_exact or end - last < _LONGEST_STILL):
        end = last + float(1 / clip.rate)
    while shown is not None and number / rate < end - 1e-6:
        yield Frame(shown, float(number / rate))
        number += 1
