"""Jobs in the processes of a Dask cluster: on this machine, or on many."""

from __future__ import annotations

import queue
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gluon_style.errors import GluonStyleError
from gluon_style.files.atomic import replacing
from gluon_style.files.reading import file_digest
from gluon_style.many.calls import answer_of, submit
from gluon_style.many.executors import Outcome, Outcomes
from gluon_style.many.jobs import Job, finished
from gluon_style.many.parcels import (
    SUFFIXES,
    Failed,
    NetId,
    Painted,
    Parcel,
    Trouble,
    pack,
)
from gluon_style.many.tiles import TileWorkers
from gluon_style.many.workers import LOOK, Workers
from gluon_style.methods.table import method_of
from gluon_style.records.result import read_record, require_result_files
from gluon_style.weights.choice import WeightsFile, find_weights

# Of a worker's thread, so many jobs wait beside the one that runs: a worker
# that is ready has the next one at once, and the client's memory is small.
_WAITING = 1
# A job that is lost so many times has failed.
_MOST_TRIES = 5


@dataclass
class _Task:
    """A job on its way: its future, and the workers that it may go to.

    ``begun`` is when it was sent.
    """

    index: int
    job: Job
    future: Any
    workers: frozenset[str] | None
    begun: float


class Cluster:
    """Run jobs by a Dask client, and write their files here.

    A job is sent when a worker will soon be ready for it, and forgotten when
    its files are written. So the memory of client and scheduler does not
    grow. What a worker that is killed or a scheduler that is restarted has
    lost is sent again.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._workers = Workers(client)
        self._running: dict[str, _Task] = {}
        self._ready: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._tries: Counter[int] = Counter()
        self._killed: set[int] = set()
        self._waiting = _WAITING
        self._weights: dict[Any, tuple[WeightsFile, str]] = {}

    @property
    def dashboard(self) -> str | None:
        """The address of Dask's page about its work, if there is one."""
        services = self._client.scheduler_info().get('services', {})
        return self._client.dashboard_link if 'dashboard' in services else None

    @property
    def running(self) -> int:
        """The number of jobs that are with workers."""
        return len(self._running)

    def tiles(self) -> TileWorkers:
        """Return what computes the tiles of one picture; use it by with."""
        return TileWorkers(self._client, self._workers)

    def outcomes(
        self, jobs: Sequence[Job], folder: Path, force: bool = False
    ) -> Outcomes:
        """Yield outcomes as they come."""
        waiting = deque(enumerate(jobs))
        self._tries.clear()
        self._killed.clear()
        try:
            while waiting or self._running:
                self._workers.look()
                self._cancel_lost()
                yield from self._begin_some(waiting, folder, force)
                for task in self._done():
                    outcome = self._outcome(task, folder, force)
                    if outcome is None:
                        waiting.appendleft((task.index, task.job))
                    else:
                        yield task.index, outcome
        finally:
            for task in self._running.values():
                task.future.release()
            self._running.clear()

    def _begin_some(
        self, waiting: deque[tuple[int, Job]], folder: Path, force: bool
    ) -> Outcomes:
        """Send jobs to workers that are ready, and yield what is there."""
        while waiting:
            index, job = waiting[0]
            if index not in self._tries:
                if (result := finished(job, folder)) is not None:
                    waiting.popleft()
                    record, history = result.record, result.history
                    yield index, Outcome.of(record, history, is_new=False)
                    continue
                if folder.is_dir():
                    require_result_files(job.path(folder), force)
                self._tries[index] = 0
            if not self._has_room():
                return
            waiting.popleft()
            # Without weights no job can be made.
            net = self._net_of(job)
            try:
                parcel = pack(job, net)
            except (OSError, GluonStyleError) as error:
                yield index, Outcome(error=str(error))
            else:
                self._submit(index, job, parcel)

    def _submit(self, index: int, job: Job, parcel: Parcel) -> None:
        """Send a job to a worker that fits."""
        self._tries[index] += 1
        allowed = self._workers.allowed
        future = submit(self._client, parcel, allowed)
        key = future.key
        self._running[key] = _Task(
            index, job, future, allowed, time.monotonic()
        )
        future.add_done_callback(lambda _: self._ready.put(key))

    def _net_of(self, job: Job) -> NetId | None:
        """Return the network of a job's method, or None."""
        settings = job.settings
        method = method_of(settings)
        if method.name == 'adain':
            from gluon_style.methods.adain.decoder import SHIPPED, read_decoder

            losses, choice = None, (read_decoder(SHIPPED).encoder, 'auto', ())
        elif method.has_epochs:
            losses = getattr(settings, 'guide', lambda: settings)()
            layers = tuple(losses.named_layers)
            weights = job.weights or losses.weights
            choice = weights, losses.network, layers
        else:
            return None
        if choice not in self._weights:
            found = find_weights(*choice)
            self._weights[choice] = found, file_digest(found.path)
        found, sha256 = self._weights[choice]
        if losses is None:
            return NetId(found, sha256)
        losses = losses.changed({'network': found.network})
        layers = {**losses.content_factors, **losses.style_factors}
        return NetId(found, sha256, tuple(layers), losses.pooling)

    def _has_room(self) -> bool:
        """Return whether a worker will soon be ready for one more job."""
        room = (1 + self._waiting) * self._workers.threads
        return len(self._running) < room

    def _cancel_lost(self) -> None:
        """Cancel tasks whose workers are gone: Dask would wait for them."""
        for task in self._running.values():
            if self._workers.are_gone(task.workers):
                task.future.cancel()

    def _done(self) -> Iterator[_Task]:
        """Yield the tasks that are ready; wait for one, but not for long."""
        with_wait = True
        while True:
            try:
                key = self._ready.get(with_wait, LOOK)
            except queue.Empty:
                return
            with_wait = False
            if (task := self._running.pop(key, None)) is not None:
                yield task

    def _outcome(
        self, task: _Task, folder: Path, force: bool
    ) -> Outcome | None:
        """Return a task's outcome, or None where it is to be tried again."""
        from distributed import KilledWorker

        found, error = answer_of(task.future), None
        if isinstance(found, KilledWorker):
            return self._outcome_of_killed(task.index)
        if found is not None:
            address, answer = found
            if isinstance(answer, Painted):
                return _written(task.job, folder, answer, force)
            if isinstance(answer, Failed):
                return Outcome(error=answer.error, diverged=answer.diverged)
            if isinstance(answer, Trouble):
                error = answer.error
            else:
                self._workers.make_fit(address, answer, task.begun)
                # That was no try of the job.
                self._tries[task.index] -= 1
        tries = self._tries[task.index]
        if tries < _MOST_TRIES:
            return None
        return Outcome(
            error=error or f'its workers were lost {tries} times: try again'
        )

    def _outcome_of_killed(self, index: int) -> Outcome | None:
        """Return the outcome of a job whose workers were killed.

        Dask also says so of a job that waited beside the one that kills. So
        it is tried once more, from now on with nothing beside a job.
        """
        if index not in self._killed:
            self._killed.add(index)
            self._waiting = 0
            return None
        return Outcome(
            error='each worker that made it was killed, as happens where '
            'memory is lacking: choose a smaller size'
        )


def _written(job: Job, folder: Path, painted: Painted, force: bool) -> Outcome:
    """Write a job's files, both or none, and return its outcome."""
    path = job.path(folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    require_result_files(path, force)
    with ExitStack() as stack:
        for suffix in reversed(SUFFIXES):
            place = path.with_suffix(suffix)
            temporary = stack.enter_context(replacing(place))
            temporary.write_bytes(painted.files[suffix])
    return Outcome.of(*read_record(path.with_suffix('.json')))
