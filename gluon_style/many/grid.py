"""Pictures in rows and columns, with words above them and at their left."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

PANEL_WIDTH = 2.2  # inches


def picture_grid(
    rows: int,
    columns: int,
    aspect: float,
    *,
    gap: float = 0.3,
    margins: tuple[float, float] = (0.6, 0.5),
) -> tuple[Figure, Any]:
    """Return a figure and its axes, an array (rows, columns).

    ``aspect`` is height / width of the pictures. In inches, ``gap`` is the
    room above each row, ``margins`` the room at the left and at the top.
    """
    height = PANEL_WIDTH * aspect
    figure = Figure(
        figsize=(
            PANEL_WIDTH * columns + margins[0],
            (height + gap) * rows + margins[1],
        ),
        layout='constrained',
    )
    axes = figure.subplots(rows, columns, squeeze=False)
    for ax in axes.flat:
        # Not axis('off'), which would hide the words at the left, too.
        ax.set(xticks=[], yticks=[], frame_on=False)
    return figure, axes


def show_picture(
    ax: Axes, img: Any, above: str | None = None, left: str | None = None
) -> None:
    """Show a picture (height, width, 3) with words above and at its left."""
    ax.imshow(img)
    ax.set(xticks=[], yticks=[], frame_on=False)
    if above:
        ax.set_title(above, fontsize=9)
    if left:
        ax.set_ylabel(left, fontsize=9)
