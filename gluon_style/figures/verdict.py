"""Sentences about a figure, and whether they are true of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy

from gluon_style.figures.comparison import Comparison
from gluon_style.layers import STYLE_LAYERS


@dataclass(frozen=True)
class Check:
    """A sentence about a figure, and whether it is true of this one.

    ``good`` is None if there is nothing to compare with.
    """

    text: str
    good: bool | None

    def __post_init__(self) -> None:
        if self.good is not None:
            # JSON does not take a bool of NumPy.
            object.__setattr__(self, 'good', bool(self.good))


def three_decimals(values: Iterable[float]) -> str:
    """Return numbers as words."""
    return ', '.join(f'{value:.3f}' for value in values)


def is_falling(values: Sequence[float]) -> bool:
    """Return whether each value is less than the one before."""
    return all(a > b for a, b in zip(values, values[1:]))


def check_falling(words: str, values: Sequence[float]) -> Check:
    """Check that each value is less than the one before, and tell all."""
    return Check(f'{words}: {three_decimals(values)}', is_falling(values))


def check_rising(words: str, values: Sequence[float]) -> Check:
    """Check that each value is more than the one before, and tell all."""
    text = f'{words}: {three_decimals(values)}'
    return Check(text, is_falling(values[::-1]))


def check_balance(
    comparison: Comparison,
    images: Sequence[numpy.ndarray],
    style_layers: Sequence[str] = STYLE_LAYERS,
    name: str = '',
) -> Iterator[Check]:
    """Yield whether more content weight brings content and costs style.

    The pictures are in the order of their content weights. ``name`` stands
    before the sentences.
    """
    network = comparison.network
    layer = network.content_layers[0]
    yield check_falling(
        f'{name}with more content weight the content comes nearer, at '
        f'{layer} of {network.title}',
        [comparison.content_distance(img, layer) for img in images],
    )
    yield check_rising(
        f'{name}and the style goes away',
        [comparison.style_distance(img, style_layers) for img in images],
    )
