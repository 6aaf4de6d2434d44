"""The file of a checkpoint: arrays and JSON, without a pickle.

What is read may come from a stranger: names, shapes, types and sizes must be
those of the very run that goes on from it. Reading raises GluonStyleError for
everything else, and OSError for a file that cannot be read.
"""

import json

import numpy

from gluon_style.errors import GluonStyleError
from gluon_style.files.atomic import replacing
from gluon_style.files.reading import parse_json
from gluon_style.weights.npz import read_npz, write_npz

_META, _FRAMES = 'meta', 'frames'
# What the JSON may have besides an entry for each epoch, and each entry.
_META_BYTES, _ENTRY_BYTES = 1 << 20, 1 << 10


def write_checkpoint(path, meta, arrays, frames):
    """Write JSON, arrays of float32 and the bytes of frames, whole or not."""
    text = numpy.frombuffer(json.dumps(meta).encode(), 'uint8')
    with replacing(path) as temporary:
        write_npz(temporary, {_META: text, _FRAMES: frames, **arrays})


def read_meta(path, epochs):
    """Return the JSON of a checkpoint of a run of at most ``epochs``."""
    most = _META_BYTES + _ENTRY_BYTES * epochs

    def is_wanted(name, shape, dtype):
        if name == _META and (len(shape) != 1 or dtype != 'uint8'):
            raise GluonStyleError('its JSON does not consist of bytes')
        if name == _META and shape[0] > most:
            raise GluonStyleError(f'its JSON is longer than {most} bytes')
        return name == _META

    arrays = _read(path, is_wanted)
    if _META not in arrays:
        raise GluonStyleError('it lacks its JSON')
    meta = parse_json(arrays[_META].tobytes())
    if not isinstance(meta, dict):
        raise GluonStyleError('its JSON is not an object')
    return meta


def read_frames(path, lengths):
    """Return the bytes of an animation's frames.

    ``lengths`` has an epoch and a number of bytes for each. They are stored
    as they are, so they take no more memory than the file has bytes.
    """
    length = sum(length for _, length in lengths)

    def is_wanted(name, shape, dtype):
        if name != _FRAMES:
            return False
        if shape != (length,) or dtype != 'uint8':
            raise GluonStyleError(
                f'array {name!r} does not have {length} bytes'
            )
        if length > path.stat().st_size:
            raise GluonStyleError(f'array {name!r} is longer than the file')
        return True

    arrays = _read(path, is_wanted)
    if _FRAMES not in arrays:
        raise GluonStyleError(f'array {_FRAMES!r} is missing')
    return arrays[_FRAMES]


def read_arrays(path, shape, names):
    """Return the named arrays: exactly these, of float32 and of one shape."""

    def is_wanted(name, actual, dtype):
        if name in (_META, _FRAMES):
            return False
        if name not in names:
            raise GluonStyleError(f'array {name[:60]!r} is not expected')
        if actual != shape or dtype != 'float32':
            raise GluonStyleError(
                f'array {name!r} is {dtype} of shape {actual}, not float32 '
                f'of {shape}'
            )
        return True

    arrays = _read(path, is_wanted)
    for name in names:
        if name not in arrays:
            raise GluonStyleError(f'array {name!r} is missing')
        if not numpy.isfinite(arrays[name]).all():
            raise GluonStyleError(
                f'array {name!r} has values that are not finite'
            )
        if name.endswith('variance') and arrays[name].min() < 0:
            raise GluonStyleError(f'array {name!r} has values below 0')
    return arrays


def _read(path, is_wanted):
    try:
        return read_npz(path, is_wanted)
    except GluonStyleError:
        raise
    # NumPy and zipfile raise these for what they cannot read.
    except (OverflowError, ValueError) as error:
        raise GluonStyleError(str(error)) from None
