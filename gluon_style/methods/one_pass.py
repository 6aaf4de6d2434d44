"""What the method of one pass paints, for methods that start from it."""

from importlib import import_module


def paint_in_one_pass(content, styles, style_blend=None, device='auto'):
    """Return the content in the styles, floats from 0 to 1.

    Pictures are uint8 arrays (height, width, 3), and so is the result's
    shape. ``style_blend`` and ``device`` are those of the method's settings.
    Raises GluonStyleError where the content is too small for the net, and
    OutOfMemoryError.
    """
    # Methods do not import each other. It takes time, too, and is rare.
    method = import_module('gluon_style.methods.feedforward.stylize')
    result = method.stylize(
        content, styles, style_blend=style_blend, device=device
    )
    return result.pixels
