"""A Dask scheduler and workers in processes of their own, for tests."""

import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

FAULTS = Path(__file__).with_name('worker_faults.py')
DASK = str(Path(sys.executable).with_name('dask'))
# Seconds until a process is there.
PATIENCE = 60


class Machines:
    """A scheduler and workers in processes of their own, on loopback."""

    def __init__(self, folder):
        self.folder, self.workers, self.scheduler = folder, [], None
        with socket.socket() as free:
            free.bind(('127.0.0.1', 0))
            self.port = free.getsockname()[1]
        self.address = f'tcp://127.0.0.1:{self.port}'

    def start(self, workers=1, scheme='tcp', options=(), **faults):
        self.address = f'{scheme}://127.0.0.1:{self.port}'
        self.start_scheduler(scheme, options)
        for _ in range(workers):
            self.start_worker(options, **faults)
        return self.address

    def start_scheduler(self, scheme='tcp', options=(), **environment):
        self.scheduler = self._run(
            *('scheduler', '--host', '127.0.0.1', '--port', str(self.port)),
            *('--protocol', scheme, '--no-dashboard', *options),
            **environment,
        )
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with socket.socket() as trial:
                if trial.connect_ex(('127.0.0.1', self.port)) == 0:
                    return
            time.sleep(0.1)
        raise AssertionError('the scheduler did not begin')

    def start_worker(self, options=(), **faults):
        worker = self._run(
            *('worker', self.address, '--nthreads', '1', '--no-nanny'),
            *('--no-dashboard', '--local-directory', str(self.folder)),
            *('--preload', str(FAULTS), *options),
            OMP_NUM_THREADS='1',
            **faults,
        )
        self.workers.append(worker)
        return worker

    def _run(self, *words, **environment):
        with open(self.folder / f'{words[0]}.log', 'ab') as log:
            return subprocess.Popen(
                [DASK, *words],
                env={**os.environ, **environment},
                stdout=log,
                stderr=log,
                cwd=self.folder,
            )

    @contextmanager
    def one_worker_always(self, **faults):
        """Start a worker, and another one whenever it is killed."""
        is_over = threading.Event()

        def watch():
            while not is_over.wait(0.1):
                if not self.workers or self.workers[-1].poll() is not None:
                    self.start_worker(**faults)

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            yield
        finally:
            is_over.set()
            watcher.join()

    def stop(self):
        for process in [*self.workers, self.scheduler]:
            if process is not None:
                process.kill()
                process.wait()
        self.workers, self.scheduler = [], None


def wait_for_workers(address, number):
    from distributed import Client

    with Client(address, timeout=PATIENCE) as client:
        client.wait_for_workers(number, timeout=PATIENCE)


def descendants(pid):
    import psutil

    return [child.pid for child in psutil.Process(pid).children(True)]


def is_alive(pid):
    import psutil

    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
