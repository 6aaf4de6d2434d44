"""Jobs in the processes of a Dask cluster: on this machine, or on many."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from gluon_style.errors import GluonStyleError
from gluon_style.files.atomic import replacing
from gluon_style.many.dispatch import Dispatch
from gluon_style.many.executors import Outcome, Outcomes
from gluon_style.many.jobs import Job, finished
from gluon_style.many.nets import NetIds
from gluon_style.many.parcels import SUFFIXES, Failed, Painted, pack
from gluon_style.many.tiles import TileWorkers
from gluon_style.records.result import read_record, require_result_files


class Cluster:
    """Run jobs by a Dask client, and write their files here.

    ``dispatch`` is on the way to its workers, ``nets`` knows the networks
    that these need.
    """

    def __init__(self, client: Any) -> None:
        self.dispatch, self.nets = Dispatch(client), NetIds()

    @property
    def dashboard(self) -> str | None:
        """The address of Dask's page about its work, if there is one."""
        return self.dispatch.dashboard

    @property
    def running(self) -> int:
        """The number of jobs that are with workers."""
        return self.dispatch.running

    def tiles(self) -> TileWorkers:
        """Return what computes the tiles of one picture; use it by with."""
        return TileWorkers(self.dispatch)

    def outcomes(
        self, jobs: Sequence[Job], folder: Path, force: bool = False
    ) -> Outcomes:
        """Yield outcomes as they come."""
        waiting = deque(enumerate(jobs))
        checked: set[int] = set()
        try:
            while waiting or self.running:
                self.dispatch.look()
                yield from self._begin_some(waiting, checked, folder, force)
                for index, answer in self.dispatch.answers():
                    if answer is None:
                        waiting.appendleft((index, jobs[index]))
                    else:
                        yield (
                            index,
                            _outcome(jobs[index], answer, folder, force),
                        )
        finally:
            self.dispatch.forget()

    def _begin_some(
        self,
        waiting: deque[tuple[int, Job]],
        checked: set[int],
        folder: Path,
        force: bool,
    ) -> Outcomes:
        """Send jobs to workers that are ready, and yield what is there."""
        while waiting:
            index, job = waiting[0]
            if index not in checked:
                if (result := finished(job, folder)) is not None:
                    waiting.popleft()
                    record, history = result.record, result.history
                    yield index, Outcome.of(record, history, is_new=False)
                    continue
                if folder.is_dir():
                    require_result_files(job.path(folder), force)
                checked.add(index)
            if not self.dispatch.has_room():
                return
            waiting.popleft()
            # Without weights no job can be made.
            net = self.nets.of(job.settings, job.weights)
            try:
                parcel = pack(job, net)
            except (OSError, GluonStyleError) as error:
                yield index, Outcome(error=str(error))
            else:
                self.dispatch.send(index, parcel)


def _outcome(
    job: Job, answer: Painted | Failed, folder: Path, force: bool
) -> Outcome:
    """Return how a job came out, whose files are written if it has any."""
    if isinstance(answer, Failed):
        return Outcome(error=answer.error, diverged=answer.diverged)
    return _written(job, folder, answer, force)


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
