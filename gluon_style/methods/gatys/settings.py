"""Every setting of a run: its default, its values, its help, in one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gluon_style.chapter.defaults import (
    CONTENT_WEIGHT,
    LR_DECAY,
    STYLE_WEIGHT,
    TV_WEIGHT,
)
from gluon_style.errors import GluonStyleError
from gluon_style.layers import (
    NETWORKS,
    STYLE_LAYERS,
    Network,
    least_side,
    num_poolings,
    split_weight,
)
from gluon_style.methods.fields import (
    LEAST_NUMBER,
    Choice,
    Integer,
    Kind,
    Number,
    Optional,
    Switch,
    Text,
    Validated,
    setting,
    unfit,
)
from gluon_style.methods.gatys import strength as strengths
from gluon_style.methods.gatys.kinds import (
    INITS,
    Init,
    Layers,
    Restarts,
    Tile,
    named_layers,
)
from gluon_style.methods.kinds import Blend, Size, scaled

# The method's name, in records.
METHOD = 'gatys'
# The commands that a setting means something to, where not to all.
WITH_CONTENT = ('run', 'reconstruct')
WITH_STYLE = ('run', 'texture')
WITH_BOTH = ('run',)
# The titles that the options stand under.
LOOK, LOSSES = 'the picture', 'network and losses'
STEPS, MACHINE = 'optimization', 'machine'
# Epochs between two checkpoints. L-BFGS begins anew at each: with the sample
# pictures, 300 pixels wide, the preset 'fast' ends at a total loss of 30.7
# without checkpoints, 31.6 with one every 40 epochs and 33.1 every 20. 40
# epochs at 300 pixels end at 50.6 with none or every 40, and 55.7 every 10.
# A level of noise of the method diffusion takes as long as several epochs.
CHECKPOINT_EVERY = {'adam': 20, 'lbfgs': 40, 'levels': 1}
# The weights that a strength takes the place of.
STRENGTH_SETS = {
    'content_weight': CONTENT_WEIGHT,
    'style_weight': STYLE_WEIGHT,
}
# MXNet holds arrays of fewer than 2**31 elements; conv1_1 has 64 channels.
MOST_PIXELS = 2**31 // 64 - 1

_POSITIVE = Number(least=LEAST_NUMBER)
_FACTOR = Number(least=0)
_COUNT = Integer(least=1)
_LAYERS = 'layers, by name or index, with weights or without: conv4_2:0.5'


@dataclass(frozen=True)
class Stage(Validated):
    """A first run at a part of the size; the picture then begins from it.

    ``scale`` is that part, of each side. ``epochs``, ``lr`` and
    ``lr_decay_epoch`` are its own, all else is as in the ``Settings``.
    Raises GluonStyleError naming what is out of range.
    """

    scale: float = setting(0.25, Number(LEAST_NUMBER, most=1))
    epochs: int = setting(500, _COUNT)
    lr: float = setting(0.01, _POSITIVE)
    lr_decay_epoch: int = setting(200, _COUNT)


class FirstStage(Kind):
    """A ``Stage``, as such or as a record has it."""

    def check(self, name: str, value: Any) -> Stage:
        if isinstance(value, dict):
            return Stage().changed(value)
        if not isinstance(value, Stage):
            raise unfit(name, value, 'a Stage or None')
        return value


@dataclass(frozen=True)
class Settings(Validated):
    """The settings of one run; the defaults are the chapter's.

    Each field says its default, its values and its meaning; a comment says
    more where a line is not enough. Raises GluonStyleError naming the
    setting, its value and what is accepted.
    """

    # A tuple is (width, height). A number is the longest side: the content
    # picture keeps its proportions, and without one the result is a square.
    size: int | tuple[int, int] = setting(
        450, Size(), 'pixels of the result', group=LOOK
    )
    epochs: int = setting(
        500,
        _COUNT,
        'steps of Adam, evaluations of the loss by L-BFGS',
        group=STEPS,
    )
    lr: float = setting(0.9, _POSITIVE, 'learning rate of Adam', group=STEPS)
    lr_decay_epoch: int = setting(
        50, _COUNT, 'epochs between its decays', group=STEPS
    )
    lr_decay: float = setting(
        LR_DECAY,
        Number(LEAST_NUMBER, most=1),
        'factor of the rate at each decay',
        group=STEPS,
    )
    # gluon_style.methods.gatys.strength. It takes the place of the two weights
    # below; None leaves them as they are.
    strength: float | None = setting(
        None,
        Optional(Number(0, most=1)),
        'how much of the style: 0 keeps the content picture, 1 keeps hardly '
        'anything of it; takes the place of the weights of content and style',
        WITH_BOTH,
        group=LOOK,
    )
    content_weight: float = setting(
        CONTENT_WEIGHT,
        _FACTOR,
        'factor of the content loss',
        WITH_CONTENT,
        group=LOSSES,
    )
    style_weight: float = setting(
        STYLE_WEIGHT,
        _FACTOR,
        'factor of the style loss',
        WITH_STYLE,
        group=LOSSES,
    )
    tv_weight: float = setting(
        TV_WEIGHT, _FACTOR, 'factor of the total variation loss', group=LOSSES
    )
    # 'auto' is the best network whose weights can be had, see
    # gluon_style.weights. It is one that has all layers that are named.
    network: str = setting(
        'vgg19',
        Choice('auto', *NETWORKS),
        'the network that sees content and style',
        group=LOSSES,
    )
    # Names or indices, kept as names. A name may have the layer's weight in
    # the sum: 'conv4_1:0.5', or as a dictionary {'conv4_1': 0.5}. 'auto' is
    # the network's own, conv4_4 of VGG-19 and conv4_3 of VGG-16.
    content_layers: tuple[str, ...] | str = setting(
        'auto',
        Layers(own=True),
        f"{_LAYERS}; auto: the network's own",
        WITH_CONTENT,
        group=LOSSES,
    )
    style_layers: tuple[str, ...] = setting(
        STYLE_LAYERS, Layers(), _LAYERS, WITH_STYLE, group=LOSSES
    )
    # Edition 0.17 of the chapter adds its list of style losses up ten times,
    # and plots it once. So does the history.
    style_repeats: int = setting(
        1,
        _COUNT,
        'times the style losses are added up',
        WITH_STYLE,
        group=LOSSES,
    )
    # VGG-19 was trained with maxima; Gatys et al. 2015 prefer averages. They
    # are rescaled, so that activations keep their magnitude.
    pooling: str = setting(
        'max',
        Choice('max', 'avg'),
        'maxima, or averages, rescaled',
        group=LOSSES,
    )
    # Zeros, as in VGG's training, are a gray frame around the picture. Their
    # traces are a rim a few pixels wide.
    border: str = setting(
        'zero',
        Choice('zero', 'replicate'),
        'what is beyond the edges: zeros, or the outermost features again',
        group=LOSSES,
    )
    # Formulae and papers: gluon_style.methods.gatys.style_losses.
    style_loss: str = setting(
        'gram',
        Choice('gram', 'meanvar', 'w2'),
        'Gram matrices, means and deviations, or the Wasserstein-2 distance',
        WITH_STYLE,
        group=LOSSES,
    )
    # gluon_style.methods.gatys.variation has both, and the targets.
    tv_norm: str = setting(
        'l1',
        Choice('l1', 'l2'),
        'total variation of absolute or squared differences',
        group=LOSSES,
    )
    tv_target: str = setting(
        'zero',
        Choice('zero', 'style'),
        "the total variation that costs nothing: zero, or the style's own",
        WITH_STYLE,
        group=LOSSES,
    )
    # A number for each style, (2, 1) or '2:1'. None gives equal parts.
    style_blend: tuple[float, ...] | None = setting(
        None,
        Optional(Blend()),
        'parts of several styles',
        WITH_STYLE,
        group=LOOK,
    )
    # None squashes the style picture to the result's shape, as the chapter.
    style_scale: float | None = setting(
        None,
        Optional(Number(0.05, most=8)),
        "longest side of the style, where the result's is 1, with its "
        "proportions kept; none: squashed to the result's shape",
        WITH_STYLE,
        group=LOOK,
    )
    # The run itself sees the transparent parts on white, either way.
    alpha: str = setting(
        'white',
        Choice('white', 'keep'),
        "the content's transparency: laid on white, or kept in the result",
        WITH_CONTENT,
        group=LOOK,
    )
    # gluon_style.pictures.resize; the chapter's own way is ``preprocess``.
    antialias: bool = setting(
        False,
        Switch(),
        'let all pixels of a large picture count; the chapter takes four '
        'for each new one',
        group=LOOK,
    )
    # gluon_style.pictures.color says how.
    color: str = setting(
        'style',
        Choice('style', 'transfer', 'luminance', 'match', 'histogram'),
        "whose colors: the style's, or those given to the content beforehand "
        "as well; the content's, kept in the result, or their statistics or "
        'histogram given to the style beforehand',
        WITH_BOTH,
        group=LOOK,
    )
    feather: float = setting(
        0.02,
        Number(0, most=1),
        "width of a mask's soft edge, as a part of the longest side",
        WITH_BOTH,
        group=LOOK,
    )
    # The sides must be multiples of what the poolings halve them by. Where
    # ``size`` is the longest side, they are rounded to such multiples.
    tileable: bool = setting(
        False, Switch(), 'make opposite edges fit each other', group=LOOK
    )
    # 'noise' is drawn with ``seed``; 'blend:0.3' is 0.3 of noise and 0.7 of
    # the content picture; 'feedforward' is what the net of any style paints
    # in one pass. Every other word is a picture's file.
    init: str = setting(
        INITS[0],
        Init(),
        'what to start from; blend:0.3 is the content with 0.3 of noise',
        group=LOOK,
    )
    seed: int = setting(
        0, Integer(0, most=2**32 - 1), 'seed of the noise', group=LOOK
    )
    weights: str = setting(
        'auto',
        Text('NAME|FILE'),
        'auto, zoo, oxford, oxford-8bit, zoo-vgg16, torchvision, or a file',
        group=MACHINE,
    )
    device: str = setting(
        'auto', Text('DEVICE'), 'auto, cpu, gpu or gpu:1', group=MACHINE
    )
    # gluon_style.methods.gatys.precision. Pixels, sums over positions, losses
    # and the optimizer are in float32 with either.
    precision: str = setting(
        'float32',
        Choice('auto', 'float32', 'bfloat16'),
        "the network's arithmetic; auto: bfloat16 where the processor has it",
        group=MACHINE,
    )
    # An epoch of L-BFGS is one evaluation of the loss. ``lr``,
    # ``lr_decay_epoch`` and ``lr_decay`` are Adam's.
    optimizer: str = setting(
        'adam', Choice('adam', 'lbfgs'), 'the optimizer', group=STEPS
    )
    bounded: bool = setting(
        False, Switch(), 'keep pixels to what can be displayed', group=STEPS
    )
    # Up to three times at each scale.
    guard: bool = setting(
        False,
        Switch(),
        'where the loss diverges, go back and halve the step',
        group=STEPS,
    )
    # The last one is ``size``, each coarser one has two thirds of the next.
    scales: int = setting(
        1, _COUNT, 'sizes, coarse to fine, at most', group=STEPS
    )
    # Edition 0.7 of the chapter begins from such a stage.
    first: Stage | None = setting(None, Optional(FirstStage()))
    # The numbers are the same with tiles. 'auto' takes tiles where the whole
    # picture does not fit into memory.
    tile: str | int = setting(
        'auto',
        Tile(),
        'longest side of tiles, in pixels, to save memory',
        group=MACHINE,
    )
    # Each of the three ends the run early, with the best picture so far.
    stop_at: float | None = setting(
        None, Optional(_POSITIVE), 'stop at this total loss', group=STEPS
    )
    stop_after: int | None = setting(
        None,
        Optional(_COUNT),
        'stop after so many epochs of all sizes',
        group=STEPS,
    )
    time_limit: float | None = setting(
        None, Optional(_POSITIVE), 'stop after so many seconds', group=STEPS
    )
    # Epochs of all sizes after which L-BFGS begins anew from the best
    # picture, as it does at each checkpoint: they repeat, without checkpoints,
    # a run that had some.
    restarts: tuple[int, ...] = setting((), Restarts())
    original_size: bool = setting(
        False,
        Switch(),
        "resize the result to the content's own pixels",
        WITH_CONTENT,
        group=LOOK,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ('content_layers', 'style_layers'):
            if (layers := getattr(self, name)) != 'auto':
                layers = named_layers(name, layers, self.architecture.name)
                object.__setattr__(self, name, layers)
        for name, chapters in STRENGTH_SETS.items():
            weight = getattr(self, name)
            if self.strength is not None and weight != chapters:
                raise GluonStyleError(
                    f'strength is {self.strength:g} and {name} is '
                    f'{weight:g}: a strength sets that weight, so leave out '
                    'one of the two'
                )
        if self.first is not None and self.scales > 1:
            raise GluonStyleError(
                f'scales is {self.scales!r}: it must be 1 with a first stage'
            )
        if isinstance(self.size, tuple):
            self.require_shape(self.size)

    def changed(self, changes: dict[str, Any]) -> Settings:
        """Return these settings with some changed, given by name.

        A weight of content or style takes the place of a strength that was
        not given with it. Raises GluonStyleError for a name that is not a
        setting.
        """
        if not {*changes}.isdisjoint(STRENGTH_SETS):
            changes = {'strength': None, **changes}
        return super().changed(changes)

    @property
    def color_amount(self) -> float:
        """How far ``color='transfer'`` moves the content's colors, 0 to 1."""
        if self.strength is None:
            return 1.0
        return strengths.color_amount(self.strength)

    @property
    def content_factors(self) -> dict[str, float]:
        """The weight of each content layer in the sum, by its name."""
        layers = self.content_layers
        if isinstance(layers, str):
            layers = self.architecture.content_layers
        return dict(map(split_weight, layers))

    @property
    def style_factors(self) -> dict[str, float]:
        """The weight of each style layer in the sum, by its name."""
        return dict(map(split_weight, self.style_layers))

    @property
    def layers(self) -> list[str]:
        """The names of all layers that the losses take, in their order."""
        used = {*self.content_factors, *self.style_factors}
        return sorted(used, key=self.architecture.index)

    @property
    def named_layers(self) -> list[str]:
        """The names of the layers that the user gave."""
        layers = [*self.content_layers, *self.style_layers]
        if self.content_layers == 'auto':
            layers = self.style_layers
        return [split_weight(layer)[0] for layer in layers]

    @property
    def architecture(self) -> Network:
        """The network's layers: VGG-19's, which has all layers, for 'auto'."""
        return NETWORKS.get(self.network, NETWORKS['vgg19'])

    @property
    def least_side(self) -> int:
        """The least width and height, in pixels, that the layers need."""
        return least_side(self.layers)

    @property
    def step(self) -> int:
        """The number that the result's sides must be multiples of."""
        if not self.tileable:
            return 1
        return 2 ** max(map(num_poolings, self.layers))

    @property
    def init_file(self) -> str | None:
        """The picture's file that ``init`` is, or None."""
        known = self.init in INITS or self.init.startswith('blend:')
        return None if known else self.init

    def image_shape(self, width: int, height: int) -> tuple[int, int]:
        """Return (width, height) of the result for a content picture.

        Raises GluonStyleError where that is too small for the layers.
        """
        if isinstance(self.size, tuple):
            return self.size
        shape = scaled(width, height, self.size)
        if self.tileable:
            shape = self._in_steps(shape)
        self.require_shape(shape)
        return shape

    def require_shape(self, image_shape: tuple[int, int]) -> None:
        """Raise GluonStyleError if the network cannot see (width, height)."""
        width, height = image_shape
        problem = None
        if min(image_shape) < self.least_side:
            problem = (
                f'the chosen layers need at least {self.least_side} either way'
            )
        elif width * height > MOST_PIXELS:
            problem = f'MXNet can hold the features of at most {MOST_PIXELS}'
        elif width % self.step or height % self.step:
            nearest = 'x'.join(map(str, self._in_steps(image_shape)))
            problem = (
                f'a tileable one must be a multiple of {self.step} either '
                f'way, such as {nearest}'
            )
        if problem:
            raise GluonStyleError(
                f'size gives a picture of {width}x{height} pixels: {problem}'
            )

    def _in_steps(self, image_shape: tuple[int, int]) -> tuple[int, int]:
        """Return the nearest (width, height) of multiples of ``step``."""
        width, height = (
            max(1, round(side / self.step)) * self.step for side in image_shape
        )
        return width, height
