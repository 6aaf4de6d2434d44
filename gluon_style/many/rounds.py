"""Rounds of tasks, each for a worker of its own, until all have answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from gluon_style.errors import GluonStyleError
from gluon_style.many.dispatch import Dispatch
from gluon_style.many.parcels import Failed
from gluon_style.many.tile_tasks import Computed, Unknown

# Of a worker, so many tasks are on their way at once: one is computed while
# the next one's pixels travel.
_MOST_ON_THE_WAY = 2


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


def answers(
    dispatch: Dispatch, fit: Callable[[], list[str]], work: Work
) -> Iterator[tuple[int, str, Computed]]:
    """Yield the index of each task, its worker, and what it computed.

    They come as they are ready. ``fit`` returns the addresses of the workers
    that may get tasks, and waits until there is one. Raises GluonStyleError
    for a task that fails, or is lost too often.
    """
    if dispatch.running:
        raise GluonStyleError(
            'the cluster is at work on other pictures: open another one'
        )
    waiting = list(range(len(work.owners(fit()))))
    # The workers of those that are on their way.
    sent: dict[int, str] = {}
    try:
        while waiting or sent:
            owners = work.owners(fit())
            waiting = _send(dispatch, work, owners, waiting, sent)
            for index, answer in dispatch.answers():
                address = sent.pop(index)
                if isinstance(answer, Computed):
                    yield index, address, answer
                    continue
                if isinstance(answer, Failed):
                    raise GluonStyleError(answer.error)
                if isinstance(answer, Unknown):
                    work.unknown(index)
                waiting.append(index)
    finally:
        dispatch.forget()


def _send(
    dispatch: Dispatch,
    work: Work,
    owners: list[str],
    waiting: list[int],
    sent: dict[int, str],
) -> list[int]:
    """Send what workers have room for; return what waits on."""
    busy, left = Counter(sent.values()), []
    for index in sorted(waiting):
        address = owners[index]
        if busy[address] == _MOST_ON_THE_WAY:
            left.append(index)
            continue
        busy[address] += 1
        sent[index] = address
        dispatch.send(index, work.task(index, address), address)
    return left
