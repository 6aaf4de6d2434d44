"""Read a clip: a video, an animated GIF or a folder of numbered frames.

Frames come one by one, upright, in square pixels, with the second at which
each is shown.
"""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy
from PIL import Image, ImageSequence

from gluon_style.errors import GluonStyleError
from gluon_style.pictures import Array
from gluon_style.pictures.mp4 import require_av
from gluon_style.pictures.opening import quiet_pillow, require_file
from gluon_style.pictures.read import read_picture
from gluon_style.records.find import pictures_in

logger = logging.getLogger(__name__)

# Frames a second of a folder, which does not say.
FOLDER_RATE = 25
# Other rates, frames a second, and pauses are those of a damaged file.
_RATES, _LEAST, _LONGEST_PAUSE = (0.01, 1000), 1e-4, 3600
# Seconds before the wanted one, where a seek went too far.
_SEEK_BACK = 10
# What a GIF's frame lasts that says nothing, or less than browsers show.
_GIF_SECONDS, _LEAST_GIF_SECONDS = 0.1, 0.02


class Frame(NamedTuple):
    """A picture, (height, width, 3) of uint8, and its second in the clip."""

    img: Array
    seconds: float


@dataclass
class Clip:
    """What is known of a clip before its frames are read.

    ``shape`` is the (width, height) as shown, ``rate`` the mean frames a
    second, ``seconds`` its length and ``count`` its number of frames, both
    None where the file does not say. ``has_audio`` says whether it has sound,
    ``origin`` at which second of the file its pictures begin, and ``is_exact``
    whether its last frame ends at ``seconds``.
    """

    path: Path
    shape: tuple[int, int]
    rate: Fraction
    seconds: float | None
    count: int | None
    has_audio: bool = False
    origin: float = 0.0
    is_exact: bool = False

    def frames(self, start: float = 0) -> Iterator[Frame]:
        """Yield the frames shown from second ``start`` on.

        A frame that was shown before, and still is then, comes first.
        """
        raise NotImplementedError


def open_clip(source: str | Path, rate: float | None = None) -> Clip:
    """Return the ``Clip`` of a file or a folder.

    ``rate`` is the frames a second of a folder. Raises FileNotFoundError,
    GluonStyleError for what is no clip, and MissingPackageError.
    """
    path = Path(source)
    if path.is_dir():
        return _Folder.open(path, Fraction(rate or FOLDER_RATE))
    require_file(path, 'video')
    if path.suffix.lower() == '.gif':
        return _Gif.open(path)
    return _Movie.open(path)


@dataclass
class _Folder(Clip):
    files: tuple[Path, ...] = ()

    @classmethod
    def open(cls, path, rate):
        files = tuple(sorted(pictures_in(path), key=_by_numbers))
        if not files:
            raise GluonStyleError(
                f'folder {str(path)!r} has no frames: name one with pictures '
                'such as frame-0001.png'
            )
        height, width = read_picture(files[0]).shape[:2]
        count, rate = len(files), rate.limit_denominator(1001)
        seconds = float(count / rate)
        return cls(path, (width, height), rate, seconds, count, files=files)

    def frames(self, start=0):
        first = max(0, int(start * self.rate + _LEAST))
        for index, file in enumerate(self.files[first:], first):
            yield Frame(read_picture(file), float(index / self.rate))


def _by_numbers(path: Path) -> list[Any]:
    """Return what sorts frame-2 before frame-10."""
    parts = re.split('([0-9]+)', path.name)
    return [int(part) if part.isdigit() else part for part in parts]


@dataclass
class _Gif(Clip):
    lasting: tuple[float, ...] = ()

    @classmethod
    def open(cls, path):
        with _readable(path), quiet_pillow(), Image.open(path) as picture:
            shape = picture.size
            lasting = tuple(
                _gif_seconds(frame.info.get('duration'))
                for frame in ImageSequence.Iterator(picture)
            )
        seconds = sum(lasting)
        rate = Fraction(len(lasting) / seconds).limit_denominator(100)
        return cls(
            *(path, shape, rate, seconds, len(lasting)),
            is_exact=True,
            lasting=lasting,
        )

    def frames(self, start=0):
        seconds = 0.0
        with _readable(self.path), Image.open(self.path) as picture:
            for frame, lasts in zip(
                ImageSequence.Iterator(picture), self.lasting
            ):
                if seconds + lasts > start + _LEAST:
                    yield Frame(read_picture(frame.copy()), seconds)
                seconds += lasts


def _gif_seconds(milliseconds):
    if not milliseconds or milliseconds < 1000 * _LEAST_GIF_SECONDS:
        return _GIF_SECONDS
    return milliseconds / 1000


@contextlib.contextmanager
def _readable(path, *further):
    """Say in one sentence that a file is no clip; ``further`` are errors."""
    try:
        yield
    except GluonStyleError:
        raise
    except (OSError, SyntaxError, ValueError, *further) as error:
        raise GluonStyleError(
            f'video {str(path)!r} cannot be read ({_reason(error)}): give a '
            '.mp4, a .gif or a folder of frames'
        ) from error


def _reason(error):
    """Return an error's words, without FFmpeg's numbers and places."""
    return getattr(error, 'strerror', None) or error


@dataclass
class _Movie(Clip):
    @classmethod
    def open(cls, path):
        with _opened(path) as (container, stream):
            first = next(container.decode(stream), None)
            if first is None:
                raise GluonStyleError(
                    f'video {str(path)!r} has no frame: give another one'
                )
            height, width = _upright(first).shape[:2]
            rate = stream.average_rate or stream.guessed_rate
            if not rate or not _RATES[0] <= rate <= _RATES[1]:
                rate = Fraction(FOLDER_RATE)
            seconds = _seconds(container, stream)
            count = stream.frames or None
            if count is None and seconds:
                count = round(seconds * rate)
            shape = round(width * _stretch(stream, first)), height
            sounds = container.streams.audio
            audio = bool(sounds) and sounds[0].codec_context is not None
            origin = float((stream.start_time or 0) * stream.time_base)
        return cls(path, shape, Fraction(rate), seconds, count, audio, origin)

    def frames(self, start=0):
        errors = require_av().error
        read, held, seconds = 0, None, None
        with _opened(self.path) as (container, stream):
            try:
                for frame in self._decoded(container, stream, start):
                    read += 1
                    seconds = self._seconds_of(frame, seconds)
                    if seconds <= start + _LEAST:
                        held = frame, seconds
                        continue
                    if held is not None:
                        yield self._shown(*held)
                        held = None
                    yield self._shown(frame, seconds)
                if held is not None:
                    yield self._shown(*held)
            except (errors.FFmpegError, OSError) as error:
                if held is not None:
                    yield self._shown(*held)
                logger.warning(
                    'video %r is damaged after %d frames (%s): what comes '
                    'before is made',
                    *(str(self.path), read, _reason(error)),
                )

    def _decoded(self, container, stream, start):
        """Yield the frames from one that is shown at ``start`` or before."""
        if start <= 0:
            yield from container.decode(stream)
            return
        # Some files have no index: there a seek ends behind what is wanted.
        for back in (0, _SEEK_BACK):
            second = max(0.0, start - back) + self.origin
            container.seek(int(second / stream.time_base), stream=stream)
            frames = container.decode(stream)
            first = next(frames, None)
            if first is None or first.time is None:
                continue
            if first.time - self.origin <= start + _LEAST:
                yield first
                yield from frames
                return
        with _opened(self.path) as (container, stream):
            yield from container.decode(stream)

    def _seconds_of(self, frame, before):
        """Return when a frame is shown; ``before`` is the former one's time.

        A damaged file may not say it, or say an earlier time, or a year's.
        """
        if frame.time is not None:
            seconds = max(0.0, frame.time - self.origin)
            if before is None or _LEAST < seconds - before < _LONGEST_PAUSE:
                return seconds
        return 0.0 if before is None else before + float(1 / self.rate)

    def _shown(self, frame, seconds):
        img = _upright(frame)
        if img.shape[1::-1] != self.shape:
            picture = Image.fromarray(img)
            img = numpy.array(picture.resize(self.shape, Image.LANCZOS))
        return Frame(img, seconds)


@contextlib.contextmanager
def _opened(path):
    """Yield the container and its stream of pictures."""
    av = require_av()
    with (
        _readable(path, av.error.FFmpegError),
        av.open(str(path)) as container,
    ):
        if not container.streams.video:
            raise GluonStyleError(
                f'video {str(path)!r} has no pictures, only sound: give '
                'another one'
            )
        stream = container.streams.video[0]
        if stream.codec_context is None:
            raise GluonStyleError(
                f'video {str(path)!r} has a codec that this PyAV does not '
                'know: convert it, for example to H.264'
            )
        stream.thread_type = 'AUTO'
        yield container, stream


def _seconds(container, stream):
    if stream.duration is not None:
        return float(stream.duration * stream.time_base)
    if container.duration is not None:
        return container.duration / 1e6
    return None


def _upright(frame) -> Array:
    """Return a frame's pixels, turned as the file says."""
    img = frame.to_ndarray(format='rgb24')
    turns = round(getattr(frame, 'rotation', 0) / 90) % 4
    return numpy.ascontiguousarray(numpy.rot90(img, turns))


def _stretch(stream, frame) -> float:
    """Return how much wider than high a pixel is shown, turned upright."""
    ratio = float(stream.sample_aspect_ratio or 1)
    is_turned = round(getattr(frame, 'rotation', 0) / 90) % 2
    return 1 / ratio if is_turned else ratio
