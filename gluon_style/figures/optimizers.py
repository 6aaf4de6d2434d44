"""The package's own figure of optimizers: Adam and L-BFGS compared."""

from __future__ import annotations

from collections.abc import Iterator

from matplotlib.figure import Figure

from gluon_style.figures.recipe import SINGLE, FigureRuns, RunSpec
from gluon_style.figures.verdict import Check
from gluon_style.methods.gatys.presets import PRESETS
from gluon_style.methods.gatys.settings import Settings
from gluon_style.records.record import Epoch, stages
from gluon_style.records.result import Result

# None is bounded, because Adam is not: in a picture of 100 pixels, bounds
# keep L-BFGS above the end of Adam for good.
_SETTINGS = {
    'adam': Settings(),
    'l-bfgs': SINGLE.changed({'bounded': False, 'antialias': False}),
    'l-bfgs-scales': PRESETS['chapter-fast'].changed({'bounded': False}),
}
_LABELS = {
    'adam': "Adam, the chapter's",
    'l-bfgs': 'L-BFGS',
    'l-bfgs-scales': 'L-BFGS, coarse to fine',
}


def optimizers(runs: FigureRuns) -> tuple[Figure, list[Check]]:
    """Draw the total loss of Adam and of L-BFGS, over epochs and seconds.

    The same objective and pictures, from the content picture: Adam with the
    chapter's learning rate, L-BFGS at one scale, and coarse to fine, as
    ``chapter-fast`` does.
    """
    jobs = [
        runs.job(name, RunSpec(settings, (225, 500), (96, 50)))
        for name, settings in _SETTINGS.items()
    ]
    results = dict(zip(_SETTINGS, runs.results(jobs)))
    figure = Figure(figsize=(9, 3.2), layout='constrained')
    over_epochs, over_seconds = figure.subplots(1, 2, sharey=True)
    for name, result in results.items():
        # A coarser scale has the loss of another picture.
        last = stages(result.history)[-1]
        totals = [entry.total for entry in last]
        for ax, unit in ((over_epochs, 'epoch'), (over_seconds, 'seconds')):
            times = [getattr(entry, unit) for entry in last]
            ax.plot(times, totals, label=_LABELS[name])
            ax.set(xlabel=unit, yscale='log', xscale='log')
            ax.grid(which='both', alpha=0.3)
    over_epochs.set_ylabel('total loss')
    over_epochs.legend(fontsize=8)
    return figure, list(_checks(results))


def first_at(history: list[Epoch], total: float) -> Epoch | None:
    """Return the first epoch of the final scale with such a loss, or None."""
    for entry in stages(history)[-1]:
        if entry.total <= total:
            return entry
    return None


def _checks(results: dict[str, Result]) -> Iterator[Check]:
    adam = results['adam'].history
    goal = 1.01 * adam[-1].total
    end = first_at(adam, goal) or adam[-1]
    for words, name in (
        ('L-BFGS, one scale', 'l-bfgs'),
        ('L-BFGS, coarse to fine', 'l-bfgs-scales'),
    ):
        entry = first_at(results[name].history, goal)
        if entry is None:
            yield Check(f"{words}: never at Adam's end, {goal:.2f}", False)
            continue
        epochs, seconds = (
            getattr(end, unit) / getattr(entry, unit)
            for unit in ('epoch', 'seconds')
        )
        yield Check(
            f"{words}: at Adam's end, {goal:.2f}, after {entry.epoch} epochs "
            f'in place of {end.epoch}: {epochs:.1f} times fewer, '
            f'{seconds:.1f} times less time',
            # Times depend on what else the machine has to do.
            epochs > 1,
        )
