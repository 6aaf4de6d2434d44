"""Write a clip frame by frame: a video, a GIF, or a folder of frames.

Frames go into parts in a folder, so that a run that was interrupted goes on
with the next one. At the end they become the output, whole or not at all, and
a video gets its sound.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from gluon_style.errors import GluonStyleError
from gluon_style.files.atomic import replacing
from gluon_style.files.ours import MARK, is_ours, require_ours
from gluon_style.pictures.gif import LONGEST_SIDE as LONGEST_GIF, write_gif
from gluon_style.pictures.mp4 import (
    LONGEST_SIDE,
    add_stream,
    even,
    require_av,
)
from gluon_style.pictures.read import read_picture
from gluon_style.pictures.write import save_image

logger = logging.getLogger(__name__)

SUFFIXES = ('.mp4', '.gif')
# The name of a frame in a folder.
FRAME = 'frame-{:05}.png'
# Frame rates of 24, 25, 30, and of 1000 in 1001 of them, have whole times in
# this unit, and so have rates that vary.
_TIME_BASE = Fraction(1, 90000)
# A file of fragments can be played although it was never closed.
_FRAGMENTS = {'movflags': 'frag_keyframe+empty_moov+default_base_moof'}
# The name of a part is its first microsecond, in so many digits.
_DIGITS = 15
_LEAST_HUNDREDTHS = 2
# What an MP4 holds of sound as it is; other kinds become AAC.
_SOUNDS = ('aac', 'mp3', 'opus', 'ac3', 'eac3', 'alac', 'flac')


def kind_of(output: str | Path) -> str:
    """Return '.mp4', '.gif' or '', which is a folder of frames.

    Raises GluonStyleError for another suffix.
    """
    name, suffix = Path(output).name, Path(output).suffix.lower()
    if name == '-' or name.lower() in SUFFIXES:
        raise GluonStyleError(
            f'output {str(output)!r} is not a name for a clip: type one such '
            'as out.mp4'
        )
    if suffix and suffix not in SUFFIXES and not Path(output).is_dir():
        raise GluonStyleError(
            f'output {str(output)!r} must end in {" or ".join(SUFFIXES)}, or '
            'be a folder, for frames'
        )
    return suffix if suffix in SUFFIXES else ''


def require_frames(folder: str | Path, force: bool) -> None:
    """Raise GluonStyleError where frames would replace another's files.

    Those of a former clip are replaced.
    """
    for frame in _frames_in(Path(folder)):
        require_ours(frame, force)


def _frames_in(folder: Path) -> list[Path]:
    return sorted(folder.glob(FRAME.replace('{:05}', '?????')))


def possible_shape(image_shape: tuple[int, int], kind: str) -> tuple[int, int]:
    """Return the nearest (width, height) that a kind of output can have.

    A video's sides are even, since 2x2 pixels share a color.
    """
    width, height = image_shape
    if kind == '.mp4':
        width, height = (max(2, 2 * round(side / 2)) for side in image_shape)
    longest = {'.mp4': LONGEST_SIDE, '.gif': LONGEST_GIF}.get(kind)
    if longest and max(width, height) > longest:
        part = longest / max(width, height)
        width, height = (int(part * side) // 2 * 2 for side in image_shape)
    return max(2, width), max(2, height)


def new_part(folder: Path, begin: float, kind: str, rate: Fraction) -> Any:
    """Return a context whose ``add(img, seconds)`` takes frames in turn.

    ``begin`` is the second of the first one: what is in the folder from then
    on, of a part that was cut short, is removed. ``kind`` is what ``kind_of``
    returns, ``rate`` the mean frames a second. A frame is (height, width, 3)
    of uint8, shown from a second on.
    """
    remove_parts(folder, begin)
    make = _Movie if kind == '.mp4' else _Pictures
    return make(folder, begin, rate)


def remove_parts(folder: Path, begin: float = 0.0) -> None:
    """Remove the parts, and frames, of a folder that begin at a second on."""
    for part in _parts(folder, ''):
        if int(part.stem) >= _microseconds(begin):
            part.unlink()


def _parts(folder: Path, suffix: str) -> list[Path]:
    """Return the parts of a kind in their order."""
    return sorted(
        path
        for path in folder.glob(f'*{suffix}')
        if path.stem.isdigit() and len(path.stem) == _DIGITS
    )


def _microseconds(seconds):
    return round(1e6 * seconds)


def _named(seconds):
    """Return the name of what begins at a second, without its suffix."""
    return f'{_microseconds(seconds):0{_DIGITS}}'


class _Movie:
    """A video without sound, named by the microsecond of its first frame.

    What is written of it can be played, and its times begin at 0.
    """

    def __init__(self, folder, begin, rate):
        self._av, self._rate, self._stream = require_av(), rate, None
        self._begin = begin
        self._container = self._av.open(
            str(folder / f'{_named(begin)}.mp4'),
            'w',
            format='mp4',
            container_options=_FRAGMENTS,
        )

    def __enter__(self):
        return self

    def add(self, img, seconds):
        img = even(img)
        if self._stream is None:
            self._stream = add_stream(
                self._av, self._container, img, self._rate
            )
            context = self._stream.codec_context
            context.time_base = _TIME_BASE
            # A player can seek to every second second.
            context.gop_size = max(1, round(2 * self._rate))
            # Parts follow one another in the order of decoding, too.
            context.max_b_frames = 0
        frame = self._av.VideoFrame.from_ndarray(img)
        frame.time_base = _TIME_BASE
        frame.pts = round((seconds - self._begin) / _TIME_BASE)
        self._container.mux(self._stream.encode(frame))

    def __exit__(self, *error):
        with self._container:
            if self._stream is not None:
                self._container.mux(self._stream.encode())


class _Pictures:
    """Pictures that are named by the microseconds of their time."""

    def __init__(self, folder, begin, rate):
        self._folder = folder

    def __enter__(self):
        return self

    def add(self, img, seconds):
        save_image(img, self._folder / f'{_named(seconds)}.png')

    def __exit__(self, *error):
        pass


def finish(
    folder: Path,
    output: Path,
    end: float,
    sound: tuple[Path, float] | None = None,
) -> None:
    """Make the parts in a folder the output, whole or not at all.

    ``end`` is the second at which the last frame ends. ``sound`` is a video
    whose sound is copied, and the second at which that begins.
    """
    kind = kind_of(output)
    if kind == '.mp4':
        with replacing(output) as temporary:
            _finish_movie(_parts(folder, '.mp4'), temporary, end, sound)
        return
    pictures = _parts(folder, '.png')
    if kind == '.gif':
        pictures, durations = _timed(pictures, end)
        with replacing(output) as temporary:
            write_gif(temporary, _Read(pictures), durations)
        return
    output.mkdir(exist_ok=True)
    for frame in _frames_in(output)[len(pictures) :]:
        # Of a former clip, which was longer.
        if is_ours(frame):
            frame.unlink()
    for number, picture in enumerate(pictures, start=1):
        with replacing(output / FRAME.format(number)) as temporary:
            shutil.copyfile(picture, temporary)


def _timed(pictures, end):
    """Return the pictures that a GIF can show, and their milliseconds.

    Its times are hundredths of a second, and browsers show no frame for less
    than two of them.
    """
    kept, times = [], []
    for picture in pictures:
        time = round(int(picture.stem) / 1e4)
        if not times or time >= times[-1] + _LEAST_HUNDREDTHS:
            kept.append(picture)
            times.append(time)
    times.append(max(round(100 * end), times[-1] + _LEAST_HUNDREDTHS))
    return kept, [10 * (after - time) for time, after in zip(times, times[1:])]


class _Read(Sequence):
    """Pictures that are each read when it is asked for."""

    def __init__(self, paths):
        self._paths = paths

    def __len__(self):
        return len(self._paths)

    def __getitem__(self, index):
        return read_picture(self._paths[index])


def _finish_movie(movies, path, end, sound):
    """Join the parts; where the sound cannot be written, without it."""
    av = require_av()
    if sound is not None:
        try:
            _join(av, movies, path, end, sound)
            return
        except av.error.FFmpegError as error:
            _warn_of_sound(sound[0], error)
    _join(av, movies, path, end, None)


def _warn_of_sound(source, error):
    logger.warning(
        'the sound of %r cannot be copied whole (%s): the rest is left out',
        *(str(source), getattr(error, 'strerror', None) or error),
    )


def _join(av, movies, path, end, sound):
    # A player can begin before it has the whole file.
    options = {'movflags': '+faststart'}
    with av.open(str(path), 'w', format='mp4', options=options) as container:
        container.metadata['comment'] = MARK.decode()
        with av.open(str(movies[0])) as first:
            stream = container.add_stream_from_template(first.streams.video[0])
        voice = _Voice(av, container, sound, end) if sound else None
        for packet in _packets(av, movies, stream):
            if voice is not None:
                voice.up_to(float(packet.dts * packet.time_base))
            container.mux(packet)
        if voice is not None:
            voice.up_to(end)
            voice.close()


def _packets(av, movies, stream):
    """Yield the packets of all parts, whose times are the whole clip's."""
    for movie in movies:
        with av.open(str(movie)) as part:
            for packet in part.demux(part.streams.video[0]):
                if packet.dts is None:
                    continue
                begin = round(int(movie.stem) / 1e6 / packet.time_base)
                packet.pts, packet.dts = packet.pts + begin, packet.dts + begin
                packet.stream = stream
                yield packet


class _Voice:
    """The sound of a video, copied from a second on, packet by packet."""

    def __init__(self, av, container, sound, end):
        source, self._start = sound
        self._container, self._end, self._last = container, end, None
        self._input = av.open(str(source))
        self._from = self._input.streams.audio[0]
        codec = self._from.codec_context.codec
        copied = codec.canonical_name in _SOUNDS
        if copied:
            self._to = container.add_stream_from_template(self._from)
        else:
            rate = min(
                av.Codec('aac', 'w').audio_rates,
                key=lambda rate: abs(rate - self._from.rate),
            )
            self._to = container.add_stream('aac', rate=rate)
            self._to.codec_context.layout = self._from.codec_context.layout
        self._packets = self._readable(av, source, self._all(copied))
        self._next = next(self._packets, None)

    @staticmethod
    def _readable(av, source, packets):
        """Yield packets up to the first that is damaged."""
        try:
            yield from packets
        except av.error.FFmpegError as error:
            _warn_of_sound(source, error)

    def _all(self, copied):
        """Yield (second, packet) in turn."""
        base = self._from.time_base
        if self._start:
            self._input.seek(int(self._start / base), stream=self._from)
        shift = round(self._start / base)
        if copied:
            for packet in self._input.demux(self._from):
                if packet.dts is None or packet.pts < shift:
                    continue
                packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
                packet.stream = self._to
                yield float(packet.pts * base), packet
            return
        for frame in self._input.decode(self._from):
            if frame.pts is None or frame.pts < shift:
                continue
            frame.pts -= shift
            seconds = float(frame.pts * base)
            for packet in self._to.encode(frame):
                yield seconds, packet
        for packet in self._to.encode():
            yield self._end, packet

    def up_to(self, seconds):
        """Copy what is heard before a second, and before the end."""
        seconds = min(seconds, self._end)
        while self._next is not None and self._next[0] <= seconds:
            packet = self._next[1]
            # In a file put together of others the times begin again.
            if self._last is None or packet.dts > self._last:
                self._last = packet.dts
                self._container.mux(packet)
            self._next = next(self._packets, None)

    def close(self):
        self._input.close()
