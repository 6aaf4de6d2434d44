"""How far a run is and how long it will take, and what every run has."""

from __future__ import annotations

import logging
import math
import sys
import time
from collections.abc import Iterable
from typing import Any

from gluon_style.methods import PATIENCE
from gluon_style.methods.fields import Number
from gluon_style.methods.observers.observer import (
    Forecast,
    Observer,
    Observers,
    Picture,
    Plan,
)
from gluon_style.records.record import Epoch

logger = logging.getLogger(__name__)

# Pixels times epochs of a run that takes minutes on two cores.
_BIG_RUN = 2e7
# An epoch takes as long as these pixels besides its own, and preparing a scale
# as long as these epochs. With L-BFGS and with diffusion, to 450x338 and
# 800x600, the time left then is right within 15% from the second scale on; by
# pixels alone it was up to twice as long.
_EPOCH_PIXELS = 20_000
_SCALE_EPOCHS = 2


class Progress(Observer):
    """Show a run's progress, by about the time that it takes, and its losses.

    It is a bar of ``tqdm.auto``, so a notebook shows its own kind of bar. In
    a pipe or a file it is a line every ten per cent, and for every size.
    ``name`` stands before it. With ``quiet``, or without a standard error,
    nothing is shown.
    """

    def __init__(self, name: str = '', quiet: bool = False) -> None:
        self._name, self._quiet = name, quiet
        self._display: _Bar | _Lines | None = None
        self._steps: list[tuple[tuple[int, int], int]] = []
        self._left = _Left(0, None)

    def begin(self, plan: Plan) -> None:
        self._steps = plan.steps
        total = sum(
            _work(i, shape, epochs)
            for i, (shape, epochs) in enumerate(plan.steps)
        )
        if not self._quiet:
            self._display = display(total, self._name)
        if self._display is not None:
            seconds = plan.forecast().seconds if _is_big(plan) else None
            self._left = _Left(total, seconds)

    def epoch(self, history: list[Epoch], picture: Picture) -> None:
        if self._display is None:
            return
        last = history[-1]
        width, height = last.scale
        work, epoch, epochs = self._place(history)
        self._display.show(
            work,
            f'{self._name} {width}x{height} {epoch}/{epochs}',
            self._left.text(work),
            f'content {last.content:.2f}, style {last.style:.2f}, '
            f'TV {last.tv:.2f}',
        )

    def _place(self, history: list[Epoch]) -> tuple[int, int, int]:
        """Return the work that is done, this scale's epoch and its epochs."""
        scale = history[-1].scale
        # L-BFGS may have ended the scales before this one early.
        epoch = sum(entry.scale == scale for entry in history)
        work = epochs = 0
        for i, (shape, epochs) in enumerate(self._steps):
            # A first stage may be as large as the result.
            if shape == scale and epoch <= epochs:
                work += _work(i, shape, epoch)
                break
            work += _work(i, shape, epochs)
            if shape == scale:
                epoch -= epochs
        return work, epoch, epochs

    def close(self) -> None:
        if self._display is not None:
            self._display.close()


def _work(step: int, shape: tuple[int, int], epochs: int) -> int:
    """Return the work of epochs of a (width, height), in pixels.

    ``step`` is its place in the plan. What prepares the first scale is not
    counted, for the clock starts after it.
    """
    width, height = shape
    prepared = _SCALE_EPOCHS if step else 0
    return (width * height + _EPOCH_PIXELS) * (epochs + prepared)


class _Left:
    """The time that is left of so much work in ``total``.

    ``seconds`` are the forecast of the whole, or None.
    """

    def __init__(self, total: int, seconds: float | None) -> None:
        self._total, self._forecast = total, seconds
        self._first: tuple[int, float] | None = None

    def text(self, work: int) -> str:
        """Return the time after so much work, or '?'."""
        from tqdm import tqdm

        now = time.perf_counter()
        # The first step prepares, and a resumed run begins in the middle.
        first, began = self._first = self._first or (work, now)
        left = self._total - work
        if self._forecast is not None and work - first < self._total / 20:
            return tqdm.format_interval(self._forecast * left / self._total)
        if work == first:
            return '?'
        return tqdm.format_interval((now - began) / (work - first) * left)


def display(total: int, name: str) -> _Bar | _Lines | None:
    """Return what shows work up to ``total``: a bar, or lines in a file.

    It is None where there is no standard error, as in a service.
    """
    stream = sys.stderr
    if stream is None or stream.closed:
        return None
    drawn = _in_notebook() or stream.isatty()
    return (_Bar if drawn else _Lines)(total, name)


class _Bar:
    """A bar, for a person who watches."""

    def __init__(self, total: int, name: str) -> None:
        from tqdm.auto import tqdm

        self._bar: Any = tqdm(
            total=total,
            desc=name,
            # No empty bar stands before an error's sentence.
            delay=1e-3,
            # A step that prepares a scale must not hide the smaller ones.
            miniters=1,
            bar_format=self._format('?'),
        )

    def _format(self, left: str) -> str:
        # tqdm's own time would come from the first step, which prepares.
        form = '{desc} {percentage:.0f}%|{bar}| {elapsed}<LEFT{postfix}'
        return form.replace('LEFT', left)

    def show(self, work: int, place: str, left: str, losses: str) -> None:
        self._bar.bar_format = self._format(left)
        self._bar.set_description_str(place, refresh=False)
        self._bar.set_postfix_str(losses, refresh=False)
        self._bar.update(work - self._bar.n)

    def close(self) -> None:
        self._bar.close()


class _Lines:
    """A line for every size and every ten per cent, for a pipe or a file."""

    def __init__(self, total: int, name: str) -> None:
        self._total, self._shown = total, ('', 0)

    def show(self, work: int, place: str, left: str, losses: str) -> None:
        # The place is 'name 60x40 1/80'.
        scale = place.rpartition(' ')[0]
        tenth = 10 * work // self._total
        if (scale, tenth) != self._shown:
            self._shown = scale, tenth
            percent = 100 * work // self._total
            line = f'{place} {percent}%, {left} left, {losses}'
            sys.stderr.write(f'{line.strip()}\n')

    def close(self) -> None:
        pass


class Patience(Observer):
    """Log a forecast of a long run, as a warning beyond ``seconds``.

    A short run is not measured.
    """

    def __init__(self, seconds: float = PATIENCE) -> None:
        self.seconds = Number(0, math.inf).check('patience', seconds)

    def begin(self, plan: Plan) -> None:
        """Measure and log where the run is long."""
        if _is_big(plan, min(1, self.seconds / PATIENCE)):
            self._log(plan, plan.forecast())

    def _log(self, plan: Plan, forecast: Forecast) -> None:
        logger.info(
            '%dx%d pixels%s: about %.1f min for %d epochs, and %.1f GB of '
            'the %.1f GB free',
            *plan.image_shape,
            f' in tiles of {plan.tile}' if plan.tile else '',
            forecast.seconds / 60,
            plan.steps[-1][1],
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


def _is_big(plan: Plan, part: float = 1) -> bool:
    """Return whether a run has so large a part of a big run's last scale."""
    width, height = plan.image_shape
    return width * height * plan.steps[-1][1] > _BIG_RUN * part


def with_defaults(observers: Iterable[Observer] | None) -> Observers:
    """Return the observers of a run with those that every run has.

    These are a ``Patience``, and in a notebook a ``Progress``, unless one of
    the kind is given.
    """
    chosen = Observers([] if observers is None else observers)
    if chosen.find(Patience) is None:
        chosen.observers.append(Patience())
    if chosen.find(Progress) is None and _in_notebook():
        chosen.observers.append(Progress())
    return chosen


def _in_notebook() -> bool:
    # A notebook has loaded IPython, whose import takes long elsewhere.
    ipython = sys.modules.get('IPython')
    return ipython is not None and hasattr(ipython.get_ipython(), 'kernel')
