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

    def __post_init__(self):
        for name in ('content_layers', 'style_layers'):
            layers = _layer_names(name, getattr(self, name))
            object.__setattr__(self, name, layers)
        for name in ('epochs', 'lr_decay_epoch'):
            _require_integer(name, getattr(self, name), least=1)
        _require_integer('seed', self.seed, least=0, most=2**32 - 1)
        _require_number('lr', self.lr, least=LEAST_NUMBER)
        for name in ('content_weight', 'style_weight', 'tv_weight'):
            _require_number(name, getattr(self, name), least=0)
        if self.init not in INITS:
            raise ValueError(
                f'init is {self.init!r}: it must be {" or ".join(INITS)}'
            )
        for name in ('weights', 'device'):
            object.__setattr__(self, name, str(getattr(self, name)))
        self._require_size()

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


# 'chapter' is the chapter. 'quick' is a look in a tenth of its time: fewer
# pixels, and epochs so few that the chapter's learning rate, which begins by
# covering the picture with noise, would leave the noise there.
PRESETS = {
    'chapter': Settings(),
    'quick': Settings(size=300, epochs=80, lr=0.1, tv_weight=20),
}


def preset(name):
    """Return the settings of a preset, or raise ValueError naming them."""
    if name not in PRESETS:
        raise ValueError(
            f'preset {name!r} is unknown: choose {" or ".join(PRESETS)}'
        )
    return PRESETS[name]
