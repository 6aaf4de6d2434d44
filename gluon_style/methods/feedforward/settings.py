"""Every setting of a picture in one pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from gluon_style.errors import GluonStyleError
from gluon_style.methods.feedforward.trunks import LEAST_SIDE
from gluon_style.methods.fields import (
    Choice,
    Integer,
    Number,
    Optional,
    Text,
    Validated,
    setting,
)
from gluon_style.methods.kinds import Blend, Size, scaled

# The method's name, in records.
METHOD = 'feedforward'
# The values of ``color`` that need a style that is a picture.
OF_PICTURES = ('transfer', 'match', 'histogram')
# The commands that the method has.
_RUN = ('run',)
# The titles that the options stand under; those of the other methods.
_LOOK, _MACHINE = 'the picture', 'machine'
# MXNet holds arrays of fewer than 2**31 elements; the first layer has 32
# channels.
MOST_PIXELS = 2**31 // 32 - 1


@dataclass(frozen=True)
class Settings(Validated):
    """The settings of one picture; raises GluonStyleError as others do.

    Each field says its default, its values and its meaning.
    """

    method: ClassVar[str] = METHOD

    size: int | tuple[int, int] | None = setting(
        None,
        Optional(Size()),
        "pixels of the result; none: the content's own",
        _RUN,
        group=_LOOK,
    )
    # The net's strokes have a size of their own in pixels. At fewer pixels
    # they are larger in the picture, which is enlarged afterwards.
    net_size: int | None = setting(
        None,
        Optional(Integer(LEAST_SIDE)),
        'longest side that the net paints at; fewer pixels give larger '
        'strokes; none: the size of the result',
        _RUN,
        group=_LOOK,
    )
    strength: float = setting(
        1.0,
        Number(0, most=1),
        'how much of the style: 0 keeps the content, 1 is what the net paints',
        _RUN,
        group=_LOOK,
    )
    # A number for each style, (2, 1) or '2:1'. None gives equal parts.
    style_blend: tuple[float, ...] | None = setting(
        None,
        Optional(Blend()),
        'parts of several styles',
        _RUN,
        group=_LOOK,
    )
    # gluon_style.pictures.color says how.
    color: str = setting(
        'style',
        Choice('style', 'luminance', *OF_PICTURES),
        "whose colors: the style's; the content's, kept in the result; the "
        "style's, given to the content beforehand; the content's, or their "
        'histogram, given to the style beforehand',
        _RUN,
        group=_LOOK,
    )
    device: str = setting(
        'auto',
        Text('DEVICE'),
        'auto, cpu, gpu or gpu:1',
        _RUN,
        group=_MACHINE,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.size, tuple):
            self._require(self.size)

    def image_shape(self, width: int, height: int) -> tuple[int, int]:
        """Return (width, height) of the result for a content picture.

        Raises GluonStyleError where that is too small for the net.
        """
        if isinstance(self.size, tuple):
            return self.size
        shape = width, height
        if self.size is not None:
            shape = scaled(width, height, self.size)
        self._require(shape)
        return shape

    def net_shape(self, image_shape: tuple[int, int]) -> tuple[int, int]:
        """Return the (width, height) at which the net paints."""
        if self.net_size is None:
            return image_shape
        shape = scaled(*image_shape, self.net_size)
        self._require(shape)
        return shape

    def _require(self, shape: tuple[int, int]) -> None:
        width, height = shape
        problem = None
        if min(shape) < LEAST_SIDE:
            problem = f'the net needs at least {LEAST_SIDE} either way'
        elif width * height > MOST_PIXELS:
            problem = f'MXNet can hold the features of at most {MOST_PIXELS}'
        if problem:
            raise GluonStyleError(
                f'the net would paint a picture of {width}x{height} pixels: '
                f'{problem}: choose another size or net_size'
            )
