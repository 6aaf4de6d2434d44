"""The chapter's own figure, of each edition: losses beside the picture."""

import math
from dataclasses import replace
from itertools import groupby

from gluon_style.chapter.plots import plot_result
from gluon_style.errors import GluonStyleError
from gluon_style.figures.studio import Check
from gluon_style.files.reading import MOST_JSON_BYTES, read_json
from gluon_style.methods.gatys.presets import PRESETS

# The book's two pictures, which it is published with.
BOOK_PICTURES = {
    'content': '014381e94081625e5e5279fd81f50d01'
    'b75ebf10f1e85189d66e2fc93adbc768',
    'style': 'a277e6926333bcb06f8fa7e68d24e4d3'
    '027ecb87802227ed4b514ab1906af557',
}
# The last plotted losses of the books' executed notebooks, content, style and
# TV, a row for each stage. They were made with the model zoo's weights.
PUBLISHED = {
    'chapter': [(8.85, 4.16, 5.38)],
    'chapter-v0.17': [(9.08, 0.43, 5.49)],
    'chapter-v0.7': [(5.37, 7.48, 4.32), (8.78, 6.22, 1.74)],
}
TOLERANCE = 0.2
LOSSES = ('content', 'style', 'tv')


def chapter(studio):
    """Draw edition 1.0's figure, or that of the edition the studio names."""
    settings = PRESETS[studio.name]
    reference = None
    if studio.options.reference is not None:
        reference = read_reference(studio.options.reference)
    changes = {}
    if settings.first is not None:
        epochs = studio.pick(settings.first.epochs, 60)
        changes['first'] = replace(settings.first, epochs=epochs)
    result = studio.run(
        studio.name,
        settings,
        size=(settings.size, 96),
        epochs=(settings.epochs, 60),
        **changes,
    )
    animator = plot_result(result.image, result.history)
    if reference is not None:
        _draw_reference(animator.axes[0], reference)
    checks = [_check_descent(stage) for stage in _stages(result)]
    return animator.fig, [*checks, *_check_published(studio, result)]


def _stages(result):
    """Return the history of each stage."""
    groups = groupby(result.history, lambda entry: entry['scale'])
    return [list(entries) for _, entries in groups]


def _check_descent(stage):
    first, last = stage[0]['total'], stage[-1]['total']
    return Check(
        f'{stage[0]["scale"][0]}x{stage[0]["scale"][1]}: the total loss ends '
        f'at {last:.2f}, below half of the first, {first:.2f}',
        last < first / 2,
    )


def _check_published(studio, result):
    """Yield how each loss compares with the published one."""
    settings, record = PRESETS[studio.name], result.record
    of_book = all(
        record[kind]['sha256'] == digest
        for kind, digest in BOOK_PICTURES.items()
    )
    # Of the pictures' 3 to 2, the preset's size gives the edition's.
    as_published = (
        of_book
        and record['settings']['size'] == settings.size
        and record['settings']['epochs'] == settings.epochs
    )
    if not as_published:
        yield Check(
            "the published losses are of the book's two pictures, "
            f'{settings.size} pixels wide, {settings.epochs} epochs',
            None,
        )
        return
    for stage, published in zip(_stages(result), PUBLISHED[studio.name]):
        for name, expected in zip(LOSSES, published):
            found = stage[-1][name]
            yield Check(
                f'{stage[-1]["scale"][0]}x{stage[-1]["scale"][1]}: {name} '
                f'loss {found:.2f}, published {expected:.2f}: '
                f'{found / expected - 1:+.0%} (tolerance {TOLERANCE:.0%})',
                abs(found / expected - 1) <= TOLERANCE,
            )


def _draw_reference(ax, curves):
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


def read_reference(path):
    """Return the epochs and losses of each curve in a JSON file.

    The file has them as {"curves": {"content": {"epoch": [...], "loss":
    [...]}, "style": ..., "tv": ...}}. Raises ValueError for another one.
    """
    try:
        curves = read_json(path)['curves']
        found = {
            name: (
                [float(epoch) for epoch in curves[name]['epoch']],
                [float(loss) for loss in curves[name]['loss']],
            )
            for name in LOSSES
        }
        good = all(len(x) == len(y) > 0 for x, y in found.values())
        good &= all(map(math.isfinite, sum(sum(found.values(), ()), [])))
    # OverflowError: a whole number beyond all floats.
    except (KeyError, OverflowError, TypeError, ValueError):
        good = False
    if not good:
        raise GluonStyleError(
            f'reference {str(path)!r} has no curves: it must be JSON, of '
            f'at most {MOST_JSON_BYTES >> 20} MiB, with the epochs and losses '
            'of content, style and tv'
        )
    return found
