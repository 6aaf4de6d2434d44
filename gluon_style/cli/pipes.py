"""A picture from standard input, and one to standard output."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gluon_style.errors import GluonStyleError

# The word that stands for standard input, and as an output for standard
# output.
PIPE = '-'


def is_pipe(picture: Any) -> bool:
    """Return whether a picture, maybe an array, is the word for a pipe."""
    return isinstance(picture, str) and picture == PIPE


def from_input(args: argparse.Namespace) -> Any:
    """Return the picture of standard input, or None where no word asks for it.

    It is a Pillow image, without a file. Raises GluonStyleError if it is
    asked for twice, or is not a picture.
    """
    import numpy
    from PIL import Image

    from gluon_style.pictures.read import read_transparent

    given = vars(args)
    words = [given.get('content'), *(given.get('styles') or [])]
    words.append(given.get('mask'))
    if PIPE not in words:
        return None
    if words.count(PIPE) > 1:
        raise GluonStyleError(
            'standard input (-) is given twice: it has one picture'
        )
    if sys.stdin is None:
        raise GluonStyleError('standard input (-) is closed: name a file')
    with tempfile.NamedTemporaryFile(prefix='stdin-') as file:
        file.write(sys.stdin.buffer.read())
        file.flush()
        try:
            picture, alpha = read_transparent(file.name)
        except GluonStyleError as error:
            reason = str(error).replace(repr(file.name), 'of standard input')
            raise GluonStyleError(reason) from None
    if alpha is not None:
        picture = numpy.dstack([picture, alpha])
    return Image.fromarray(picture)


def require_named(output: str) -> None:
    """Raise GluonStyleError for standard output, which takes one picture."""
    if output == PIPE:
        raise GluonStyleError(
            f'output {PIPE!r} is standard output, which takes one picture: '
            'give another name with -o'
        )


@contextmanager
def to_output() -> Iterator[Path]:
    """Give the path of a PNG, which goes to standard output at the end."""
    with tempfile.TemporaryDirectory(prefix='gluon_style-') as folder:
        path = Path(folder, 'stdout.png')
        yield path
        if path.exists():
            sys.stdout.buffer.write(path.read_bytes())
            sys.stdout.buffer.flush()
