"""What a style that is being learned needs to go on, in a file. No MXNet."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy

from gluon_style.errors import GluonStyleError
from gluon_style.files.atomic import replacing
from gluon_style.files.reading import parse_json
from gluon_style.methods.feedforward.styles import Style
from gluon_style.methods.feedforward.trunks import TRUNKS
from gluon_style.records.record import Epoch
from gluon_style.weights.npz import read_npz, write_npz

_META, _FORMAT = 'meta', 'gluon_style lesson'
# An entry for each step takes some 200 bytes.
_MOST_META, _MOST_BYTES = 32 << 20, 64 << 20
_MOMENTS = ('mean', 'variance')


@dataclass(frozen=True)
class Progress:
    """A style that is being learned.

    ``start`` says what it began from, ``history`` has an ``Epoch`` for each
    step, ``seconds`` is what they took. ``moments`` are Adam's two for each
    parameter by its name, as NumPy's arrays.
    """

    style: Style
    start: str
    history: list[Epoch]
    seconds: float
    moments: dict[str, list[numpy.ndarray]]


def write_progress(
    path: Path, identity: dict[str, Any], progress: Progress
) -> None:
    """Write a checkpoint, whole or not at all."""
    meta = {
        'format': _FORMAT,
        'identity': identity,
        'net': progress.style.trunk,
        'start': progress.start,
        'seconds': progress.seconds,
        'history': [entry.to_json() for entry in progress.history],
    }
    text = numpy.frombuffer(json.dumps(meta).encode(), 'uint8')
    arrays = {'vector': progress.style.vector, **progress.style.weights}
    for name, moments in progress.moments.items():
        for kind, array in zip(_MOMENTS, moments):
            arrays[f'{name}:{kind}'] = array
    with replacing(path) as temporary:
        write_npz(temporary, {_META: text, **arrays})


def read_progress(path: Path, identity: dict[str, Any]) -> Progress:
    """Return the progress of a checkpoint of the run with this identity.

    Raises FileNotFoundError, and GluonStyleError for a file that is broken or
    of a run with other pictures or settings.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f'checkpoint {str(path)!r} does not exist: leave out --resume'
        )
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError(f'it has more than {_MOST_BYTES} bytes')
        return _progress(read_npz(path, _wanted), identity)
    except (OSError, ValueError) as error:
        raise GluonStyleError(
            f'checkpoint {str(path)!r} cannot be used ({error}): start again '
            'without --resume'
        ) from error


def _wanted(name: str, shape: tuple[int, ...], dtype: numpy.dtype) -> bool:
    size = 1
    for side in shape:
        size *= side
    if name == _META:
        return dtype == 'uint8' and len(shape) == 1 and size <= _MOST_META
    return dtype == 'float32' and size <= _MOST_BYTES // 4


def _progress(
    arrays: dict[str, numpy.ndarray], identity: dict[str, Any]
) -> Progress:
    if not {_META, 'vector'} <= arrays.keys():
        raise ValueError('it lacks its vector or its text')
    meta = parse_json(arrays.pop(_META).tobytes())
    if not isinstance(meta, dict) or meta.get('format') != _FORMAT:
        raise ValueError('it does not say that it is a checkpoint')
    if meta.get('identity') != identity:
        raise ValueError('it is of another painting, or of other settings')
    trunk = TRUNKS.get(str(meta.get('net')))
    seconds, history = meta.get('seconds'), meta.get('history')
    if trunk is None or not isinstance(history, list):
        raise ValueError('it has no net or no history')
    if not isinstance(seconds, (int, float)) or not 0 <= seconds < 1e9:
        raise ValueError('it does not say what time it took')
    weights = {name: arrays[name] for name in trunk.shapes if name in arrays}
    style = Style(trunk.name, arrays['vector'], {}, weights)
    shapes = {name: array.shape for name, array in weights.items()}
    shapes['vector'] = style.vector.shape
    return Progress(
        style,
        str(meta.get('start'))[:100],
        [Epoch.from_json(entry, 'a step') for entry in history],
        float(seconds),
        {name: _moments(name, shapes[name], arrays) for name in shapes},
    )


def _moments(
    name: str, shape: tuple[int, ...], arrays: dict[str, numpy.ndarray]
) -> list[numpy.ndarray]:
    moments = []
    for kind in _MOMENTS:
        array = arrays.get(f'{name}:{kind}')
        if array is None or array.shape != shape:
            raise ValueError(f'it lacks the {kind} of {name[:60]!r}')
        if not numpy.isfinite(array).all():
            raise ValueError(f'the {kind} of {name[:60]!r} is not finite')
        moments.append(array)
    return moments
