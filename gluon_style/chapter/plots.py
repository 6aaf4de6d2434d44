"""Plots: the chapter's Animator and other helpers of d2l, and a slider."""

import io
import math
from pathlib import Path

from matplotlib import pyplot as plt
from PIL import Image

from gluon_style.errors import GluonStyleError
from gluon_style.files.atomic import replacing
from gluon_style.pictures.read import as_bytes, as_numpy
from gluon_style.records.record import loss_limits, stages

FORMATS = ('-', 'm--', 'g-.', 'r:')
_METADATA = {
    '.pdf': {'Creator': 'gluon_style', 'CreationDate': None},
    '.png': {'Software': 'gluon_style'},
    '.svg': {'Creator': 'gluon_style', 'Date': None},
}


def set_figsize(figsize=(3.5, 2.5)):
    """Set the (width, height) of later figures, in inches."""
    plt.rcParams['figure.figsize'] = figsize


def show_images(imgs, num_rows, num_cols, titles=None, scale=1.5):
    """Plot pictures (height, width, 3) in a grid; return its axes."""
    figsize = (num_cols * scale, num_rows * scale)
    _, axes = plt.subplots(num_rows, num_cols, figsize=figsize, squeeze=False)
    axes = axes.flatten()
    for i, ax in enumerate(axes):
        ax.axis('off')
        if i < len(imgs):
            ax.imshow(as_numpy(imgs[i]))
        if titles and i < len(titles):
            ax.set_title(titles[i])
    return axes


def browse(imgs, titles, description='picture'):
    """Return a slider through pictures (height, width, 3), for a notebook.

    ``titles`` has one line for each picture. Returns an ipywidgets box: a
    notebook shows it when it is the value of a cell.
    """
    # Not ipywidgets.interact: plots in it hang a notebook that is executed
    # without a browser.
    import ipywidgets

    slider = ipywidgets.IntSlider(max=len(imgs) - 1, description=description)
    picture, caption = ipywidgets.Image(format='png'), ipywidgets.Label()

    def show(change=None):
        file = io.BytesIO()
        Image.fromarray(as_bytes(imgs[slider.value])).save(file, 'PNG')
        picture.value, caption.value = file.getvalue(), titles[slider.value]

    slider.observe(show, 'value')
    show()
    return ipywidgets.VBox([slider, caption, picture])


def plot_result(image, history):
    """Return the chapter's figure of a finished run: losses and picture.

    ``image`` is (height, width, 3). ``history`` is a run's list of
    ``Epoch``. The curves have a gap where the scale changes. The axis of
    losses is logarithmic where they differ by more than a factor of 20.
    """
    last = history[-1]
    names = ('content', 'style', 'tv')
    low, high, log = loss_limits(history)
    animator = Animator(
        xlabel='epoch',
        ylabel='loss',
        xlim=[1, max(2, last.epoch)],
        ylim=[low, high],
        yscale='log' if log else 'linear',
        legend=['content', 'style', 'TV'],
        ncols=2,
        figsize=(7, 2.5),
        live=False,
    )
    animator.imshow(image)
    for i, stage in enumerate(stages(history)):
        if i:
            gap = stage[0].epoch - 0.5
            animator.extend([gap], [[math.nan]] * len(names))
        animator.extend(
            [entry.epoch for entry in stage],
            [[getattr(entry, name) for entry in stage] for name in names],
        )
    return animator


class Animator:
    """Plot growing curves, beside panels for pictures.

    In a notebook, each ``add`` shows the figure again, unless ``live`` is
    false. Elsewhere nothing is shown: ``save`` writes a file. ``axes`` are
    the panels. The first panel has the curves, one for each entry of
    ``legend``.
    """

    def __init__(
        self,
        xlabel=None,
        ylabel=None,
        legend=None,
        xlim=None,
        ylim=None,
        xscale='linear',
        yscale='linear',
        fmts=FORMATS,
        nrows=1,
        ncols=1,
        figsize=(3.5, 2.5),
        live=True,
    ):
        self.fig, axes = plt.subplots(
            nrows, ncols, figsize=figsize, squeeze=False
        )
        # Otherwise pyplot shows it again at the end of a notebook's cell.
        plt.close(self.fig)
        self.axes = list(axes.flatten())
        self._look = {
            'xlabel': xlabel,
            'ylabel': ylabel,
            'xlim': xlim,
            'ylim': ylim,
            'xscale': xscale,
            'yscale': yscale,
        }
        self._legend = legend or []
        self._fmts = fmts
        self._curves = []
        self._notebook = _Notebook.find() if live else None

    def add(self, x, y):
        """Append one point, or a list with a point for each curve; redraw."""
        y = list(y) if hasattr(y, '__len__') else [y]
        x = list(x) if hasattr(x, '__len__') else [x] * len(y)
        while len(self._curves) < len(y):
            self._curves.append(([], []))
        for (X, Y), a, b in zip(self._curves, x, y):
            if a is not None and b is not None:
                X.append(a)
                Y.append(b)
        self._redraw()

    def extend(self, x, curves):
        """Append the points (x[i], values[i]) to each curve, and redraw."""
        while len(self._curves) < len(curves):
            self._curves.append(([], []))
        for (X, Y), values in zip(self._curves, curves):
            X.extend(x)
            Y.extend(values)
        self._redraw()

    def _redraw(self):
        self._draw()
        if self._notebook is not None:
            self._notebook.show(self.fig)

    def _draw(self):
        ax = self.axes[0]
        ax.cla()
        for i, (X, Y) in enumerate(self._curves):
            ax.plot(X, Y, self._fmts[i % len(self._fmts)])
        ax.set(**{k: v for k, v in self._look.items() if v is not None})
        if self._legend:
            ax.legend(self._legend)
        ax.grid()

    def imshow(self, img, panel=1):
        """Show a picture in a panel, instead of the one before."""
        self.axes[panel].cla()
        self.axes[panel].imshow(as_numpy(img))

    def save(self, path):
        """Write the figure to a file that ends in .svg, .png or .pdf.

        Raises GluonStyleError for another suffix, and OSError if the file
        cannot be written.
        """
        check_suffix(path)
        with replacing(path) as temporary:
            write_figure(self.fig, temporary, bbox_inches='tight', dpi=150)


def check_suffix(path):
    """Raise GluonStyleError if a figure cannot have the suffix of a path."""
    if Path(path).suffix.lower() not in ('.svg', '.png', '.pdf'):
        raise GluonStyleError(
            f'figure {str(path)!r} must end in .svg, .png or .pdf'
        )


def write_figure(figure, path, **options):
    """Write a figure to ``path``, which ends in .pdf, .png or .svg.

    ``options`` are passed to ``savefig``. The file names this program but
    not the time, so the same figure gives the same bytes. Raises OSError if
    the file cannot be written.
    """
    metadata = _METADATA[Path(path).suffix.lower()]
    with plt.rc_context({'svg.hashsalt': 'gluon_style'}):
        figure.savefig(path, metadata=metadata, **options)


class _Notebook:
    """The output of the notebook cell that runs."""

    def __init__(self, display):
        self._display = display

    @classmethod
    def find(cls):
        """Return the output of the running cell, or None elsewhere."""
        try:
            from IPython import display, get_ipython
        except ImportError:
            return None
        in_kernel = hasattr(get_ipython(), 'kernel')
        return cls(display) if in_kernel else None

    def show(self, fig):
        self._display.clear_output(wait=True)
        self._display.display(fig)
