"""Do in a thread what the panel asks for, the newest wish first. No MXNet."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

logger = logging.getLogger(__name__)


class Worker:
    """Does one job at a time; a new job replaces the one that waits.

    A slider that is dragged asks for twenty pictures a second. Only the last
    one is of interest, and the notebook must stay alive meanwhile. A thread
    lives while there is something to do.
    """

    def __init__(self) -> None:
        self._lock = threading.Condition()
        self._next: Callable[[], None] | None = None
        self._is_working = False

    def do(self, job: Callable[[], None]) -> None:
        """Do ``job`` as soon as the present one has ended."""
        with self._lock:
            self._next = job
            if not self._is_working:
                self._is_working = True
                threading.Thread(target=self._work, daemon=True).start()

    def wait(self, seconds: float) -> bool:
        """Wait until nothing is left to do; return whether that is so."""
        with self._lock:
            return self._lock.wait_for(lambda: not self._is_working, seconds)

    def _work(self) -> None:
        while True:
            with self._lock:
                job, self._next = self._next, None
                if job is None:
                    self._is_working = False
                    self._lock.notify_all()
                    return
            try:
                job()
            except Exception:
                # A bug. The next job must still be done.
                logger.exception('the panel could not do what was asked for')
