"""Every setting of a run, its default and its limits, in one place."""

from dataclasses import dataclass, fields, replace

from gluon_style.layers import (
    CONTENT_LAYERS,
    LAYER_NAMES,
    STYLE_LAYERS,
    layer_index,
    least_side,
)

INITS = ('content', 'style', 'noise')
OPTIMIZERS = ('adam', 'lbfgs')
# What the learning rate is multiplied by from time to time.
LR_DECAY = 0.8
# The numbers that the network's float32 can hold.
LEAST_NUMBER, MOST_NUMBER = 1e-30, 3.4e38
# Seconds that a user waits for a picture without being asked.
PATIENCE = 600
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
        _require_number('scale', self.scale, LEAST_NUMBER, most=1)
        _require_number('lr', self.lr, LEAST_NUMBER)
        for name in ('epochs', 'lr_decay_epoch'):
            _require_integer(name, getattr(self, name), least=1)


@dataclass(frozen=True)
class Settings:
    """The settings of one run; the defaults are the chapter's.

    Parameters
    ----------
    size : (int, int) or int
        Width and height of the result in pixels, or its longest side, the
        content picture's proportions kept. The style picture is resized to
        the same width and height, as in the chapter.
    epochs, lr, lr_decay_epoch, lr_decay
        Steps of Adam, its learning rate, and the number of steps after which
        the rate is multiplied by ``lr_decay``, again and again.
    content_weight, style_weight, tv_weight
        Factors of the three losses in their sum.
    content_layers, style_layers
        Names or indices of layers of VGG-19, kept as names.
    style_repeats
        How many times the objective has the list of style losses, of which
        the history then has one: edition 0.17 of the chapter adds it up ten
        times and plots it once.
    init
        'content' and 'style' start from that picture, 'noise' from normal
        noise drawn with ``seed``.
    weights
        A source of VGG-19's weights (see ``gluon_style.weights``) or a file.
    device
        'auto' (the first GPU, else the CPU), 'cpu', 'gpu' or 'gpu:1'.
    optimizer
        'adam' or 'lbfgs', of which an epoch is an evaluation of the loss;
        ``lr``, ``lr_decay_epoch`` and ``lr_decay`` are Adam's.
    bounded
        Whether pixels are kept to what can be displayed.
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
    stop_at, time_limit
        Stop once the total loss at ``size`` is this low, or after so many
        seconds, with the best picture so far; None for neither.

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
    init: str = 'content'
    seed: int = 0
    weights: str = 'auto'
    device: str = 'auto'
    optimizer: str = 'adam'
    bounded: bool = False
    scales: int = 1
    first: Stage = None
    tile: object = 'auto'
    stop_at: float = None
    time_limit: float = None

    def __post_init__(self):
        for name in ('content_layers', 'style_layers'):
            layers = _layer_names(name, getattr(self, name))
            object.__setattr__(self, name, layers)
        for name in ('epochs', 'lr_decay_epoch', 'scales', 'style_repeats'):
            _require_integer(name, getattr(self, name), least=1)
        _require_integer('seed', self.seed, least=0, most=2**32 - 1)
        _require_number('lr', self.lr, least=LEAST_NUMBER)
        _require_number('lr_decay', self.lr_decay, LEAST_NUMBER, most=1)
        for name in ('content_weight', 'style_weight', 'tv_weight'):
            _require_number(name, getattr(self, name), least=0)
        for name in ('stop_at', 'time_limit'):
            if getattr(self, name) is not None:
                _require_number(name, getattr(self, name), LEAST_NUMBER)
        _require_choice('init', self.init, INITS)
        _require_choice('optimizer', self.optimizer, OPTIMIZERS)
        _require_choice('bounded', self.bounded, (True, False))
        self._require_tile()
        self._require_first()
        for name in ('weights', 'device'):
            object.__setattr__(self, name, str(getattr(self, name)))
        self._require_size()

    def _require_tile(self):
        integer = isinstance(self.tile, int) and self.tile is not True
        if self.tile in ('auto', 'off') and not integer:
            return
        if not integer or self.tile < 32 or self.tile % 32:
            raise ValueError(
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
            raise ValueError(
                f'first is {self.first!r}: it must be a Stage or None'
            )
        if self.scales > 1:
            raise ValueError(
                f'scales is {self.scales!r}: it must be 1 with a first stage'
            )

    def _require_size(self):
        sides = self.size if isinstance(self.size, (tuple, list)) else None
        if sides is not None and len(sides) != 2:
            raise ValueError(
                f'size is {self.size!r}: give (width, height) or the '
                'longest side'
            )
        for side in sides or [self.size]:
            _require_integer('size', side, least=1)
        if sides is not None:
            object.__setattr__(self, 'size', tuple(sides))
            self.require_shape(self.size)

    def require_shape(self, image_shape):
        """Raise ValueError if the network cannot see (width, height)."""
        least = least_side(self.content_layers + self.style_layers)
        if min(image_shape) < least:
            raise ValueError(
                'size gives a picture of {}x{} pixels: the chosen layers '
                'need at least {} either way'.format(*image_shape, least)
            )
        if image_shape[0] * image_shape[1] > MOST_PIXELS:
            raise ValueError(
                'size gives a picture of {}x{} pixels: MXNet can hold the '
                'features of at most {}'.format(*image_shape, MOST_PIXELS)
            )

    def changed(self, changes):
        """Return these settings with some changed, given by name."""
        known = [field.name for field in fields(self)]
        unknown = sorted(set(changes) - set(known))
        if unknown:
            raise ValueError(
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
        self.require_shape(shape)
        return shape


def _layer_names(name, layers):
    if isinstance(layers, (str, int)):
        layers = (layers,)
    names = tuple(LAYER_NAMES[layer_index(layer)] for layer in layers)
    if not names:
        raise ValueError(f'{name} is empty: name at least one layer')
    if len(set(names)) < len(names):
        raise ValueError(f'{name} is {", ".join(names)}: name each layer once')
    return names


def _require_choice(name, value, choices):
    if value not in choices:
        known = ' or '.join(str(choice) for choice in choices)
        raise ValueError(f'{name} is {value!r}: it must be {known}')


def _require_integer(name, value, least, most=None):
    integer = isinstance(value, int) and not isinstance(value, bool)
    if not integer or value < least or (most is not None and value > most):
        limits = (
            f'of at least {least}'
            if most is None
            else f'from {least} to {most}'
        )
        raise ValueError(
            f'{name} is {value!r}: it must be a whole number {limits}'
        )


def _require_number(name, value, least, most=MOST_NUMBER):
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    # Written so that NaN, which compares with nothing, fails.
    if not number or not least <= value <= most:
        raise ValueError(
            f'{name} is {value!r}: it must be a finite number from {least:g} '
            f'to {most:g}'
        )


# 'chapter' is the chapter. 'fast' reaches its total loss in less than a tenth
# of its epochs' work, mostly in half of these epochs and even where the colors
# of content and style are far apart; 'quick' is a look: fewer of all.
#
# The older editions of the chapter plot other losses. In 0.17, a style weight
# of 1e3 and a list of losses that is added up ten times make the present
# edition's objective, of which a tenth of the style loss is plotted. In 0.7
# the weight is 1e3, the list is added up once, and there are two stages.
_FAST = Settings(epochs=160, lr=0.1, optimizer='lbfgs', bounded=True, scales=3)
PRESETS = {
    'fast': _FAST,
    'chapter': Settings(),
    'quick': replace(_FAST, size=300, epochs=40),
    'chapter-v0.17': Settings(style_weight=1e3, style_repeats=10),
    'chapter-v0.7': Settings(
        size=900,
        epochs=300,
        lr=0.01,
        lr_decay_epoch=100,
        lr_decay=0.1,
        style_weight=1e3,
        first=Stage(scale=0.25, epochs=500, lr=0.01, lr_decay_epoch=200),
    ),
}


def preset(name):
    """Return the settings of a preset, or raise ValueError naming them."""
    if name not in PRESETS:
        raise ValueError(
            f'preset {name!r} is unknown: choose {", ".join(PRESETS)}'
        )
    return PRESETS[name]
