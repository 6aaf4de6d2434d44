"""Paint frames one after another, and keep them alike."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy

from gluon_style.pictures import Array
from gluon_style.pictures.read import as_bytes
from gluon_style.pictures.resize import resized
from gluon_style.video.consistency import Link, Moved, link, moved
from gluon_style.video.painters import Painting
from gluon_style.video.read import Frame
from gluon_style.video.state import State

# A frame is compared with those of so many frames before (section 4.3 of the
# paper): what was hidden for a moment comes out as it was.
OFFSETS = 1, 2, 4


# Returns why to stop, or None.
Stop = Callable[[], 'str | None']


class Made(NamedTuple):
    """A picture, uint8, its second, and whether a scene begins with it."""

    picture: Array
    seconds: float
    is_cut: bool


class Painters(Protocol):
    """What paints the frames of a clip, somewhere."""

    def frames(
        self,
        painting: Painting,
        frames: Iterator[Frame],
        state: State,
        stop: Stop,
        part_frames: int,
        folder: Path,
    ) -> Generator[Made, None, None]:
        """Yield the frames painted, in turn, until ``stop`` gives a reason.

        They go on from ``state``, whose ``past`` is put right whenever a
        part of ``part_frames`` is whole, and at the end. ``folder`` may have
        what waits meanwhile.
        """
        ...


class InTurn:
    """Paint one frame after another, in this process."""

    def __init__(self, painting: Painting) -> None:
        self._chain = Chain(
            painting.painter(), painting.shape, painting.follows
        )

    def frames(
        self,
        painting: Painting,
        frames: Iterator[Frame],
        state: State,
        stop: Stop,
        part_frames: int,
        folder: Path,
    ) -> Generator[Made, None, None]:
        """Yield the frames painted: see ``Painters``."""
        self._chain.go_on(state)
        while not stop():
            frame = next(frames, None)
            if frame is None:
                return
            picture, is_cut = self._chain.painted(frame.img)
            self._chain.keep(state)
            yield Made(picture, frame.seconds, is_cut)


class Chain:
    """Paint the frames of a clip, each like those before.

    ``painter`` is what ``painter`` returns, ``shape`` the (width, height) of
    the frames. Where it does not ``follow``, each is painted for itself.
    """

    def __init__(
        self, painter: Any, shape: tuple[int, int], follows: bool = True
    ) -> None:
        self._painter, self._shape = painter, shape
        self._follows = follows
        # Of each frame its own pixels, uint8, and what the painter returned.
        self._past: deque[dict[str, Array]] = deque(maxlen=max(OFFSETS))

    def go_on(self, state: State) -> None:
        """Follow the last frames of a state."""
        self._past.extend(state.past)

    def keep(self, state: State) -> None:
        """Put what the next frame needs into a state."""
        state.past = list(self._past)

    def painted(self, img: Array) -> tuple[Array, bool]:
        """Return the picture of the next frame, uint8, and if it is a cut."""
        frame = resized(img, self._shape)
        followed, is_cut = None, False
        if self._follows and self._past:
            nearest = self._link(frame, 1)
            is_cut = nearest.is_cut
            if is_cut:
                self._past.clear()
            else:
                followed = self._moved(frame, nearest)
        if followed is None:
            made = self._painter.first(frame)
        else:
            made = self._painter.next(frame, followed)
        # Half the memory, and a sixteenth of a level of 255.
        kept = {name: each.astype('float16') for name, each in made.items()}
        self._past.append({'frame': frame, **kept})
        return as_bytes(made['picture']), is_cut

    def _moved(self, frame: Array, nearest: Link) -> Moved:
        """Return the pictures before, moved to where this frame shows them."""
        links = [
            nearest if offset == 1 else self._link(frame, offset)
            for offset in OFFSETS
            if offset <= len(self._past)
        ]
        before = [
            {
                name: numpy.asarray(each, 'float32')
                for name, each in self._past[-offset].items()
                if name != 'frame'
            }
            for offset in OFFSETS[: len(links)]
        ]
        return moved(before, links)

    def _link(self, frame: Array, offset: int) -> Link:
        """Return the ``Link`` to the frame so many before.

        What the nearest does not show the others do, or nobody knows.
        """
        return link(
            frame,
            self._past[-offset]['frame'],
            is_filled=offset == 1,
            is_precise=self._painter.is_precise,
        )
