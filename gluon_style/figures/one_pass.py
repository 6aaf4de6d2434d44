"""The package's own figure of one pass: beside an optimization, its styles.

Johnson et al. 2016, Dumoulin et al. 2017, Ghiasi et al. 2017.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy
from matplotlib.figure import Figure

from gluon_style.figures.comparison import Comparison
from gluon_style.figures.recipe import FigureRuns, RunSpec
from gluon_style.figures.verdict import Check, check_falling
from gluon_style.many.grid import picture_grid, show_picture
from gluon_style.many.jobs import Job
from gluon_style.methods.gatys.presets import PRESETS

# In full and quick.
_SIZES = 300, 96
_FAST = PRESETS['fast']
_OPTIMIZED = RunSpec(_FAST, (_SIZES[0], _FAST.epochs), (_SIZES[1], 40))
_STRENGTHS = 0.25, 0.5, 0.75, 1
# Four of the 26 styles of one net. Two of them are the less alike, the more
# their pixels differ: from 0 to 1, on average.
_STYLES = 'net:3', 'net:11', 'net:15', 'net:19'
_DIFFERENT = 0.1
_FIRST = ('content picture', 'style picture', 'optimized', 'one pass')


def onepass(runs: FigureRuns) -> tuple[Figure, list[Check]]:
    """Draw what one pass makes of the pictures, its strengths and styles.

    The first row has the pictures, an optimization and one pass, the second
    four strengths, the third four of the 26 styles.
    """
    optimized, *painted = runs.images(
        [
            runs.job('optimized', _OPTIMIZED),
            *(
                _job(runs, f'strength-{strength:g}', strength=strength)
                for strength in _STRENGTHS
            ),
            *(_job(runs, each.replace(':', '-'), each) for each in _STYLES),
        ]
    )
    strengths = painted[: len(_STRENGTHS)]
    styles = painted[len(_STRENGTHS) :]
    comparison = runs.comparison
    first = [
        *(comparison.target(name, optimized) for name in ('content', 'style')),
        *(optimized, strengths[-1]),
    ]
    height, width = optimized.shape[:2]
    figure, axes = picture_grid(3, 4, height / width)
    rows = (
        (first, _FIRST),
        (strengths, [f'strength {strength:g}' for strength in _STRENGTHS]),
        (styles, _STYLES),
    )
    for row, (images, words) in zip(axes, rows):
        for ax, img, above in zip(row, images, words):
            show_picture(ax, img, above)
    return figure, list(_checks(comparison, optimized, strengths, styles))


def _job(
    runs: FigureRuns, name: str, style: str | None = None, **changes
) -> Job:
    """Return a run of one pass, at the size of the optimization."""
    return runs.job_of('feedforward', name, _SIZES, style, **changes)


def _checks(
    comparison: Comparison,
    optimized: numpy.ndarray,
    strengths: list[numpy.ndarray],
    styles: list[numpy.ndarray],
) -> Iterator[Check]:
    whole = strengths[-1]
    untouched = comparison.target('content', whole)
    for words, img in (('optimization', optimized), ('one pass', whole)):
        before, after = map(comparison.style_distance, (untouched, img))
        yield Check(
            f'{words}: the style comes nearer: {after:.3f}, the content '
            f"picture's is {before:.3f}",
            after < before,
        )
    yield check_falling(
        'the optimization takes more of the style than one pass (distances '
        'of one pass and of it)',
        [comparison.style_distance(img) for img in (whole, optimized)],
    )
    yield check_falling(
        'with more strength less of the content picture stays (SSIM)',
        [comparison.ssim(img) for img in strengths],
    )
    least = min(
        float(numpy.abs(a.astype(float) - b).mean() / 255)
        for a, b in combinations(styles, 2)
    )
    yield Check(
        f'no two of the four styles paint alike: pixels differ by {least:.2f} '
        f'or more, of 1; they must by {_DIFFERENT}',
        least > _DIFFERENT,
    )
