"""Ctrl-C and SIGTERM: a run ends at its next step, and nothing is lost."""

import signal
import threading

# What a shell expects of a program that Ctrl-C ended.
INTERRUPTED = 130
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(KeyboardInterrupt):
    """A signal that ends the program at once.

    Not KeyboardInterrupt itself: where that passes through code made from
    text, as in imports, Python ends with a status of its own even if it is
    caught.
    """


class Signals:
    """Take the signals that end a program, within a ``with`` statement.

    Once ``armed``, the first one only is noted, for ``__call__`` to tell;
    any other raises Interrupted. Python has signals in its main thread
    only: elsewhere, nothing is taken.
    """

    def __init__(self):
        self.armed = False
        self._caught = None
        self._before = {}

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                self._before[number] = signal.signal(number, self._take)
        return self

    def __exit__(self, *error):
        for number, handler in self._before.items():
            # None stands for a handler that is not Python's.
            signal.signal(number, handler or signal.SIG_DFL)

    def __call__(self):
        """Return the name of the signal that was noted, or None."""
        return self._caught and signal.Signals(self._caught).name

    @property
    def code(self):
        """The exit code that a shell expects of a program so ended, or 0."""
        return 128 + self._caught if self._caught else 0

    def _take(self, number, frame):
        first, self._caught = self._caught is None, number
        if not (self.armed and first):
            raise Interrupted
