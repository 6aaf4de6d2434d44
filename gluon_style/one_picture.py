"""Two runs with one picture each: a style's texture, a content rebuilt."""

from gluon_style.settings import preset
from gluon_style.stylize import stylize

# What each changes of a preset. With content and style in the sum, a total
# variation of the chapter's weight is worth it; alone it would only blur.
TEXTURE = {'init': 'noise', 'content_weight': 0, 'tv_weight': 1}
RECONSTRUCTION = {
    'init': 'noise',
    'style_weight': 0,
    'tv_weight': 0.1,
    # The layers' features depend on the size: a coarser picture's are others.
    'scales': 1,
}


def texture_settings(settings):
    """Return ``Settings``, or a preset's by name, for ``texture``."""
    return _settings(settings, TEXTURE)


def reconstruction_settings(settings, layer='conv4_2'):
    """Return ``Settings``, or a preset's by name, for ``reconstruct``."""
    # The net is then made no deeper than the layer.
    layers = {'content_layers': layer, 'style_layers': layer}
    return _settings(settings, {**RECONSTRUCTION, **layers})


def _settings(settings, changes):
    if isinstance(settings, str):
        settings = preset(settings)
    return settings.changed(changes)


def texture(style, settings='fast', **options):
    """Return a picture of the style picture's texture, from noise.

    Gatys, Ecker & Bethge 2015, 'Texture Synthesis Using Convolutional Neural
    Networks': no content, so that ``size`` is (width, height) or the side of
    a square. With ``tileable=True`` its opposite edges fit each other.
    ``style`` may be a list. Options and errors are ``stylize``'s.
    """
    return stylize(None, style, texture_settings(settings), **options)


def reconstruct(content, layer='conv4_2', settings='fast', **options):
    """Return what a layer keeps of the content picture, from noise.

    Mahendran & Vedaldi 2015; figure 1 of Gatys, Ecker & Bethge 2015. No
    style, so that only the features at ``layer``, a name or an index, and a
    little total variation count. Options and errors are ``stylize``'s.
    """
    settings = reconstruction_settings(settings, layer)
    return stylize(content, None, settings, **options)
