"""Every setting of ``learn``."""

from __future__ import annotations

from dataclasses import dataclass

from gluon_style.layers import NETWORKS
from gluon_style.methods.fields import (
    LEAST_NUMBER,
    Choice,
    Integer,
    Number,
    Optional,
    Switch,
    Text,
    Validated,
    setting,
)

_LEARN = ('learn',)
_LOOK, _LOSSES = 'the style', 'network and losses'
_STEPS, _MACHINE = 'learning', 'machine'
# Where learning starts: 'auto' takes one of the 26 styles where it is much
# nearer than the rest.
STARTS = ('auto', 'painting', 'net')


@dataclass(frozen=True)
class LessonSettings(Validated):
    """The settings of one style that is learned.

    The losses are relative: a style loss of 1 is that of a picture without
    any structure, and so is a content loss. So the weights suit all paintings.
    """

    seconds: float = setting(
        60.0,
        Number(LEAST_NUMBER),
        'seconds to learn, once the networks are loaded',
        _LEARN,
        group=_STEPS,
    )
    iterations: int | None = setting(
        None,
        Optional(Integer(1)),
        'steps, whatever time they take; none: as many as the seconds allow',
        _LEARN,
        group=_STEPS,
    )
    lr: float = setting(
        0.02,
        Number(LEAST_NUMBER),
        'learning rate of Adam, which falls as a cosine',
        _LEARN,
        group=_STEPS,
    )
    content_weight: float = setting(
        0.1,
        Number(0),
        'factor of the content loss; less gives more of the painting',
        _LEARN,
        group=_LOSSES,
    )
    style_weight: float = setting(
        1.0, Number(0), 'factor of the style loss', _LEARN, group=_LOSSES
    )
    tv_weight: float = setting(
        0.5,
        Number(0),
        'factor of the total variation loss',
        _LEARN,
        group=_LOSSES,
    )
    # Fine strokes need a larger picture of the painting, large ones a
    # smaller.
    style_size: int = setting(
        320,
        Integer(64, most=2048),
        'longest side of the painting, in pixels, as the losses see it',
        _LEARN,
        group=_LOOK,
    )
    start: str = setting(
        'auto',
        Choice(*STARTS),
        'start from the net of any style, from the nearest of the 26 styles, '
        'or from what suits',
        _LEARN,
        group=_LOOK,
    )
    # All weights of the net: a file of some hundred kilobytes, and a net that
    # is built for this style alone. It takes as long a step.
    all: bool = setting(
        False,
        Switch(),
        "learn the net's own weights, too: lower losses, a larger file, and "
        'no blending',
        _LEARN,
        group=_STEPS,
    )
    seed: int = setting(
        0,
        Integer(0, most=2**32 - 1),
        'seed of the crops',
        _LEARN,
        group=_STEPS,
    )
    network: str = setting(
        'auto',
        Choice('auto', *NETWORKS),
        'the network that sees content and style',
        _LEARN,
        group=_LOSSES,
    )
    weights: str = setting(
        'auto',
        Text('NAME|FILE'),
        'weights of that network, as for gluon-style run',
        _LEARN,
        group=_MACHINE,
    )
    device: str = setting(
        'auto',
        Text('DEVICE'),
        'auto, cpu, gpu or gpu:1',
        _LEARN,
        group=_MACHINE,
    )
