"""Rounds of tasks, each for a worker of its own, until all have answers."""

from __future__ import annotations

import queue
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

from gluon_style.errors import GluonStyleError, OutOfMemoryError
from gluon_style.many.calls import answer_of, submit
from gluon_style.many.parcels import Failed, Trouble
from gluon_style.many.tile_tasks import Computed, Unknown
from gluon_style.many.workers import LOOK, Workers

# Of a worker, so many tasks are on their way at once: one is computed while
# the next one's pixels travel.
_MOST_ON_THE_WAY = 2
# A task that is lost so many times ends the round.
_MOST_TRIES = 5


class Work(Protocol):
    """What a round has to do."""

    def owners(self, addresses: list[str]) -> list[str]:
        """Return the worker of each task, of those at these addresses."""
        ...

    def task(self, index: int, address: str) -> Any:
        """Return a task for its worker."""
        ...

    def unknown(self, index: int) -> None:
        """Note that the worker lacks what a task is about."""
        ...


class Round:
    """The tasks of a ``Work`` in the workers of a Dask client."""

    def __init__(self, client: Any, workers: Workers, work: Work) -> None:
        self._client, self._workers, self._work = client, workers, work
        self._sent: dict[str, _Sent] = {}
        self._ready: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._tries: Counter[int] = Counter()

    def answers(self) -> Iterator[tuple[int, str, Computed]]:
        """Yield the index of each task, its worker, and what it computed.

        They come as they are ready. Raises GluonStyleError for a task that
        fails, or is lost too often, and OutOfMemoryError.
        """
        waiting = list(range(len(self._owners())))
        try:
            while waiting or self._sent:
                waiting = self._send(waiting)
                for each in self._done():
                    answer = self._settled(each)
                    if isinstance(answer, Computed):
                        yield each.index, each.address, answer
                        continue
                    if isinstance(answer, Unknown):
                        self._work.unknown(each.index)
                    waiting.append(each.index)
        finally:
            for each in self._sent.values():
                each.future.release()

    def _owners(self) -> list[str]:
        return self._work.owners(fit(self._workers))

    def _send(self, waiting: list[int]) -> list[int]:
        """Send what workers have room for; return what waits on."""
        owners, left = self._owners(), []
        for each in self._sent.values():
            # Dask would wait for a worker that is gone.
            if self._workers.are_gone(frozenset([each.address])):
                each.future.cancel()
        busy = Counter(each.address for each in self._sent.values())
        for index in sorted(waiting):
            address = owners[index]
            if busy[address] >= _MOST_ON_THE_WAY:
                left.append(index)
                continue
            busy[address] += 1
            task, begun = self._work.task(index, address), time.monotonic()
            future = submit(self._client, task, [address])
            self._sent[future.key] = _Sent(index, address, future, begun)
            future.add_done_callback(lambda done: self._ready.put(done.key))
        return left

    def _done(self) -> Iterator[_Sent]:
        """Yield what is ready; wait for one, but not for long."""
        with_wait = True
        while True:
            try:
                key = self._ready.get(with_wait, LOOK)
            except queue.Empty:
                return
            with_wait = False
            if (each := self._sent.pop(key, None)) is not None:
                yield each

    def _settled(self, each: _Sent) -> Any:
        """Return an answer, or None where the task is lost; may raise."""
        from distributed import KilledWorker

        found, error = answer_of(each.future), 'its workers were lost'
        if isinstance(found, KilledWorker):
            raise OutOfMemoryError(
                'each worker that computed a tile was killed, as happens '
                'where memory is lacking: choose a smaller --tile'
            )
        if found is not None:
            address, answer = found
            if isinstance(answer, (Computed, Unknown)):
                return answer
            if isinstance(answer, Failed):
                raise GluonStyleError(answer.error)
            if not isinstance(answer, Trouble):
                self._workers.make_fit(address, answer, each.begun)
                return None
            error = answer.error
        self._tries[each.index] += 1
        if self._tries[each.index] < _MOST_TRIES:
            return None
        raise GluonStyleError(
            f'part {each.index + 1} of the picture could not be computed in '
            f'{_MOST_TRIES} tries ({error}): try again'
        )


class _Sent(NamedTuple):
    """A task on its way: its future, its worker, and when it was sent."""

    index: int
    address: str
    future: Any
    begun: float


def fit(workers: Workers) -> list[str]:
    """Return the addresses of fit workers; wait until there is one."""
    while True:
        workers.look()
        if workers.fit:
            return sorted(workers.fit)
        time.sleep(LOOK / 10)
