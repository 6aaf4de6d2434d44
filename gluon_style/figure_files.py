"""Figures of matplotlib into files, with this program's mark."""

from pathlib import Path

_METADATA = {
    '.pdf': {'Creator': 'gluon_style', 'CreationDate': None},
    '.png': {'Software': 'gluon_style'},
    '.svg': {'Creator': 'gluon_style', 'Date': None},
}


def write_figure(figure, path, **options):
    """Write a figure to ``path``, a .pdf, .png or .svg.

    ``options`` are those of ``savefig``. The file names this program and no
    time, so that the same figure gives the same bytes. Raises OSError as
    writing does.
    """
    from matplotlib import rc_context

    with rc_context({'svg.hashsalt': 'gluon_style'}):
        figure.savefig(path, metadata=_METADATA[Path(path).suffix], **options)
