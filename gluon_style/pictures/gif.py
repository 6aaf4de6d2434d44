"""Write frames as an animated GIF."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy
from PIL import Image

from gluon_style.files.ours import MARK
from gluon_style.pictures import Array

# A GIF hardly compresses, so larger ones take too many bytes.
LONGEST_SIDE = 600
# The palette has the colors of this many frames, evenly spaced.
_PALETTE_FRAMES = 12
_PALETTE_SIDE = 160


def write_gif(
    path: str | os.PathLike[str],
    frames: Sequence[Array],
    durations: Sequence[int],
) -> None:
    """Write frames, arrays (height, width, 3) of uint8, of one size.

    ``durations`` are the milliseconds that each is shown. The same frames
    give the same bytes. Raises OSError.
    """
    palette = _palette(frames)
    pictures = [
        # Each frame would be dithered differently, and so would flicker.
        Image.fromarray(frame).quantize(
            palette=palette, dither=Image.Dither.NONE
        )
        for frame in frames
    ]
    pictures[0].save(
        path,
        format='GIF',
        save_all=True,
        append_images=pictures[1:],
        duration=list(durations),
        loop=0,
        comment=MARK,
    )


def _palette(frames: Sequence[Array]) -> Image.Image:
    """Return an image with the 256 colors that fit all the frames best.

    The last frame, which is shown longest, counts most.
    """
    count = min(len(frames), _PALETTE_FRAMES)
    chosen = numpy.linspace(0, len(frames) - 1, count).round().astype(int)
    samples = []
    for i in [*chosen, *[len(frames) - 1] * (count // 4)]:
        picture = Image.fromarray(frames[i])
        # The mean of several pixels would be duller than they are.
        picture.thumbnail(
            (_PALETTE_SIDE, _PALETTE_SIDE), Image.Resampling.NEAREST
        )
        samples.append(numpy.asarray(picture))
    return Image.fromarray(numpy.concatenate(samples)).quantize(256, kmeans=1)
