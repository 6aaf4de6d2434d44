"""Every setting of a run, its default and its limits, in one place."""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

from gluon_style.errors import GluonStyleError
from gluon_style.layers import (
    CONTENT_LAYERS,
    STYLE_LAYERS,
    layer_indices,
    least_side,
    names_of,
    num_poolings,
    weighted,
)
from gluon_style.methods.gatys.limits import (
    LEAST_NUMBER,
    blend_parts,
    plain_fields,
    require_choice,
    require_integer,
    require_number,
)

INITS = ('content', 'style', 'noise')
OPTIMIZERS = ('adam', 'lbfgs')
POOLINGS = ('max', 'avg')
STYLE_LOSSES = ('gram', 'meanvar', 'w2')
TV_NORMS = ('l1', 'l2')
COLORS = ('style', 'luminance', 'match', 'histogram')
# What the learning rate is multiplied by from time to time.
LR_DECAY = 0.8
# Seconds that a user waits for a picture without being asked.
PATIENCE = 600
# Epochs between two checkpoints. L-BFGS begins anew at each: with the sample
# pictures, 300 pixels wide, the preset 'fast' ends at a total loss of 30.7
# without checkpoints, 31.6 with one every 40 epochs and 33.1 every 20. The 40
# epochs of 'quick' end at 50.6 with none or every 40, and 55.7 every 10.
CHECKPOINT_EVERY = {'adam': 20, 'lbfgs': 40}
# An array of MXNet has less than 2**31 elements; conv1_1 has 64 channels.
MOST_PIXELS = 2**31 // 64 - 1


@dataclass(frozen=True)
class Stage:
    """A first run at a part of the size, which the picture then begins from.

    ``scale`` is that part, of each side; ``epochs``, ``lr`` and
    ``lr_decay_epoch`` are its own, all else is as in the ``Settings``.
    Raises ValueError naming what is out of range.
    """

    scale: float
    epochs: int
    lr: float
    lr_decay_epoch: int

    def __post_init__(self):
        plain_fields(self)
        require_number('scale', self.scale, LEAST_NUMBER, most=1)
        require_number('lr', self.lr, LEAST_NUMBER)
        for name in ('epochs', 'lr_decay_epoch'):
            require_integer(name, getattr(self, name), least=1)


@dataclass(frozen=True)
class Settings:
    """The settings of one run; the defaults are the chapter's.

    Parameters
    ----------
    size : (int, int) or int
        Width and height of the result in pixels, or its longest side, the
        content picture's proportions kept; a square's where there is none.
    epochs, lr, lr_decay_epoch, lr_decay
        Steps of Adam, its learning rate, and the number of steps after which
        the rate is multiplied by ``lr_decay``, again and again.
    content_weight, style_weight, tv_weight
        Factors of the three losses in their sum.
    content_layers, style_layers
        Names or indices of layers of VGG-19, kept as names. A name may have
        the weight of the layer in the sum: 'conv4_1:0.5', or as a dictionary
        {'conv4_1': 0.5}.
    pooling
        'max', as VGG-19 was trained, or 'avg', as Gatys et al. 2015 prefer:
        averages, rescaled so that activations keep their magnitude.
    style_loss
        What a style layer's features are compared by: 'gram' is the
        chapter's, 'meanvar' takes each channel's mean and deviation, 'w2' the
        Wasserstein-2 distance of their normal distributions (see
        ``gluon_style.methods.gatys.style_losses``).
    tv_norm
        'l1', the chapter's, or 'l2': see ``gluon_style.chapter.losses``.
    style_blend
        Where there are several styles, a number for each, (2, 1) or '2:1':
        the parts they have in the style aimed at. None for equal parts.
    style_scale
        Longest side of a style picture for 1 of the result's, its proportions
        kept. None squashes it to the result's shape, as the chapter does.
    color
        'style' takes the style's colors, as the chapter does. 'luminance'
        keeps the content's in the result; 'match' and 'histogram' give the
        style picture the content's beforehand (see ``gluon_style.pictures.color``).
    feather
        Width of the soft edge of a mask, as a part of the longest side.
    tileable
        Whether the opposite edges of the result fit each other; its sides
        must then be multiples of what the poolings halve them by, and are
        rounded to these where ``size`` is the longest side.
    style_repeats
        How many times the objective has the list of style losses, of which
        the history then has one: edition 0.17 of the chapter adds it up ten
        times and plots it once.
    init
        'content' and 'style' start from that picture, 'noise' from normal
        noise drawn with ``seed``, 'blend:0.3' from 0.3 of the noise and 0.7
        of the content picture; all else is a picture's file.
    weights
        A source of VGG-19's weights (see ``gluon_style.weights``) or a file.
    device
        'auto' (the first GPU, else the CPU), 'cpu', 'gpu' or 'gpu:1'.
    optimizer
        'adam' or 'lbfgs', of which an epoch is an evaluation of the loss;
        ``lr``, ``lr_decay_epoch`` and ``lr_decay`` are Adam's.
    bounded
        Whether pixels are kept to what can be displayed.
    guard
        Whether a loss that diverges sends the run back to its best picture,
        with half the step, up to three times at each scale.
    scales
        How many sizes the picture is computed at, at most: the last is
        ``size``, the others are coarser, each two thirds of the next.
    first
        A ``Stage`` to begin from, as in edition 0.7 of the chapter, or None.
    tile
        Longest side in pixels, a multiple of 32, of the tiles the picture
        is computed in, one at a time to save memory; 'off' for none, 'auto'
        for tiles where the whole would not fit into memory. The numbers are
        the same.
    stop_at, stop_after, time_limit
        Stop once the total loss at ``size`` is this low, after so many epochs
        of all sizes together, or after so many seconds, with the best picture
        so far; None for none of them.
    restarts
        Epochs, of all sizes together, after which L-BFGS begins anew from the
        best picture, as it does at each checkpoint: with these, a run that
        had checkpoints is repeated without.
    original_size
        Whether the result is resized to the content picture's own pixels.

    Raises ValueError naming the setting, its value and what is accepted.
    """

    size: object = 450
    epochs: int = 500
    lr: float = 0.9
    lr_decay_epoch: int = 50
    lr_decay: float = LR_DECAY
    content_weight: float = 1
    style_weight: float = 1e4
    tv_weight: float = 10
    content_layers: tuple = CONTENT_LAYERS
    style_layers: tuple = STYLE_LAYERS
    style_repeats: int = 1
    pooling: str = 'max'
    style_loss: str = 'gram'
    tv_norm: str = 'l1'
    style_blend: tuple = None
    style_scale: float = None
    color: str = 'style'
    feather: float = 0.02
    tileable: bool = False
    init: str = 'content'
    seed: int = 0
    weights: str = 'auto'
    device: str = 'auto'
    optimizer: str = 'adam'
    bounded: bool = False
    guard: bool = False
    scales: int = 1
    first: Stage = None
    tile: object = 'auto'
    stop_at: float = None
    stop_after: int = None
    time_limit: float = None
    restarts: tuple = ()
    original_size: bool = False

    def __post_init__(self):
        plain_fields(self)
        for name in ('content_layers', 'style_layers'):
            layers = _layer_names(name, getattr(self, name))
            object.__setattr__(self, name, layers)
        for name in ('epochs', 'lr_decay_epoch', 'scales', 'style_repeats'):
            require_integer(name, getattr(self, name), least=1)
        require_integer('seed', self.seed, least=0, most=2**32 - 1)
        require_number('lr', self.lr, least=LEAST_NUMBER)
        require_number('lr_decay', self.lr_decay, LEAST_NUMBER, most=1)
        for name in ('content_weight', 'style_weight', 'tv_weight'):
            require_number(name, getattr(self, name), least=0)
        for name in ('stop_at', 'time_limit'):
            if getattr(self, name) is not None:
                require_number(name, getattr(self, name), LEAST_NUMBER)
        if self.stop_after is not None:
            require_integer('stop_after', self.stop_after, least=1)
        if not isinstance(self.restarts, (tuple, list)):
            raise GluonStyleError(
                f'restarts is {self.restarts!r}: it must be a list of epochs'
            )
        for epoch in self.restarts:
            require_integer('restarts', epoch, least=1)
        object.__setattr__(self, 'restarts', tuple(self.restarts))
        for name, choices in _CHOICES.items():
            require_choice(name, getattr(self, name), choices)
        if self.style_scale is not None:
            require_number('style_scale', self.style_scale, 0.05, most=8)
        require_number('feather', self.feather, least=0, most=1)
        if self.style_blend is not None:
            parts = blend_parts('style_blend', self.style_blend)
            object.__setattr__(self, 'style_blend', parts)
        noise_part(self.init)
        self._require_tile()
        self._require_first()
        for name in ('weights', 'device', 'init'):
            object.__setattr__(self, name, str(getattr(self, name)))
        self._require_size()

    def _require_tile(self):
        integer = isinstance(self.tile, int) and self.tile is not True
        if self.tile in ('auto', 'off') and not integer:
            return
        if not integer or self.tile < 32 or self.tile % 32:
            raise GluonStyleError(
                f'tile is {self.tile!r}: it must be auto, off or a multiple '
                'of 32'
            )

    def _require_first(self):
        if isinstance(self.first, dict):
            # From a record, which is JSON.
            object.__setattr__(self, 'first', Stage(**self.first))
        if self.first is None:
            return
        if not isinstance(self.first, Stage):
            raise GluonStyleError(
                f'first is {self.first!r}: it must be a Stage or None'
            )
        if self.scales > 1:
            raise GluonStyleError(
                f'scales is {self.scales!r}: it must be 1 with a first stage'
            )

    def _require_size(self):
        sides = self.size if isinstance(self.size, (tuple, list)) else None
        if sides is not None and len(sides) != 2:
            raise GluonStyleError(
                f'size is {self.size!r}: give (width, height) or the '
                'longest side'
            )
        for side in sides or [self.size]:
            require_integer('size', side, least=1)
        if sides is not None:
            object.__setattr__(self, 'size', tuple(sides))
            self.require_shape(self.size)

    def require_shape(self, image_shape):
        """Raise ValueError if the network cannot see (width, height)."""
        layers = names_of(self.content_layers + self.style_layers)
        least = least_side(layers)
        if min(image_shape) < least:
            raise GluonStyleError(
                'size gives a picture of {}x{} pixels: the chosen layers '
                'need at least {} either way'.format(*image_shape, least)
            )
        if image_shape[0] * image_shape[1] > MOST_PIXELS:
            raise GluonStyleError(
                'size gives a picture of {}x{} pixels: MXNet can hold the '
                'features of at most {}'.format(*image_shape, MOST_PIXELS)
            )
        step = self.step
        if any(side % step for side in image_shape):
            nearest = self._in_steps(image_shape)
            raise GluonStyleError(
                'size gives a picture of {}x{} pixels: a tileable one must '
                'be a multiple of {} either way, such as {}x{}'.format(
                    *image_shape, step, *nearest
                )
            )

    def _in_steps(self, image_shape):
        """Return the nearest (width, height) of multiples of ``step``."""
        return tuple(
            max(1, round(side / self.step)) * self.step for side in image_shape
        )

    @property
    def init_file(self):
        """The picture's file that ``init`` is, or None."""
        known = self.init in INITS or self.init.startswith('blend:')
        return None if known else self.init

    @property
    def step(self):
        """What the result's sides must be multiples of."""
        if not self.tileable:
            return 1
        layers = names_of(self.content_layers + self.style_layers)
        return 2 ** num_poolings(max(layer_indices(layers)))

    def changed(self, changes):
        """Return these settings with some changed, given by name."""
        known = [field.name for field in fields(self)]
        unknown = sorted(set(changes) - set(known))
        if unknown:
            raise GluonStyleError(
                f'setting {unknown[0]!r} is unknown: choose from '
                f'{", ".join(known)}'
            )
        return replace(self, **changes)

    def image_shape(self, width, height):
        """Return (width, height) of the result for a content picture.

        Raises ValueError where that is too small for the chosen layers.
        """
        if isinstance(self.size, tuple):
            return self.size
        scale = self.size / max(width, height)
        shape = (max(1, round(width * scale)), max(1, round(height * scale)))
        if self.tileable:
            shape = self._in_steps(shape)
        self.require_shape(shape)
        return shape


def _layer_names(name, layers):
    if isinstance(layers, (str, int)):
        layers = (layers,)
    if isinstance(layers, dict):
        layers = [f'{layer}:{weight}' for layer, weight in layers.items()]
    if not isinstance(layers, Iterable):
        raise GluonStyleError(
            f'{name} is {layers!r}: it must be names or indices of layers'
        )
    pairs = [weighted(layer) for layer in layers]
    if not pairs:
        raise GluonStyleError(f'{name} is empty: name at least one layer')
    names = [layer for layer, _ in pairs]
    if len(set(names)) < len(names):
        raise GluonStyleError(
            f'{name} is {", ".join(names)}: name each layer once'
        )
    return tuple(
        layer if weight == 1 else f'{layer}:{weight!r}'
        for layer, weight in pairs
    )


def noise_part(init):
    """Return the part of noise in a start: 1 in 'noise', 0.3 in 'blend:0.3'.

    A picture has none. Raises ValueError where it is not from 0 to 1.
    """
    if init == 'noise':
        return 1
    blend, colon, text = str(init).partition(':')
    if blend != 'blend' or not colon:
        return 0
    try:
        part = float(text)
    except ValueError:
        part = None
    if part is None or not 0 <= part <= 1:
        raise GluonStyleError(
            f'init is {init!r}: the part of noise must be from 0 to 1, as in '
            'blend:0.3'
        )
    return part


_CHOICES = {
    'optimizer': OPTIMIZERS,
    'bounded': (True, False),
    'guard': (True, False),
    'pooling': POOLINGS,
    'style_loss': STYLE_LOSSES,
    'tv_norm': TV_NORMS,
    'color': COLORS,
    'tileable': (True, False),
    'original_size': (True, False),
}
