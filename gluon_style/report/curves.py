"""Draw the curves of a run's losses, as an SVG to stand in a page."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from gluon_style.records.record import Epoch, loss_limits, stages

# The curves, and their labels.
LABELS = {'content': 'content', 'style': 'style', 'tv': 'TV'}
# A curve on the page has hardly more pixels from left to right.
MOST_POINTS = 300
# At the right there is room for half of the last epoch's label.
WIDTH, HEIGHT = 460, 260
LEFT, RIGHT, TOP, BOTTOM = 52, 430, 40, 216


def loss_curves(history: list[Epoch]) -> str:
    """Return an inline SVG of the weighted losses over the epochs.

    ``history`` has at least one epoch. The curves have a gap where the scale
    changes. The axis of losses is logarithmic if they differ by more than a
    factor of 20. Colors come from the page's style: classes 'content',
    'style' and 'tv'.
    """
    first, last = history[0].epoch, history[-1].epoch
    x = _Axis(first, max(last, first + 1), LEFT, RIGHT)
    low, high, log = loss_limits(history)
    y = _Axis(low, high, BOTTOM, TOP, log)
    parts = [
        f'<svg class="curves" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{_description(history)}">',
        *_grid_lines(x, y),
        *_scale_labels(stages(history), x),
    ]
    for i, name in enumerate(LABELS):
        path = ''.join(_line(stage, name, x, y) for stage in stages(history))
        parts.append(f'<path class="{name}" d="{path}"/>')
        parts += _legend(name, LEFT + 96 * i)
    return ''.join([*parts, '</svg>'])


@dataclass(frozen=True)
class _Axis:
    """Numbers from ``low`` to ``high`` on the pixels ``start`` to ``end``."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Return the pixel of a number; beyond an end it is that end."""
        low, high = self.low, self.high
        value = min(max(value, low), high)
        if self.log:
            low, high, value = map(math.log10, (low, high, value))
        part = (value - low) / (high - low)
        return round(self.start + part * (self.end - self.start), 1)

    def ticks(self) -> list[float]:
        """Return a handful of round numbers between the ends."""
        if not self.log:
            step = _round_step((self.high - self.low) / 4)
            first = math.ceil(self.low / step)
            last = math.floor(self.high / step)
            return [step * i for i in range(first, last + 1)]
        first = math.floor(math.log10(self.low))
        last = math.ceil(math.log10(self.high))
        factors = (1, 2, 5) if last - first < 3 else (1,)
        every = 1 + (last - first) // 8
        ticks = [
            factor * 10.0**power
            for power in range(first, last + 1, every)
            for factor in factors
        ]
        return [tick for tick in ticks if self.low <= tick <= self.high]


def _round_step(step: float) -> float:
    """Return the least of 1, 2, 5, 10, ... that is at least ``step``."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(f * power for f in (1, 2, 5, 10) if f * power >= step)


def _losses(history: list[Epoch], name: str) -> list[float]:
    return [getattr(entry, name) for entry in history]


def _line(stage: list[Epoch], name: str, x: _Axis, y: _Axis) -> str:
    """Return the path of a loss at one scale, without what has no place."""
    points = [
        (entry.epoch, loss)
        for entry, loss in zip(stage, _losses(stage, name))
        if math.isfinite(loss) and (loss > 0 or not y.log)
    ]
    if not points:
        return ''
    places = [f'{x(a):g} {y(b):g}' for a, b in _thinned(points)]
    # Round ends make a dot of a single point.
    return 'M' + ('L'.join(places) if len(places) > 1 else places[0] + 'h0')


def _thinned(points: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """Keep the least and the greatest of each stretch: no peak is lost."""
    if len(points) <= MOST_POINTS:
        return points
    length = math.ceil(2 * len(points) / MOST_POINTS)
    kept = {0, len(points) - 1}
    for start in range(0, len(points), length):
        stretch = range(start, min(start + length, len(points)))
        kept.add(min(stretch, key=lambda i: points[i][1]))
        kept.add(max(stretch, key=lambda i: points[i][1]))
    return [points[i] for i in sorted(kept)]


def _grid_lines(x: _Axis, y: _Axis) -> Iterator[str]:
    for tick in y.ticks():
        at = y(tick)
        yield f'<path class="grid" d="M{LEFT} {at:g}H{RIGHT}"/>'
        yield _text(LEFT - 6, at + 4, f'{tick:g}', 'end')
    # Epochs are whole numbers; the round numbers of a short run may not be.
    for tick in x.ticks():
        if tick == int(tick):
            yield _text(x(tick), BOTTOM + 17, f'{tick:.0f}', 'middle')
    yield _text(RIGHT, BOTTOM + 36, 'epoch', 'end')
    kind = 'weighted loss, logarithmic' if y.log else 'weighted loss'
    yield _text(LEFT, BOTTOM + 36, kind, 'start')


def _scale_labels(scales: list[list[Epoch]], x: _Axis) -> Iterator[str]:
    """Mark where another scale begins, and name those that have room."""
    if len(scales) == 1:
        return
    for i, stage in enumerate(scales):
        start, end = x(stage[0].epoch), x(stage[-1].epoch)
        if i:
            yield f'<path class="scale" d="M{start:g} {TOP}V{BOTTOM}"/>'
        if end - start > 60:
            label = '{:d}\u00d7{:d}'.format(*stage[0].scale)
            yield _text((start + end) / 2, TOP + 12, label, 'middle')


def _legend(name: str, left: float) -> Iterator[str]:
    yield f'<path class="{name}" d="M{left} 16h24"/>'
    yield _text(left + 30, 20, LABELS[name], 'start')


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}">{text}</text>'


def _description(history: list[Epoch]) -> str:
    """Return the curves in words, for those who do not see them."""
    losses = ', '.join(
        f'{label} from {getattr(history[0], name):.3g} to '
        f'{getattr(history[-1], name):.3g}'
        for name, label in LABELS.items()
    )
    first, last = history[0].epoch, history[-1].epoch
    return f'Losses of epochs {first:d} to {last:d}: {losses}'
