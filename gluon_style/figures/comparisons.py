"""Figures of this package's own: optimizers compared, Gram matrices seen."""

import numpy
from matplotlib.figure import Figure

from gluon_style.figures.panels import show
from gluon_style.figures.studio import SINGLE, Check
from gluon_style.layers import STYLE_LAYERS
from gluon_style.methods.gatys.presets import PRESETS
from gluon_style.methods.gatys.settings import Settings


def optimizers(studio):
    """Draw the total loss of Adam and of L-BFGS, over epochs and seconds.

    The same objective, from the content picture: Adam with the chapter's
    learning rate, L-BFGS at one scale, and coarse to fine, as ``fast`` does.
    None is bounded, for Adam is not: in a picture of 100 pixels, bounds keep
    L-BFGS above Adam's end for good.
    """
    adam, lbfgs, scales = (
        studio.run(name, settings, size=(225, 96), epochs=(500, 50))
        for name, settings in (
            ('adam', Settings()),
            ('l-bfgs', SINGLE.changed({'bounded': False})),
            ('l-bfgs-scales', PRESETS['fast'].changed({'bounded': False})),
        )
    )
    results = {
        "Adam, the chapter's": adam,
        'L-BFGS': lbfgs,
        'L-BFGS, coarse to fine': scales,
    }
    figure = Figure(figsize=(9, 3.2), layout='constrained')
    over_epochs, over_seconds = figure.subplots(1, 2, sharey=True)
    for name, result in results.items():
        last = result.history[-1]['scale']
        for ax, key in ((over_epochs, 'epoch'), (over_seconds, 'seconds')):
            points = [
                (entry[key], entry['total'])
                for entry in result.history
                # A coarser scale has another picture's loss.
                if entry['scale'] == last
            ]
            ax.plot(*zip(*points), label=name)
            ax.set(xlabel=key, yscale='log', xscale='log')
            ax.grid(which='both', alpha=0.3)
    over_epochs.set_ylabel('total loss')
    over_epochs.legend(fontsize=8)
    return figure, list(_check_optimizers(results))


def first_at(history, total):
    """Return the first entry of the final scale at a loss, or None."""
    last = history[-1]['scale']
    for entry in history:
        if entry['scale'] == last and entry['total'] <= total:
            return entry
    return None


def _check_optimizers(results):
    adam, lbfgs, scales = (result.history for result in results.values())
    goal = 1.01 * adam[-1]['total']
    end = first_at(adam, goal)
    for name, history in (('one scale', lbfgs), ('coarse to fine', scales)):
        found = first_at(history, goal)
        if found is None:
            yield Check(
                f"L-BFGS, {name}: never at Adam's end, {goal:.2f}", False
            )
            continue
        epochs, seconds = (
            end[key] / found[key] for key in ('epoch', 'seconds')
        )
        yield Check(
            f"L-BFGS, {name}: at Adam's end, {goal:.2f}, after "
            f'{found["epoch"]} epochs in place of {end["epoch"]}: '
            f'{epochs:.1f} times fewer, {seconds:.1f} times less time',
            # Times depend on what else the machine has to do.
            epochs > 1,
        )


def gram(studio):
    """Draw what the style loss sees: the Gram matrices of five layers.

    Of the content picture, the style picture and the result; the channels of
    each layer in the order of the style's energy, its largest first.
    """
    result = studio.run(
        'result',
        PRESETS['fast'],
        size=(300, 64),
        epochs=(80, 30),
        style_weight=1e3,
    )
    eye = studio.eye
    pictures = {
        'content picture': eye.target('content', result.image),
        'style picture': eye.target('style', result.image),
        'result': result.image,
    }
    grams = {
        name: [G.asnumpy() for G in eye.grams(img)]
        for name, img in pictures.items()
    }
    figure = Figure(figsize=(12, 6.2), layout='constrained')
    axes = figure.subplots(3, 1 + len(STYLE_LAYERS))
    for j, layer in enumerate(STYLE_LAYERS, start=1):
        axes[0, j].set_title(layer, fontsize=9)
    for row, (name, img) in zip(axes, pictures.items()):
        show(row[0], img, side=name)
        for j in range(len(STYLE_LAYERS)):
            style = grams['style picture'][j]
            order = numpy.argsort(-numpy.diag(style))
            G = grams[name][j][order][:, order]
            limit = numpy.percentile(numpy.abs(style), 99)
            row[1 + j].imshow(
                G, cmap='RdBu_r', vmin=-limit, vmax=limit, aspect='equal'
            )
            row[1 + j].set(xticks=[], yticks=[])
    return figure, list(_check_grams(eye, pictures))


def _check_grams(eye, pictures):
    for layer in STYLE_LAYERS:
        before, after = (
            eye.style_distance(pictures[name], [layer])
            for name in ('content picture', 'result')
        )
        yield Check(
            f"{layer}: the result's matrix is nearer to the style's than the "
            f"content picture's: {after:.3f} in place of {before:.3f}",
            after < before / 2,
        )
