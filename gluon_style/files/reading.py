"""What is read of files: their hash, and JSON of a bounded size and depth."""

import hashlib
import json

from gluon_style.errors import GluonStyleError

# A record has some hundred bytes an epoch.
MOST_JSON_BYTES = 64 << 20
# Lists and objects within each other: a figure's numbers have seven. JSON
# that Python can just read, because it is so deep, fails later in its use.
_MOST_DEPTH = 20


def read_json(path):
    """Return what is in a file of JSON.

    Raises ValueError for one of more than ``MOST_JSON_BYTES`` bytes, for
    what is no JSON and for what is nested too deeply, and OSError as reading
    does.
    """
    return parse_json(read_bounded(path))


def read_bounded(path):
    """Return a file's bytes, or raise ValueError where they are too many."""
    with open(path, 'rb') as file:
        text = file.read(MOST_JSON_BYTES + 1)
    if len(text) > MOST_JSON_BYTES:
        raise GluonStyleError(
            f'it has more than the {MOST_JSON_BYTES} bytes of JSON that are '
            'read'
        )
    return text


def parse_json(text):
    """Return what JSON says; raises ValueError where that is nothing."""
    try:
        content = json.loads(text)
        _require_shallow(content, _MOST_DEPTH)
    except RecursionError:
        raise GluonStyleError(
            f'its JSON is more than {_MOST_DEPTH} lists and objects deep'
        ) from None
    return content


def _require_shallow(content, depth):
    """Raise RecursionError where JSON is deeper than ``depth``."""
    if not isinstance(content, (dict, list)):
        return
    if depth == 0:
        raise RecursionError
    inner = content.values() if isinstance(content, dict) else content
    for each in inner:
        _require_shallow(each, depth - 1)


def file_digest(path, algorithm='sha256'):
    """Return the hexadecimal hash of a file."""
    digest = hashlib.new(algorithm)
    with open(path, 'rb') as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()
