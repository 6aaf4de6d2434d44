"""The protocol of what watches a run: ``Plan``, ``Observer``, ``Observers``.

An observer of a run has five methods, called in this order:

- ``begin(plan)`` before the first epoch, with the ``Plan``;
- ``stop()`` after each epoch: what it returns, if anything, ends the run
  with the best picture so far, and stands in the record as the reason;
- ``epoch(history, picture)`` after each epoch, or more seldom: see
  ``Observer.every``. ``history`` has all epochs so far, and ``picture()``
  returns the picture, (height, width, 3) of float32 from 0 to 1;
- ``end(result)`` at the end, with the ``Result``;
- ``close()`` last, also after a run that failed.

``begin`` may refuse the run. Later, an observer that cannot write or print is
a warning, and the run goes on.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gluon_style.errors import GluonStyleError
from gluon_style.methods.fields import Integer, shown
from gluon_style.pictures import Array
from gluon_style.records.record import Epoch
from gluon_style.records.result import Result

logger = logging.getLogger(__name__)

Picture = Callable[[], Array]


@dataclass(frozen=True)
class Forecast:
    """About what a run will take: ``seconds``, and ``memory`` in bytes.

    ``free`` is the free memory in bytes. ``within(patience)`` returns the
    (width, height) of a picture that takes so many seconds.
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
    ``forecast()`` measures this machine, which takes seconds. Observers are
    called every ``every`` epochs, at the end of each scale, and where the
    run stops. ``inputs`` are the files that the run reads.
    """

    steps: list[tuple[tuple[int, int], int]]
    image_shape: tuple[int, int]
    output_shape: tuple[int, int]
    tile: int | None
    forecast: Callable[[], Forecast]
    every: int = 1
    inputs: tuple[Path, ...] = ()


class Observer:
    """Watch a run and do nothing; override what you need.

    With a number as ``every``, ``epoch`` is called after the epochs that
    this number divides, and after no others. With None it is called every
    ``Plan.every`` epochs, at the end of each scale, and where the run stops.
    ``Plan.every`` is 1 on the CPU. It is 10 on a GPU, which waits at each
    call. It is less where an observer's ``every`` needs it. The methods are
    called in MXNet's NumPy mode.
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
        """Release what is held; called last, also after a failed run."""


class Observers(Observer):
    """Several observers as one; none of them ends a run by failing.

    Raises GluonStyleError for what is not an ``Observer``.
    """

    def __init__(self, observers: Iterable[Observer]) -> None:
        if isinstance(observers, Observer) or not isinstance(
            observers, Iterable
        ):
            raise GluonStyleError(
                f'observers is of type {type(observers).__name__}: give a '
                'list, such as [Progress()]'
            )
        self.observers = list(observers)
        for each in self.observers:
            if not isinstance(each, Observer):
                raise GluonStyleError(
                    f'observers has {shown(each)}: each must be an Observer, '
                    'such as Progress()'
                )
        self._failed: list[Observer] = []

    def epochs_between(self, default: int) -> int:
        """Return the epochs between calls that serve every observer.

        It divides the ``every`` of each, or the ``default`` where that is
        None. Observers that do not override ``epoch`` need no calls.
        """
        divisors = [
            default
            if each.every is None
            else Integer(least=1).check('every', each.every)
            for each in self.observers
            if type(each).epoch is not Observer.epoch
        ]
        return math.gcd(*divisors) or default

    def find(self, kind: type) -> Any:
        """Return the first observer of a kind, or None."""
        return next((o for o in self.observers if isinstance(o, kind)), None)

    def only(self, kind: type) -> Any:
        """Return the one observer of a kind, or None.

        Raises GluonStyleError if there are several.
        """
        if sum(isinstance(each, kind) for each in self.observers) > 1:
            raise GluonStyleError(
                f'observers has several {kind.__name__}: give one'
            )
        return self.find(kind)

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
        """Pass an epoch on to the observers that want it."""
        for observer in self.observers:
            if not observer.every or history[-1].epoch % observer.every == 0:
                self._carefully(observer, observer.epoch, history, picture)

    def end(self, result: Result) -> None:
        for observer in self.observers:
            self._carefully(observer, observer.end, result)

    def close(self) -> None:
        for observer in self.observers:
            self._carefully(observer, observer.close)

    def _carefully(
        self, observer: Observer, call: Callable[..., None], *arguments: Any
    ) -> None:
        try:
            call(*arguments)
        except (OSError, GluonStyleError) as error:
            # The same observer fails again at each epoch. A user's observer
            # may be equal to another or have no hash.
            if not any(observer is each for each in self._failed):
                logger.warning(
                    'the observer %s failed: %s',
                    type(observer).__name__,
                    error,
                )
                self._failed.append(observer)
