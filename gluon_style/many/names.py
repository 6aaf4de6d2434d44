"""Name the files of a sweep after the pictures and the settings."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from pathlib import Path
from typing import Any

from gluon_style.methods.fields import kind_of
from gluon_style.methods.gatys.settings import Settings


def file_names(texts: list[str]) -> list[str]:
    """Return texts as parts of file names, all of them different.

    Those that would be the same, apart from their case, get their number in
    the list.
    """
    names = [re.sub(r'[^\w.+-]+', '_', text) for text in texts]
    while True:
        count = Counter(map(str.lower, names))
        if len(count) == len(names):
            return names
        # Once more, for a number may make it the name of another one.
        names = [
            name if count[name.lower()] == 1 else f'{name}-{i}'
            for i, name in enumerate(names, start=1)
        ]


def value_in_name(name: str, value: Any) -> str:
    """Return a setting's value as it stands in the name of a file.

    That is how a person writes it, but large and small numbers are 1e4 and
    1e-4, and a list of words is joined by a plus: conv2_2+conv4_2.
    """
    if isinstance(value, (str, Path)):
        return str(value)
    if isinstance(value, tuple) and all(isinstance(v, str) for v in value):
        return '+'.join(value)
    if isinstance(value, float):
        return _short_number(value)
    for field in dataclasses.fields(Settings):
        if field.name == name:
            kind = kind_of(field)
            return kind.words(kind.check(name, value))
    return str(value)


def _short_number(value: float) -> str:
    mantissa, exponent = f'{value:e}'.split('e')
    if abs(int(exponent)) <= 2:
        return f'{value:g}'
    return f'{mantissa.rstrip("0").rstrip(".")}e{int(exponent)}'
