"""The files that a run is to write: checked before, written after.

Another program's files are overwritten only with ``--force``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from gluon_style.cli.messages import sentence, tell
from gluon_style.cli.pipes import PIPE
from gluon_style.errors import GluonStyleError
from gluon_style.files.atomic import claim
from gluon_style.files.ours import require_ours, require_output
from gluon_style.methods.observers import (
    Animate,
    Observer,
    Plan,
    require_steps,
)
from gluon_style.pictures.write import check_output
from gluon_style.records.result import Result, require_result_files


@dataclass(eq=False)
class Outputs(Observer):
    """The picture, its record beside it, and what else is asked for.

    ``checkpoint`` is the folder of the checkpoint, if there will be one.
    ``plot`` and ``animation`` are paths or None; with ``save_every`` a
    picture of every so many epochs is written beside the picture.
    ``animate`` is what makes the animation, if there is one.
    """

    picture: Path
    checkpoint: Path
    plot: str | None = None
    animation: str | None = None
    save_every: int | None = None
    force: bool = False
    animate: Animate | None = None

    @classmethod
    def of(cls, args: argparse.Namespace, output: str) -> Outputs:
        """Return the outputs that arguments ask for."""
        picture = Path(output)
        check_output(picture)
        return cls(
            picture,
            Path(args.checkpoint or picture.with_suffix('.checkpoint')),
            args.plot,
            args.animation,
            args.save_every,
            args.force,
        )

    def begin(self, plan: Plan) -> None:
        """Refuse a picture that its format cannot hold."""
        check_output(self.picture, plan.output_shape)

    @property
    def record(self) -> Path:
        """The path of the picture's record."""
        return self.picture.with_suffix('.json')

    @property
    def _written(self) -> list[Path]:
        others = [path for path in (self.plot, self.animation) if path]
        return [self.picture, self.record, *map(Path, others)]

    def check(self, inputs: list[str | Path]) -> None:
        """Find out before a long run whether its files can be written.

        No file may be one of the ``inputs``, or another program's. Raises
        GluonStyleError, in one sentence.
        """
        if self.plot is not None:
            from gluon_style.chapter.plots import check_suffix

            check_suffix(self.plot)
        if self.animation is not None:
            from gluon_style.pictures.animation import check_animation

            check_animation(self.animation)
        taken = [*map(Path, inputs), self.checkpoint]
        for path in self._written:
            require_output(path, taken, self.force)
            taken.append(path)
        if self.save_every is not None:
            require_steps(self.picture, taken, self.force)
        require_result_files(self.picture, self.force)

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Keep other runs from writing any of the files meanwhile."""
        with ExitStack() as stack:
            for path in self._written:
                stack.enter_context(claim(path))
            yield

    def write(self, result: Result) -> list[str]:
        """Write all files, the picture and its record first.

        Returns a sentence for each that could not be written; the others
        are.
        """
        problems = []
        for write in (self._save, self._draw, self._animate):
            try:
                write(result)
            except (OSError, GluonStyleError) as error:
                problems.append(sentence(error))
        return problems

    def _save(self, result: Result) -> None:
        result.save(self.picture, force=self.force)

    def _draw(self, result: Result) -> None:
        if self.plot is not None:
            from gluon_style.chapter.plots import plot_result

            require_ours(self.plot, self.force)
            plot_result(result.image, result.history).save(self.plot)

    def _animate(self, result: Result) -> None:
        if self.animate is not None:
            self.animate.save()


def tell_of_result(
    args: argparse.Namespace,
    outputs: Outputs,
    result: Result,
    seconds: float | None,
    words: str,
    error: str | None = None,
) -> None:
    """Print what was made: in ``words``, with ``--json`` as an object.

    That is on standard error where the picture is on standard output.
    ``error`` is a sentence about what went wrong, which was said already.
    """
    record, is_piped = result.record, args.output == PIPE
    losses = record.losses
    about = {
        'file': PIPE if is_piped else str(outputs.picture),
        'width': record.width,
        'height': record.height,
        'epochs': record.epochs,
        'seconds': seconds,
        'losses': None if losses is None else losses.to_json(),
        'stopped': record.stopped,
        'error': error,
    }
    tell(args, words, about, sys.stderr if is_piped else sys.stdout)
