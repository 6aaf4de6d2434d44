"""Send the stretches of a clip to workers, and yield the frames in turn."""

from __future__ import annotations

import heapq
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from gluon_style.errors import GluonStyleError, NonFiniteLossError
from gluon_style.many.clip_parcels import (
    PaintedStretch,
    as_png,
    clip_parcel,
    of_png,
)
from gluon_style.many.dispatch import Dispatch
from gluon_style.many.parcels import Failed
from gluon_style.many.workers import LOOK
from gluon_style.pictures import Array
from gluon_style.video.chain import Made, Stop
from gluon_style.video.state import State
from gluon_style.video.stretches import Stretch

# So many frames are read ahead for each worker's thread, so that it has a
# scene of its own: twelve seconds of most films.
_AHEAD = 300


class _Known(NamedTuple):
    """A ``Stretch`` without its frames, whose seconds are left."""

    seconds: list[float]
    is_cut: bool
    follows: bool


class Course:
    """One clip on its way: read, with workers, painted, or yielded.

    Stretches have numbers. What waits is in files of ``folder``, so that
    memory does not grow where one scene takes longer than others.
    """

    def __init__(
        self,
        dispatch: Dispatch,
        recipe: bytes,
        unread: Iterator[Stretch],
        state: State,
        folder: Path,
    ) -> None:
        self._dispatch, self._recipe, self._state = dispatch, recipe, state
        self._unread: Iterator[Stretch] | None = unread
        self._files = _Files(folder)
        self._first_past = state.past
        self._known: dict[int, _Known] = {}
        # What may be sent, a heap: the earliest goes first.
        self._ready: list[int] = []
        self._painted: set[int] = set()
        # The next to be read, and to be yielded; frames between the two.
        self._read = self._next = self._ahead = 0

    def made(self, stop: Stop) -> Iterator[Made]:
        """Yield the frames; after ``stop`` those of no further stretch.

        Raises GluonStyleError where a stretch cannot be painted.
        """
        while not stop() and (self._unread is not None or self._known):
            self._dispatch.look()
            if self._reads():
                self._read_one()
            while self._ready and self._dispatch.has_room():
                self._send(heapq.heappop(self._ready))
            # While there is something to read, nobody waits.
            patience = 0 if self._reads() else LOOK
            for index, answer in self._dispatch.answers(patience):
                self._take(index, answer)
            while self._next in self._painted and not stop():
                yield from self._frames(self._next)

    def _reads(self) -> bool:
        """Return whether more is to be read now."""
        room = _AHEAD * max(1, self._dispatch.threads)
        return self._unread is not None and self._ahead < room

    def _read_one(self) -> None:
        stretch = next(self._unread or iter(()), None)
        if stretch is None:
            self._unread = None
            return
        index, self._read = self._read, self._read + 1
        self._ahead += len(stretch.frames)
        frames = [as_png(frame.img) for frame in stretch.frames]
        self._files.put(index, 'frames', frames)
        seconds = [frame.seconds for frame in stretch.frames]
        self._known[index] = _Known(seconds, stretch.is_cut, stretch.follows)
        before = index - 1
        if (
            not stretch.follows
            or before < self._next
            or before in self._painted
        ):
            heapq.heappush(self._ready, index)

    def _send(self, index: int) -> None:
        frames, past = self._files.get(index, 'frames'), self._past(index)
        self._dispatch.send(index, clip_parcel(self._recipe, frames, past))

    def _past(self, index: int) -> list[dict[str, Array]]:
        """Return what the first frame of a stretch is made like."""
        if not self._known[index].follows:
            return []
        if not index:
            return self._first_past
        return self._files.get(index - 1, 'past')

    def _take(
        self, index: int, answer: PaintedStretch | Failed | None
    ) -> None:
        """Keep what a worker answered."""
        if answer is None:
            heapq.heappush(self._ready, index)
            return
        if isinstance(answer, Failed):
            seconds = self._known[index].seconds
            sentence = (
                f'seconds {seconds[0]:.2f} to {seconds[-1]:.2f} of the clip: '
                f'{answer.error}'
            )
            if answer.diverged:
                raise NonFiniteLossError.elsewhere(sentence)
            raise GluonStyleError(sentence)
        self._files.put(index, 'pictures', answer.pictures)
        self._files.put(index, 'past', answer.past)
        self._files.remove(index, 'frames')
        self._painted.add(index)
        after = self._known.get(index + 1)
        if after is not None and after.follows:
            heapq.heappush(self._ready, index + 1)

    def _frames(self, index: int) -> Iterator[Made]:
        """Yield the frames of a stretch; with the last the state is right."""
        stretch = self._known.pop(index)
        pictures = self._files.get(index, 'pictures')
        for number, data in enumerate(pictures):
            if number == len(pictures) - 1:
                self._state.past = self._files.get(index, 'past')
            is_cut = stretch.is_cut and number == 0
            yield Made(of_png(data), stretch.seconds[number], is_cut)
        self._painted.remove(index)
        self._next, self._ahead = index + 1, self._ahead - len(pictures)
        self._files.remove(index, 'pictures')
        # The next one may be sent again, this one is not.
        self._files.remove(index - 1, 'past')


class _Files:
    """What waits, by a number and a name each, in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, index: int, name: str, value: Any) -> None:
        with open(self._path(index, name), 'wb') as file:
            pickle.dump(value, file)

    def get(self, index: int, name: str) -> Any:
        with open(self._path(index, name), 'rb') as file:
            return pickle.load(file)

    def remove(self, index: int, name: str) -> None:
        self._path(index, name).unlink(missing_ok=True)

    def _path(self, index: int, name: str) -> Path:
        return self._folder / f'{index}.{name}'
