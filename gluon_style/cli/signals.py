"""Ctrl-C, SIGTERM and SIGHUP: the command ends with one sentence."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(KeyboardInterrupt):
    """A signal that ends the command at once.

    ``code`` is the exit code that a shell expects then. It is not
    KeyboardInterrupt itself: where that passes through code made from text,
    as in imports, Python ends with a status of its own even if it is caught.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.code = 128 + number


def _interrupt(number: int, frame: Any) -> None:
    raise Interrupted(number)


@contextmanager
def interrupting(
    handler: Callable[[int, Any], None] = _interrupt,
) -> Iterator[None]:
    """Have the signals that end a program call ``handler``.

    By default it raises Interrupted. Python takes signals in its main thread
    only; elsewhere nothing changes. ``nohup`` has SIGHUP ignored, and so it
    stays.
    """
    before = {}
    if threading.current_thread() is threading.main_thread():
        before = {
            number: signal.signal(number, handler)
            for number in SIGNALS
            if number != signal.SIGHUP
            or signal.getsignal(number) != signal.SIG_IGN
        }
    try:
        yield
    finally:
        for number, former in before.items():
            # None stands for a handler that is not Python's.
            signal.signal(number, former or signal.SIG_DFL)
