"""A run as an animation, GIF or MP4; no MXNet.

How long a run will be is not known while its frames come: of many, only
every second is kept, again and again.
"""

import io
from pathlib import Path

import numpy
from PIL import Image

from gluon_style.errors import GluonStyleError
from gluon_style.files.atomic import replacing
from gluon_style.files.ours import MARK

SUFFIXES = ('.gif', '.mp4')
MOST_FRAMES = 120
FRAMES_A_SECOND = 10
LAST_SECONDS = 2
# The longest side of a GIF, which has no better compression, and of an MP4:
# no encoder takes more.
_LONGEST = {'.gif': 600, '.mp4': 16384}
# How PyAV turns RGB into yuv420p, as FFmpeg numbers it: players would guess
# from the size.
_COLORS, _STUDIO_RANGE = 6, 1
# So many frames, from all along the run, have their colors in a GIF's palette.
_PALETTE_FRAMES = 12
_PALETTE_SIDE = 160


def check_animation(path):
    """Raise ValueError unless an animation can be written to ``path``."""
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise GluonStyleError(
            f'animation {str(path)!r} must end in {" or ".join(SUFFIXES)}'
        )
    if suffix == '.mp4':
        _load_av(path)


def _load_av(path):
    try:
        import av
    except ImportError:
        raise GluonStyleError(
            f'animation {str(path)!r} needs the package av: install it with: '
            "python -m pip install 'gluon_style[video]', or name a .gif"
        ) from None
    return av


class Animation:
    """Frames of a run, of which the last one stays longer on the screen.

    ``image_shape`` is the (width, height) of the final picture, to which
    frames of coarser scales are enlarged. Of the frames added, the first,
    the last and those of every ``every``-th epoch are kept, or of every
    second, fourth ... of these, so that there are never more than
    ``MOST_FRAMES``. Raises ValueError as ``check_animation`` does.
    """

    def __init__(self, path, image_shape, every=1):
        check_animation(path)
        self.path = Path(path)
        suffix = self.path.suffix.lower()
        self._is_gif = suffix == '.gif'
        part = min(1, _LONGEST[suffix] / max(image_shape))
        self._shape = tuple(max(1, round(part * s)) for s in image_shape)
        self._every = every
        # By epoch, as JPEG: 120 large pictures would fill the memory, and
        # both formats lose more.
        self._frames = {}
        self._last = None

    def due(self, epoch):
        """Return whether the frame of this epoch would be kept for now."""
        return not self._frames or epoch % self._every == 0

    def add(self, img, epoch):
        """Take a frame, an array (height, width, 3) of uint8.

        One that is not due counts only if it is the last; one of the same
        epoch takes the other's place.
        """
        self._last = epoch, numpy.array(img)
        if self.due(epoch):
            self._frames[epoch] = self._packed(img)
        while len(self._frames) >= MOST_FRAMES:
            self._every *= 2
            first = next(iter(self._frames))
            self._frames = {
                epoch: frame
                for epoch, frame in self._frames.items()
                if epoch == first or epoch % self._every == 0
            }

    def _packed(self, img):
        picture = Image.fromarray(numpy.ascontiguousarray(img))
        if picture.size != self._shape:
            picture = picture.resize(self._shape, Image.Resampling.LANCZOS)
        file = io.BytesIO()
        picture.save(file, 'JPEG', quality=95, subsampling=0)
        return file.getvalue()

    def packed(self):
        """Return the frames as for JSON, and their bytes, an array.

        The former has 'every' and 'lengths', the epoch and the number of
        bytes of each frame.
        """
        lengths = [[epoch, len(file)] for epoch, file in self._frames.items()]
        packed = numpy.frombuffer(b''.join(self._frames.values()), 'uint8')
        return {'every': self._every, 'lengths': lengths}, packed

    def restore(self, told, packed):
        """Take the frames that ``packed`` returned in place of all others.

        Raises ValueError where one is no JPEG of the animation's size.
        """
        frames, at = {}, 0
        for epoch, length in told['lengths']:
            file = packed[at : at + length].tobytes()
            at += length
            try:
                with Image.open(io.BytesIO(file), formats=['JPEG']) as img:
                    whole = img.size == self._shape and img.mode == 'RGB'
                    if whole:
                        img.load()
            # Pillow raises whatever its parts happen to raise.
            except Exception:
                whole = False
            if not whole:
                raise GluonStyleError(
                    f'the frame of epoch {epoch} is no JPEG of '
                    '{}x{} pixels'.format(*self._shape)
                )
            frames[epoch] = file
        self._every, self._frames = told['every'], frames

    def save(self):
        """Write the animation, whole or not at all, to its path.

        The same frames give the same GIF; x264 gives other bytes each time.
        Raises ValueError where no frame was added, and OSError as writing
        does.
        """
        if self._last is None:
            raise GluonStyleError(
                f'animation {str(self.path)!r} has no frame: the run ended '
                'before its first epoch'
            )
        epoch, img = self._last
        frames = list({**self._frames, epoch: self._packed(img)}.values())
        write = _write_gif if self._is_gif else _write_mp4
        with replacing(self.path) as temporary:
            write(temporary, frames)


def _unpacked(frame):
    return numpy.array(Image.open(io.BytesIO(frame)))


def _write_gif(path, frames):
    palette = _palette(frames)
    pictures = [
        # Dithered by itself each frame would flicker.
        Image.fromarray(_unpacked(frame)).quantize(
            palette=palette, dither=Image.Dither.NONE
        )
        for frame in frames
    ]
    durations = [1000 // FRAMES_A_SECOND] * len(frames)
    durations[-1] = 1000 * LAST_SECONDS
    pictures[0].save(
        path,
        format='GIF',
        save_all=True,
        append_images=pictures[1:],
        duration=durations,
        loop=0,
        comment=MARK,
    )


def _palette(frames):
    """Return an image of the 256 colors that suit frames from all along.

    The last frame, which is seen longest, counts most.
    """
    count = min(len(frames), _PALETTE_FRAMES)
    chosen = numpy.linspace(0, len(frames) - 1, count).round().astype(int)
    small = []
    for i in [*chosen, *[len(frames) - 1] * (count // 4)]:
        picture = Image.fromarray(_unpacked(frames[i]))
        # The mean of pixels is duller than they are.
        picture.thumbnail(
            (_PALETTE_SIDE, _PALETTE_SIDE), Image.Resampling.NEAREST
        )
        small.append(numpy.asarray(picture))
    return Image.fromarray(numpy.concatenate(small)).quantize(256, kmeans=1)


def _write_mp4(path, frames):
    av = _load_av(path)
    try:
        _encode(av, path, frames)
    except OSError:
        raise
    except av.error.FFmpegError as error:
        raise GluonStyleError(
            f'the animation cannot be encoded ({error}): name a .gif'
        ) from None


def _encode(av, path, frames):
    with av.open(str(path), 'w', format='mp4') as container:
        container.metadata['comment'] = MARK.decode()
        first = _even(_unpacked(frames[0]))
        stream = container.add_stream(_encoder(av), rate=FRAMES_A_SECOND)
        stream.height, stream.width = first.shape[:2]
        stream.pix_fmt = 'yuv420p'
        stream.codec_context.colorspace = _COLORS
        stream.codec_context.color_range = _STUDIO_RANGE
        if stream.codec_context.name == 'libx264':
            stream.options = {'crf': '18', 'preset': 'veryfast'}
        else:
            stream.bit_rate = 8 * first.size
        held = [frames[-1]] * (LAST_SECONDS * FRAMES_A_SECOND - 1)
        for frame in frames + held:
            picture = av.VideoFrame.from_ndarray(_even(_unpacked(frame)))
            container.mux(stream.encode(picture))
        container.mux(stream.encode())


def _encoder(av):
    """Return the name of the best encoder of those that are built in."""
    available = av.codecs_available
    return 'libx264' if 'libx264' in available else 'mpeg4'


def _even(img):
    """Return a picture whose odd sides have their last pixels twice.

    The colors of yuv420p are those of 2x2 pixels.
    """
    height, width = img.shape[:2]
    return numpy.pad(img, ((0, height % 2), (0, width % 2), (0, 0)), 'edge')
