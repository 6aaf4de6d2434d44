"""Connections to processes of this machine, or to a Dask scheduler."""

from __future__ import annotations

import logging
import queue
import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import Any

from gluon_style.errors import GluonStyleError, MissingPackageError
from gluon_style.many import workers as of_cluster
from gluon_style.many.cluster import Cluster

# A job is no large graph. Dask's logs of the last thousand would keep their
# pictures, too: 340 MB after a thousand jobs, and 4 with these. A clock that
# ticks fifty times a second, and a profile of Python's calls, kept a client
# and two idle workers busy for 12% of a core; without them it is 3%.
_CONFIG = {
    'distributed.admin.tick.interval': '500ms',
    'distributed.worker.profile.enabled': False,
    'distributed.admin.large-graph-warning-threshold': '1GB',
    'distributed.admin.low-level-log-length': 20,
    'distributed.admin.log-length': 200,
}


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
        from distributed import Client, Security
    except ImportError:
        raise MissingPackageError(
            'several processes need the package distributed: type '
            "python -m pip install 'gluon_style[cluster]'"
        ) from None
    from dask import config

    logging.getLogger('distributed').setLevel(logging.CRITICAL)
    options = {'timeout': of_cluster.PATIENCE, 'set_as_default': False}
    if scheduler is None:
        with (
            config.set(_CONFIG),
            _local_cluster(workers) as local,
            Client(local, **options) as client,
        ):
            yield Cluster(client)
        return
    if ca or cert or key:
        options['security'] = Security(
            tls_ca_file=ca,
            tls_client_cert=cert,
            tls_client_key=key,
            require_encryption=True,
        )
    with (
        config.set(_CONFIG),
        _connected(lambda: Client(scheduler, **options), scheduler) as client,
    ):
        yield Cluster(client)


def _local_cluster(workers: int | None) -> Any:
    """Return a cluster of processes of this machine, on loopback."""
    from distributed import LocalCluster

    # A terminal sends Ctrl-C to all processes: workers are to be ended by
    # this one. What a thread blocks, those that it starts block, too. Python
    # unblocks it when it starts this tracker, so that is to be there.
    resource_tracker.ensure_running()
    blocked = {signal.SIGINT}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, blocked)
    try:
        return LocalCluster(
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
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _connected(connect: Callable[[], Any], scheduler: str) -> Any:
    """Return the client that ``connect`` returns; raises GluonStyleError.

    It is called in a thread, for Dask waits forever where something else
    than a scheduler listens.
    """
    answers: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def call() -> None:
        with warnings.catch_warnings():
            # The versions that matter are checked, and said in a sentence.
            warnings.simplefilter('ignore')
            try:
                answers.put(connect())
            except Exception as error:
                answers.put(error)

    threading.Thread(target=call, daemon=True).start()
    try:
        answer = answers.get(timeout=of_cluster.PATIENCE + 5)
    except queue.Empty:
        answer = TimeoutError('it says nothing that Dask understands')
    if not isinstance(answer, Exception):
        return answer
    if isinstance(answer, TypeError) and scheduler.startswith('tls://'):
        raise GluonStyleError(
            f'scheduler {scheduler!r} asks for certificates: give --tls-ca, '
            '--tls-cert and --tls-key (in Python ca, cert and key)'
        )
    raise GluonStyleError(
        f'scheduler {scheduler!r} does not answer ({answer}): start it with '
        '"dask scheduler", and give the address that it prints'
    )
