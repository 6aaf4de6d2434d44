"""The record of a run: all that made a picture, as a type and as JSON.

``Record.from_json`` and ``Record.to_json`` are its only reader and writer.
The JSON of version 0.1.0 has no 'method', which was 'gatys' then.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar, cast

from gluon_style.errors import GluonStyleError
from gluon_style.files.reading import file_digest
from gluon_style.pictures.read import read_picture

# The only method when records had no 'method'.
FIRST_METHOD = 'gatys'
# ``Record.stopped`` where a limit of the settings ended the run.
LIMIT = 'limit'
# The roles that every run's JSON has at its top; others lie in 'others'.
_MAIN_ROLES = ('content', 'style')
# Larger than every loss and time of a run, and than every size and epoch.
_MOST, _MOST_INTEGER = 1e300, 2**53

_Self = TypeVar('_Self', bound='_Table')


@dataclass(frozen=True)
class _Table:
    """A dataclass that JSON has as a table, with a key for each field."""

    @classmethod
    def from_json(cls: type[_Self], value: object, name: str = '') -> _Self:
        """Return what the JSON says; raise GluonStyleError for other JSON.

        ``name`` is what the table is to its owner, for the error.
        """
        table = _table(value, name or 'it')
        owner = f' of {name}' if name else ''
        values: dict[str, Any] = {}
        for field in fields(cls):
            # The types are text because of the import from __future__.
            kind, optional, _ = str(field.type).partition(' | None')
            given = table.get(field.name)
            if given is not None or not optional:
                given = _CHECKS[kind](given, field.name + owner)
            values[field.name] = given
        return cls(**values)

    def to_json(self) -> dict[str, Any]:
        """Return what ``from_json`` reads, fit for ``json.dumps``.

        A field with the default None is left out where it is None.
        """
        return {
            field.name: _as_json(getattr(self, field.name))
            for field in fields(self)
            if field.default is not None
            or getattr(self, field.name) is not None
        }


@dataclass(frozen=True)
class PictureId(_Table):
    """The name and the SHA-256 of a picture's file.

    ``file`` is None for an array, whose hash is that of its bytes. Both are
    None where the run had no picture of that role.
    """

    file: str | None
    sha256: str | None

    @property
    def is_picture(self) -> bool:
        """Whether it was given, and is a picture, not a style's numbers."""
        numbers = (self.file or '').startswith('net:')
        numbers = numbers or (self.file or '').endswith('.style')
        return self.sha256 is not None and not numbers

    @classmethod
    def of(cls, source: Any) -> PictureId:
        """Return the id of a path, a Pillow image or an array."""
        if isinstance(source, (str, Path)):
            return cls(Path(source).name, file_digest(source))
        digest = hashlib.sha256(read_picture(source).tobytes()).hexdigest()
        return cls(None, digest)

    @classmethod
    def from_json(cls, value: object, name: str = '') -> PictureId:
        """Return what the JSON says; the hash must be one."""
        picture = super().from_json(value, name)
        digest = picture.sha256
        if digest is not None and not re.fullmatch(r'[0-9a-f]+', digest):
            raise _wrong(f'sha256 of {name}', digest, 'a hash')
        return picture


@dataclass(frozen=True)
class WeightsId(_Table):
    """The weights of a run: source, file, hash, and why they were taken.

    ``scaling`` tells the factors of the filters from others, or is None where
    there were none, or factors of whole layers.
    """

    source: str
    file: str | None
    sha256: str | None
    reason: str | None
    scaling: str | None = None

    @classmethod
    def of(cls, weights: Any) -> WeightsId:
        """Return the id of ``Weights``, such as a net's."""
        return cls(
            weights.source,
            Path(weights.path).name,
            weights.sha256,
            weights.reason,
            weights.scaling,
        )


@dataclass(frozen=True)
class Epoch(_Table):
    """The losses of one epoch, an entry of a run's history.

    ``epoch`` counts from 1 over all scales, ``scale`` is the picture's
    (width, height) then. ``content``, ``style`` and ``tv`` are the weighted
    losses, ``total`` is their sum, ``seconds`` the time since the run began,
    or None where it is not kept.
    """

    epoch: int
    scale: tuple[int, int]
    content: float
    style: float
    tv: float
    total: float
    seconds: float | None = None


# The numbers of an ``Epoch`` that are losses.
LOSSES = ('content', 'style', 'tv', 'total')


def stages(history: list[Epoch]) -> list[list[Epoch]]:
    """Return the history of each scale, in their order."""
    groups = groupby(history, lambda entry: entry.scale)
    return [list(entries) for _, entries in groups]


def loss_limits(history: list[Epoch]) -> tuple[float, float, bool]:
    """Return the ends of an axis for a history's losses, and if it is log.

    It is logarithmic where the losses differ by more than a factor of 20.
    """
    names = LOSSES[:-1]
    each = {n: [getattr(entry, n) for entry in history] for n in names}
    values = [v for name in names for v in each[name] if 0 < v < math.inf]
    high = max(values, default=1)
    # A run that starts from the content picture has almost no content loss at
    # first, for which all other losses would become a narrow band.
    ends = [each[name][-1] for name in names if each[name][-1] > 0]
    low = max(min(values, default=1), min(ends, default=high) / 10)
    if high / low <= 20:
        return 0, 1.05 * high, False
    return low / 1.2, 1.2 * high, True


@dataclass(frozen=True)
class Record(_Table):
    """All that made a picture.

    ``method`` names the method, ``settings`` are its settings as JSON has
    them. ``pictures`` has an id for each role: 'content', 'style', and where
    there were such 'style 2', 'mask', 'init'. ``width`` and ``height`` are
    the result's, in pixels. ``tile`` is the longest side of the tiles, or
    None. ``losses`` are those of the picture, without seconds; a method
    without epochs has none. ``stopped`` says what ended the run early, or is
    None. ``resized_to`` is the (width, height) to which the finished picture
    was resized, or None.
    """

    method: str
    settings: dict[str, Any]
    pictures: dict[str, PictureId]
    width: int
    height: int
    weights: WeightsId
    device: str
    tile: int | None
    threads: str | None
    versions: dict[str, str]
    epochs: int
    losses: Epoch | None = None
    stopped: str | None = None
    resized_to: tuple[int, int] | None = None

    @property
    def shown(self) -> list[str]:
        """The roles of the content and the style that are pictures."""
        return [role for role in _MAIN_ROLES if self.pictures[role].is_picture]

    def resized(self, width: int, height: int) -> Record:
        """Return the record of the picture at another size."""
        shape = width, height
        return replace(self, width=width, height=height, resized_to=shape)

    @classmethod
    def from_json(cls, value: object, name: str = '') -> Record:
        """Return the record that JSON holds.

        Raises GluonStyleError where it is not a record of this package.
        """
        table = _table(value, name or 'a record')
        roles = {role: table.get(role) for role in _MAIN_ROLES}
        roles.update(_table(table.get('others', {}), 'others'))
        table = {'method': FIRST_METHOD, **table, 'pictures': roles}
        record = super().from_json(table, name)
        if record.epochs and record.losses is None:
            raise _wrong('losses', None, 'a table')
        return record

    def to_json(self) -> dict[str, Any]:
        """Return what ``from_json`` reads, fit for ``json.dumps``."""
        table = super().to_json()
        others = table.pop('pictures')
        main = {role: others.pop(role) for role in _MAIN_ROLES}
        return {'method': self.method, **main, 'others': others, **table}


def _table(value: object, name: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise _wrong(name, value, 'a table')
    return dict(cast('Mapping[str, Any]', value))


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise _wrong(name, value, 'text')
    return value


def _integer(value: object, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong(name, value, 'a whole number')
    if abs(value) > _MOST_INTEGER:
        raise _wrong(name, value, f'a whole number up to {_MOST_INTEGER}')
    return value


def _number(value: object, name: str) -> float:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    # A whole number may be larger than every float.
    if not number or not abs(cast(float, value)) <= _MOST:
        raise _wrong(name, value, 'a finite number')
    return cast(float, value)


def _shape(value: object, name: str) -> tuple[int, int]:
    is_list = isinstance(value, (list, tuple))
    sides = cast('list[object]', value) if is_list else []
    if len(sides) != 2:
        raise _wrong(name, value, '(width, height)')
    width, height = (_integer(side, name) for side in sides)
    return width, height


def _pictures(value: object, name: str) -> dict[str, PictureId]:
    ids = _table(value, name)
    return {role: PictureId.from_json(ids[role], role) for role in ids}


def _versions(value: object, name: str) -> dict[str, str]:
    return {
        package: _text(version, f'version of {package}')
        for package, version in _table(value, name).items()
    }


# What checks and returns JSON, by the type of the field that it is for.
_CHECKS: dict[str, Callable[[object, str], object]] = {
    'str': _text,
    'int': _integer,
    'float': _number,
    'tuple[int, int]': _shape,
    'dict[str, Any]': _table,
    'dict[str, str]': _versions,
    'dict[str, PictureId]': _pictures,
    'WeightsId': WeightsId.from_json,
    'Epoch': Epoch.from_json,
}


def _as_json(value: Any) -> Any:
    if isinstance(value, _Table):
        return value.to_json()
    if isinstance(value, dict):
        table = cast('dict[str, Any]', value)
        return {key: _as_json(each) for key, each in table.items()}
    if isinstance(value, tuple):
        return list(cast('tuple[Any, ...]', value))
    return value


def _wrong(name: str, value: object, kind: str) -> GluonStyleError:
    # A record may hold anything, of any length, also as a name.
    name = ascii(name)[1:-1][:60]
    if value is None:
        return GluonStyleError(f'{name} is missing')
    about = type(value).__name__
    if isinstance(value, int) and abs(value) > _MOST:
        about = 'too large'
    elif isinstance(value, (str, int, float)):
        about = ascii(value)[:60]
    return GluonStyleError(f'{name} is {about}, not {kind}')
