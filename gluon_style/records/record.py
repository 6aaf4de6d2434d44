"""The record of a run: all that made a picture, as a type and as JSON.

``Record.from_json`` and ``Record.to_json`` are its only reader and writer.
The JSON of version 0.1.0 has no 'method', which was 'gatys' then.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any, cast

from gluon_style.errors import GluonStyleError
from gluon_style.files.reading import file_digest
from gluon_style.pictures.read import read_picture

# The only method when records had no 'method'.
FIRST_METHOD = 'gatys'
# The roles that every run's JSON has at its top; others lie in 'others'.
_MAIN_ROLES = ('content', 'style')
# Larger than every loss and time of a run, and than every size and epoch.
_MOST, _MOST_INTEGER = 1e300, 2**53


@dataclass(frozen=True)
class PictureId:
    """The name and the SHA-256 of a picture's file.

    ``file`` is None for an array, whose hash is that of its bytes. Both are
    None where the run had no picture of that role.
    """

    file: str | None
    sha256: str | None

    @classmethod
    def of(cls, source: Any) -> PictureId:
        """Return the id of a path, a Pillow image or an array."""
        if isinstance(source, (str, Path)):
            return cls(Path(source).name, file_digest(source))
        digest = hashlib.sha256(read_picture(source).tobytes()).hexdigest()
        return cls(None, digest)

    @classmethod
    def from_json(cls, value: object, name: str) -> PictureId:
        """Return what the JSON says; raise GluonStyleError for other JSON."""
        table = _table(value, name)
        file = _optional_text(table, 'file', name)
        sha256 = _optional_text(table, 'sha256', name)
        if sha256 is not None and not re.fullmatch(r'[0-9a-f]+', sha256):
            raise _wrong(f'sha256 of {name}', sha256, 'a hash')
        return cls(file, sha256)

    def to_json(self) -> dict[str, Any]:
        """Return what ``from_json`` reads."""
        return {'file': self.file, 'sha256': self.sha256}


@dataclass(frozen=True)
class WeightsId:
    """The weights of a run: source, file, hash, and why they were taken."""

    source: str
    file: str | None
    sha256: str | None
    reason: str | None

    @classmethod
    def from_json(cls, value: object) -> WeightsId:
        """Return what the JSON says; raise GluonStyleError for other JSON."""
        table = _table(value, 'weights')
        return cls(
            _text(table.get('source'), 'source of weights'),
            _optional_text(table, 'file', 'weights'),
            _optional_text(table, 'sha256', 'weights'),
            _optional_text(table, 'reason', 'weights'),
        )

    def to_json(self) -> dict[str, Any]:
        """Return what ``from_json`` reads."""
        return dict(vars(self))


@dataclass(frozen=True)
class Epoch:
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

    @classmethod
    def from_json(cls, value: object) -> Epoch:
        """Return what the JSON says; raise GluonStyleError for other JSON."""
        table = _table(value, 'an epoch')
        seconds = table.get('seconds')
        return cls(
            _integer(table.get('epoch'), 'epoch'),
            _shape(table.get('scale'), 'scale'),
            *(_number(table.get(name), name) for name in LOSSES),
            seconds=None if seconds is None else _number(seconds, 'seconds'),
        )

    def to_json(self) -> dict[str, Any]:
        """Return what ``from_json`` reads."""
        table = {**vars(self), 'scale': list(self.scale)}
        if self.seconds is None:
            del table['seconds']
        return table


# The numbers of an ``Epoch`` that are losses.
LOSSES = ('content', 'style', 'tv', 'total')


def stages(history: list[Epoch]) -> list[list[Epoch]]:
    """Return the history of each scale, in their order."""
    groups = groupby(history, lambda entry: entry.scale)
    return [list(entries) for _, entries in groups]


@dataclass(frozen=True)
class Record:
    """All that made a picture.

    ``method`` names the method, ``settings`` are its settings as JSON has
    them. ``pictures`` has an id for each role: 'content', 'style', and where
    there were such 'style 2', 'mask', 'init'. ``width`` and ``height`` are
    the result's, in pixels. ``tile`` is the longest side of the tiles, or
    None. ``losses`` are those of the picture, without seconds. ``stopped``
    says what ended the run early, or is None. ``resized_to`` is the (width,
    height) to which the finished picture was resized, or None.
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
    losses: Epoch
    stopped: str | None = None
    resized_to: tuple[int, int] | None = None

    @property
    def shown(self) -> list[str]:
        """The roles of the content and the style picture that were given."""
        return [role for role in _MAIN_ROLES if self.pictures[role].sha256]

    def resized(self, width: int, height: int) -> Record:
        """Return the record of the picture at another size."""
        shape = width, height
        return replace(self, width=width, height=height, resized_to=shape)

    @classmethod
    def from_json(cls, value: object) -> Record:
        """Return the record that JSON holds.

        Raises GluonStyleError where it is not a record of this package.
        """
        table = _table(value, 'a record')
        tile, resized_to = table.get('tile'), None
        if table.get('resized_to') is not None:
            resized_to = _shape(table['resized_to'], 'resized_to')
        return cls(
            method=_text(table.get('method', FIRST_METHOD), 'method'),
            settings=_table(table.get('settings'), 'settings'),
            pictures=_pictures(table),
            width=_integer(table.get('width'), 'width'),
            height=_integer(table.get('height'), 'height'),
            weights=WeightsId.from_json(table.get('weights')),
            device=_text(table.get('device'), 'device'),
            tile=None if tile is None else _integer(tile, 'tile'),
            threads=_optional_text(table, 'threads', 'a record'),
            versions={
                name: _text(version, f'version of {name}')
                for name, version in _table(
                    table.get('versions'), 'versions'
                ).items()
            },
            epochs=_integer(table.get('epochs'), 'epochs'),
            losses=Epoch.from_json(_table(table.get('losses'), 'losses')),
            stopped=_optional_text(table, 'stopped', 'a record'),
            resized_to=resized_to,
        )

    def to_json(self) -> dict[str, Any]:
        """Return what ``from_json`` reads, fit for ``json.dumps``."""
        main = {role: self.pictures[role].to_json() for role in _MAIN_ROLES}
        others = {
            role: picture.to_json()
            for role, picture in self.pictures.items()
            if role not in _MAIN_ROLES
        }
        table: dict[str, Any] = {
            'method': self.method,
            **main,
            'others': others,
            'settings': self.settings,
            'width': self.width,
            'height': self.height,
            'weights': self.weights.to_json(),
            'device': self.device,
            'tile': self.tile,
            'threads': self.threads,
            'versions': self.versions,
            'epochs': self.epochs,
            'losses': self.losses.to_json(),
        }
        if self.stopped is not None:
            table['stopped'] = self.stopped
        if self.resized_to is not None:
            table['resized_to'] = list(self.resized_to)
        return table


def _pictures(table: dict[str, Any]) -> dict[str, PictureId]:
    roles = {role: table.get(role) for role in _MAIN_ROLES}
    roles.update(_table(table.get('others', {}), 'others'))
    return {role: PictureId.from_json(roles[role], role) for role in roles}


def _table(value: object, name: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise _wrong(name, value, 'a table')
    return dict(cast('Mapping[str, Any]', value))


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise _wrong(name, value, 'text')
    return value


def _optional_text(table: dict[str, Any], key: str, name: str) -> str | None:
    value = table.get(key)
    return None if value is None else _text(value, f'{key} of {name}')


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
