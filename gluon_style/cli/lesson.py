"""Learn a style for the command learn, with all that watches, and write it."""

from __future__ import annotations

import argparse
import time
from dataclasses import fields
from pathlib import Path
from typing import Any

from gluon_style.cli.messages import NOT_FINITE, complain
from gluon_style.cli.picture import StopOnSignal
from gluon_style.errors import GluonStyleError, NonFiniteLossError
from gluon_style.methods.feedforward.lesson_settings import LessonSettings
from gluon_style.methods.observers import Observer, Picture, Progress
from gluon_style.records.record import Epoch

# Seconds between two previews.
_PREVIEW_EVERY = 5


def learn_style(args: argparse.Namespace) -> int:
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
    from gluon_style.files.ours import require_output

    painting = Path(args.painting)
    if not painting.is_file():
        raise FileNotFoundError(f'picture {str(painting)!r} is not a file')
    for path in (output, output.with_suffix('.png')):
        if path.resolve() == painting.resolve():
            raise GluonStyleError(
                f'{str(path)!r} is the painting: give the output another name'
            )
        require_output(path, force=args.force)


def _learn(
    args: argparse.Namespace,
    settings: LessonSettings,
    output: Path,
    stop: StopOnSignal,
) -> int:
    from gluon_style.methods.feedforward.learn import learn_and_keep

    # Beside the style, hidden: it is removed at the end.
    checkpoint = output.with_name(f'.{output.name}.learning')
    preview = Preview(output.with_suffix('.png'))
    try:
        style = learn_and_keep(
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
    record = style.record
    if not record['stopped']:
        checkpoint.unlink(missing_ok=True)
    preview.write()
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
