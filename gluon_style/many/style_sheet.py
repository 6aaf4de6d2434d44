"""A sheet of the 26 styles with their numbers, painted on one picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gluon_style.files.atomic import replacing
from gluon_style.methods.feedforward.settings import METHOD
from gluon_style.methods.feedforward.styles import NUMBERED
from gluon_style.methods.feedforward.trunks import NUM_STYLES
from gluon_style.methods.kinds import scaled
from gluon_style.methods.table import get_method
from gluon_style.pictures.read import read_picture
from gluon_style.pictures.resize import resized

COLUMNS = 6
# The longest side, in pixels, of each picture on the sheet.
SIDE = 300


def draw_style_sheet(content: Any, path: str | Path, side: int = SIDE) -> None:
    """Write a picture of the content in each of the 26 styles.

    ``content`` is as for ``stylize``; it comes first, as it is. Raises as
    ``stylize`` does, and OSError.
    """
    from gluon_style.chapter.plots import write_figure
    from gluon_style.many.grid import picture_grid, show_picture

    picture = read_picture(content)
    height, width = picture.shape[:2]
    shape = scaled(width, height, side)
    method = get_method(METHOD)
    settings = method.settings()
    small = resized(picture, shape)
    pictures = {'content': small}
    for i in range(NUM_STYLES):
        name = f'{NUMBERED}{i}'
        pictures[name] = method.stylize(small, name, settings).image
    rows = -(-len(pictures) // COLUMNS)
    figure, axes = picture_grid(
        rows, COLUMNS, shape[1] / shape[0], gap=0.25, margins=(0.1, 0.1)
    )
    for ax, (name, img) in zip(axes.flat, pictures.items()):
        show_picture(ax, img, above=name)
    with replacing(path) as temporary:
        write_figure(figure, temporary, dpi=150)
