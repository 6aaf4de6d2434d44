"""What the command says to a person, and its exit codes."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

BAD_INPUT, NOT_FINITE = 2, 3


def complain(message: object) -> None:
    """Print a sentence to stderr, with the program's name."""
    print(f'gluon-style: {message}', file=sys.stderr)


def tell(
    args: argparse.Namespace, words: str, about: dict[str, Any], file: Any
) -> None:
    """Print how it ended in words, with ``--json`` as an object."""
    if args.json:
        print(json.dumps(about), file=file, flush=True)
    elif not args.quiet:
        print(words, file=file)


def sentence(error: BaseException) -> str:
    """Return an error as a sentence; those of this package are sentences."""
    if not isinstance(error, OSError) or error.strerror is None:
        return str(error)
    about = f' ({error.filename!r})' if error.filename else ''
    return f'cannot read or write{about}: {error.strerror}'
