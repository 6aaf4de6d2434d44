"""What the page says about a result, in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from gluon_style.records.record import Epoch, Record, stages
from gluon_style.records.result import Result


@dataclass(frozen=True)
class Fact:
    """A name with what is said about it: text, code, or both."""

    name: str
    text: str = ''
    code: str = ''


def facts_of(result: Result) -> list[Fact]:
    """Return what a reader asks first."""
    record = result.record
    versions = ', '.join(
        f'{name} {version}' for name, version in record.versions.items()
    )
    return [
        Fact('Method', method_text(record)),
        Fact('Picture', f'{shape_text((record.width, record.height))} pixels'),
        *_course_of(result),
        Fact(
            'Weights',
            record.weights.source,
            (record.weights.sha256 or '')[:12],
        ),
        Fact(
            'Device', f'{record.device}, threads: {value_text(record.threads)}'
        ),
        Fact('Versions', versions),
    ]


def method_text(record: Record) -> str:
    """Return a record's method, with the style that is not a picture."""
    style = record.pictures['style']
    named = style.file if not style.is_picture else None
    return f'{record.method}, style {named}' if named else record.method


def _course_of(result: Result) -> list[Fact]:
    """Return how many epochs a run took and how long, if it had any."""
    if not result.record.epochs and not result.history:
        return []
    return [
        Fact('Epochs', _epochs_text(result)),
        Fact('Time', _time_text(result.history)),
    ]


def _epochs_text(result: Result) -> str:
    *coarse, last = stages(result.history) or [[]]
    # Without a history, the record has the sum only.
    text = str(len(last) or result.record.epochs)
    if 'epochs' in result.record.settings:
        text += f' of {value_text(result.record.settings["epochs"])}'
    if coarse:
        text += f', and {sum(map(len, coarse))} at coarser scales'
    return text


def _time_text(history: list[Epoch]) -> str:
    seconds = history[-1].seconds if history else None
    if seconds is None:
        return 'unknown'
    return f'{seconds:.1f} s' if seconds < 60 else f'{seconds / 60:.1f} min'


def hashes_of(record: Record) -> list[Fact]:
    """Return the hashes of the pictures and of the weights."""
    hashes = {role: each.sha256 for role, each in record.pictures.items()}
    # After the content and the style picture, before the others.
    main = {role: hashes.pop(role) for role in ('content', 'style')}
    hashes = {**main, 'weights': record.weights.sha256, **hashes}
    return [
        Fact(f'hash of {name}', code=digest or 'none')
        for name, digest in hashes.items()
    ]


def settings_of(
    record: Record, names: Iterable[str] | None = None
) -> list[Fact]:
    """Return all settings of a run, or those with some names."""
    return [
        Fact(name_text(name), value_text(record.settings[name]))
        for name in (record.settings if names is None else names)
        if name in record.settings
    ]


def value_text(value: Any) -> str:
    """Return a setting's value, as JSON has it, as a reader writes it.

    A record may be of any method, and its settings of any shape.
    """
    if value is None:
        return 'none'
    if isinstance(value, bool):
        return 'yes' if value else 'no'
    if isinstance(value, dict):
        inner = cast('dict[str, Any]', value).items()
        return ', '.join(f'{name_text(k)} {value_text(v)}' for k, v in inner)
    if isinstance(value, list):
        parts = cast('list[Any]', value)
        if all(isinstance(part, int) for part in parts):
            return shape_text(parts)
        return ', '.join(map(str, parts))
    return f'{value:g}' if isinstance(value, float) else str(value)


def name_text(name: str) -> str:
    """Return a setting's name as a reader writes it."""
    return name.replace('_', ' ')


def shape_text(image_shape: Iterable[int]) -> str:
    """Return (width, height) with a multiplication sign between them."""
    return '\u00d7'.join(map(str, image_shape))


def loss_text(value: float) -> str:
    """Return a loss with as many digits as a reader compares."""
    return f'{value:.2f}' if value < 1e5 else f'{value:.3g}'
