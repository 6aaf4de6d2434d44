"""Cut a clip into stretches of frames, each of one scene.

The first frame of a scene follows none, so scenes can be painted side by
side, and a long one stretch by stretch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gluon_style.pictures import Array
from gluon_style.pictures.resize import resized
from gluon_style.video.consistency import begins_scene
from gluon_style.video.painters import Painting
from gluon_style.video.read import Frame
from gluon_style.video.state import State


@dataclass
class Stretch:
    """Frames one after another, at the size at which they are painted.

    ``is_cut`` says whether a scene begins with the first one, ``follows``
    whether that is made like the last ones of the stretch before.
    """

    frames: list[Frame]
    is_cut: bool
    follows: bool


def stretches(
    frames: Iterable[Frame],
    painting: Painting,
    state: State,
    part_frames: int,
) -> Iterator[Stretch]:
    """Yield the frames in stretches, which ``Chain`` would cut likewise.

    They go on from ``state``. No stretch is in two parts of ``part_frames``.
    """
    stretch, before = None, _last(painting, state)
    for number, frame in enumerate(frames):
        img = resized(frame.img, painting.shape)
        is_cut = before is not None and begins_scene(
            img, before, painting.kind.is_precise
        )
        if stretch is not None and (
            is_cut
            or number % part_frames == 0
            or len(stretch.frames) == painting.kind.together
        ):
            yield stretch
            stretch = None
        if stretch is None:
            follows = before is not None and not is_cut
            stretch = Stretch([], is_cut, follows)
        stretch.frames.append(Frame(img, frame.seconds))
        before = img if painting.follows else None
    if stretch is not None:
        yield stretch


def _last(painting: Painting, state: State) -> Array | None:
    """Return the frame that the first one may follow, or None."""
    if not (painting.follows and state.past):
        return None
    return state.past[-1]['frame']
