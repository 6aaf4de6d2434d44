"""Hash files, and read JSON of a limited size and depth."""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any

from gluon_style.errors import GluonStyleError

# The record of a run has some hundred bytes an epoch.
MOST_JSON_BYTES = 64 << 20
# How deep lists and objects may lie in each other; those of a figure are
# seven deep. JSON that Python can only just parse makes later code fail.
_MOST_DEPTH = 20


def read_json(path: str | os.PathLike[str]) -> Any:
    """Return the content of a JSON file.

    Raises GluonStyleError if the file has more than ``MOST_JSON_BYTES``
    bytes, is not JSON or is nested too deeply, and OSError if it cannot be
    read.
    """
    return parse_json(read_bounded(path))


def read_bounded(path: str | os.PathLike[str]) -> bytes:
    """Return the bytes of a file, or raise GluonStyleError for too many."""
    with open(path, 'rb') as file:
        data = file.read(MOST_JSON_BYTES + 1)
    if len(data) > MOST_JSON_BYTES:
        raise GluonStyleError(
            f'it has more than the {MOST_JSON_BYTES} bytes of JSON that are '
            'read'
        )
    return data


def parse_json(text: str | bytes) -> Any:
    """Return what JSON text holds, or raise GluonStyleError."""
    try:
        content = json.loads(text)
    except RecursionError:
        raise _too_deep() from None
    # Broken JSON, text that is not Unicode, a number of too many digits.
    except ValueError as error:
        raise GluonStyleError(f'it is not valid JSON ({error})') from error
    _require_shallow(content, _MOST_DEPTH)
    return content


def _require_shallow(content: Any, depth: int) -> None:
    """Raise GluonStyleError if JSON is nested deeper than ``depth``."""
    if not isinstance(content, (dict, list)):
        return
    if depth == 0:
        raise _too_deep()
    for inner in content.values() if isinstance(content, dict) else content:
        _require_shallow(inner, depth - 1)


def _too_deep() -> GluonStyleError:
    return GluonStyleError(
        f'its JSON is more than {_MOST_DEPTH} lists and objects deep'
    )


def file_digest(
    path: str | os.PathLike[str], algorithm: str = 'sha256'
) -> str:
    """Return the hash of a file, in hexadecimal digits."""
    digest = hashlib.new(algorithm)
    with open(path, 'rb') as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()
