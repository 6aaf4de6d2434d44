"""Recipes that draw known figures from scratch, and check them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gluon_style.figures.adain import adain
from gluon_style.figures.diffusion import diffusion
from gluon_style.figures.editions import PUBLISHED_NETWORK, chapter
from gluon_style.figures.gatys2015 import reconstructions, tradeoff
from gluon_style.figures.gatys2016 import alpha_beta, content_layer, inits
from gluon_style.figures.gram import gram
from gluon_style.figures.one_pass import onepass
from gluon_style.figures.optimizers import optimizers
from gluon_style.figures.recipe import FigureRuns, Options, Recipe
from gluon_style.figures.verdict import Check
from gluon_style.figures.video import video
from gluon_style.many.executors import Executor
from gluon_style.many.jobs import Observe
from gluon_style.methods.fields import require_known

RECIPES = {
    'chapter': Recipe(
        chapter, "the chapter's figure, edition 1.0", PUBLISHED_NETWORK
    ),
    'chapter-v0.17': Recipe(
        chapter,
        'edition 0.17: the objective of 1.0, but written as ten times a list '
        'of style losses of weight 1e3; its plot has the list once, so that '
        'its style curve is a tenth',
        PUBLISHED_NETWORK,
    ),
    'chapter-v0.7': Recipe(
        chapter,
        'edition 0.7: style weight 1e3, so a tenth of the later editions; '
        'learning rate 0.01, at 225x150 and then at 900x600 pixels',
        PUBLISHED_NETWORK,
    ),
    'reconstructions': Recipe(
        reconstructions,
        'Gatys et al. 2015, figure 1: content and style as layers know them',
    ),
    'tradeoff': Recipe(
        tradeoff,
        'Gatys et al. 2015, figure 3: style layers, and content against style',
    ),
    'alpha-beta': Recipe(
        alpha_beta, 'Gatys et al. 2016, figure 4: content against style weight'
    ),
    'content-layer': Recipe(
        content_layer,
        'Gatys et al. 2016, figure 5: content at conv2_2 and at conv4_2',
    ),
    'inits': Recipe(
        inits, 'Gatys et al. 2016, figure 6: from content, style and noises'
    ),
    'optimizers': Recipe(optimizers, 'Adam and L-BFGS, over steps and time'),
    'onepass': Recipe(
        onepass,
        'one pass beside an optimization; its strengths, and four styles',
    ),
    'adain': Recipe(
        adain,
        'Huang & Belongie 2017, figure 7: adaptive instance normalization, '
        'between content and style',
    ),
    'diffusion': Recipe(
        diffusion,
        "diffusion over the style's patches: strengths, and without noise",
    ),
    'video': Recipe(
        video,
        'Ruder et al. 2016: a clip painted with the optical flow, and without',
    ),
    'gram': Recipe(gram, 'what a Gram matrix sees, at five layers'),
}


def draw(
    name: str,
    folder: str | Path = '.',
    options: Options | None = None,
    *,
    observe: Observe | None = None,
    executor: Executor | None = None,
) -> tuple[Path, list[Check]]:
    """Draw a figure into ``folder``; return its path and its checks.

    ``name`` is one of ``RECIPES``. ``folder`` gets NAME.png, NAME.checks.json
    with the checks and the record of each run, and the folder NAME with the
    picture of each run. Finished runs are not made again.

    ``executor`` says where the runs are made: see ``executor_for``. Without
    one, this process makes them, one after another, and ``observe`` returns
    the observers of a job's run. Raises GluonStyleError for an unknown name,
    and as ``stylize`` does.
    """
    require_known([name], RECIPES, 'figure')
    recipe, options = RECIPES[name], options or Options()
    network = options.network or recipe.network
    options = replace(options, network=network)
    runs = FigureRuns(name, folder, options, observe, executor)
    figure, checks = recipe.draw(runs)
    return runs.save(figure, checks), checks


__all__ = ['RECIPES', 'Check', 'Options', 'Recipe', 'draw']
