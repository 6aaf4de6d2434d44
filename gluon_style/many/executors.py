"""Where jobs run: in this process, or in those of a Dask cluster."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from gluon_style.errors import GluonStyleError, NonFiniteLossError
from gluon_style.many.jobs import Job, Observe, finished, run
from gluon_style.many.nets import SharedNets
from gluon_style.methods.fields import Integer
from gluon_style.pictures.opening import require_file
from gluon_style.records.record import Epoch, Record


@dataclass(frozen=True)
class Outcome:
    """How a job came out: the record of its picture, or why there is none.

    ``seconds`` are those of its epochs, or None where it had none. An
    ``error`` is a sentence; the job ``diverged`` if it is about a loss that
    is not finite. ``is_new`` says whether it was made now.
    """

    record: Record | None = None
    seconds: float | None = None
    error: str | None = None
    diverged: bool = False
    is_new: bool = True

    @classmethod
    def of(
        cls, record: Record, history: list[Epoch], is_new: bool = True
    ) -> Outcome:
        """Return the outcome of a job that has a picture."""
        seconds = history[-1].seconds if history else None
        return cls(record, seconds, is_new=is_new)


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
            result = finished(job, folder)
            is_new = result is None
            try:
                if result is None:
                    result = run(job, folder, self._observe, nets.net, force)
            except NonFiniteLossError as error:
                yield index, Outcome(error=str(error), diverged=True)
                continue
            record, history = result.record, result.history
            # The next one needs the memory.
            del result
            yield index, Outcome.of(record, history, is_new)


def executor_for(
    workers: int | None = None,
    scheduler: str | None = None,
    observe: Observe | None = None,
    **tls: str | None,
) -> AbstractContextManager[Any]:
    """Return a context manager whose value is an ``Executor``.

    Arguments are as for ``open_cluster``. Without a place, jobs run in this
    process, and ``observe`` returns the observers of each.
    """
    if workers is None and scheduler is None and not any(tls.values()):
        return nullcontext(InThisProcess(observe))
    return open_cluster(workers, scheduler, **tls)


def open_cluster(
    workers: int | None = None,
    scheduler: str | None = None,
    *,
    ca: str | None = None,
    cert: str | None = None,
    key: str | None = None,
) -> AbstractContextManager[Any]:
    """Return a context manager whose value is a ``Cluster``.

    ``workers`` is the number of processes on this machine, ``scheduler`` the
    address of a Dask scheduler; ``ca``, ``cert`` and ``key`` are the files of
    TLS for one of 'tls://'. Raises GluonStyleError, FileNotFoundError and
    MissingPackageError.
    """
    given = {
        name: file
        for name, file in {'ca': ca, 'cert': cert, 'key': key}.items()
        if file is not None
    }
    if workers is not None:
        workers = Integer(least=1).check('workers', workers)
    if workers is not None and scheduler is not None:
        raise GluonStyleError(
            'workers and scheduler name two places: leave out one of them'
        )
    for file in given.values():
        require_file(file, 'certificate')
    if given and not str(scheduler).startswith('tls://'):
        raise GluonStyleError(
            'certificates are for a scheduler whose address begins with '
            'tls://: give that, or leave them out'
        )
    if workers is None and scheduler is None:
        raise GluonStyleError(
            'workers and scheduler are both missing: give the number of '
            "processes, or an address such as 'tcp://host:8786'"
        )
    from gluon_style.many import connect

    return connect.open_cluster(workers, scheduler, **given)
