"""The package's own figure of diffusion over patches.

What the style's patches make of a picture, beside an optimization; strengths;
and what the noise does, which is little where losses guide.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy
from matplotlib.figure import Figure

from gluon_style.figures.comparison import Comparison
from gluon_style.figures.recipe import FigureRuns, RunSpec
from gluon_style.figures.verdict import Check, check_falling
from gluon_style.many.grid import picture_grid, show_picture
from gluon_style.many.jobs import Job
from gluon_style.methods.diffusion.patches import some_patches
from gluon_style.methods.diffusion.settings import Settings
from gluon_style.methods.gatys.presets import PRESETS

# In full and quick.
_SIZES = 300, 128
_FAST = PRESETS['fast']
_OPTIMIZED = RunSpec(_FAST, (_SIZES[0], _FAST.epochs), (_SIZES[1], 30))
_STRENGTHS = 0.1, Settings().strength, 0.8
# Patches of the result that are looked for in the style.
_SIDE, _PATCHES = 5, 1000
_WORDS = (
    *('content picture', 'style picture', 'optimized', 'diffusion'),
    *(f'strength {strength:g}' for strength in _STRENGTHS[::2]),
    *('another seed', 'without noise'),
)


def diffusion(runs: FigureRuns) -> tuple[Figure, list[Check]]:
    """Draw what the style's patches make of the content picture.

    The first row has the pictures, an optimization and a diffusion; the
    second less and more strength, another seed, and no noise at all.
    """
    optimized, weak, usual, strong, seed, silent = runs.images(
        [
            runs.job('optimized', _OPTIMIZED),
            *(
                _job(runs, f'strength-{strength:g}', strength=strength)
                for strength in _STRENGTHS
            ),
            _job(runs, 'seed-1', seed=1),
            _job(runs, 'without-noise', noise=0.0),
        ]
    )
    comparison = runs.comparison
    content, style = (
        comparison.target(name, usual) for name in ('content', 'style')
    )
    images = (
        *(content, style, optimized, usual),
        *(weak, strong, seed, silent),
    )
    figure, axes = picture_grid(2, 4, usual.shape[0] / usual.shape[1])
    for ax, img, above in zip(axes.flat, images, _WORDS):
        show_picture(ax, img, above)
    strengths = weak, usual, strong
    checks = _checks(comparison, optimized, strengths, seed, silent)
    return figure, list(checks)


def _job(runs: FigureRuns, name: str, **changes) -> Job:
    """Return a run of diffusion, at the size of the optimization."""
    changes['network'] = runs.options.network or 'auto'
    changes['weights'] = runs.options.weights
    return runs.job_of('diffusion', name, _SIZES, **changes)


def _checks(
    comparison: Comparison,
    optimized: numpy.ndarray,
    strengths: tuple[numpy.ndarray, ...],
    seed: numpy.ndarray,
    silent: numpy.ndarray,
) -> Iterator[Check]:
    usual = strengths[1]
    untouched = comparison.target('content', usual)
    style = comparison.target('style', usual)
    yield check_falling(
        'the style comes nearer (distances of content picture and result)',
        [comparison.style_distance(img) for img in (untouched, usual)],
    )
    yield check_falling(
        "its patches are nearer to the style's than the optimization's",
        [patch_distance(img, style) for img in (optimized, usual)],
    )
    yield check_falling(
        'with more strength less of the content picture stays (SSIM)',
        [comparison.ssim(img) for img in strengths],
    )
    yield check_falling(
        'without noise the picture changes less than from the content '
        'picture to it (differences of pixels)',
        [_difference(usual, img) for img in (untouched, silent)],
    )
    without, with_noise = (
        comparison.style_distance(img) for img in (silent, usual)
    )
    yield Check(
        'and the style is about as near without noise: '
        f'{without:.3f}, with it {with_noise:.3f}',
        0.7 < without / with_noise < 1.4,
    )
    yield Check(
        f'another seed is another picture: {_difference(usual, seed):.3f}',
        _difference(usual, seed) > 0.005,
    )


def _difference(img: numpy.ndarray, other: numpy.ndarray) -> float:
    """Return the mean difference of pixels from 0 to 1."""
    return float(numpy.abs(img / 255 - other / 255).mean())


def patch_distance(img: numpy.ndarray, style: numpy.ndarray) -> float:
    """Return how far a picture's patches are from the style's nearest ones.

    The mean, over patches of 5x5 pixels, of the root mean square of the
    difference of pixels from 0 to 1.
    """
    rng = numpy.random.RandomState(0)
    own, others = (
        some_patches((each / 255).transpose(2, 0, 1), _SIDE, most, rng)
        for each, most in ((img, _PATCHES), (style, 1 << 30))
    )
    squares = (others**2).sum(axis=1)
    nearest = [
        (squares - 2 * others @ patch).min() + patch @ patch for patch in own
    ]
    return float(numpy.sqrt(numpy.maximum(nearest, 0) / own.shape[1]).mean())
