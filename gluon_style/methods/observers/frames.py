"""What keeps pictures of a run on its way: an animation, a file for each."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gluon_style.errors import GluonStyleError
from gluon_style.files.ours import require_ours, require_output
from gluon_style.methods.fields import Integer
from gluon_style.methods.observers.observer import Observer, Picture, Plan
from gluon_style.pictures import Array
from gluon_style.pictures.animation import Animation
from gluon_style.pictures.read import as_bytes
from gluon_style.pictures.resize import resized
from gluon_style.pictures.write import check_output, save_image
from gluon_style.records.record import Epoch
from gluon_style.records.result import Result

logger = logging.getLogger(__name__)


class Animate(Observer):
    """Make an animation of the run, a .gif or an .mp4.

    It is written at the end, unless ``write`` is false: then ``save`` does.
    ``force`` overwrites another program's file.
    """

    def __init__(
        self, path: str | Path, *, write: bool = True, force: bool = False
    ) -> None:
        self.path = Path(path)
        self._write, self._force = write, force
        self._divisor = 1
        self.animation: Animation | None = None

    def begin(self, plan: Plan) -> None:
        """Refuse a path that cannot be written."""
        require_output(self.path, plan.inputs, self._force)
        self._divisor = plan.every
        self.animation = Animation(self.path, plan.image_shape)

    def epoch(self, history: list[Epoch], picture: Picture) -> None:
        """Take the frame if it is due."""
        animation, epoch = self._begun(), history[-1].epoch
        # A run that was interrupted and resumed has the same frames as one
        # that was not, so the epoch of the interruption is not one of them.
        if epoch % self._divisor == 0 and animation.due(epoch):
            animation.add(as_bytes(picture()), epoch)

    def end(self, result: Result) -> None:
        """Take the finished picture as the last frame."""
        self._begun().add(result.image, len(result.history))
        if self._write:
            self.save()

    def save(self) -> None:
        """Write the animation, whole or not at all.

        Raises GluonStyleError where there is no frame or the path is another
        program's, and OSError as writing does.
        """
        # Another program may have written there since the run began.
        require_ours(self.path, self._force)
        self._begun().save()

    def packed(self) -> tuple[dict[str, Any], Array]:
        """Return the frames for a checkpoint, as JSON and as bytes."""
        return self._begun().packed()

    def restore(self, frames: dict[str, Any], data: Array) -> None:
        """Go on from the frames of a checkpoint."""
        if not frames['lengths']:
            logger.warning(
                'the checkpoint has no frames: the animation begins there'
            )
        self._begun().restore(frames, data)

    def _begun(self) -> Animation:
        if self.animation is None:
            raise GluonStyleError(
                f'animation {str(self.path)!r} has no frame: give it to a '
                'run, in observers'
            )
        return self.animation


class SaveSteps(Observer):
    """Write the picture of every so many epochs beside ``output``.

    With ``output`` 'out.png' they are 'out-00020.png', 'out-00040.png' and
    so on. Another program's file is kept, with a warning, unless ``force``.
    """

    def __init__(
        self, output: str | Path, every: int, *, force: bool = False
    ) -> None:
        self.every = Integer(least=1).check('save_every', every)
        self.output = Path(output)
        self._force = force
        self._warned = False
        self._shape: tuple[int, int] | None = None

    def begin(self, plan: Plan) -> None:
        """Refuse an output that cannot be written."""
        check_output(self.output, plan.output_shape)
        require_output(self.output, plan.inputs, self._force)
        require_steps(self.output, plan.inputs, self._force)
        differs = plan.output_shape != plan.image_shape
        self._shape = plan.output_shape if differs else None
        self._warned = False

    def epoch(self, history: list[Epoch], picture: Picture) -> None:
        """Write the picture; a failure is a warning, once."""
        epoch = history[-1].epoch
        try:
            self._write(step_path(self.output, epoch), picture())
        except (OSError, GluonStyleError) as error:
            if not self._warned:
                logger.warning(
                    'the picture of epoch %d was not saved: %s', epoch, error
                )
            self._warned = True

    def _write(self, path: Path, pixels: Array) -> None:
        require_ours(path, self._force)
        if self._shape is not None:
            pixels = resized(pixels, self._shape)
        save_image(pixels, path)


def require_steps(
    output: Path, others: Iterable[Path], force: bool = False
) -> None:
    """Raise GluonStyleError unless ``SaveSteps`` can write beside ``output``.

    Its pictures must not have the names of ``others``, which the run reads
    or writes, nor, unless ``force`` is true, of another program's files.
    """
    folder = output.resolve().parent
    for path in map(Path.resolve, others):
        if path.parent == folder and is_step(path, output):
            raise GluonStyleError(
                f'{path.name!r} has the name of a picture that --save-every '
                'writes: give the output another name'
            )
    for path in sorted(output.parent.iterdir()):
        if is_step(path, output):
            require_ours(path, force)


def step_path(output: Path, epoch: int) -> Path:
    """Return where the picture of an epoch goes: 'out-00020.png'."""
    return output.with_name(f'{output.stem}-{epoch:05d}{output.suffix}')


def is_step(path: Path, output: Path) -> bool:
    """Return whether ``step_path`` gives ``path`` its name for some epoch."""
    stem, suffix = re.escape(output.stem), re.escape(output.suffix)
    return bool(re.fullmatch(rf'{stem}-\d{{5,}}{suffix}', path.name))
