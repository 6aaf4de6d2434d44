"""Send parcels to the workers of a Dask cluster, again where one is lost."""

from __future__ import annotations

import asyncio
import pickle
import queue
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gluon_style.many.parcels import Failed, Lacking, Refused, Trouble
from gluon_style.many.workers import LOOK, PATIENCE, Workers, no_answer

# Of a worker's thread, so many parcels wait beside the one that is painted: a
# worker that is ready has the next one at once, and the client's memory is
# small.
_WAITING = 1
# A parcel that is lost so many times has failed.
_MOST_TRIES = 5


@dataclass
class _Task:
    """A parcel on its way: its future, and the workers that it may go to.

    ``begun`` is when it was sent.
    """

    index: int
    future: Any
    workers: frozenset[str] | None
    begun: float


class Dispatch:
    """Send parcels, which are known by numbers, and take the answers.

    A parcel is sent when a worker will soon be ready for it, and forgotten
    when its answer is there. So the memory of client and scheduler does not
    grow. What a worker that is killed or a scheduler that is restarted has
    lost is to be sent again.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._workers = Workers(client)
        self._running: dict[str, _Task] = {}
        self._ready: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._tries: Counter[int] = Counter()
        self._killed: set[int] = set()
        # The workers that could not make a parcel, where others may.
        self._troubled: defaultdict[int, set[str]] = defaultdict(set)
        self._waiting = _WAITING

    @property
    def dashboard(self) -> str | None:
        """The address of Dask's page about its work, if there is one."""
        services = self._client.scheduler_info().get('services', {})
        return self._client.dashboard_link if 'dashboard' in services else None

    @property
    def running(self) -> int:
        """The number of parcels that are with workers."""
        return len(self._running)

    @property
    def client(self) -> Any:
        """Dask's client."""
        return self._client

    @property
    def threads(self) -> int:
        """The number of parcels that can be painted at once."""
        return self._workers.threads

    def fit(self) -> list[str]:
        """Return the addresses of fit workers; wait until there is one."""
        while True:
            self.look()
            if self._workers.fit:
                return sorted(self._workers.fit)
            time.sleep(LOOK / 10)

    @property
    def troubled(self) -> set[str]:
        """The addresses of workers that could not make some parcel."""
        return set().union(*self._troubled.values())

    def has_room(self) -> bool:
        """Return whether a worker will soon be ready for one more parcel."""
        return len(self._running) < (1 + self._waiting) * self.threads

    def look(self) -> None:
        """Look who is there, now and then."""
        self._workers.look()
        for task in self._running.values():
            if self._workers.are_gone(task.workers):
                # Dask would wait for them.
                task.future.cancel()

    def forget(self) -> None:
        """Give up what is on its way, and how often what was tried."""
        for task in self._running.values():
            task.future.release()
        self._running.clear()
        self._tries.clear()
        self._killed.clear()
        self._troubled.clear()

    def send(
        self, index: int, parcel: Any, address: str | None = None
    ) -> None:
        """Send a parcel to the worker at an address, or to one that fits."""
        from distributed.client import ClosedClientError

        self._tries[index] += 1
        key = f'gluon_style-{uuid.uuid4().hex}'
        allowed = self._workers.allowed
        if address is not None:
            allowed = frozenset([address])
        elif troubled := self._troubled.get(index):
            # A worker whose disk is full is ready sooner than all others.
            allowed = self._workers.fit - troubled or allowed
        try:
            future = self._client.submit(
                _painter(),
                pickle.dumps(parcel),
                key=key,
                pure=False,
                workers=None if allowed is None else sorted(allowed),
            )
        except ClosedClientError as error:
            raise no_answer(error) from None
        self._running[key] = _Task(index, future, allowed, time.monotonic())
        future.add_done_callback(lambda _: self._ready.put(key))

    def answers(self, patience: float = LOOK) -> Iterator[tuple[int, Any]]:
        """Yield what is ready; wait for one, but no longer than so.

        The answer to a parcel is what painting it made, a ``Failed``, or None
        where it is to be sent again.
        """
        while True:
            try:
                key = self._ready.get(patience > 0, patience)
            except queue.Empty:
                return
            patience = 0
            if (task := self._running.pop(key, None)) is not None:
                yield task.index, self._answer(task)

    def _answer(self, task: _Task) -> Any:
        from distributed import KilledWorker

        found, error = _answer_of(task.future), None
        if isinstance(found, KilledWorker):
            return self._answer_of_killed(task.index)
        if found is not None:
            address, answer = found
            if isinstance(answer, Trouble):
                error = answer.error
                self._troubled[task.index].add(address)
            elif answer is None or isinstance(answer, (Refused, Lacking)):
                self._workers.make_fit(address, answer, task.begun)
                # That was no try of the parcel.
                self._tries[task.index] -= 1
            else:
                return answer
        tries = self._tries[task.index]
        if tries < _MOST_TRIES:
            return None
        return Failed(
            error or f'its workers were lost {tries} times: try again'
        )

    def _answer_of_killed(self, index: int) -> Failed | None:
        """Return the answer to a parcel whose workers were killed.

        Dask also says so of one that waited beside the one that kills. So it
        is tried once more, from now on with nothing beside a parcel.
        """
        if index not in self._killed:
            self._killed.add(index)
            self._waiting = 0
            return None
        return Failed(
            'each worker that made it was killed, as happens where memory is '
            'lacking: choose a smaller size'
        )


def _painter() -> Any:
    """Return a function for workers, which may lack this package.

    Since it is within another one it travels as code, and not as a name. It
    returns the worker's address, and what that makes of a parcel.
    """

    def paint_there(data: bytes) -> tuple[str, Any]:
        import pickle

        from distributed import get_worker

        address = get_worker().address
        try:
            from gluon_style.many import parcels

            # An old version may lack what this one sends.
            parcel = pickle.loads(data)
        except ImportError:
            return address, None
        return address, parcels.paint(parcel)

    return paint_there


def _answer_of(future: Any) -> Any:
    """Return what a worker answered, or None where that is lost.

    KilledWorker, where workers were killed for it, is returned, too.
    """
    from distributed import CancelledError, KilledWorker

    try:
        return future.result(timeout=PATIENCE)
    except KilledWorker as error:
        return error
    except (CancelledError, OSError, asyncio.TimeoutError):
        return None
    finally:
        future.release()
