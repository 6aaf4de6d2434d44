"""What the command says to a person, and its exit codes."""

from __future__ import annotations

import sys

BAD_INPUT, NOT_FINITE = 2, 3


def complain(message: object) -> None:
    """Print a sentence to stderr, with the program's name."""
    print(f'gluon-style: {message}', file=sys.stderr)


def sentence(error: BaseException) -> str:
    """Return an error as a sentence; those of this package are sentences."""
    if not isinstance(error, OSError) or error.strerror is None:
        return str(error)
    about = f' ({error.filename!r})' if error.filename else ''
    return f'cannot read or write{about}: {error.strerror}'
