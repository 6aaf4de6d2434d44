"""Jobs in the processes of a Dask cluster: on this machine, or on many."""

from __future__ import annotations

import functools
import logging
import queue
import time
import uuid
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gluon_style.errors import GluonStyleError, MissingPackageError
from gluon_style.files.atomic import replacing
from gluon_style.files.reading import file_digest
from gluon_style.many.executors import Outcome, Outcomes
from gluon_style.many.jobs import Job, finished
from gluon_style.many.parcels import (
    SUFFIXES,
    Failed,
    NetId,
    Painted,
    Parcel,
    Refused,
    pack,
    paint,
    refusal,
)
from gluon_style.many.sent import PIECE_BYTES, receive
from gluon_style.methods.table import method_of
from gluon_style.methods.versions import current_versions
from gluon_style.records.result import read_record, require_result_files
from gluon_style.weights.choice import WeightsFile, find_weights

logger = logging.getLogger(__name__)

# Of a worker's thread, so many jobs wait beside the one that runs: a worker
# that is ready has the next one at once, and the client's memory is small.
_WAITING = 1
# A job that is lost so many times has failed.
_MOST_TRIES = 5
# Seconds for a scheduler to answer, and to come back after it is restarted.
_PATIENCE = 60
# Seconds between two looks at who is there.
_LOOK = 1.0


@contextmanager
def open_cluster(
    workers: int | None,
    scheduler: str | None,
    ca: str | None = None,
    cert: str | None = None,
    key: str | None = None,
) -> Iterator[Cluster]:
    """Yield the executor of ``workers`` processes, or of a scheduler.

    ``ca``, ``cert`` and ``key`` are the files of TLS. Raises GluonStyleError
    where the scheduler does not answer, and MissingPackageError.
    """
    try:
        from distributed import Client, LocalCluster, Security
    except ImportError:
        raise MissingPackageError(
            'several processes need the package distributed: type '
            "python -m pip install 'gluon_style[cluster]'"
        ) from None
    security = None
    if ca or cert or key:
        security = Security(
            tls_ca_file=ca,
            tls_client_cert=cert,
            tls_client_key=key,
            require_encryption=True,
        )
    if scheduler is None:
        local = LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            host='127.0.0.1',
            dashboard_address='127.0.0.1:0',
            # The forecast of each run looks at the memory that is free.
            memory_limit=0,
            silence_logs=logging.CRITICAL,
            # Two programs with threads side by side take three times as long.
            env={'OMP_NUM_THREADS': '1'},
        )
        with local, Client(local, timeout=_PATIENCE) as client:
            yield Cluster(client)
        return
    try:
        client = Client(scheduler, timeout=_PATIENCE, security=security)
    except TypeError:
        # Dask says so for a tls:// address.
        raise GluonStyleError(
            f'scheduler {scheduler!r} asks for certificates: give --tls-ca, '
            '--tls-cert and --tls-key (in Python ca, cert and key)'
        ) from None
    except (OSError, ValueError) as error:
        raise GluonStyleError(
            f'scheduler {scheduler!r} does not answer ({error}): start it '
            'with "dask scheduler", and give the address that it prints'
        ) from None
    with client:
        yield Cluster(client)


@dataclass
class _Task:
    """A job on its way: its future, and the workers that it may go to."""

    index: int
    job: Job
    future: Any
    workers: frozenset[str] | None


class Cluster:
    """Run jobs by a Dask client, and write their files here.

    A job is sent when a worker will soon be ready for it, and forgotten when
    its files are written. So the memory of client and scheduler does not
    grow. What a worker that is killed or a scheduler that is restarted has
    lost is sent again.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._name = uuid.uuid4().hex[:12]
        self._running: dict[str, _Task] = {}
        self._ready: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._tries: Counter[int] = Counter()
        self._refused: dict[str, str] = {}
        self._sent: dict[tuple[str, str], float] = {}
        self._workers: dict[str, int] = {}
        self._next_look = 0.0
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

    def outcomes(
        self, jobs: Sequence[Job], folder: Path, force: bool = False
    ) -> Outcomes:
        """Yield outcomes as they come."""
        waiting = deque(enumerate(jobs))
        try:
            while waiting or self._running:
                self._look()
                while waiting and self._has_room():
                    index, job = waiting.popleft()
                    outcome = self._begin(index, job, folder, force)
                    if outcome is not None:
                        yield index, outcome
                for task in self._done():
                    outcome = self._outcome(task, folder, force)
                    if outcome is None:
                        # The others wait for what is tried again, at most.
                        waiting.appendleft((task.index, task.job))
                    else:
                        yield task.index, outcome
        finally:
            for task in self._running.values():
                task.future.release()
            self._running.clear()

    def _begin(
        self, index: int, job: Job, folder: Path, force: bool
    ) -> Outcome | None:
        """Send a job to a worker, or return the outcome that it has."""
        if not self._tries[index]:
            if (result := finished(job, folder)) is not None:
                return Outcome.of(result)
            if folder.is_dir():
                require_result_files(job.path(folder), force)
        net = self._net_of(job.settings)
        try:
            parcel = pack(job, net)
        except (OSError, GluonStyleError) as error:
            return Outcome(error=str(error))
        self._tries[index] += 1
        key = f'gluon_style-{uuid.uuid4().hex}'
        allowed = None
        if self._refused:
            allowed = frozenset(self._workers) - self._refused.keys()
        future = self._client.submit(
            _paint_there,
            parcel,
            key=key,
            pure=False,
            workers=None if allowed is None else sorted(allowed),
        )
        self._running[key] = _Task(index, job, future, allowed)
        future.add_done_callback(lambda _: self._ready.put(key))
        return None

    def _net_of(self, settings: Any) -> NetId | None:
        """Return the network of a job's method, or None."""
        method = method_of(settings)
        if method.name == 'adain':
            from gluon_style.methods.adain.decoder import SHIPPED, read_decoder

            losses, choice = None, (read_decoder(SHIPPED).encoder, 'auto', ())
        elif method.has_epochs:
            losses = getattr(settings, 'guide', lambda: settings)()
            layers = tuple(losses.named_layers)
            choice = losses.weights, losses.network, layers
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
        threads = sum(
            count
            for address, count in self._workers.items()
            if address not in self._refused
        )
        return len(self._running) < (1 + _WAITING) * threads

    def _look(self) -> None:
        """Look who is there, now and then."""
        if time.monotonic() < self._next_look:
            return
        try:
            workers = dict(self._client.nthreads())
            new = workers.keys() - self._workers.keys()
            self._check(sorted(new - self._refused.keys()))
        except (OSError, ValueError) as error:
            raise GluonStyleError(
                f'the scheduler does not answer ({error}): start it again, '
                'and give the same command to go on'
            ) from None
        if not workers and (self._workers or not self._next_look):
            logger.warning('there is no worker: the jobs wait for one')
        self._workers = workers
        self._next_look = time.monotonic() + _LOOK
        if workers and self._refused.keys() >= workers.keys():
            raise GluonStyleError(
                'no worker can make these pictures: '
                + '; '.join(sorted(set(self._refused.values())))
            )
        for task in self._running.values():
            # Dask would wait for the workers that are gone.
            if task.workers and not task.workers & workers.keys():
                task.future.cancel()

    def _check(self, addresses: list[str]) -> None:
        """Refuse new workers without this package, or with another one."""
        if not addresses:
            return
        found = self._client.run(
            _versions_asker(), workers=addresses, on_error='return'
        )
        for address, versions in found.items():
            if isinstance(versions, OSError):
                # It is gone again.
                continue
            if not isinstance(versions, dict):
                error = 'it lacks the package gluon_style: install it there'
                self._refuse(address, error)
            elif (error := refusal(current_versions(), versions)) is not None:
                self._refuse(address, error)

    def _refuse(self, address: str, error: str) -> None:
        """Send nothing to a worker any more, and say why."""
        if address not in self._refused:
            self._refused[address] = error
            logger.warning('worker %s is refused: %s', address, error)

    def _done(self) -> Iterator[_Task]:
        """Yield the tasks that are ready; wait for one, but not for long."""
        with_wait = True
        while True:
            try:
                key = self._ready.get(with_wait, _LOOK)
            except queue.Empty:
                return
            with_wait = False
            if (task := self._running.pop(key, None)) is not None:
                yield task

    def _outcome(
        self, task: _Task, folder: Path, force: bool
    ) -> Outcome | None:
        """Return a task's outcome, or None where it is to be tried again."""
        answer = _answer_of(task.future)
        tries = self._tries[task.index]
        if isinstance(answer, Outcome):
            return answer
        if answer is not None:
            address, answer = answer
            if isinstance(answer, Painted):
                return _written(task.job, folder, answer, force)
            if isinstance(answer, Failed):
                return Outcome(error=answer.error)
            if isinstance(answer, Refused):
                self._refuse(address, answer.error)
                self._tries[task.index] -= 1
                return None
            self._send(address, answer.net)
        if tries < _MOST_TRIES:
            return None
        return Outcome(error=f'it was lost {tries} times: try it again')

    def _send(self, address: str, net: NetId) -> None:
        """Send weights to a worker's machine, unless it has just got them.

        A worker that is gone meanwhile gets none: the job is tried again.
        """
        host = str(urlsplit(address).hostname), net.sha256
        if time.monotonic() < self._sent.get(host, 0) + _PATIENCE:
            return
        logger.warning('worker %s gets the weights from here', address)
        call = functools.partial(
            self._client.run, receive, net, workers=[address]
        )
        try:
            with open(net.weights.path, 'rb') as file:
                offset = 0
                while piece := file.read(PIECE_BYTES):
                    call(offset, piece, self._name)
                    offset += len(piece)
            call(offset, b'', self._name)
        except (OSError, ValueError) as error:
            logger.warning('worker %s did not get them: %s', address, error)
        else:
            self._sent[host] = time.monotonic()


def _paint_there(parcel: Parcel) -> tuple[str, Any]:
    """Return a worker's address, and what it makes of a parcel."""
    from distributed import get_worker

    return get_worker().address, paint(parcel)


def _versions_asker() -> Any:
    """Return a function for workers, which may lack this package.

    Since it is within another one it travels as code, and not as a name.
    """

    def ask():
        try:
            from gluon_style.methods.versions import current_versions
        except ImportError:
            return None
        return current_versions()

    return ask


def _answer_of(future: Any) -> Any:
    """Return what a worker answered, or None where that is lost.

    A worker that was killed for a job, again and again, is the ``Outcome``.
    """
    from distributed import CancelledError, KilledWorker

    try:
        return future.result(timeout=_PATIENCE)
    except KilledWorker:
        return Outcome(
            error='each worker that made it was killed, as happens where '
            'memory is lacking: choose a smaller size'
        )
    except (CancelledError, OSError):
        # A time that is over is an OSError, too.
        return None
    finally:
        future.release()


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
    record, history = read_record(path.with_suffix('.json'))
    return Outcome(record, history[-1].seconds if history else None)
