"""Settings by name, and what runs with one picture change of them."""

from dataclasses import replace

from gluon_style.methods.fields import require_known
from gluon_style.methods.gatys.settings import Settings, Stage

# 'chapter' is the chapter. 'fast' reaches its total loss in less than a tenth
# of its epochs' work, mostly in half of these epochs and even where the colors
# of content and style are far apart; 'quick' is a look: fewer of all.
#
# The older editions of the chapter plot other losses. In 0.17, a style weight
# of 1e3 and a list of losses that is added up ten times make the present
# edition's objective, of which a tenth of the style loss is plotted. In 0.7
# the weight is 1e3, the list is added up once, and there are two stages.
_FAST = Settings(
    epochs=160,
    lr=0.1,
    optimizer='lbfgs',
    bounded=True,
    guard=True,
    scales=3,
)
DEFAULT_PRESET = 'fast'
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
    """Return the settings of a preset.

    Raises GluonStyleError for an unknown one, with the nearest name.
    """
    require_known([name], PRESETS, 'preset')
    return PRESETS[name]


# Less total variation than where content and style are in the sum: alone it
# would blur, and without it the noise stays, which poolings do not see.
_TEXTURE = {'init': 'noise', 'content_weight': 0, 'tv_weight': 5}
_RECONSTRUCTION = {
    'init': 'noise',
    'style_weight': 0,
    'tv_weight': 2,
    # A layer's features are those of a size: a coarser picture's are others.
    'scales': 1,
}


def texturing(settings):
    """Return ``Settings``, or a preset's by name, for ``texture``."""
    return _by_name(settings).changed(_TEXTURE)


# Gatys et al. 2015 rebuild content from it.
RECONSTRUCTED_LAYER = 'conv4_2'


def reconstruction(settings, layer=RECONSTRUCTED_LAYER):
    """Return ``Settings``, or a preset's by name, for ``reconstruct``."""
    changes = {**_RECONSTRUCTION, **layer_alone(layer)}
    return _by_name(settings).changed(changes)


def layer_alone(layer):
    """Return the changes for which a net is made no deeper than a layer."""
    return {'content_layers': layer, 'style_layers': layer}


def _by_name(settings):
    return preset(settings) if isinstance(settings, str) else settings
