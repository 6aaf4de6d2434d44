"""HTML from templates, escaped, with pictures within; no MXNet."""

import base64
import html
import io
from pathlib import Path
from string import Template

import numpy
from PIL import Image


class Html(str):
    """Text that is HTML already; all other text is escaped."""


def template(name):
    """Return a template of the package."""
    path = Path(__file__).with_name(name)
    return Template(path.read_text(encoding='utf-8'))


def fill(template, **values):
    """Return HTML with the values in it, escaped unless they are HTML."""
    if isinstance(template, str):
        template = Template(template)
    return Html(
        template.substitute(
            {
                name: value
                if isinstance(value, Html)
                else html.escape(str(value))
                for name, value in values.items()
            }
        )
    )


def join(pieces):
    """Return pieces of HTML, each on a line."""
    return Html('\n'.join(pieces))


def pairs(facts):
    """Return the entries of a description list."""
    return join(
        fill('<dt>$name</dt><dd>$value</dd>', name=name, value=value)
        for name, value in facts.items()
    )


def within(shape, side):
    """Return (width, height) made smaller, if need be, to ``side``."""
    part = min(1, side / max(shape))
    return tuple(max(1, round(part * each)) for each in shape)


def jpeg(picture, shape):
    """Return a picture, resized to (width, height), as such an address.

    ``picture`` is an array (height, width, 3) of uint8.
    """
    img = Image.fromarray(numpy.ascontiguousarray(picture))
    # The gap makes a photograph of many megapixels cheap to shrink.
    img = img.resize(shape, Image.Resampling.LANCZOS, reducing_gap=3)
    file = io.BytesIO()
    img.save(file, format='JPEG', quality=90, optimize=True)
    return data('jpeg', file.getvalue())


def data(kind, content):
    """Return the address of a picture's bytes that holds them itself."""
    return f'data:image/{kind};base64,{base64.b64encode(content).decode()}'
