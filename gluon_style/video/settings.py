"""What a video has besides the settings of its method."""

from __future__ import annotations

from dataclasses import dataclass

from gluon_style.errors import GluonStyleError
from gluon_style.methods.fields import (
    Integer,
    Number,
    Optional,
    Validated,
    setting,
)

_VIDEO = ('video',)
# A second a frame, and not a minute.
DEFAULT_METHOD = 'feedforward'


@dataclass(frozen=True)
class VideoSettings(Validated):
    """Which frames are made, and how alike they are.

    Each field says its default, its values and its meaning.
    """

    start: float = setting(
        0.0, Number(0), 'the second at which the clip begins', _VIDEO
    )
    stop: float | None = setting(
        None, Optional(Number(0)), 'the second at which it ends', _VIDEO
    )
    fps: float | None = setting(
        None,
        Optional(Number(0.1, most=240)),
        "frames a second of the result; none: the clip's own",
        _VIDEO,
    )
    every: int = setting(
        1, Integer(1, most=10**6), 'make only every so many frame', _VIDEO
    )
    consistency: float = setting(
        0.9,
        Number(0, most=1),
        'how alike frames are where nothing changes; 0: each for itself',
        _VIDEO,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.stop is not None and self.stop <= self.start:
            raise GluonStyleError(
                f'stop is {self.stop:g} and start is {self.start:g}: the clip '
                'must end after it begins'
            )
