"""The log of a run: its losses, its best pixels, and why it ends."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gluon_style.errors import NonFiniteLossError
from gluon_style.records.record import Epoch

# An array of MXNet, (1, 3, height, width), or None.
Pixels = Any


@dataclass(eq=False, repr=False)
class Log:
    """Keep an epoch's losses on the device until they are read.

    A loop over epochs calls ``add`` with the losses and asks whether the
    callback is ``due``. If it is, the loop calls ``read`` and ``call``, and
    ends where the run is ``stopped``.

    ``history`` has an ``Epoch`` for each epoch that was read. Its ``style``
    is divided by ``style_repeats``, the number of times that the objective
    adds the style losses up. ``callback(history, X)`` is due every
    ``callback_every`` epochs.

    Four things stop the run: a total of at most ``stop_at`` for a picture of
    ``final_shape``, (1, 3, height, width); ``stop_after`` epochs;
    ``time_limit`` seconds; and a reason that ``stop()`` returns. ``stop`` is
    called after each epoch, and ``interrupted`` is the reason, or None.
    ``reached`` is whether one of the other three was reached.

    ``best_X`` are the pixels with the least total of the latest scale, or
    the last ones if it ``keeps_last``, and ``best`` is their entry.
    ``restarts`` are the epochs after which L-BFGS began anew.
    """

    callback: Callable[[list[Epoch], Pixels], None] | None = None
    callback_every: int = 1
    stop_at: float | None = None
    final_shape: tuple[int, ...] | None = None
    stop_after: int | None = None
    time_limit: float | None = None
    style_repeats: int = 1
    stop: Callable[[], str | None] | None = None
    keeps_last: bool = False

    def __post_init__(self) -> None:
        self.history: list[Epoch] = []
        self.restarts: list[int] = []
        self.best_X: Pixels = None
        self.best: Epoch | None = None
        self.interrupted: str | None = None
        self.reached = False
        self._pending: list[tuple[Any, Any, Any]] = []
        self._began = time.perf_counter()

    @property
    def stopped(self) -> bool:
        """Whether the run must stop, for any of the four reasons."""
        return self.reached or bool(self.interrupted)

    @property
    def elapsed(self) -> float:
        """Seconds since the log was begun."""
        return time.perf_counter() - self._began

    def restore(
        self,
        history: list[Epoch],
        restarts: list[int],
        best_X: Pixels,
        best_epoch: int,
        elapsed: float,
        reached: bool,
    ) -> None:
        """Go on from where an earlier log ended.

        ``best_epoch`` is the epoch of ``best_X``, ``elapsed`` the seconds of
        the earlier run; the other arguments are its attributes.
        """
        self.history, self.restarts = history, restarts
        self.best_X, self.best = best_X, history[best_epoch - 1]
        self._began = time.perf_counter() - elapsed
        self.reached = reached

    def add(self, content: Any, style: Any, tv: Any) -> None:
        """Append an epoch's losses: arrays, which are not waited for yet."""
        self._pending.append((content, style, tv))

    def has_best(self, X: Pixels) -> bool:
        """Return whether ``best_X`` has the same scale as the pixels ``X``."""
        return self.best_X is not None and self.best_X.shape == X.shape

    def due(self) -> bool:
        """Call ``stop``; return whether the callback is due now.

        It is also due when the run stops.
        """
        if self.stop is not None and not self.interrupted:
            self.interrupted = self.stop()
        if self.interrupted:
            return True
        epoch = len(self.history) + len(self._pending)
        if self.stop_after is not None and epoch >= self.stop_after:
            return True
        return epoch % self.callback_every == 0

    def call(self, X: Pixels) -> None:
        """Call the callback with the pixels ``X``."""
        if self.callback is not None:
            self.callback(list(self.history), X)

    def read(self, X: Pixels, most_growth: float = math.inf) -> None:
        """Append the added epochs to the history, or none of them.

        ``X`` must be the pixels that the last epoch's losses belong to.
        Reading waits for the device, so that only the last epoch's time is
        measured. The epochs before it share the time since the last reading.

        Raises NonFiniteLossError, also for a total of more than
        ``most_growth`` times the first one at this scale.
        """
        losses = [tuple(map(float, epoch)) for epoch in self._pending]
        self._pending = []
        before = self._last_seconds
        elapsed = self.elapsed - before
        scale = X.shape[3], X.shape[2]
        entries: list[Epoch] = []
        for i, (content, style, tv) in enumerate(losses, start=1):
            epoch = len(self.history) + i
            total = content + style + tv
            most = most_growth * self._first_total(scale, total)
            if not math.isfinite(total) or total > most:
                raise NonFiniteLossError(
                    epoch, self.best_X, self.best, self.history
                )
            style = style / self.style_repeats
            seconds = before + elapsed * i / len(losses)
            entries.append(
                Epoch(epoch, scale, content, style, tv, total, seconds)
            )
        self.history += entries
        self._keep(X)

    @property
    def _last_seconds(self) -> float:
        """The time of the last epoch that was read."""
        return (self.history[-1].seconds or 0.0) if self.history else 0.0

    def _first_total(self, scale: tuple[int, int], total: float) -> float:
        """Return the first total read at a scale, or ``total``."""
        totals = (e.total for e in self.history if e.scale == scale)
        return next(totals, total)

    def _keep(self, X: Pixels) -> None:
        """Keep the pixels if they are the best; check what stops the run."""
        last = self.history[-1]
        if (
            self.best is None
            or self.keeps_last
            or not self.has_best(X)
            or last.total < self.best.total
        ):
            self.best_X, self.best = X.copy(), last
        final = self.final_shape in (None, X.shape)
        if self.stop_at is not None and final:
            self.reached |= self.best.total <= self.stop_at
        if self.stop_after is not None:
            self.reached |= last.epoch >= self.stop_after
        if self.time_limit is not None:
            self.reached |= self._last_seconds >= self.time_limit
