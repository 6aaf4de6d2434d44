"""The options of the command gluon-style that are settings of a run."""

import argparse

from gluon_style.cli import values
from gluon_style.methods.gatys.presets import PRESETS
from gluon_style.methods.gatys.settings import (
    COLORS,
    INITS,
    OPTIMIZERS,
    POOLINGS,
    STYLE_LOSSES,
    TV_NORMS,
)

_LAYERS = 'layers, by name or index, with weights or without: conv4_2:0.5'
# The setting, the type of its value, what stands for it in the help, and the
# help itself.
_OPTIONS = (
    ('size', values.size, 'WxH|LONGEST', 'pixels of the result'),
    ('epochs', values.integer, 'N', 'steps of Adam, evaluations of L-BFGS'),
    ('optimizer', str, '|'.join(OPTIMIZERS), 'the optimizer'),
    ('lr', values.number, 'X', 'learning rate of Adam'),
    ('lr-decay-epoch', values.integer, 'N', 'epochs between its decays'),
    ('lr-decay', values.number, 'X', 'what the rate is then multiplied by'),
    ('content-weight', values.number, 'X', 'factor of the content loss'),
    ('style-weight', values.number, 'X', 'factor of the style loss'),
    ('tv-weight', values.number, 'X', 'factor of the total variation loss'),
    ('content-layers', values.layers, 'A,B', _LAYERS),
    ('style-layers', values.layers, 'A,B', _LAYERS),
    (
        'style-repeats',
        values.integer,
        'N',
        'times the style losses are added',
    ),
    ('pooling', str, '|'.join(POOLINGS), 'maxima, or averages, rescaled'),
    (
        'style-loss',
        str,
        '|'.join(STYLE_LOSSES),
        'Gram matrices, means and deviations, or the Wasserstein-2 distance',
    ),
    (
        'tv-norm',
        str,
        '|'.join(TV_NORMS),
        'total variation of absolute or squared differences',
    ),
    ('style-blend', values.blend, 'A:B', 'parts of several styles'),
    (
        'style-scale',
        values.number,
        'X',
        "longest side of the style for 1 of the result's, its proportions "
        'kept; without, it is squashed to the same shape',
    ),
    (
        'color',
        str,
        '|'.join(COLORS),
        "whose colors: the style's; the content's kept in the result; the "
        "content's statistics or histogram given to the style beforehand",
    ),
    (
        'feather',
        values.number,
        'X',
        "width of a mask's soft edge, as a part of the longest side",
    ),
    (
        'init',
        str,
        f'{"|".join(INITS)}|blend:X|FILE',
        'what to start from; blend:0.3 is the content with 0.3 of noise',
    ),
    ('seed', values.integer, 'N', 'seed of the noise'),
    ('weights', str, 'NAME|FILE', 'auto, zoo, oxford, oxford-8bit, file'),
    ('device', str, 'DEVICE', 'auto, cpu, gpu or gpu:1'),
    ('scales', values.integer, 'N', 'sizes, coarse to fine, at most'),
    ('tile', values.tile, 'auto|off|N', 'side of tiles, to save memory'),
    ('stop-at', values.number, 'LOSS', 'stop at this total loss'),
    ('stop-after', values.integer, 'N', 'stop after N epochs of all sizes'),
    ('time-limit', values.number, 'SECONDS', 'stop after this time'),
)
_SWITCHES = (
    ('bounded', 'keep pixels to what can be displayed'),
    ('guard', 'where the loss diverges, go back and halve the step'),
    ('tileable', 'have opposite edges fit each other'),
    ('original-size', "resize the result to the content's own pixels"),
)


# What means nothing to a command that has no content or no style, and no
# mask: it is no option, and passed over in a TOML, which may be for several.
LEFT_OUT = {
    'texture': (
        'content',
        'mask',
        'content-weight',
        'content-layers',
        'color',
        'feather',
        'original-size',
    ),
    'reconstruct': (
        'style',
        'mask',
        'style-weight',
        'style-layers',
        'style-repeats',
        'style-loss',
        'style-blend',
        'style-scale',
        'color',
        'feather',
    ),
}


def add_settings(parser, settings=PRESETS['fast'], left_out=(), several=False):
    """Add an option for each setting but those that are left out.

    ``settings`` are the defaults that the help tells. Options take a list of
    values if ``several``.
    """
    for name, type_, metavar, help_ in _OPTIONS:
        if name in left_out:
            continue
        default = _default(settings, name)
        if isinstance(default, tuple):
            default = ','.join(default)
        options = {'type': type_}
        if several and type_ is values.layers:
            # A comma stands within one choice of layers: repeat the option.
            options['action'] = 'append'
        elif type_ is values.layers:
            options['action'] = 'extend'
        elif several:
            options['type'] = values.list_of(type_)
        parser.add_argument(
            f'--{name}',
            metavar=metavar,
            default=argparse.SUPPRESS,
            help=f'{help_} (fast: {default})',
            **options,
        )
    for name, help_ in _SWITCHES:
        parser.add_argument(
            f'--{name}',
            action=argparse.BooleanOptionalAction,
            default=argparse.SUPPRESS,
            help=f'{help_} (fast: {_default(settings, name)})',
        )


def _default(settings, name):
    return getattr(settings, name.replace('-', '_'))
