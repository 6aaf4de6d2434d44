"""Ctrl-C in Python or Jupyter: a run ends at its next step."""

from __future__ import annotations

import signal
import threading
from typing import Any


class NotedInterrupt:
    """Note the first Ctrl-C while a ``with`` statement lasts.

    The second one raises KeyboardInterrupt at once. A program that handles
    the signal itself still does. Python takes signals in its main thread
    only; elsewhere nothing changes.
    """

    def __init__(self) -> None:
        self._noted = self._is_ours = False

    def __enter__(self) -> NotedInterrupt:
        own = signal.getsignal(signal.SIGINT) == signal.default_int_handler
        main = threading.current_thread() is threading.main_thread()
        self._is_ours = own and main
        if self._is_ours:
            signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *error: Any) -> None:
        if self._is_ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def stop(self) -> str | None:
        """Return the reason to stop, or None."""
        return 'SIGINT' if self._noted else None

    def _note(self, number: int, frame: Any) -> None:
        if self._noted:
            raise KeyboardInterrupt
        self._noted = True
