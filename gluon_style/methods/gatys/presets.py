"""Settings by name, and the settings of runs with one picture."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gluon_style.methods.fields import require_known
from gluon_style.methods.gatys.settings import Settings, Stage

# 'chapter' has the chapter's settings. 'chapter-fast' reaches the same total
# loss with less than a tenth of the work, usually in half of its own epochs,
# and also where the colors of content and style are far apart.
#
# 'fast' is for pictures. A strength balances content and style for every pair;
# the content takes the style's palette beforehand; averages, edges that are
# repeated and pictures that are antialiased leave no grid and no rim; more
# grain than the style's own costs something, and so does a little less: a
# poster stays flat and a pastel is not smoothed. With a weight of 0.6 the mean
# difference of neighboring pixels is within a tenth of the style's; with 0.3
# it is not for posters; with 1 thin structures begin to fade. 'quick' gives a
# first look, with fewer pixels and epochs, in which posters need more of it.
#
# 40 epochs are enough: on eight pairs of the quality benchmark 50 keep and
# take 0.01 more or less, and so do 80. With 30, less of the style is taken
# (0.51 in place of 0.52 on all 48 pairs), and posters keep more grain.
# Rules that stop by progress do no better: between the 40th and the 50th
# epoch the total still falls by 6 to 10 per cent, while what is kept and taken
# stays. A start from the picture of one pass does not help: 30 epochs from
# there keep 0.29 of the content in place of 0.32.
#
# The older editions of the chapter plot other losses. Edition 0.17 has a style
# weight of 1e3 and adds its list of losses up ten times: that is the present
# edition's objective, with a tenth of the style loss plotted. Edition 0.7 has
# the weight 1e3, adds the list up once, and has two stages.
_CHAPTER_FAST = Settings(
    epochs=160,
    lr=0.1,
    optimizer='lbfgs',
    bounded=True,
    guard=True,
    scales=3,
)
_FAST = replace(
    _CHAPTER_FAST,
    epochs=40,
    network='auto',
    strength=0.5,
    color='transfer',
    style_scale=1.0,
    antialias=True,
    pooling='avg',
    border='replicate',
    precision='auto',
    tv_target='style',
    tv_weight=0.6,
)
DEFAULT_PRESET = 'fast'
PRESETS = {
    'fast': _FAST,
    'quick': replace(_FAST, size=300, epochs=30, tv_weight=0.9),
    'chapter': Settings(),
    'chapter-fast': _CHAPTER_FAST,
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


def preset(name: str) -> Settings:
    """Return the settings of a preset.

    Raises GluonStyleError for an unknown name, and suggests the nearest one.
    """
    require_known([name], PRESETS, 'preset')
    return PRESETS[name]


# A run from noise has further to go than one from a photograph: a texture has
# paler colors after 50 epochs than after 80.
FROM_NOISE_EPOCHS = {'fast': 80, 'quick': 40}
# With one loss less, the chapter's weight of the total variation would blur.
# Without total variation noise stays that the poolings do not see.
_TEXTURE = {
    'init': 'noise',
    'content_weight': 0,
    'tv_weight': 5,
    'tv_target': 'zero',
    'color': 'style',
}
_RECONSTRUCTION = {
    'init': 'noise',
    'style_weight': 0,
    'tv_weight': 2,
    'tv_target': 'zero',
    'color': 'style',
    # A coarser picture has other features than the picture that is wanted.
    'scales': 1,
}


def texturing(settings: Settings | str) -> Settings:
    """Return ``Settings``, or a preset's by name, for ``texture``."""
    return _from_noise(settings).changed(_TEXTURE)


# Gatys et al. 2015 rebuild content from it.
RECONSTRUCTED_LAYER = 'conv4_2'


def reconstruction(
    settings: Settings | str, layer: str | int = RECONSTRUCTED_LAYER
) -> Settings:
    """Return ``Settings``, or a preset's by name, for ``reconstruct``."""
    changes = {**_RECONSTRUCTION, **layer_alone(layer)}
    return _from_noise(settings).changed(changes)


def layer_alone(layer: str | int) -> dict[str, Any]:
    """Return changes of settings that make a net no deeper than a layer."""
    return {'content_layers': layer, 'style_layers': layer}


def _from_noise(settings: Settings | str) -> Settings:
    """Return settings; those of a preset with the epochs that noise needs."""
    if isinstance(settings, str):
        settings = preset(settings)
    for name, epochs in FROM_NOISE_EPOCHS.items():
        if settings == PRESETS[name]:
            return replace(settings, epochs=epochs)
    return settings
