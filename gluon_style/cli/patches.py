"""gluon-style run --method diffusion, and texture: a picture of patches."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from gluon_style.cli.folder import is_folder, make_folder, make_variations
from gluon_style.cli.method import given_settings
from gluon_style.cli.picture import make_picture
from gluon_style.cli.pipes import from_input, is_pipe
from gluon_style.cli.request import Request, free_name, say_of_several
from gluon_style.errors import GluonStyleError
from gluon_style.methods.diffusion.settings import METHOD, Settings
from gluon_style.pictures.opening import require_file
from gluon_style.records.result import read_record


def paint(args: argparse.Namespace) -> int:
    """Make the picture, or several; return the exit code."""
    settings, pictures = _of_config(args)
    settings = settings.changed(given_settings(args, METHOD))
    if getattr(args, 'variations', None):
        return make_variations(args, settings)
    if is_folder(args):
        return make_folder(args, settings)
    return make_picture(args, _request(args, settings, pictures))


def _of_config(args: argparse.Namespace) -> tuple[Settings, dict[str, Any]]:
    """Return the settings of a record, and its pictures by role."""
    if not args.config:
        return Settings(), {}
    from gluon_style.methods.diffusion.repeat import repeated

    path = Path(args.config)
    if path.suffix != '.json':
        raise GluonStyleError(
            f'config {args.config!r} must be the .json of a picture of the '
            f'method {METHOD}: give the settings as options'
        )
    record, _ = read_record(path)
    has_content = record.pictures['content'].sha256 is not None
    if has_content != (args.command == 'run'):
        command = 'run' if has_content else 'texture'
        raise GluonStyleError(
            f'config {args.config!r} is a record for {command}, not for '
            f'{args.command}: use gluon-style {command} --config'
        )
    given = vars(args)
    roles = {'content': 'content', 'styles': 'style', 'mask': 'mask'}
    replaced = [role for name, role in roles.items() if given.get(name)]
    return repeated(record, path, replaced)


def _request(
    args: argparse.Namespace, settings: Settings, pictures: dict[str, Any]
) -> Request:
    image = from_input(args)
    given = vars(args)
    content = given.get('content') or pictures.get('content')
    mask = given.get('mask') or pictures.get('mask')
    styles = given.get('styles') or [
        pictures[role] for role in pictures if role.startswith('style')
    ]
    if args.command == 'run' and content is None:
        raise GluonStyleError('no content picture is given: name one')
    if not styles:
        raise GluonStyleError('no style picture is given: name one')
    output = args.output or free_name([content, *styles], args.command)
    request = Request(
        content=image if is_pipe(content) else content,
        styles=[image if is_pipe(style) else style for style in styles],
        mask=image if is_pipe(mask) else mask,
        settings=settings,
        output=output,
    )
    for picture in request.files:
        require_file(picture)
    say_of_several(request)
    return request
