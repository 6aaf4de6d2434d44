"""Two runs with one picture each: a style's texture, a content rebuilt."""

from gluon_style.config import read_settings
from gluon_style.presets import reconstruction, texturing
from gluon_style.stylize import stylize


def texture(style, settings='fast', **options):
    """Return a picture of the style picture's texture, from noise.

    Gatys, Ecker & Bethge 2015, 'Texture Synthesis Using Convolutional Neural
    Networks': no content, so that ``size`` is (width, height) or the side of
    a square. With ``tileable=True`` its opposite edges fit each other.
    ``style`` may be a list. Options and errors are ``stylize``'s.
    """
    settings = texturing(read_settings(settings))
    return stylize(None, style, settings, **options)


def reconstruct(content, layer='conv4_2', settings='fast', **options):
    """Return what a layer keeps of the content picture, from noise.

    Mahendran & Vedaldi 2015; figure 1 of Gatys, Ecker & Bethge 2015. No
    style, so that only the features at ``layer``, a name or an index, and a
    little total variation count. Options and errors are ``stylize``'s.
    """
    settings = reconstruction(read_settings(settings), layer)
    return stylize(content, None, settings, **options)
