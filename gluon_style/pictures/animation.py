"""Collect frames, keep evenly spaced ones, and write a GIF or an MP4.

The number of frames may be unknown while they come. When there are too many,
every second one is dropped, again and again.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy
from PIL import Image

from gluon_style.errors import GluonStyleError
from gluon_style.files.atomic import replacing
from gluon_style.pictures import Array, gif, mp4
from gluon_style.pictures.resize import resized

_LONGEST_SIDES = {'.gif': gif.LONGEST_SIDE, '.mp4': mp4.LONGEST_SIDE}
SUFFIXES = tuple(_LONGEST_SIDES)
MOST_FRAMES = 120
FRAMES_A_SECOND = 10
# How long the last frame stays on the screen.
LAST_SECONDS = 2


def check_animation(path: str | os.PathLike[str]) -> None:
    """Raise GluonStyleError unless an animation can be written to ``path``.

    The error is a MissingPackageError if a package for .mp4 is missing.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise GluonStyleError(
            f'animation {str(path)!r} must end in {" or ".join(SUFFIXES)}'
        )
    if suffix == '.mp4':
        mp4.require_av()


class Animation:
    """Frames by their numbers, to be written to ``path`` by ``save``.

    ``image_shape`` is the (width, height) of the final frame; smaller frames
    are enlarged to it. A GIF is at most 600 pixels wide and high. Frames are
    added in the order of their numbers, which may have gaps. The first and
    the last frame are kept, and those with a number that ``every`` divides;
    ``every`` is doubled as often as there would be more than ``MOST_FRAMES``.
    Raises GluonStyleError as ``check_animation`` does.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        image_shape: tuple[int, int],
        every: int = 1,
    ) -> None:
        check_animation(path)
        self.path = Path(path)
        self._suffix = self.path.suffix.lower()
        width, height = image_shape
        part = min(1, _LONGEST_SIDES[self._suffix] / max(width, height))
        self._shape = max(1, round(part * width)), max(1, round(part * height))
        self._every = every
        # By number, as JPEG: 120 large pictures would fill the memory, and
        # both formats lose more than JPEG does.
        self._frames: dict[int, bytes] = {}
        self._last: tuple[int, Array] | None = None

    def due(self, number: int) -> bool:
        """Return whether the frame of this number would be kept for now."""
        return not self._frames or number % self._every == 0

    def add(self, img: Array, number: int) -> None:
        """Take a frame, an array (height, width, 3) of uint8.

        A frame that is not due is shown only if it stays the last one. A
        frame replaces an earlier one of the same number.
        """
        self._last = number, numpy.array(img)
        if self.due(number):
            self._frames[number] = self._compressed(img)
        while len(self._frames) >= MOST_FRAMES:
            self._every *= 2
            first = next(iter(self._frames))
            self._frames = {
                number: frame
                for number, frame in self._frames.items()
                if number == first or number % self._every == 0
            }

    def _compressed(self, img: Array) -> bytes:
        """Return a frame in the final size as a JPEG file."""
        picture = Image.fromarray(resized(img, self._shape))
        file = io.BytesIO()
        picture.save(file, 'JPEG', quality=95, subsampling=0)
        return file.getvalue()

    def packed(self) -> tuple[dict[str, Any], Array]:
        """Return a description of the frames, fit for JSON, and their bytes.

        The description has 'every' and 'lengths', the number of each frame
        and its number of bytes. The bytes are an array of uint8.
        """
        lengths = [[i, len(jpeg)] for i, jpeg in self._frames.items()]
        packed = numpy.frombuffer(b''.join(self._frames.values()), 'uint8')
        return {'every': self._every, 'lengths': lengths}, packed

    def restore(self, description: dict[str, Any], packed: Array) -> None:
        """Replace the frames by those that ``packed`` returned.

        Raises GluonStyleError unless each is a JPEG of the animation's size.
        """
        frames, start = {}, 0
        for number, length in description['lengths']:
            jpeg = packed[start : start + length].tobytes()
            start += length
            if not _is_jpeg(jpeg, self._shape):
                raise GluonStyleError(
                    f'frame {number} is not a JPEG of {self._shape[0]}x'
                    f'{self._shape[1]} pixels'
                )
            frames[number] = jpeg
        self._every, self._frames = description['every'], frames

    def save(self) -> None:
        """Write the animation, whole or not at all, to its path.

        The same frames give the same bytes of a GIF, but not of an MP4.
        Raises GluonStyleError if there is no frame, and OSError if the file
        cannot be written.
        """
        if self._last is None:
            raise GluonStyleError(
                f'animation {str(self.path)!r} has no frame to show'
            )
        number, img = self._last
        frames = {**self._frames, number: self._compressed(img)}
        with replacing(self.path) as temporary:
            decoded = _Decoded(list(frames.values()))
            _write(temporary, self._suffix, decoded)


def _write(path: Path, suffix: str, frames: Sequence[Array]) -> None:
    if suffix == '.mp4':
        mp4.write_mp4(path, frames, FRAMES_A_SECOND, LAST_SECONDS)
        return
    durations = [1000 // FRAMES_A_SECOND] * len(frames)
    durations[-1] = 1000 * LAST_SECONDS
    gif.write_gif(path, frames, durations)


def _is_jpeg(data: bytes, image_shape: tuple[int, int]) -> bool:
    """Return whether bytes are a whole RGB JPEG of a (width, height)."""
    try:
        with Image.open(io.BytesIO(data), formats=['JPEG']) as img:
            if img.size != image_shape or img.mode != 'RGB':
                return False
            img.load()
    # Pillow raises whatever its parts happen to raise.
    except Exception:
        return False
    return True


class _Decoded(Sequence):
    """The frames of JPEG files, each decoded when it is asked for."""

    def __init__(self, jpegs: list[bytes]) -> None:
        self._jpegs = jpegs

    def __len__(self) -> int:
        return len(self._jpegs)

    def __getitem__(self, index: Any) -> Any:
        return numpy.array(Image.open(io.BytesIO(self._jpegs[index])))

    def __iter__(self) -> Iterator[Array]:
        return (self[i] for i in range(len(self)))
