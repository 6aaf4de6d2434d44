"""What a run has come to so far: its losses, its best pixels, its end."""

import math
import time

from gluon_style.errors import NonFiniteLossError

# What the history has of each epoch: see ``Log``.
ENTRY = ('epoch', 'scale', 'content', 'style', 'tv', 'total', 'seconds')


class Log:
    """Keep losses on the device until they are read, and what they say.

    ``history`` has an entry for each epoch read: a dictionary of 'epoch',
    'scale' (the picture's width and height), the weighted losses 'content',
    'style', 'tv', their sum 'total', and 'seconds' since the log was begun.
    Where the objective repeats the style losses, 'style' is of one.
    ``callback(history, X)`` is due every ``callback_every`` epochs.

    The run is to stop once a picture of ``final_shape``, (1, 3, height,
    width), has a total of at most ``stop_at``, after ``stop_after`` epochs
    or ``time_limit`` seconds, or once ``stop()``, asked after each epoch,
    returns a reason, which then is ``interrupted``. ``best_X`` are the pixels
    of the least total that was read at the latest scale, and ``best`` is
    their entry. ``restarts`` are the epochs after which L-BFGS began anew.
    """

    def __init__(
        self,
        callback=None,
        callback_every=1,
        *,
        stop_at=None,
        final_shape=None,
        stop_after=None,
        time_limit=None,
        style_repeats=1,
        stop=None,
    ):
        self.history, self.restarts = [], []
        self.best_X = self.best = self.interrupted = None
        self._pending = []
        self._began = time.perf_counter()
        self._callback = callback
        self._callback_every = callback_every
        self._stop_at = stop_at
        self._final_shape = final_shape
        self._stop_after = stop_after
        self._time_limit = time_limit
        self._style_repeats = style_repeats
        self._stop = stop
        # Whether ``stop_at``, ``stop_after`` or ``time_limit`` is.
        self.reached = False

    @property
    def stopped(self):
        """Whether the run is to stop, for whatever reason."""
        return self.reached or bool(self.interrupted)

    @property
    def elapsed(self):
        """Seconds since the log was begun."""
        return time.perf_counter() - self._began

    def restore(self, history, restarts, best_X, best_epoch, elapsed, reached):
        """Go on from an earlier log that had got this far."""
        self.history, self.restarts = history, restarts
        self.best_X, self.best = best_X, history[best_epoch - 1]
        self._began = time.perf_counter() - elapsed
        self.reached = reached

    def add(self, content, style, tv):
        """Append an epoch's losses, arrays that nothing waits for yet."""
        self._pending.append((content, style, tv))

    def has_best(self, X):
        """Return whether a total was read at the scale of the pixels ``X``."""
        return self.best_X is not None and self.best_X.shape == X.shape

    def due(self):
        """Return whether the callback is due after the latest epoch.

        So it is once the run is to stop, of which not only the losses that
        are read tell; ``stop`` is asked here.
        """
        if self._stop is not None and not self.interrupted:
            self.interrupted = self._stop()
        if self.interrupted:
            return True
        epoch = len(self.history) + len(self._pending)
        if self._stop_after is not None and epoch >= self._stop_after:
            return True
        return epoch % self._callback_every == 0

    def call(self, X):
        """Call the callback with the pixels ``X``."""
        if self._callback is not None:
            self._callback(self.history, X)

    def read(self, X, most_growth=math.inf):
        """Append the pending epochs to the history, or none of them.

        Reading waits for the device, so that only the last epoch's time is
        measured; those before it share the time since the last reading.
        ``X`` must be the pixels that the last epoch's losses are of. Raises
        NonFiniteLossError, also for a total of more than ``most_growth``
        times the first one at this scale.
        """
        losses = [tuple(map(float, epoch)) for epoch in self._pending]
        self._pending = []
        before = self.history[-1]['seconds'] if self.history else 0.0
        elapsed = self.elapsed - before
        entries = []
        for i, (content, style, tv) in enumerate(losses, start=1):
            epoch = len(self.history) + i
            total = content + style + tv
            most = most_growth * self._first_total(X, total)
            if not math.isfinite(total) or total > most:
                raise NonFiniteLossError(
                    epoch, self.best_X, self.best, self.history
                )
            values = (
                epoch,
                (X.shape[3], X.shape[2]),
                content,
                style / self._style_repeats,
                tv,
                total,
                before + elapsed * i / len(losses),
            )
            entries.append(dict(zip(ENTRY, values)))
        self.history += entries
        self._keep(X)

    def _first_total(self, X, total):
        """Return the first total read at the scale of ``X``, or ``total``."""
        for entry in self.history:
            if entry['scale'] == (X.shape[3], X.shape[2]):
                return entry['total']
        return total

    def _keep(self, X):
        last = self.history[-1]
        if not self.has_best(X) or last['total'] < self.best['total']:
            self.best_X, self.best = X.copy(), last
        final = self._final_shape in (None, X.shape)
        if self._stop_at is not None and final:
            self.reached |= self.best['total'] <= self._stop_at
        if self._stop_after is not None:
            self.reached |= last['epoch'] >= self._stop_after
        if self._time_limit is not None:
            self.reached |= last['seconds'] >= self._time_limit
