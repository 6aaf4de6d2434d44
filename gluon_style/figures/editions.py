"""The chapter's own figure, of each edition: losses beside the picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gluon_style.chapter.plots import plot_result
from gluon_style.errors import GluonStyleError
from gluon_style.figures.recipe import Check, FigureRuns, RunSpec
from gluon_style.files.reading import MOST_JSON_BYTES, read_json
from gluon_style.methods.fields import MOST_NUMBER, Number
from gluon_style.methods.gatys.presets import PRESETS
from gluon_style.methods.gatys.settings import Settings
from gluon_style.records.record import Epoch, Record, stages
from gluon_style.records.result import Result

# The epochs and the losses of a curve, and a curve for each loss.
Curve = tuple[list[float], list[float]]
Curves = dict[str, Curve]
# The hashes of the two pictures that the book is published with.
BOOK_PICTURES = {
    'content': '014381e94081625e5e5279fd81f50d01'
    'b75ebf10f1e85189d66e2fc93adbc768',
    'style': 'a277e6926333bcb06f8fa7e68d24e4d3'
    '027ecb87802227ed4b514ab1906af557',
}
# The last plotted losses of the books' executed notebooks: content, style and
# TV, a row for each stage. They were made with the model zoo's weights.
PUBLISHED = {
    'chapter': [(8.85, 4.16, 5.38)],
    'chapter-v0.17': [(9.08, 0.43, 5.49)],
    'chapter-v0.7': [(5.37, 7.48, 4.32), (8.78, 6.22, 1.74)],
}
TOLERANCE = 0.2
LOSSES = ('content', 'style', 'tv')
_QUICK_EPOCHS = 60


def chapter(runs: FigureRuns) -> tuple[Figure, list[Check]]:
    """Draw the figure of edition 1.0, or of the edition that runs are named.

    ``runs.name`` is the name of the edition's preset.
    """
    settings = PRESETS[runs.name]
    curves = None
    if runs.options.reference is not None:
        curves = read_reference(runs.options.reference)
    spec = RunSpec(
        settings,
        full=(settings.size, settings.epochs),
        quick=(96, _QUICK_EPOCHS),
    )
    changes = {}
    if settings.first is not None and runs.options.quick:
        changes['first'] = replace(settings.first, epochs=_QUICK_EPOCHS)
    result = runs.result(runs.name, spec, **changes)
    animator = plot_result(result.image, result.history)
    if curves is not None:
        _draw_reference(animator.axes[0], curves)
    checks = [_check_descent(stage) for stage in stages(result.history)]
    return animator.fig, [*checks, *_check_published(runs.name, result)]


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
    if not _is_as_published(result.record, settings):
        yield Check(
            "the published losses are of the book's two pictures, "
            f'{settings.size} pixels wide, {settings.epochs} epochs',
            None,
        )
        return
    for stage, losses in zip(stages(result.history), PUBLISHED[name]):
        for loss, published in zip(LOSSES, losses):
            ours = getattr(stage[-1], loss)
            difference = ours / published - 1
            yield Check(
                f'{_scale(stage)}: {loss} loss {ours:.2f}, published '
                f'{published:.2f}: {difference:+.0%} (tolerance '
                f'{TOLERANCE:.0%})',
                abs(difference) <= TOLERANCE,
            )


def _is_as_published(record: Record, settings: Settings) -> bool:
    """Return whether a run had the book's pictures, size and epochs."""
    # The book's pictures are 3 to 2, so the preset's size is the edition's.
    return all(
        record.pictures[role].sha256 == digest
        for role, digest in BOOK_PICTURES.items()
    ) and all(
        record.settings.get(name) == getattr(settings, name)
        for name in ('size', 'epochs')
    )


def _draw_reference(ax: Axes, curves: Curves) -> None:
    """Draw published curves thinly behind ours, in the same colors."""
    ax.set_title('thin: as published', fontsize=8)
    for line, name in zip(list(ax.get_lines()), LOSSES):
        ax.plot(
            *curves[name],
            color=line.get_color(),
            linewidth=0.6,
            zorder=1,
            label='_published',
        )


def read_reference(path: str | Path) -> Curves:
    """Return the epochs and losses of each curve in a JSON file.

    The file has them as {"curves": {"content": {"epoch": [...], "loss":
    [...]}, "style": ..., "tv": ...}}. Raises GluonStyleError for another
    file and OSError for one that cannot be read.
    """
    try:
        curves = _entry(read_json(path), 'curves')
        return {name: _curve(_entry(curves, name)) for name in LOSSES}
    except GluonStyleError as error:
        raise GluonStyleError(
            f'reference {str(path)!r} has no curves ({error}): it must be '
            f'JSON, of at most {MOST_JSON_BYTES >> 20} MiB, with the epochs '
            'and losses of content, style and tv'
        ) from None


def _curve(table: Any) -> Curve:
    epochs, losses = (
        _finite_numbers(_entry(table, key), key) for key in ('epoch', 'loss')
    )
    if not len(epochs) == len(losses) > 0:
        raise GluonStyleError(
            f'a curve has {len(epochs)} epochs and {len(losses)} losses'
        )
    return epochs, losses


def _entry(table: Any, key: str) -> Any:
    if not isinstance(table, dict) or key not in table:
        raise GluonStyleError(f'it does not have {key!r}')
    return table[key]


def _finite_numbers(values: Any, name: str) -> list[float]:
    number = Number(least=-MOST_NUMBER)
    if not isinstance(values, list):
        raise GluonStyleError(f'{name} is not a list')
    return [float(number.check(name, value)) for value in values]
