"""Options that several commands have, and those that are settings."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import Field
from typing import Any

from gluon_style.errors import GluonStyleError
from gluon_style.methods.fields import (
    Integer,
    Switch,
    kind_of,
    options_of,
)
from gluon_style.methods.gatys.kinds import Layers
from gluon_style.methods.gatys.presets import DEFAULT_PRESET, PRESETS
from gluon_style.methods.gatys.settings import STRENGTH_SETS


def argument(meaning: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return a type for argparse, which shows the errors of ``meaning``."""

    def parse(text: str) -> Any:
        try:
            return meaning(text)
        except GluonStyleError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return parse


def count(name: str, least: int = 1) -> Callable[[str], Any]:
    """Return a type for argparse: a whole number of at least ``least``."""
    kind = Integer(least)
    return argument(lambda text: kind.check(name, kind.parse(text)))


def minutes(text: str) -> float:
    """Return the minutes that a word means: a number above 0, or inf."""
    try:
        value = float(text)
    except ValueError:
        value = 0
    # NaN compares with nothing, so it fails.
    if not value > 0:
        raise argparse.ArgumentTypeError(
            f'{text!r} is not a time: give a number of minutes above 0'
        )
    return value


def add_settings(
    parser: argparse.ArgumentParser,
    settings: Any,
    command: str = 'run',
    lists: bool = False,
    where: str = DEFAULT_PRESET,
) -> None:
    """Add an option for each setting that means something to a command.

    ``settings`` are the defaults that the help tells, and ``where`` they are
    so. With ``lists`` each option takes several values, for a sweep.
    """
    groups: dict[str, Any] = {}
    for field in options_of(settings, command):
        title = field.metadata['group']
        if title not in groups:
            groups[title] = parser.add_argument_group(title)
        default = _default_words(settings, field)
        add_setting(groups[title], field, default, lists, where)


def _default_words(settings: Any, field: Field[Any]) -> str:
    """Return a setting's default, as the help tells it."""
    strength = getattr(settings, 'strength', None)
    if field.name in STRENGTH_SETS and strength is not None:
        return 'as the strength says'
    return kind_of(field).words(getattr(settings, field.name))


def add_setting(
    group: Any,
    field: Field[Any],
    default: str,
    lists: bool,
    where: str = DEFAULT_PRESET,
) -> None:
    """Add the option of a setting; ``where`` it has the default."""
    kind = kind_of(field)
    options: dict[str, Any] = {
        'default': argparse.SUPPRESS,
        'help': f'{field.metadata["help"]} ({where}: {default})',
    }
    if isinstance(kind, Switch):
        options['action'] = argparse.BooleanOptionalAction
    else:
        options['metavar'] = kind.metavar
        # A setting is checked with all others; its option only parses.
        options['type'] = argument(kind.parse)
        if isinstance(kind, Layers):
            # A comma stands within one choice of layers: repeat the option.
            options['action'] = 'append' if lists else 'extend'
        elif lists:
            options['type'] = argument(kind.choices)
    group.add_argument(f'--{field.name.replace("_", "-")}', **options)


def add_preset(parser: Any) -> None:
    """Add ``--preset``."""
    parser.add_argument(
        '--preset',
        metavar='NAME',
        help=f'{", ".join(PRESETS)} (default: {DEFAULT_PRESET}); fast and '
        'quick are for pictures, chapter is exactly the chapter',
    )


def add_force(parser: Any) -> None:
    """Add ``--force``."""
    parser.add_argument(
        '--force',
        action='store_true',
        help='overwrite files that this program did not write',
    )


def add_json(
    parser: Any, help: str = 'print the result as JSON, for programs'
) -> None:
    """Add ``--json``."""
    parser.add_argument('--json', action='store_true', help=help)


def add_quiet(parser: Any, help: str = 'print errors only') -> None:
    """Add ``--quiet``."""
    parser.add_argument('--quiet', action='store_true', help=help)
