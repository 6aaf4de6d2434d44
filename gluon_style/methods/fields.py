"""How a setting is said once: a dataclass field with all that it means.

The field has the default, the values that are accepted, one line of help and
the commands that offer it. ``Validated`` checks by it; the options of the
command line, their help and the keys of a config derive from it.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator
from typing import Any

from gluon_style.errors import GluonStyleError

# The numbers that the network's float32 can hold.
LEAST_NUMBER, MOST_NUMBER = 1e-30, 3.4e38
# No setting needs more, and no message shows thousands of digits.
_MOST_INTEGER = 2**63 - 1
# The commands that make one picture. A sweep offers what ``run`` does.
COMMANDS = ('run', 'texture', 'reconstruct')
# Characters of a value in a message; all layers together have fewer.
_LONGEST = 300


class Kind:
    """What values a setting accepts, from Python and as text.

    ``metavar`` stands for the value in the help of the command line.
    """

    metavar = 'X'

    def check(self, name: str, value: Any) -> Any:
        """Return the value as it is kept, or raise GluonStyleError."""
        raise NotImplementedError

    def parse(self, text: str) -> Any:
        """Return the value that a word of the command line means.

        Raises GluonStyleError where it means none.
        """
        return text

    def choices(self, text: str) -> list[Any]:
        """Return the values of a sweep: words between commas."""
        return [self.parse(part.strip()) for part in text.split(',')]

    def words(self, value: Any) -> str:
        """Return a value as a person writes it."""
        return f'{value:g}' if isinstance(value, float) else str(value)


class Number(Kind):
    """A finite number from ``least`` to ``most``."""

    def __init__(self, least: float, most: float = MOST_NUMBER) -> None:
        self.least, self.most = least, most

    def check(self, name: str, value: Any) -> float:
        number = isinstance(value, (int, float))
        number = number and not isinstance(value, bool)
        # NaN compares with nothing, so it fails.
        if not number or not self.least <= value <= self.most:
            limits = f'from {self.least:g} to {self.most:g}'
            raise unfit(name, value, f'a finite number {limits}')
        return value

    def parse(self, text: str) -> float:
        try:
            return float(text)
        except ValueError:
            raise GluonStyleError(
                f'{text!r} is not a number: type one such as 0.5'
            ) from None


class Integer(Kind):
    """A whole number from ``least`` to ``most``, or without an end."""

    metavar = 'N'

    def __init__(self, least: int, most: int | None = None) -> None:
        self.least, self.most = least, most

    def check(self, name: str, value: Any) -> int:
        integer = isinstance(value, int) and not isinstance(value, bool)
        most = _MOST_INTEGER if self.most is None else self.most
        if not integer or not self.least <= value <= most:
            limits = f'from {self.least} to {most}'
            if self.most is None and not (integer and value > most):
                limits = f'of at least {self.least}'
            raise unfit(name, value, f'a whole number {limits}')
        return value

    def parse(self, text: str) -> int:
        try:
            return int(text)
        except ValueError:
            raise GluonStyleError(
                f'{text!r} is not a whole number: type one such as 300'
            ) from None


class Choice(Kind):
    """One of several words."""

    def __init__(self, *words: str) -> None:
        self.accepted = words
        self.metavar = '|'.join(words)

    def check(self, name: str, value: Any) -> str:
        if value not in self.accepted:
            raise unfit(name, value, ' or '.join(self.accepted))
        return value


class Switch(Kind):
    """True or false; an option of the command line without a value."""

    def check(self, name: str, value: Any) -> bool:
        """Accept a bool, and 0 and 1, which are equal to one."""
        if value not in (True, False):
            raise unfit(name, value, 'True or False')
        return bool(value)

    def words(self, value: Any) -> str:
        return 'yes' if value else 'no'


class Text(Kind):
    """A name or a file's path, which is checked where it is used."""

    def __init__(self, metavar: str) -> None:
        self.metavar = metavar

    def check(self, name: str, value: Any) -> str:
        if not isinstance(value, (str, os.PathLike)):
            raise unfit(name, value, "a name or a file's path")
        return os.fspath(value)


class Optional(Kind):
    """A value of another kind, or None."""

    def __init__(self, kind: Kind) -> None:
        self.kind, self.metavar = kind, kind.metavar

    def check(self, name: str, value: Any) -> Any:
        return None if value is None else self.kind.check(name, value)

    def parse(self, text: str) -> Any:
        return self.kind.parse(text)

    def words(self, value: Any) -> str:
        return 'none' if value is None else self.kind.words(value)


def setting(
    default: Any,
    kind: Kind,
    help: str = '',
    commands: tuple[str, ...] = COMMANDS,
    group: str = 'settings',
) -> Any:
    """Return a dataclass field for a setting.

    ``commands`` are those that the setting means something to, ``group`` is
    the title that its option stands under. Without ``help`` it has no
    option: only Python, a config or a record gives it.
    """
    metadata = {
        'kind': kind,
        'help': help,
        'commands': commands,
        'group': group,
    }
    return dataclasses.field(default=default, metadata=metadata)


def kind_of(field: dataclasses.Field[Any]) -> Kind:
    """Return the kind of a field that ``setting`` made."""
    return field.metadata['kind']


def options_of(
    settings: Any, command: str
) -> Iterator[dataclasses.Field[Any]]:
    """Yield the fields that are options of a command."""
    for field in dataclasses.fields(settings):
        if field.metadata['help'] and command in field.metadata['commands']:
            yield field


def meaningless(settings: Any, command: str) -> list[str]:
    """Return the names of the settings that mean nothing to a command."""
    return [
        field.name
        for field in dataclasses.fields(settings)
        if command not in field.metadata['commands']
    ]


@dataclasses.dataclass(frozen=True)
class Validated:
    """A frozen dataclass of settings, each checked by its field's kind."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = _plain(getattr(self, field.name))
            value = kind_of(field).check(field.name, value)
            # A frozen dataclass has no other way to keep what was checked.
            object.__setattr__(self, field.name, value)

    def changed(self, changes: dict[str, Any]) -> Any:
        """Return these settings with some changed, given by name.

        Raises GluonStyleError for a name that is not a setting.
        """
        known = [field.name for field in dataclasses.fields(self)]
        require_known(changes, known, 'setting')
        return dataclasses.replace(self, **changes)

    def to_json(self) -> dict[str, Any]:
        """Return the settings by name, with lists in place of tuples."""
        return json.loads(json.dumps(dataclasses.asdict(self)))


def require_known(names: Any, known: Any, noun: str) -> None:
    """Raise GluonStyleError for a name that is not one of the known ones.

    The message suggests the nearest one, or lists them all.
    """
    import difflib

    known = list(known)
    for name in sorted(set(names) - set(known), key=str):
        near = difflib.get_close_matches(str(name), known, n=1)
        advice = f'choose from {", ".join(known)}'
        if near:
            advice = f'did you mean {near[0]!r}? Otherwise {advice}'
        raise GluonStyleError(f'{noun} {name!r} is unknown: {advice}')


def unfit(name: str, value: Any, needed: str) -> GluonStyleError:
    """Return the error for a value that a setting does not accept."""
    return GluonStyleError(f'{name} is {shown(value)}: it must be {needed}')


def shown(value: Any) -> str:
    """Return a value as a message shows it: in a line that is not long."""
    try:
        text = repr(value)
    # Python writes no whole number of thousands of digits.
    except (RecursionError, ValueError):
        return f'too large to show (of type {type(value).__name__})'
    if '\n' in text:
        text = ' '.join(text.split())
    return text if len(text) <= _LONGEST else f'{text[:_LONGEST]}...'


def _plain(value: Any) -> Any:
    """Return NumPy's numbers as Python's own, which JSON has.

    Arrays become lists. The numbers in tuples and lists are changed, too.
    """
    if isinstance(value, (tuple, list)):
        numbers = [_plain(each) for each in value]
        return numbers if isinstance(value, list) else tuple(numbers)
    # ``hasattr`` spares the import of NumPy, which takes time.
    return value.tolist() if hasattr(value, 'tolist') else value
