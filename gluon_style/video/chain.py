"""Paint frames one after another, and keep them alike."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy

from gluon_style.pictures import Array
from gluon_style.pictures.read import as_bytes
from gluon_style.video.consistency import Link, Moved, moved
from gluon_style.video.links import OFFSETS, Linked, ahead, linked
from gluon_style.video.painters import Painting
from gluon_style.video.read import Frame
from gluon_style.video.state import State

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
        with closing(self._chain.made(frames)) as coming:
            while not stop():
                made = next(coming, None)
                if made is None:
                    return
                self._chain.keep(state)
                yield made


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

    def made(self, frames: Iterator[Frame]) -> Generator[Made, None, None]:
        """Yield the frames painted, in turn.

        While one is painted, the next one is read and compared with others.
        """
        found = linked(
            frames,
            self._shape,
            [each['frame'] for each in self._past],
            self._follows,
            self._painter.is_precise,
        )
        with closing(found), closing(ahead(found)) as coming:
            for each in coming:
                yield Made(self._painted(each), each.seconds, each.is_cut)

    def _painted(self, frame: Linked) -> Array:
        """Return the picture of the next frame, uint8."""
        if frame.is_cut:
            self._past.clear()
        if frame.links:
            made = self._painter.next(frame.img, self._moved(frame.links))
        else:
            made = self._painter.first(frame.img)
        # Half the memory, and a sixteenth of a level of 255.
        kept = {name: each.astype('float16') for name, each in made.items()}
        self._past.append({'frame': frame.img, **kept})
        return as_bytes(made['picture'])

    def _moved(self, links: list[Link]) -> Moved:
        """Return the pictures before, moved to where a frame shows them."""
        before = [
            {
                name: numpy.asarray(each, 'float32')
                for name, each in self._past[-offset].items()
                if name != 'frame'
            }
            for offset in OFFSETS[: len(links)]
        ]
        return moved(before, links)
