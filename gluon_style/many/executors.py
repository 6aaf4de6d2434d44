"""Where jobs run: in this process, or in those of a Dask cluster."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from gluon_style.errors import NonFiniteLossError
from gluon_style.many.jobs import Job, Observe, run
from gluon_style.many.nets import SharedNets
from gluon_style.records.record import Record
from gluon_style.records.result import Result


@dataclass(frozen=True)
class Outcome:
    """How a job came out: the record of its picture, or why there is none.

    ``seconds`` are those of its epochs, or None where it had none.
    """

    record: Record | None = None
    seconds: float | None = None
    error: str | None = None

    @classmethod
    def of(cls, result: Result) -> Outcome:
        """Return the outcome of a job that is made."""
        history = result.history
        return cls(result.record, history[-1].seconds if history else None)


# Yields the index of each job, and how it came out.
Outcomes = Generator[tuple[int, Outcome], None, None]


class Executor(Protocol):
    """What runs jobs, somewhere."""

    def outcomes(
        self, jobs: Sequence[Job], folder: Path, force: bool = False
    ) -> Outcomes:
        """Make the jobs that are not in ``folder``, and yield each outcome.

        They come in the order in which they are ready. The errors are those
        of ``jobs.run``, but for what is one picture's: that is its outcome.
        """
        ...


class InThisProcess:
    """Run jobs one after another, in this process.

    ``observe`` returns the observers of a job's run.
    """

    def __init__(self, observe: Observe | None = None) -> None:
        self._observe = observe

    def outcomes(
        self, jobs: Sequence[Job], folder: Path, force: bool = False
    ) -> Outcomes:
        """Yield the outcomes in the order of the jobs."""
        nets = SharedNets(jobs)
        for index, job in enumerate(jobs):
            try:
                result = run(job, folder, self._observe, nets.net, force)
            except NonFiniteLossError as error:
                yield index, Outcome(error=str(error))
            else:
                yield index, Outcome.of(result)
                # The next one needs the memory.
                del result


def executor_for(
    workers: int | None = None,
    scheduler: str | None = None,
    observe: Observe | None = None,
    **tls: str | None,
) -> AbstractContextManager[Any]:
    """Return a context manager whose value is an ``Executor``.

    ``workers`` is the number of processes on this machine, ``scheduler`` the
    address of a Dask scheduler; without them jobs run in this process.
    ``tls`` are files: ``ca``, ``cert``, ``key``. Raises GluonStyleError and
    MissingPackageError.
    """
    if workers is None and scheduler is None:
        return nullcontext(InThisProcess(observe))
    from gluon_style.many.cluster import open_cluster

    return open_cluster(workers, scheduler, **tls)
