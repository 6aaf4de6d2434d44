"""Every setting of a picture by diffusion over a style's patches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from gluon_style.errors import GluonStyleError
from gluon_style.layers import NETWORKS
from gluon_style.methods.fields import (
    Choice,
    Integer,
    Number,
    Optional,
    Switch,
    Text,
    Validated,
    setting,
    unfit,
)
from gluon_style.methods.gatys.settings import (
    LOOK,
    LOSSES,
    MACHINE,
    STEPS,
    Settings as GuideSettings,
)
from gluon_style.methods.kinds import Blend, Size, scaled

# The method's name, in records.
METHOD = 'diffusion'
# The commands that a setting means something to.
_RUN, _BOTH = ('run',), ('run', 'texture')
# A picture of fewer pixels has no room for patches and for what they show.
LEAST_SIDE = 32


class PatchSide(Integer):
    """The side of a patch in pixels: it has a middle."""

    metavar = '3|5|7'

    def __init__(self) -> None:
        super().__init__(3, most=7)

    def check(self, name: str, value: Any) -> int:
        value = super().check(name, value)
        if value % 2 == 0:
            raise unfit(name, value, '3, 5 or 7')
        return value


@dataclass(frozen=True)
class Settings(Validated):
    """The settings of one picture; raises GluonStyleError as others do.

    Each field says its default, its values and its meaning.
    """

    method: ClassVar[str] = METHOD

    # A tuple is (width, height), a number the longest side.
    size: int | tuple[int, int] = setting(
        450, Size(), 'pixels of the result', _BOTH, group=LOOK
    )
    # ``guide`` and ``stylize`` say what it moves.
    strength: float = setting(
        0.35,
        Number(0, most=1),
        'how much of the style: 0 stays near the content, 1 keeps little',
        _RUN,
        group=LOOK,
    )
    patch: int = setting(
        5,
        PatchSide(),
        "side of the style's patches, in pixels: dabs, strokes or broad "
        'strokes',
        _BOTH,
        group=LOOK,
    )
    steps: int = setting(
        6,
        Integer(2, most=1000),
        'levels of noise at each scale',
        _BOTH,
        group=STEPS,
    )
    # gluon_style.pictures.color says how.
    color: str = setting(
        'transfer',
        Choice('transfer', 'style', 'luminance', 'match', 'histogram'),
        "whose colors: the style's, given to the content beforehand, or not; "
        "the content's, kept in the result, or given to the style beforehand",
        _RUN,
        group=LOOK,
    )
    seed: int = setting(
        0,
        Integer(0, most=2**32 - 1),
        'seed of the noise',
        _BOTH,
        group=LOOK,
    )
    # With a guide it does little, so that the command line has no option.
    # The figure of diffusion shows it.
    noise: float = setting(
        1.0,
        Number(0, most=1),
        "how much of the levels' noise comes in; 0: none",
        (),
        group=STEPS,
    )
    style_blend: tuple[float, ...] | None = setting(
        None, Optional(Blend()), 'parts of several styles', _BOTH, group=LOOK
    )
    style_scale: float = setting(
        1.0,
        Number(0.05, most=8),
        "longest side of the style, where the result's is 1",
        _BOTH,
        group=LOOK,
    )
    feather: float = setting(
        0.02,
        Number(0, most=1),
        "width of a mask's soft edge, as a part of the longest side",
        _RUN,
        group=LOOK,
    )
    tileable: bool = setting(
        False,
        Switch(),
        'make opposite edges fit each other',
        ('texture',),
        group=LOOK,
    )
    network: str = setting(
        'auto',
        Choice('auto', *NETWORKS),
        'the network that sees content and style',
        _RUN,
        group=LOSSES,
    )
    weights: str = setting(
        'auto',
        Text('NAME|FILE'),
        'auto, zoo, oxford, oxford-8bit, zoo-vgg16, torchvision, or a file',
        _RUN,
        group=MACHINE,
    )
    device: str = setting(
        'auto',
        Text('DEVICE'),
        'auto, cpu, gpu or gpu:1',
        _BOTH,
        group=MACHINE,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.size, tuple):
            self.require_shape(self.size)

    def guide(self, has_content: bool = True) -> GuideSettings:
        """Return the settings of the losses that guide, and of the inputs.

        Averages, edges that are repeated and antialiased pictures leave no
        grid, no rim and no grain. The patches themselves are smooth: there
        is no total variation.
        """
        return GuideSettings(
            size=self.size,
            strength=self.strength if has_content else None,
            color=self.color if has_content else 'style',
            init='content' if has_content else 'noise',
            style_blend=self.style_blend,
            style_scale=self.style_scale,
            feather=self.feather,
            seed=self.seed,
            network=self.network,
            weights=self.weights,
            device=self.device,
            antialias=True,
            pooling='avg',
            border='replicate',
            tv_weight=0,
            precision='auto',
        )

    def image_shape(self, width: int, height: int) -> tuple[int, int]:
        """Return (width, height) of the result for a content picture.

        Raises GluonStyleError where that is too small for the patches.
        """
        if isinstance(self.size, tuple):
            return self.size
        shape = scaled(width, height, self.size)
        self.require_shape(shape)
        return shape

    def require_shape(self, shape: tuple[int, int]) -> None:
        """Raise GluonStyleError if (width, height) is too small."""
        if min(shape) < LEAST_SIDE:
            raise GluonStyleError(
                f'size gives a picture of {shape[0]}x{shape[1]} pixels: '
                f'patches need at least {LEAST_SIDE} either way'
            )
