"""Write frames as an MP4 video, with the optional package PyAV."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable
from typing import Any

import numpy

from gluon_style.errors import GluonStyleError, MissingPackageError
from gluon_style.files.ours import MARK
from gluon_style.pictures import Array

# No encoder takes longer sides.
LONGEST_SIDE = 16384
# How PyAV converts RGB to yuv420p, in FFmpeg's numbers: ITU-R BT.601, limited
# range. If the file did not say so, players would guess from the size.
_COLORSPACE, _COLOR_RANGE = 6, 1


def require_av() -> Any:
    """Return the module ``av``, or raise MissingPackageError."""
    try:
        import av
        import av.error
    except ImportError:
        raise MissingPackageError(
            'files of .mp4 need the package av: install it with: python -m '
            "pip install 'gluon_style[video]', or name a .gif"
        ) from None
    return av


def write_mp4(
    path: str | os.PathLike[str],
    frames: Iterable[Array],
    frames_a_second: int,
    last_seconds: float = 0,
) -> None:
    """Write frames, arrays (height, width, 3) of uint8, of one size.

    They are read one by one. The last frame is shown for ``last_seconds``. An
    odd side grows by a pixel. Raises GluonStyleError if there is no frame or
    the video cannot be encoded, MissingPackageError, and OSError.
    """
    av = require_av()
    try:
        with av.open(str(path), 'w', format='mp4') as container:
            _encode(av, container, frames, frames_a_second, last_seconds)
    except OSError:
        raise
    except av.error.FFmpegError as error:
        raise GluonStyleError(
            f'the video cannot be encoded ({error}): name a .gif'
        ) from error


def _encode(av, container, frames, frames_a_second, last_seconds):
    frames = map(even, frames)
    first = frame = next(frames, None)
    if frame is None:
        raise GluonStyleError('the video has no frame: give at least one')
    container.metadata['comment'] = MARK.decode()
    stream = add_stream(av, container, first, frames_a_second)
    for frame in itertools.chain([first], frames):
        picture = av.VideoFrame.from_ndarray(frame)
        container.mux(stream.encode(picture))
    for _ in range(round(last_seconds * frames_a_second) - 1):
        picture = av.VideoFrame.from_ndarray(frame)
        container.mux(stream.encode(picture))
    container.mux(stream.encode())


def add_stream(av, container, first, frames_a_second):
    """Return a new stream of video for frames like the first."""
    # The encoder mpeg4 is always built in, but it is worse.
    has_x264 = 'libx264' in av.codecs_available
    stream = container.add_stream(
        'libx264' if has_x264 else 'mpeg4', rate=frames_a_second
    )
    stream.height, stream.width = first.shape[:2]
    stream.pix_fmt = 'yuv420p'
    stream.codec_context.colorspace = _COLORSPACE
    stream.codec_context.color_range = _COLOR_RANGE
    if has_x264:
        # With its macroblock tree, x264 reads memory that nobody has written:
        # the same frames would make another file now and then.
        stream.options = {
            'crf': '16',
            'preset': 'veryfast',
            'x264-params': 'mbtree=0',
        }
    else:
        stream.bit_rate = 8 * first.size
    return stream


def even(img: Array) -> Array:
    """Return a picture with even sides, repeating the last row or column.

    In yuv420p, 2x2 pixels share a color.
    """
    height, width = img.shape[:2]
    return numpy.pad(img, ((0, height % 2), (0, width % 2), (0, 0)), 'edge')
