"""The chapter's own figure, of each edition: losses beside the picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gluon_style.chapter.plots import plot_result
from gluon_style.figures.likeness import (
    LIMITS,
    SIGMA,
    Likeness,
    likeness,
    reduced,
)
from gluon_style.figures.recipe import FigureRuns, RunSpec
from gluon_style.figures.reference import (
    LOSSES,
    Curves,
    Reference,
    read_reference,
)
from gluon_style.figures.verdict import Check
from gluon_style.layers import NETWORKS
from gluon_style.methods.gatys.presets import PRESETS
from gluon_style.pictures import Array
from gluon_style.records.record import Epoch, Record, stages
from gluon_style.records.result import Result

# The hashes of the two pictures that the book is published with.
BOOK_PICTURES = {
    'content': '014381e94081625e5e5279fd81f50d01'
    'b75ebf10f1e85189d66e2fc93adbc768',
    'style': 'a277e6926333bcb06f8fa7e68d24e4d3'
    '027ecb87802227ed4b514ab1906af557',
}
# The last plotted losses of the books' executed notebooks: content, style and
# TV, a row for each stage. They were made with the model zoo's VGG-19.
PUBLISHED = {
    'chapter': [(8.85, 4.16, 5.38)],
    'chapter-v0.17': [(9.08, 0.43, 5.49)],
    'chapter-v0.7': [(5.37, 7.48, 4.32), (8.78, 6.22, 1.74)],
}
PUBLISHED_NETWORK = 'vgg19'
# How far a loss may be from the published one. The factors of Oxford's filters
# are for the picture first: see tools/calibrate.py.
TOLERANCE = 0.2
TOLERANCES = {'oxford': 0.35, 'oxford-8bit': 0.35}
# The edition whose picture ``LIMITS`` are for.
_EDITION = 'chapter'
_QUICK_EPOCHS = 90


def chapter(runs: FigureRuns) -> tuple[Figure, list[Check]]:
    """Draw the figure of edition 1.0, or of the edition that runs are named.

    ``runs.name`` is the name of the edition's preset.
    """
    settings = PRESETS[runs.name]
    reference = None
    if runs.options.reference is not None:
        reference = read_reference(runs.options.reference)
    spec = RunSpec(
        settings,
        full=(settings.size, settings.epochs),
        quick=(96, _QUICK_EPOCHS),
    )
    changes = {}
    if settings.first is not None and runs.options.quick:
        changes['first'] = replace(settings.first, epochs=_QUICK_EPOCHS)
    [result] = runs.results([runs.job(runs.name, spec, **changes)])
    figure = plot_result(result.image, result.history).fig
    checks = [_check_descent(stage) for stage in stages(result.history)]
    if reference is not None:
        _draw_curves(figure.axes[0], reference.curves)
        checks += _compare_pictures(figure, runs.name, result, reference)
    return figure, [*checks, *_check_published(runs.name, result)]


def _check_descent(stage: list[Epoch]) -> Check:
    first, last = stage[0].total, stage[-1].total
    return Check(
        f'{_scale(stage)}: the total loss ends at {last:.2f}, below half of '
        f'the first, {first:.2f}',
        last < first / 2,
    )


def _scale(stage: list[Epoch]) -> str:
    width, height = stage[-1].scale
    return f'{width}x{height}'


def _check_published(name: str, result: Result) -> Iterator[Check]:
    """Yield how each loss compares with the published one."""
    settings = PRESETS[name]
    if not _is_as_published(name, result.record):
        yield Check(
            "what is published is of the book's two pictures, "
            f'{settings.size} pixels wide, {settings.epochs} epochs',
            None,
        )
        return
    for stage, losses in zip(stages(result.history), PUBLISHED[name]):
        for loss, published in zip(LOSSES, losses):
            ours = getattr(stage[-1], loss)
            difference = ours / published - 1
            limit, good = _judged(difference, result.record)
            yield Check(
                f'{_scale(stage)}: {loss} loss {ours:.2f}, published '
                f'{published:.2f}: {difference:+.0%} ({limit})',
                good,
            )


def _judged(difference: float, record: Record) -> tuple[str, bool | None]:
    """Return the limit of a loss's difference, and whether it is kept."""
    network = record.settings['network']
    if network != PUBLISHED_NETWORK:
        ours, theirs = NETWORKS[network], NETWORKS[PUBLISHED_NETWORK]
        return f"{theirs.title}'s losses, not {ours.title}'s: no limit", None
    tolerance = TOLERANCES.get(record.weights.source, TOLERANCE)
    return f'tolerance {tolerance:.0%}', abs(difference) <= tolerance


def _is_as_published(name: str, record: Record) -> bool:
    """Return whether a run had the book's pictures, size and epochs."""
    settings = PRESETS[name]
    # The book's pictures are 3 to 2, so the preset's size is the edition's.
    return all(
        record.pictures[role].sha256 == digest
        for role, digest in BOOK_PICTURES.items()
    ) and all(
        record.settings.get(setting) == getattr(settings, setting)
        for setting in ('size', 'epochs')
    )


def _draw_curves(ax: Axes, curves: Curves) -> None:
    """Draw published curves thinly behind ours, in the same colors."""
    title = NETWORKS[PUBLISHED_NETWORK].title
    ax.set_title(f'thin: as published, {title}', fontsize=8)
    for line, name in zip(list(ax.get_lines()), LOSSES):
        ax.plot(
            *curves[name],
            color=line.get_color(),
            linewidth=0.6,
            zorder=1,
            label='_published',
        )


def _compare_pictures(
    figure: Figure, name: str, result: Result, reference: Reference
) -> Iterator[Check]:
    """Show the published picture and ours side by side; yield the checks.

    Both are shown at the published picture's size, at which they are
    compared.
    """
    if reference.picture is None:
        return
    img = reduced(result.image, reference.picture)
    _show_beside(figure, reference.picture, img, result.record)
    limits = None
    if name == _EDITION and _is_as_published(name, result.record):
        limits = LIMITS.get(result.record.weights.source)
    yield from _check_likeness(likeness(img, reference.picture), limits)


def _show_beside(
    figure: Figure, published: Array, img: Array, record: Record
) -> None:
    """Put the published picture between the losses and our picture."""
    title = NETWORKS[record.settings['network']].title
    grid = figure.add_gridspec(1, 3)
    figure.set_size_inches(10.5, 2.5)
    curves, ours = figure.axes
    theirs = figure.add_subplot(grid[1])
    curves.set_subplotspec(grid[0])
    ours.set_subplotspec(grid[2])
    ours.cla()
    for ax, picture, words in (
        (theirs, published, 'as published'),
        (ours, img, f'this run, {title} ({record.weights.source})'),
    ):
        ax.imshow(picture)
        ax.set_title(words, fontsize=8)


def _check_likeness(
    reached: Likeness, limits: Likeness | None
) -> Iterator[Check]:
    """Yield how like the published picture ours is, and whether enough."""
    for name, words in (
        ('correlation', 'luminance correlation'),
        ('blurred', f'the same, blurred by {SIGMA:g} pixels,'),
        ('rms', 'root mean square difference of RGB'),
    ):
        value, digits = getattr(reached, name), 1 if name == 'rms' else 3
        text, good = 'no limit', None
        if limits is not None:
            limit = getattr(limits, name)
            most = name == 'rms'
            text = f'at {"most" if most else "least"} {limit:g}'
            good = value <= limit if most else value >= limit
        yield Check(
            f'published picture: {words} {value:.{digits}f} ({text})', good
        )
