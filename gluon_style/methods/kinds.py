"""The kinds of values that the settings of several methods have."""

from __future__ import annotations

from typing import Any

from gluon_style.errors import GluonStyleError
from gluon_style.methods.fields import Integer, Kind, Number, unfit


def scaled(width: int, height: int, longest: int) -> tuple[int, int]:
    """Return (width, height) with a longest side, proportions kept."""
    factor = longest / max(width, height)
    return max(1, round(width * factor)), max(1, round(height * factor))


class Size(Kind):
    """(width, height) in pixels, the longest side, or either as text."""

    metavar = 'WxH|LONGEST'

    def check(self, name: str, value: Any) -> int | tuple[int, ...]:
        if isinstance(value, str):
            try:
                value = self.parse(value)
            except GluonStyleError:
                wanted = 'a whole number, or two as in 450x300'
                raise unfit(name, value, wanted) from None
        several = isinstance(value, (tuple, list))
        if several and len(value) != 2:
            raise unfit(name, value, '(width, height) or the longest side')
        sides = value if several else [value]
        sides = [Integer(least=1).check(name, side) for side in sides]
        return tuple(sides) if several else sides[0]

    def parse(self, text: str) -> int | tuple[int, ...]:
        try:
            width, *heights = (int(side) for side in text.lower().split('x'))
        except ValueError:
            width, heights = 0, []
        if width == 0 or len(heights) > 1:
            raise GluonStyleError(
                f'{text!r} is not a size: give 450x300 or the longest side, '
                '450'
            )
        return (width, *heights) if heights else width

    def words(self, value: Any) -> str:
        if isinstance(value, int):
            return str(value)
        return 'x'.join(map(str, value))


class Blend(Kind):
    """A number for each of several styles: their parts in the whole."""

    metavar = 'A:B'

    def check(self, name: str, value: Any) -> tuple[float, ...]:
        parts = value
        if isinstance(value, str):
            try:
                parts = self.parse(value)
            except GluonStyleError:
                parts = None
        if not isinstance(parts, (tuple, list)):
            raise unfit(name, value, 'a number for each style, as in 2:1')
        parts = tuple(Number(least=0).check(name, part) for part in parts)
        if not any(parts):
            raise unfit(name, value, 'numbers, one above 0, as in 2:1')
        return parts

    def parse(self, text: str) -> tuple[float, ...]:
        return tuple(
            Number(least=0).parse(part.strip()) for part in text.split(':')
        )

    def words(self, value: Any) -> str:
        return ':'.join(f'{part:g}' for part in value)
