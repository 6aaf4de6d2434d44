"""gluon-style run for a folder: of several contents, or of several seeds."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from gluon_style.errors import GluonStyleError

# What is for one picture only.
_FOR_ONE = (
    *('config', 'mask', 'plot', 'animation', 'save_every', 'checkpoint'),
    *('resume', 'checkpoint_every'),
)


def is_folder(args: argparse.Namespace) -> bool:
    """Return whether the content of ``run`` is a folder of pictures."""
    content = getattr(args, 'content', None)
    named = args.command == 'run' and content
    return bool(named) and Path(str(content)).is_dir()


def make_folder(args: argparse.Namespace, settings: Any) -> int:
    """Give each picture of a folder the style; return the exit code."""
    reason = f'the content {args.content!r} is a folder'
    return _make_all(args, settings, {}, reason, 'name a file')


def make_variations(args: argparse.Namespace, settings: Any) -> int:
    """Make pictures that differ in their seeds; return the exit code."""
    last = settings.seed + args.variations - 1
    # This refuses a seed that is too large.
    settings.changed({'seed': last})
    return _make_all(
        args,
        settings,
        {'seed': list(range(settings.seed, last + 1))},
        '--variations makes several pictures',
        'make one',
    )


def _make_all(
    args: argparse.Namespace,
    settings: Any,
    varied: dict[str, list[Any]],
    reason: str,
    advice: str,
) -> int:
    from gluon_style.cli.sweep import make_all

    for name in _FOR_ONE:
        if getattr(args, name):
            raise GluonStyleError(
                f'--{name.replace("_", "-")} is for one picture and '
                f'{reason}: leave it out, or {advice}'
            )
    if len(args.styles) != 1:
        raise GluonStyleError(
            f'{reason} and the number of styles is {len(args.styles)}: name '
            'one STYLE, or use gluon-style sweep for several'
        )
    if args.output is None:
        raise GluonStyleError(
            'no output is given: name a folder for the results with -o'
        )
    return make_all(args, [args.content], args.styles, settings, varied)
