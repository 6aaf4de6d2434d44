"""How far a run is and how long it will take, and what every run has."""

from __future__ import annotations

import logging
import math
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


class Progress(Observer):
    """Show a run's progress, by pixels times epochs, and its losses.

    It is a bar of ``tqdm.auto``, so a notebook shows its own kind of bar.
    ``name`` stands before it. With ``quiet`` nothing is shown.
    """

    def __init__(self, name: str = '', quiet: bool = False) -> None:
        self._name, self._quiet = name, quiet
        self._bar: Any = None
        self._steps: list[tuple[tuple[int, int], int]] = []

    def begin(self, plan: Plan) -> None:
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
        last = history[-1]
        width, height = last.scale
        before, epoch, epochs = self._place(history)
        self._bar.set_description_str(
            f'{self._name} {width}x{height} {epoch}/{epochs}', refresh=False
        )
        self._bar.set_postfix_str(
            f'content {last.content:.2f}, style {last.style:.2f}, '
            f'TV {last.tv:.2f}',
            refresh=False,
        )
        self._bar.update(before + width * height * epoch - self._bar.n)

    def _place(self, history: list[Epoch]) -> tuple[int, int, int]:
        """Return the work before this scale, its epoch and its epochs."""
        scale = history[-1].scale
        # L-BFGS may have ended the scales before this one early.
        epoch = sum(entry.scale == scale for entry in history)
        before = epochs = 0
        for shape, epochs in self._steps:
            # A first stage may be as large as the result.
            if shape == scale and epoch <= epochs:
                break
            before += shape[0] * shape[1] * epochs
            if shape == scale:
                epoch -= epochs
        return before, epoch, epochs

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


class Patience(Observer):
    """Log a forecast of a long run, as a warning beyond ``seconds``.

    A short run is not measured.
    """

    # Pixels times epochs of a run that takes minutes on two cores.
    BIG_RUN = 2e7

    def __init__(self, seconds: float = PATIENCE) -> None:
        self.seconds = Number(0, math.inf).check('patience', seconds)

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
    import sys

    # A notebook has loaded IPython, whose import takes long elsewhere.
    ipython = sys.modules.get('IPython')
    return ipython is not None and hasattr(ipython.get_ipython(), 'kernel')
