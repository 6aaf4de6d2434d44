"""What --config means to a command: a TOML file, or the record of a run.

The command line comes before ``--config``, and that before the preset. A
TOML may serve several commands: each leaves out what means nothing to it. A
record is for the command that made it alone.
"""

from __future__ import annotations

import argparse
from dataclasses import fields, replace

from gluon_style.cli.pipes import is_pipe
from gluon_style.errors import GluonStyleError
from gluon_style.methods.fields import meaningless
from gluon_style.methods.gatys.config import Config, read_config
from gluon_style.methods.gatys.presets import DEFAULT_PRESET, layer_alone
from gluon_style.methods.gatys.settings import Settings
from gluon_style.pictures.opening import require_files

# The pictures that mean nothing to a command.
_UNUSED_PICTURES = {
    'texture': ('content', 'mask'),
    'reconstruct': ('style', 'mask'),
}


def read_config_of(args: argparse.Namespace) -> Config:
    """Return what ``--config`` means to the command."""
    if not args.config:
        return Config({})
    config = read_config(args.config, given=_given_pictures(args))
    if config.command is None:
        return _meaningful(config, args.command)
    if config.command != args.command:
        raise GluonStyleError(
            f'config {args.config!r} is a record for {config.command}, not '
            f'for {args.command}: use gluon-style {config.command} --config'
        )
    if args.preset is not None:
        raise GluonStyleError(
            f'preset is {args.preset!r} and config {args.config!r} is a '
            'record, which has all settings: leave out one of them'
        )
    return config


def _given_pictures(args: argparse.Namespace) -> dict[str, str]:
    """Return the paths on the command line by their role in a record."""
    given = vars(args)
    first, *others = given.get('styles') or [None]
    pictures = {role: given.get(role) for role in ('content', 'mask')}
    pictures['style'] = first
    pictures.update(
        {f'style {i}': path for i, path in enumerate(others, start=2)}
    )
    init = given.get('init')
    if init is not None:
        pictures['init'] = Settings(init=init).init_file
    paths = {
        role: path
        for role, path in pictures.items()
        if path and not is_pipe(path)
    }
    require_files(paths.values())
    return paths


def _meaningful(config: Config, command: str) -> Config:
    """Return a config without what means nothing to a command."""
    unused = meaningless(Settings, command)
    settings = {
        name: value
        for name, value in config.settings.items()
        if name not in unused
    }
    pictures = {
        name: path
        for name, path in config.pictures.items()
        if name not in _UNUSED_PICTURES.get(command, ())
    }
    return replace(config, settings=settings, pictures=pictures)


def settings_of(
    args: argparse.Namespace, config: Config | None = None
) -> Settings:
    """Return the settings that the arguments and a config ask for."""
    config = config or Config({})
    name = args.preset or config.preset or DEFAULT_PRESET
    settings = args.from_preset(name)
    changes, given = dict(config.settings), vars(args)
    if given.get('layer') is not None:
        changes.update(layer_alone(args.layer))
    names = [field.name for field in fields(settings)]
    changes.update({name: given[name] for name in names if name in given})
    return settings.changed(changes)
