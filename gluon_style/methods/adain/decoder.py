"""The decoder's weights in a file, with how they were trained. No MXNet.

A .npz of half-precision weights, of what the encoder's channels are divided
by, and of a text in JSON. tools/adain_decoder.py writes it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy

from gluon_style.errors import GluonStyleError, WeightsError
from gluon_style.files.atomic import replacing
from gluon_style.files.reading import file_digest, parse_json
from gluon_style.methods.adain.layout import CHANNELS, SHAPES
from gluon_style.weights.npz import read_npz

# The package's own; the notice of its origin lies beside it.
SHIPPED = Path(__file__).with_name('shipped') / 'decoder.npz'
_TEXT, _FORMAT, _VERSION = 'about', 'gluon_style adain decoder', 1
_MOST_BYTES, _MOST_TEXT = 16 << 20, 1 << 20
# No decoder has larger weights; larger ones would only be infinite pixels.
_LARGEST = 1e4


@dataclass(frozen=True, eq=False)
class DecoderFile:
    """What a file has: ``weights`` by name, float32, and the rest.

    ``rms`` is what the encoder's channels are divided by. ``about`` says how
    the decoder was trained, and ``sha256`` is the file's hash.
    """

    path: Path
    sha256: str
    weights: Mapping[str, numpy.ndarray] = field(repr=False)
    rms: numpy.ndarray = field(repr=False)
    about: Mapping[str, Any] = field(repr=False)

    @property
    def encoder(self) -> str:
        """The source of the encoder's weights, as ``SOURCES`` names it."""
        return str(self.about['encoder']['source'])


def write_decoder(
    path: Path,
    weights: Mapping[str, numpy.ndarray],
    rms: numpy.ndarray,
    about: Mapping[str, Any],
) -> None:
    """Write a decoder, whole or not at all."""
    text = {'format': _FORMAT, 'version': _VERSION, **about}
    arrays = {name: each.astype('float16') for name, each in weights.items()}
    arrays['rms'] = rms.astype('float32')
    arrays[_TEXT] = numpy.frombuffer(json.dumps(text).encode(), 'uint8')
    with replacing(path) as temporary, open(temporary, 'wb') as file:
        numpy.savez(file, **arrays)


def read_decoder(path: str | Path) -> DecoderFile:
    """Return the decoder in a file.

    Raises FileNotFoundError, and WeightsError in one sentence for a file that
    is broken, too large, or not a decoder.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'decoder {str(path)!r} is not a file')
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError(f'it has more than {_MOST_BYTES} bytes')
        return _decoder(path, read_npz(path, _wanted))
    except (OSError, ValueError, GluonStyleError) as error:
        raise WeightsError(
            f'decoder {str(path)!r} cannot be read ({error}): give a file of '
            'tools/adain_decoder.py'
        ) from error


def _wanted(name: str, shape: tuple[int, ...], dtype: numpy.dtype) -> bool:
    if name == _TEXT:
        return dtype == 'uint8' and len(shape) == 1 and shape[0] <= _MOST_TEXT
    return shape == ((CHANNELS,) if name == 'rms' else SHAPES.get(name))


def _decoder(path: Path, arrays: dict[str, numpy.ndarray]) -> DecoderFile:
    missing = sorted({_TEXT, 'rms', *SHAPES} - arrays.keys())
    if missing:
        raise ValueError(
            f'it lacks {missing[0]!r}, or has it in another shape'
        )
    about = parse_json(arrays.pop(_TEXT).tobytes())
    if not isinstance(about, dict) or about.get('format') != _FORMAT:
        raise ValueError('it does not say that it is a decoder')
    if about.get('version') != _VERSION:
        raise ValueError('it is of another version of this program')
    encoder = about.get('encoder')
    if not isinstance(encoder, dict) or not {'source', 'sha256'} <= {*encoder}:
        raise ValueError('it does not say which encoder it was trained with')
    for name, array in arrays.items():
        # NaN compares with nothing, so it fails.
        if array.dtype.kind != 'f' or not (numpy.abs(array) < _LARGEST).all():
            raise ValueError(f'{name!r} has numbers that are not usable')
    rms = arrays.pop('rms').astype('float32')
    if not (rms > 0).all():
        raise ValueError("'rms' has numbers that are not above 0")
    weights = {name: each.astype('float32') for name, each in arrays.items()}
    return DecoderFile(path, file_digest(path), weights, rms, about)
