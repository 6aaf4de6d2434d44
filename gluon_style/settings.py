"""Every setting of a run, its default and its limits, in one place."""

from dataclasses import asdict, dataclass, replace

from gluon_style.layers import (
    CONTENT_LAYERS,
    LAYER_NAMES,
    STYLE_LAYERS,
    layer_index,
    least_side,
)

INITS = ('content', 'noise')
OPTIMIZERS = ('adam', 'lbfgs')
# The numbers that the network's float32 can hold.
LEAST_NUMBER, MOST_NUMBER = 1e-30, 3.4e38
# An array of MXNet has less than 2**31 elements; conv1_1 has 64 channels.
MOST_PIXELS = 2**31 // 64 - 1


@dataclass(frozen=True)
class Settings:
    """The settings of one run; the defaults are the chapter's.

    Parameters
    ----------
    size : (int, int) or int
        Width and height of the result in pixels, or its longest side, the
        content picture's proportions kept. The style picture is resized to
        the same width and height, as in the chapter.
    epochs, lr, lr_decay_epoch
        Steps of Adam, its learning rate, and the number of steps after which
        the rate is multiplied by 0.8, again and again.
    content_weight, style_weight, tv_weight
        Factors of the three losses in their sum.
    content_layers, style_layers
        Names or indices of layers of VGG-19, kept as names.
    init
        'content' starts from the content picture, 'noise' from normal noise
        drawn with ``seed``.
    weights
        A source of VGG-19's weights (see ``gluon_style.weights``) or a file.
    device
        'auto' (the first GPU, else the CPU), 'cpu', 'gpu' or 'gpu:1'.
    optimizer
        'adam' or 'lbfgs', of which an epoch is an evaluation of the loss;
        ``lr`` and ``lr_decay_epoch`` are Adam's.
    bounded
        Whether pixels are kept to what can be displayed.
    scales
        How many sizes the picture is computed at, at most: the last is
        ``size``, the others are coarser, each two thirds of the next.
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
    content_weight: float = 1
    style_weight: float = 1e4
    tv_weight: float = 10
    content_layers: tuple = CONTENT_LAYERS
    style_layers: tuple = STYLE_LAYERS
    init: str = 'content'
    seed: int = 0
    weights: str = 'auto'
    device: str = 'auto'
    optimizer: str = 'adam'
    bounded: bool = False
    scales: int = 1
    tile: object = 'auto'
    stop_at: float = None
    time_limit: float = None

    def __post_init__(self):
        for name in ('content_layers', 'style_layers'):
            layers = _layer_names(name, getattr(self, name))
            object.__setattr__(self, name, layers)
        for name in ('epochs', 'lr_decay_epoch', 'scales'):
            _require_integer(name, getattr(self, name), least=1)
        _require_integer('seed', self.seed, least=0, most=2**32 - 1)
        _require_number('lr', self.lr, least=LEAST_NUMBER)
        for name in ('content_weight', 'style_weight', 'tv_weight'):
            _require_number(name, getattr(self, name), least=0)
        for name in ('stop_at', 'time_limit'):
            if getattr(self, name) is not None:
                _require_number(name, getattr(self, name), LEAST_NUMBER)
        _require_choice('init', self.init, INITS)
        _require_choice('optimizer', self.optimizer, OPTIMIZERS)
        _require_choice('bounded', self.bounded, (True, False))
        self._require_tile()
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
            self._require_shape(self.size)

    def _require_shape(self, image_shape):
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
        known = asdict(self)
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
        self._require_shape(shape)
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


def _require_number(name, value, least):
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    # Written so that NaN, which compares with nothing, fails.
    if not number or not least <= value <= MOST_NUMBER:
        raise ValueError(
            f'{name} is {value!r}: it must be a finite number from {least:g} '
            f'to {MOST_NUMBER:g}'
        )


# 'chapter' is the chapter. 'fast' reaches its total loss in less than a tenth
# of its epochs' work, mostly in half of these epochs and even where the colors
# of content and style are far apart; 'quick' is a look: fewer of all.
_FAST = Settings(epochs=160, lr=0.1, optimizer='lbfgs', bounded=True, scales=3)
PRESETS = {
    'fast': _FAST,
    'chapter': Settings(),
    'quick': replace(_FAST, size=300, epochs=40),
}


def preset(name):
    """Return the settings of a preset, or raise ValueError naming them."""
    if name not in PRESETS:
        raise ValueError(
            f'preset {name!r} is unknown: choose {", ".join(PRESETS)}'
        )
    return PRESETS[name]
