"""Every setting of a picture of adaptive instance normalization."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from gluon_style.errors import GluonStyleError
from gluon_style.methods.adain.layout import LEAST_SIDE
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

METHOD = 'adain'
_RUN = ('run',)
_LOOK, _MACHINE = 'the picture', 'machine'
# MXNet holds arrays of fewer than 2**31 elements; the first layer has 64
# channels.
MOST_PIXELS = 2**31 // 64 - 1


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
    # Of a larger picture the encoder sees finer strokes.
    style_size: int = setting(
        512,
        Integer(LEAST_SIDE, most=4096),
        'longest side of the style, in pixels, as the encoder sees it',
        _RUN,
        group=_LOOK,
    )
    # At 1, the paper's, faces and thin things are lost: there, the quality
    # benchmark finds half of the content that is kept at this default.
    strength: float = setting(
        0.6,
        Number(0, most=1),
        "how much of the style: 0 keeps the content's own features, 1 gives "
        "them all of the style's statistics",
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
    # The decoder paints a style's tones better than its hues. So by default
    # the colors are mapped, as the optimization does by default, too.
    color: str = setting(
        'transfer',
        Choice('transfer', 'style', 'luminance'),
        "whose colors: the style's, given to the content beforehand and to "
        "the result; those that the decoder paints; the content's, kept in "
        'the result',
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

    def image_shape(self, width: int, height: int) -> tuple[int, int]:
        """Return (width, height) of the result for a content picture.

        Raises GluonStyleError where that does not suit the nets.
        """
        shape = width, height
        if isinstance(self.size, tuple):
            shape = self.size
        elif self.size is not None:
            shape = scaled(width, height, self.size)
        require_shape('result', shape)
        return shape


def require_shape(noun: str, shape: tuple[int, int]) -> None:
    """Raise GluonStyleError for a (width, height) that the nets cannot take.

    ``noun`` is what the picture is.
    """
    width, height = shape
    problem = None
    if min(shape) < LEAST_SIDE:
        problem = f'the encoder needs at least {LEAST_SIDE} either way'
    elif width * height > MOST_PIXELS:
        problem = f'MXNet can hold the features of at most {MOST_PIXELS}'
    if problem:
        raise GluonStyleError(
            f'the {noun} would have {width}x{height} pixels: {problem}: '
            'choose another size or picture'
        )
