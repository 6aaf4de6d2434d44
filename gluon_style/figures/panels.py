"""How the figures look: grids of pictures with words at their edges."""

from matplotlib.figure import Figure

WIDTH = 2.2  # inches of a panel


def grid(rows, columns, shape, gap=0.3):
    """Return a figure and its axes, an array (rows, columns).

    ``shape`` is (height, width, ...) of the pictures; ``gap`` are inches
    above each row.
    """
    height = WIDTH * shape[0] / shape[1]
    figure = Figure(
        figsize=(WIDTH * columns + 0.6, (height + gap) * rows + 0.5),
        layout='constrained',
    )
    return figure, figure.subplots(rows, columns, squeeze=False)


def show(ax, img, title=None, side=None):
    """Show a picture in a panel, a title above, words at its left side."""
    ax.imshow(img)
    # Not axis('off'), which would take the words at the side away, too.
    ax.set_xticks([])
    ax.set_yticks([])
    for spine in ax.spines.values():
        spine.set_visible(False)
    if title:
        ax.set_title(title, fontsize=9)
    if side:
        ax.set_ylabel(side, fontsize=9)


def power(number):
    """Return a number as a power of ten where it is one: 10^-4."""
    mantissa, exponent = f'{number:e}'.split('e')
    if float(mantissa) == 1:
        return f'$10^{{{int(exponent)}}}$'
    return f'{number:g}'
