"""A style: the numbers that tell a transfer net how to paint, in a file.

A style is a vector for one of the two nets. It comes from a painting (see
``predicted``), from the 26 that a net was trained on, or from ``learn``, which
writes a .style file: a .npz of the vector and of a text in JSON, some
kilobytes. No MXNet.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy

from gluon_style.errors import GluonStyleError
from gluon_style.files.atomic import replacing
from gluon_style.files.reading import parse_json
from gluon_style.files.rescue import not_written, rescue
from gluon_style.methods.feedforward.nets import read_net
from gluon_style.methods.feedforward.trunks import NUM_STYLES, TRUNKS, Trunk
from gluon_style.pictures.read import read_picture
from gluon_style.records.record import PictureId
from gluon_style.weights.npz import read_npz, write_npz

SUFFIX = '.style'
# A style of the net of 26, as a user names it: 'net:15'.
NUMBERED = 'net:'
# The text in a .style file, and its first key, which says what the file is.
_TEXT, _FORMAT = 'about', 'gluon_style style'
_VERSION = 1
_MOST_BYTES = 4 << 20
_MOST_TEXT = 1 << 20
# No net has larger ones; larger numbers would only be infinite pixels.
_LARGEST = 1e6


@dataclass(frozen=True, eq=False)
class Style:
    """A style vector for a net, and how it came about.

    ``trunk`` is a name of ``TRUNKS``. ``vector`` has its scales and then its
    shifts, a NumPy array of float32. ``record`` is what a .style file says
    about how the style was learned. ``weights`` are the net's own weights
    where these were learned, too, by the names of ``Trunk.shapes``.
    """

    trunk: str
    vector: numpy.ndarray = field(repr=False)
    record: dict[str, Any] = field(default_factory=dict, repr=False)
    weights: Mapping[str, numpy.ndarray] = field(
        default_factory=dict, repr=False
    )

    def __post_init__(self) -> None:
        if self.trunk not in TRUNKS:
            raise GluonStyleError(
                f'a style is of the net {self.trunk[:60]!r}: it must be of '
                f'{" or ".join(TRUNKS)}'
            )
        _require_numbers(
            'vector', self.vector, (TRUNKS[self.trunk].style_size,)
        )
        shapes = TRUNKS[self.trunk].shapes
        if self.weights:
            if {*self.weights} != {*shapes}:
                raise GluonStyleError('a style has some weights, not all')
            for name, array in self.weights.items():
                _require_numbers(name, array, shapes[name])

    @property
    def sha256(self) -> str:
        """The hash of the style's numbers."""
        digest = hashlib.sha256(self.vector.tobytes())
        for name in sorted(self.weights):
            digest.update(self.weights[name].tobytes())
        return digest.hexdigest()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a .style file, whole or not at all.

        What cannot be written there is written to the temporary folder:
        GluonStyleError says why, and where it is. Raises GluonStyleError
        for another suffix, and OSError where neither can be written.
        """
        path = require_suffix(path)
        try:
            self._write(path)
        except OSError as error:
            rescued = rescue(path.name, self._write)
            if rescued is None:
                raise
            raise not_written('style', path, error, rescued, 'style') from None

    def _write(self, path: Path) -> None:
        about = {
            'format': _FORMAT,
            'version': _VERSION,
            'net': self.trunk,
            'record': self.record,
        }
        text = json.dumps(about, indent=1).encode()
        arrays = {
            _TEXT: numpy.frombuffer(text, 'uint8'),
            'vector': self.vector,
            **self.weights,
        }
        # Not compressed, so that the text is there to be read.
        with replacing(path) as temporary:
            write_npz(temporary, arrays)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Style:
        """Return the style in a .style file.

        Raises FileNotFoundError, and GluonStyleError in one sentence for a
        file that is broken, too large, or not a style.
        """
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f'style {str(path)!r} is not a file')
        try:
            if path.stat().st_size > _MOST_BYTES:
                raise ValueError(f'it has more than {_MOST_BYTES} bytes')
            return cls._read(read_npz(path, _wanted))
        except (OSError, ValueError) as error:
            raise GluonStyleError(
                f'style {str(path)!r} cannot be read ({error}): give a file '
                'of gluon-style learn'
            ) from error

    @classmethod
    def _read(cls, arrays: dict[str, numpy.ndarray]) -> Style:
        if not {_TEXT, 'vector'} <= arrays.keys():
            raise ValueError('it lacks its vector or its text')
        text = arrays.pop(_TEXT)
        if text.dtype != 'uint8':
            raise ValueError('its text is not text')
        about = parse_json(text.tobytes())
        if not isinstance(about, dict) or about.get('format') != _FORMAT:
            raise ValueError('it does not say that it is a style')
        if about.get('version') != _VERSION:
            raise ValueError('it is of another version of this program')
        record = about.get('record')
        if not isinstance(record, dict):
            raise ValueError('its record is not a table')
        vector = arrays.pop('vector')
        return cls(str(about.get('net')), vector, record, arrays)


def _wanted(name: str, shape: tuple[int, ...], dtype: numpy.dtype) -> bool:
    size = 1
    for side in shape:
        size *= side
    if name == _TEXT:
        return len(shape) == 1 and size <= _MOST_TEXT
    return dtype == 'float32' and size <= _MOST_BYTES // 4


def _require_numbers(name: str, array: Any, shape: tuple[int, ...]) -> None:
    """Raise GluonStyleError unless an array has usable numbers."""
    if not isinstance(array, numpy.ndarray) or array.dtype != 'float32':
        raise GluonStyleError(f'its {name} is not an array of float32')
    if array.shape != shape:
        raise GluonStyleError(
            f'its {name} is of shape {array.shape}, not {shape}'
        )
    # NaN compares with nothing, so it fails.
    if not (numpy.abs(array) <= _LARGEST).all():
        raise GluonStyleError(
            f'its {name} has numbers that are infinite or beyond {_LARGEST:g}'
        )


def require_suffix(path: str | os.PathLike[str]) -> Path:
    """Return a path that ends in .style, or raise GluonStyleError."""
    path = Path(path)
    if path.suffix != SUFFIX:
        raise GluonStyleError(
            f'output {str(path)!r} ends in {path.suffix!r}: a style ends in '
            f'{SUFFIX}'
        )
    return path


def is_numbered(source: Any) -> bool:
    """Return whether a style is one of the 26, such as 'net:15'."""
    return isinstance(source, str) and source.startswith(NUMBERED)


def is_style(source: Any) -> bool:
    """Return whether a style is numbers, and not a picture."""
    if isinstance(source, Style) or is_numbered(source):
        return True
    named = isinstance(source, (str, Path))
    return named and Path(source).suffix == SUFFIX


def require_exists(source: Any) -> None:
    """Raise an error for 'net:40', or for the path of no file."""
    if is_numbered(source):
        numbered_index(source)
    elif isinstance(source, (str, Path)) and not Path(source).is_file():
        noun = 'style' if is_style(source) else 'picture'
        raise FileNotFoundError(f'{noun} {str(source)!r} is not a file')


def check_style(source: Any) -> None:
    """Raise an error for a style that cannot be read."""
    require_exists(source)
    if not is_style(source):
        read_picture(source)
    elif isinstance(source, (str, Path)) and not is_numbered(source):
        Style.load(source)


def style_id(source: Any) -> PictureId:
    """Return the id of a style: its file's, or that of its numbers."""
    if isinstance(source, Style):
        return PictureId(None, source.sha256)
    if is_numbered(source):
        return PictureId(source, numbered(numbered_index(source)).sha256)
    return PictureId.of(source)


def numbered_index(source: str) -> int:
    """Return the number in 'net:15', or raise GluonStyleError."""
    digits = source[len(NUMBERED) :]
    if re.fullmatch(r'\d{1,3}', digits) and int(digits) < NUM_STYLES:
        return int(digits)
    raise GluonStyleError(
        f'style {source!r} is unknown: choose from {NUMBERED}0 to '
        f'{NUMBERED}{NUM_STYLES - 1}, which gluon-style styles shows'
    )


def numbered(index: int) -> Style:
    """Return a style of the net of 26, by its number from 0 on."""
    arrays, trunk = read_net('styles26'), TRUNKS['styles26']
    return Style(
        trunk.name,
        _joined(
            trunk,
            lambda layer, kind: arrays[f'{layer}.{kind}'][index],
        ),
    )


def from_bottleneck(numbers: numpy.ndarray) -> Style:
    """Return the style of the net of any style for the predictor's numbers.

    ``numbers`` are 100: two layers make each scale and each shift of them.
    """
    arrays, trunk = read_net('any-style'), TRUNKS['any-style']

    def part(layer: str, kind: str) -> numpy.ndarray:
        weight = arrays[f'{layer}.{kind}.weight'][:, :, 0, 0]
        return weight @ numbers + arrays[f'{layer}.{kind}.bias']

    return Style(trunk.name, _joined(trunk, part))


def _joined(trunk: Trunk, part: Any) -> numpy.ndarray:
    """Return all scales and then all shifts of a net's layers."""
    parts = [
        part(layer.name, kind)
        for kind in ('scale', 'shift')
        for layer in trunk.layers
        if layer.normalized
    ]
    return numpy.concatenate(parts).astype('float32')


def blended(
    styles: Sequence[Style], parts: Sequence[float] | None = None
) -> Style:
    """Return one style between several of one net.

    ``parts`` says how much of each; None means as much of all. Raises
    GluonStyleError for a number of parts that does not suit, and for styles
    of different nets.
    """
    if parts is not None and len(parts) != len(styles):
        raise GluonStyleError(
            f'style_blend is {":".join(f"{part:g}" for part in parts)} and '
            f'the number of styles is {len(styles)}: give a number for each '
            'style'
        )
    first = styles[0]
    if len(styles) == 1:
        return first
    names = {style.trunk for style in styles}
    if len(names) > 1 or any(style.weights for style in styles):
        kinds = ' and '.join(sorted(TRUNKS[name].title for name in names))
        raise GluonStyleError(
            f'the styles are of {kinds}, or one has a net of its own: only '
            'styles of the same net blend, such as two paintings, or two of '
            'the 26'
        )
    shares = numpy.asarray(parts or [1] * len(styles), 'float64')
    shares = shares / shares.sum()
    vectors = numpy.stack([style.vector for style in styles])
    return Style(first.trunk, (shares @ vectors).astype('float32'))
