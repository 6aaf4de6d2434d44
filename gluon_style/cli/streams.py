"""Standard output and standard error, for which no run is lost."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class Unfailing:
    """A stream of text that drops what cannot be written.

    ``error`` is the OSError of the first text that was dropped, or None.
    All else is the stream's own.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.error: OSError | None = None

    def write(self, text: str) -> int:
        """Write the text, or drop it."""
        self._carefully(self._stream.write, text)
        return len(text)

    def flush(self) -> None:
        """Write what the stream holds back, or drop it."""
        self._carefully(self._stream.flush)

    def _carefully(self, call: Callable[..., Any], *words: str) -> None:
        # After an error nobody reads the rest.
        if self.error is None:
            try:
                call(*words)
            except OSError as error:
                self.error = error
                self._discard()

    def _discard(self) -> None:
        """Lead the stream to nowhere: Python flushes it once more at exit."""
        with contextlib.suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def unfailing() -> Iterator[Unfailing]:
    """Have nothing that is printed raise an error; give standard output."""
    _occupy_descriptors()
    before = sys.stdout, sys.stderr
    for stream in before:
        if isinstance(stream, io.TextIOWrapper):
            # A file's name may have characters that a terminal cannot show.
            stream.reconfigure(errors='backslashreplace')
    # Python's streams are None where their descriptors are closed.
    with open(os.devnull, 'w') as nowhere:
        out, err = (Unfailing(stream or nowhere) for stream in before)
        sys.stdout, sys.stderr = out, err  # type: ignore[assignment]
        try:
            yield out
        finally:
            out.flush()
            err.flush()
            sys.stdout, sys.stderr = before


def _occupy_descriptors() -> None:
    """Keep files from getting the number of a closed standard stream.

    MXNet prints to the number of standard error, whatever file that is.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)
