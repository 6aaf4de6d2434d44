"""What a command line asks for: pictures, settings, output."""

from __future__ import annotations

import argparse
import itertools
import logging
import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gluon_style.cli.config import read_config_of, settings_of
from gluon_style.cli.pipes import from_input, is_pipe
from gluon_style.errors import GluonStyleError
from gluon_style.methods.gatys.kinds import noise_part, require_init
from gluon_style.methods.gatys.settings import Settings
from gluon_style.pictures.opening import require_files

logger = logging.getLogger(__name__)

_PICTURES = {
    'run': 'CONTENT and STYLE',
    'texture': 'STYLE',
    'reconstruct': 'CONTENT',
}


@dataclass(frozen=True)
class Request:
    """One picture to be made.

    ``content`` and ``mask`` may be None, ``styles`` may be empty. Pictures
    are paths or arrays. ``output`` is a file's path.
    """

    content: Any
    styles: list[Any]
    mask: Any
    settings: Any
    output: str

    @property
    def files(self) -> list[str | Path]:
        """The paths of all pictures that are files."""
        pictures = [self.content, *self.styles, self.mask]
        pictures.append(getattr(self.settings, 'init_file', None))
        return [img for img in pictures if isinstance(img, (str, Path))]


def read_request(args: argparse.Namespace) -> Request:
    """Return the ``Request`` of parsed arguments.

    Raises FileNotFoundError or GluonStyleError, in one sentence, for a
    missing picture and for what makes no sense.
    """
    image = from_input(args)
    config = read_config_of(args)
    pictures = config.pictures
    given = vars(args)
    content = given.get('content') or pictures.get('content')
    styles = given.get('styles') or pictures.get('style', [])
    mask = given.get('mask') or pictures.get('mask')
    output = args.output or pictures.get('output')
    if output is None:
        output = free_name([content, *styles], args.command)
    request = Request(
        content=image if is_pipe(content) else content,
        styles=[image if is_pipe(style) else style for style in styles],
        mask=image if is_pipe(mask) else mask,
        settings=settings_of(args, config),
        output=output,
    )
    _require_no_others(args, request)
    _require_pictures(args.command, request)
    say_of_several(request)
    say_without_effect(vars(args), request.settings, request.mask is not None)
    return request


def say_without_effect(
    given: dict[str, Any], settings: Settings, has_mask: bool = False
) -> None:
    """Log a warning for each option that changes nothing in this run."""
    reasons: dict[str, str] = {}
    if settings.optimizer == 'lbfgs':
        reasons = dict.fromkeys(
            ('lr', 'lr_decay', 'lr_decay_epoch'), 'the optimizer is lbfgs'
        )
    if not has_mask:
        reasons['feather'] = 'there is no mask'
    if noise_part(settings.init) == 0:
        reasons['seed'] = f'init is {settings.init}, without noise'
    for name, reason in reasons.items():
        if name in given:
            logger.warning(
                'option --%s has no effect, because %s',
                name.replace('_', '-'),
                reason,
            )


def free_name(pictures: list[Any], command: str) -> str:
    """Return a name in the current folder that no result has yet.

    'photo-painting.png', and 'photo-painting-2.png' if that exists. A
    style's number, net:15, is 'net_15' in it.
    """
    stems = [
        'stdin' if is_pipe(picture) else Path(picture).stem.replace(':', '_')
        for picture in pictures
        if isinstance(picture, (str, Path))
    ]
    if command != 'run':
        stems[1:] = [command]
    # Pictures of a former run may be arrays, which have no names.
    stem = '-'.join(stems[:2]) or 'picture'
    names = (f'{stem}-{i}' if i > 1 else stem for i in itertools.count(1))
    return next(
        f'{name}.png'
        for name in names
        if not any(map(os.path.lexists, (f'{name}.png', f'{name}.json')))
    )


def say_of_several(request: Request) -> None:
    """Say that several styles are one style: they may be meant as contents."""
    if len(request.styles) < 2 or request.mask is not None:
        return
    if request.output and Path(request.output).is_dir():
        raise GluonStyleError(
            'several pictures are given and the output is a folder: run '
            'takes one CONTENT, so use gluon-style sweep CONTENT... --style '
            f'STYLE -o {request.output}'
        )
    if request.settings.style_blend is None:
        logger.info(
            'one content picture, %s, and the mean of %d styles: for several '
            'contents use gluon-style sweep',
            request.content,
            len(request.styles),
        )


def _require_no_others(args: argparse.Namespace, request: Request) -> None:
    """Raise an error where a STYLE seems to be the output, or of a size."""
    from gluon_style.pictures.write import SUFFIXES

    names = [s for s in request.styles if isinstance(s, (str, Path))]
    for style in map(str, names):
        if Path(style).exists():
            continue
        if re.fullmatch('[0-9]+|[xX]', style):
            raise GluonStyleError(
                f'picture {style!r} is not a file: if it is part of a size, '
                'type that as one word, such as 600x400'
            )
        if re.fullmatch(r'net:\d+|.*\.style', style):
            raise GluonStyleError(
                f'style {style!r} is not a picture: for a style of one pass '
                'add --method feedforward'
            )
    if args.output is not None or len(request.styles) < 2:
        return
    last = Path(str(request.styles[-1]))
    if last.suffix.lower() in SUFFIXES and not last.exists():
        raise GluonStyleError(
            f'picture {str(last)!r} is not a file: if it is meant as the '
            f'output, type -o {shlex.quote(str(last))}'
        )


def _require_pictures(command: str, request: Request) -> None:
    """Raise an error where a picture that is needed is missing."""
    if not Path(request.settings.init).suffix:
        # It may be a word.
        require_init(request.settings.init)
    require_files(request.files)
    if request.content is None and not request.styles:
        raise GluonStyleError(
            f'no picture is given: name {_PICTURES[command]}'
        )
    if command == 'run' and not request.styles:
        if request.settings.style_weight:
            raise GluonStyleError('no style picture is given: name one')
    if command == 'run' and request.content is None:
        if request.settings.content_weight:
            raise GluonStyleError('no content picture is given: name one')
