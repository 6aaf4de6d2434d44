"""What watches a run: progress, animation, saved steps, forecast, and yours.

An observer of a run has five methods, called in this order:

- ``begin(plan)`` before the first epoch, with the ``Plan``;
- ``stop()`` after each epoch: what it returns, if anything, ends the run
  with the best picture so far, and stands in the record as the reason;
- ``epoch(history, picture)`` after each epoch, or more seldom: see
  ``Observer.every``. ``history`` has all epochs so far, and ``picture()``
  gives the picture, (height, width, 3) of float32 of 0 to 1;
- ``end(result)`` at the end, with the ``Result``;
- ``close()`` last, also after a run that failed.

``begin`` may refuse the run. Later, an observer that cannot write or print is
a warning, and the run goes on.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy

from gluon_style.errors import GluonStyleError
from gluon_style.files.ours import require_ours
from gluon_style.methods import PATIENCE
from gluon_style.methods.fields import Integer
from gluon_style.pictures.animation import Animation
from gluon_style.pictures.read import as_bytes, resized
from gluon_style.pictures.write import check_output, save_image
from gluon_style.records.record import Epoch
from gluon_style.records.result import Result

logger = logging.getLogger(__name__)

Picture = Callable[[], numpy.ndarray]


@dataclass(frozen=True)
class Forecast:
    """What a run will take, about: ``seconds``, and ``memory`` in bytes.

    ``free`` are the bytes of memory that are free. ``within(patience)``
    returns the (width, height) of a picture that takes so many seconds.
    """

    seconds: float
    memory: float
    free: float
    within: Callable[[float], tuple[int, int]]


@dataclass(frozen=True)
class Plan:
    """What a run is going to do.

    ``steps`` has ((width, height), epochs) for each scale. ``image_shape``
    is the (width, height) of the finished picture, before it is resized to
    ``output_shape``. ``tile`` is the longest side of the tiles, or None.
    ``forecast()`` measures this machine, which takes seconds.
    """

    steps: list[tuple[tuple[int, int], int]]
    image_shape: tuple[int, int]
    output_shape: tuple[int, int]
    tile: int | None
    forecast: Callable[[], Forecast]


class Observer:
    """Watch a run and do nothing; override what you need.

    ``every`` is the number of epochs between two calls of ``epoch``. None
    leaves it to the method: each epoch on the CPU, every tenth on a GPU,
    which waits at each.
    """

    every: int | None = None

    def begin(self, plan: Plan) -> None:
        """Take in what the run is going to do."""

    def stop(self) -> str | None:
        """Return a reason to end the run, or None."""
        return None

    def epoch(self, history: list[Epoch], picture: Picture) -> None:
        """Take in the losses so far."""

    def end(self, result: Result) -> None:
        """Take in the result."""

    def close(self) -> None:
        """Give up what is held; called last, also after a failed run."""


class Observers(Observer):
    """Several observers as one, none of which ends a run by failing."""

    def __init__(self, observers: Iterable[Observer]) -> None:
        self.observers = list(observers)
        self._failed: set[Observer] = set()

    def epochs_between(self, default: int) -> int:
        """Return a number of epochs at which every observer finds its own.

        Those that leave it to the method, or take no epochs, have the
        ``default``.
        """
        return (
            math.gcd(
                *(
                    each.every or default
                    for each in self.observers
                    if type(each).epoch is not Observer.epoch
                )
            )
            or default
        )

    def find(self, kind: type) -> Any:
        """Return the first observer of a kind, or None."""
        return next((o for o in self.observers if isinstance(o, kind)), None)

    def begin(self, plan: Plan) -> None:
        """Pass the plan on; an error of an observer ends the run."""
        for observer in self.observers:
            observer.begin(plan)

    def stop(self) -> str | None:
        """Return the first reason that an observer has."""
        for observer in self.observers:
            reason = observer.stop()
            if reason:
                return reason
        return None

    def epoch(self, history: list[Epoch], picture: Picture) -> None:
        """Pass an epoch on."""
        for observer in self.observers:
            self._carefully(observer, observer.epoch, history, picture)

    def end(self, result: Result) -> None:
        """Pass the result on."""
        for observer in self.observers:
            self._carefully(observer, observer.end, result)

    def close(self) -> None:
        """Close all."""
        for observer in self.observers:
            self._carefully(observer, observer.close)

    def _carefully(
        self, observer: Observer, call: Callable[..., None], *arguments: Any
    ) -> None:
        try:
            call(*arguments)
        except (OSError, GluonStyleError) as error:
            # The same observer fails again at each epoch.
            if observer not in self._failed:
                logger.warning(
                    'the observer %s failed: %s',
                    type(observer).__name__,
                    error,
                )
            self._failed.add(observer)


class Progress(Observer):
    """Show a run's progress, by pixels times epochs, and its losses.

    It is a bar of ``tqdm.auto``, so that a notebook has one of its own.
    """

    def __init__(self, name: str = '', quiet: bool = False) -> None:
        self._name, self._quiet = name, quiet
        self._bar: Any = None
        self._steps: list[tuple[tuple[int, int], int]] = []

    def begin(self, plan: Plan) -> None:
        """Open the bar."""
        from tqdm.auto import tqdm

        self._steps = plan.steps
        self._bar = tqdm(
            total=sum(w * h * epochs for (w, h), epochs in plan.steps),
            desc=self._name,
            disable=self._quiet,
            # No empty bar stands before an error's sentence.
            delay=1e-3,
            bar_format='{desc} {percentage:.0f}%|{bar}| '
            '{elapsed}<{remaining}{postfix}',
        )

    def epoch(self, history: list[Epoch], picture: Picture) -> None:
        """Move the bar on."""
        last = history[-1]
        before = done = epochs = 0
        for (width, height), epochs in self._steps:
            if (width, height) == last.scale:
                break
            before, done = before + epochs, done + width * height * epochs
        width, height = last.scale
        epoch = last.epoch - before
        self._bar.set_description_str(
            f'{self._name} {width}x{height} {epoch}/{epochs}', refresh=False
        )
        self._bar.set_postfix_str(
            f'content {last.content:.2f}, style {last.style:.2f}, '
            f'TV {last.tv:.2f}',
            refresh=False,
        )
        self._bar.update(done + width * height * epoch - self._bar.n)

    def close(self) -> None:
        """Close the bar."""
        if self._bar is not None:
            self._bar.close()


class Patience(Observer):
    """Log a forecast of a long run, as a warning beyond ``seconds``.

    A short run is not measured.
    """

    # Pixels times epochs of a run that takes minutes on two cores.
    BIG_RUN = 2e7

    def __init__(self, seconds: float = PATIENCE) -> None:
        self.seconds = seconds

    def begin(self, plan: Plan) -> None:
        """Measure and log where the run is long."""
        width, height = plan.image_shape
        epochs = plan.steps[-1][1]
        part = min(1, self.seconds / PATIENCE)
        if width * height * epochs > self.BIG_RUN * part:
            self._log(plan, plan.forecast(), epochs)

    def _log(self, plan: Plan, forecast: Forecast, epochs: int) -> None:
        logger.info(
            '%dx%d pixels%s: about %.1f min for %d epochs, and %.1f GB of '
            'the %.1f GB free',
            *plan.image_shape,
            f' in tiles of {plan.tile}' if plan.tile else '',
            forecast.seconds / 60,
            epochs,
            forecast.memory / 1e9,
            forecast.free / 1e9,
        )
        if forecast.seconds > self.seconds:
            smaller = forecast.within(self.seconds)
            part = math.prod(smaller) / math.prod(plan.image_shape)
            logger.warning(
                'this run will take long: with %dx%d pixels it would take '
                'about %.1f min',
                *smaller,
                forecast.seconds / 60 * part,
            )


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
        self.animation: Animation | None = None

    def begin(self, plan: Plan) -> None:
        """Refuse a path that cannot be written."""
        require_ours(self.path, self._force)
        self.animation = Animation(self.path, plan.image_shape)

    def epoch(self, history: list[Epoch], picture: Picture) -> None:
        """Take the frame if it is due."""
        animation = self._begun()
        if animation.due(history[-1].epoch):
            animation.add(as_bytes(picture()), history[-1].epoch)

    def end(self, result: Result) -> None:
        """Take the finished picture as the last frame."""
        self._begun().add(result.image, len(result.history))
        if self._write:
            self.save()

    def save(self) -> None:
        """Write the animation, whole or not at all."""
        # Another program may have written there since the run began.
        require_ours(self.path, self._force)
        self._begun().save()

    def packed(self) -> tuple[dict[str, Any], numpy.ndarray]:
        """Return the frames for a checkpoint, as JSON and as bytes."""
        return self._begun().packed()

    def restore(self, frames: dict[str, Any], data: numpy.ndarray) -> None:
        """Go on from the frames of a checkpoint."""
        if not frames['lengths']:
            logger.warning(
                'the checkpoint has no frames: the animation begins there'
            )
        self._begun().restore(frames, data)

    def _begun(self) -> Animation:
        if self.animation is None:
            raise GluonStyleError(
                f'animation {str(self.path)!r} has no frame: it belongs to '
                'the observers of a run'
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
        if plan.output_shape != plan.image_shape:
            self._shape = plan.output_shape

    def epoch(self, history: list[Epoch], picture: Picture) -> None:
        """Write the picture if it is due."""
        epoch = history[-1].epoch
        if epoch % self.every:
            return
        try:
            self._write(step_path(self.output, epoch), picture())
        except (OSError, GluonStyleError) as error:
            if not self._warned:
                logger.warning(
                    'the picture of epoch %d was not saved: %s', epoch, error
                )
            self._warned = True

    def _write(self, path: Path, pixels: numpy.ndarray) -> None:
        require_ours(path, self._force)
        if self._shape is not None:
            pixels = resized(pixels, *self._shape)
        save_image(pixels, path)


def step_path(output: Path, epoch: int) -> Path:
    """Return where the picture of an epoch goes: 'out-00020.png'."""
    return output.with_name(f'{output.stem}-{epoch:05d}{output.suffix}')


def is_step(path: Path, output: Path) -> bool:
    """Return whether ``step_path`` gives ``path`` its name for some epoch."""
    stem, suffix = re.escape(output.stem), re.escape(output.suffix)
    return bool(re.fullmatch(rf'{stem}-\d{{5,}}{suffix}', path.name))


def with_defaults(observers: Iterable[Observer] | None) -> Observers:
    """Return the observers of a run with those that every run has.

    These are a ``Patience``, and in a notebook a ``Progress``, unless one of
    the kind is given.
    """
    chosen = list(observers or [])
    if not any(isinstance(each, Patience) for each in chosen):
        chosen.append(Patience())
    if _in_notebook() and not any(isinstance(o, Progress) for o in chosen):
        chosen.append(Progress())
    return Observers(chosen)


def _in_notebook() -> bool:
    import sys

    # A notebook has loaded IPython; elsewhere it is not worth its seconds.
    ipython = sys.modules.get('IPython')
    return ipython is not None and hasattr(ipython.get_ipython(), 'kernel')
