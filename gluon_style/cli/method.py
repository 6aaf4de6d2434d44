"""The option --method, and what the method that it names can use."""

from __future__ import annotations

import argparse
import contextlib
from dataclasses import fields
from pathlib import Path
from typing import Any

from gluon_style.cli.options import add_setting, count
from gluon_style.errors import GluonStyleError
from gluon_style.methods.fields import (
    COMMANDS,
    kind_of,
    meaningless,
    options_of,
)
from gluon_style.methods.table import (
    DEFAULT_METHOD,
    METHODS,
    foreign_settings,
)

# What only an optimization has, and what a run with epochs has.
_OF_OPTIMIZATION = ('preset',)
_OF_EPOCHS = (
    *('mask', 'plot', 'animation', 'save_every'),
    *('checkpoint', 'resume', 'checkpoint_every'),
)
# The method whose seed alone makes another picture.
_OF_SEEDS = 'diffusion'


def add_method(
    parser: argparse.ArgumentParser,
    command: str = 'run',
    lists: bool = False,
    default: str = f"{DEFAULT_METHOD}, or the record's",
) -> None:
    """Add ``--method``, and the settings that only other methods have.

    ``default`` is what the help says of the method that is taken without it.
    """
    methods = {
        name: method
        for name, method in METHODS.items()
        if any(options_of(method.settings, command))
    }
    lines = '; '.join(f'{name}: {m.title}' for name, m in methods.items())
    parser.add_argument(
        '--method',
        choices=list(methods),
        metavar='NAME',
        help=f'{lines} (default: {default})',
    )
    known = {f.name for f in fields(METHODS[DEFAULT_METHOD].settings)}
    for name, method in methods.items():
        group = None
        for field in options_of(method.settings, command):
            if field.name in known:
                continue
            title = f'only with --method {name}'
            group = group or parser.add_argument_group(title)
            words = kind_of(field).words(field.default)
            add_setting(group, field, words, lists, 'default')
            known.add(field.name)


def add_variations(parser: argparse.ArgumentParser) -> None:
    """Add ``--variations``."""
    parser.add_argument(
        '--variations',
        type=count('variations', least=2),
        metavar='N',
        help=f'with --method {_OF_SEEDS}: make N pictures of the seeds from '
        '--seed on, and a sheet of them, in the folder that -o names',
    )


def given_settings(args: argparse.Namespace, method: str) -> dict[str, Any]:
    """Return the settings among the arguments, by name.

    Raises GluonStyleError for an option that means nothing to the method.
    """
    given = vars(args)
    names = foreign_settings(given, method)
    unused: tuple[str, ...] = ()
    if method != DEFAULT_METHOD:
        unused += _OF_OPTIMIZATION
    # A video can be interrupted between its frames.
    if not METHODS[method].has_epochs and args.command != 'video':
        unused += _OF_EPOCHS
    if method != _OF_SEEDS:
        unused += ('variations',)
    names += [name for name in unused if _is_given(args, name)]
    # A sweep makes what ``run`` does.
    command = args.command if args.command in COMMANDS else 'run'
    unused = tuple(meaningless(METHODS[method].settings, command))
    names += [name for name in unused if name in given]
    if names:
        option = f'--{names[0].replace("_", "-")}'
        raise GluonStyleError(
            f'option {option} means nothing to the method {method}: leave it '
            'out'
        )
    own = [field.name for field in fields(METHODS[method].settings)]
    return {name: given[name] for name in own if name in given}


def _is_given(args: argparse.Namespace, name: str) -> bool:
    value = getattr(args, name, None)
    return value not in (None, False, args.parser.get_default(name))


def chosen_method(args: argparse.Namespace) -> str:
    """Return the method that --method, or the record of --config, names."""
    # The commands without a style have one method.
    method = getattr(args, 'method', DEFAULT_METHOD)
    if method is not None:
        return method
    from gluon_style.records.result import read_record

    config = args.config
    if config and Path(config).suffix == '.json' and Path(config).is_file():
        with contextlib.suppress(GluonStyleError):
            # Whoever reads the record complains about a broken one.
            record, _ = read_record(config)
            return (
                record.method if record.method in METHODS else DEFAULT_METHOD
            )
    return DEFAULT_METHOD
