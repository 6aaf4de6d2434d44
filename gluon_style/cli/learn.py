"""gluon-style learn: the style of a painting, for one pass."""

from __future__ import annotations

import argparse
import time
from dataclasses import fields
from pathlib import Path
from typing import Any

from gluon_style.cli.messages import NOT_FINITE, complain
from gluon_style.cli.options import add_force, add_quiet, add_settings
from gluon_style.cli.picture import StopOnSignal
from gluon_style.errors import GluonStyleError, NonFiniteLossError
from gluon_style.methods.feedforward.lesson_settings import LessonSettings
from gluon_style.methods.observers import Observer, Picture, Progress
from gluon_style.records.record import Epoch

HELP = 'learn the style of a painting, in a minute, for one pass'
DESCRIPTION = (
    'Learn how a net of one pass paints like PAINTING, and write it to '
    'OUT.style, some kilobytes, for gluon-style run --method feedforward. A '
    'preview, OUT.png, shows how far it is. Ctrl-C keeps what is learned so '
    'far, and --resume goes on.'
)
# Seconds between two previews.
_PREVIEW_EVERY = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the painting and the options."""
    parser.usage = '%(prog)s PAINTING -o OUT.style [OPTIONS]'
    parser.add_argument('painting', metavar='PAINTING', help='the painting')
    parser.add_argument(
        '-o',
        '--output',
        required=True,
        metavar='OUT.style',
        help='the style; OUT.png gets the preview',
    )
    parser.add_argument(
        '--photos',
        metavar='DIR',
        help='photographs to learn on (default: five of scikit-image)',
    )
    parser.add_argument(
        '--resume',
        action='store_true',
        help='go on from where an interrupted command was, with the same '
        'options; --seconds and --iterations may differ, and count from the '
        'start',
    )
    add_quiet(parser)
    add_force(parser)
    add_settings(parser, LessonSettings(), 'learn', where='default')


def run(args: argparse.Namespace) -> int:
    """Learn the style and write it; return the exit code."""
    from gluon_style.files.atomic import claim
    from gluon_style.methods.feedforward.styles import require_suffix

    given = vars(args)
    names = [field.name for field in fields(LessonSettings)]
    settings = LessonSettings().changed(
        {name: given[name] for name in names if name in given}
    )
    output = require_suffix(args.output)
    _check(args, output)
    with claim(output), StopOnSignal() as stop:
        return _learn(args, settings, output, stop)


def _check(args: argparse.Namespace, output: Path) -> None:
    """Raise an error for what the command would find out minutes later."""
    from gluon_style.files.ours import require_ours

    painting = Path(args.painting)
    if not painting.is_file():
        raise FileNotFoundError(f'picture {str(painting)!r} is not a file')
    if not output.parent.is_dir():
        raise GluonStyleError(
            f'output folder {str(output.parent)!r} does not exist: make it '
            'first'
        )
    for path in (output, output.with_suffix('.png')):
        if path.resolve() == painting.resolve():
            raise GluonStyleError(
                f'{str(path)!r} is the painting: give the output another name'
            )
        require_ours(path, args.force)


def _learn(
    args: argparse.Namespace,
    settings: LessonSettings,
    output: Path,
    stop: StopOnSignal,
) -> int:
    from gluon_style.methods.feedforward.learn import learn

    # Beside the style, hidden: it is removed at the end.
    checkpoint = output.with_name(f'.{output.name}.learning')
    preview = Preview(output.with_suffix('.png'))
    try:
        style = learn(
            args.painting,
            settings,
            photos=args.photos,
            observers=[Progress('learning', args.quiet), preview, stop],
            checkpoint=checkpoint,
            resume=args.resume,
        )
    except NonFiniteLossError as error:
        complain(f'{error}; nothing was written')
        return NOT_FINITE
    style.save(output)
    preview.write()
    record = style.record
    if record['stopped']:
        complain(
            f'stopped by {record["stopped"]} after {record["iterations"]} '
            f'steps: the style so far is in {output}; to go on, add --resume'
        )
    elif not args.quiet:
        print(
            f'{output}: {record["iterations"]} steps in '
            f'{record["seconds"]:.0f} s from {record["start"]}, style loss '
            f'{record["losses"]["first"]["style"]:.3f} to '
            f'{record["losses"]["last"]["style"]:.3f}'
        )
    return stop.code


class Preview(Observer):
    """Write a painted photograph every few seconds, and at the end."""

    def __init__(self, path: Path) -> None:
        self._path, self._written = path, time.perf_counter()
        self._picture: Any = None

    def epoch(self, history: list[Epoch], picture: Picture) -> None:
        """Write the picture, if some seconds have passed."""
        self._picture = picture
        if time.perf_counter() - self._written > _PREVIEW_EVERY:
            self.write()

    def write(self) -> None:
        """Write the last picture; without one, nothing."""
        from gluon_style.pictures.write import save_image

        if self._picture is not None:
            save_image(self._picture(), self._path)
            self._written = time.perf_counter()
