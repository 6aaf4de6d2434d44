"""Every combination of pictures and settings, in one folder, resumable."""

import functools
import itertools
import json
import re
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from gluon_style.errors import GluonStyleError, NonFiniteLossError
from gluon_style.files.atomic import replacing
from gluon_style.layers import names_of
from gluon_style.many.jobs import Job, run
from gluon_style.records.result import Result

PREVIEW_EPOCHS = 40
# The longest side of a contact sheet.
_SHEET_PIXELS = 12000


@dataclass(frozen=True)
class Cell:
    """One combination: its run, and what tells it from the others.

    ``pair`` names the content and the style, ``values`` are the varied
    settings' by name; ``result`` is None, and ``error`` says why, where the
    run failed.
    """

    job: Job
    pair: tuple
    values: dict
    result: Result = None
    error: str = None


def combinations(contents, styles, settings, varied):
    """Return a cell for every combination, each of its own name, none run.

    ``contents`` and ``styles`` are paths; ``varied`` has a list of values
    for each setting's name. Raises ValueError for a value that no run could
    have, for a picture named twice, and for a name that is no setting.
    """
    axes = {'content': contents, 'style': styles, **varied}
    for name, choices in axes.items():
        words = [say(choice) for choice in choices]
        twice = [word for word in words if words.count(word) > 1]
        if twice:
            raise GluonStyleError(
                f'{name} {twice[0]!r} is named twice: name each once'
            )
    stems = [[Path(path).stem for path in each] for each in (contents, styles)]
    words = [
        [f'{name}-{say(choice)}' for choice in choices]
        for name, choices in varied.items()
    ]
    named = list(itertools.product(*map(_distinct, [*stems, *words])))
    # Parts that differ may be the same once they are joined.
    names = _distinct(['--'.join(each) for each in named])
    chosen = itertools.product(*axes.values())
    cells = []
    for (content, style, *values), each, name in zip(chosen, named, names):
        values = dict(zip(varied, values))
        job = Job(name, content, style, settings.changed(values))
        cells.append(Cell(job, each[:2], values))
    return cells


def _distinct(texts):
    """Return texts fit for a file's name, no two of which are the same.

    Those that would be, but for their case, have their number in the list.
    """
    names = [re.sub(r'[^\w.+-]+', '_', text) for text in texts]
    while True:
        count = Counter(map(str.lower, names))
        if len(count) == len(names):
            return names
        # Again, for a number may make it the name of another one.
        names = [
            name if count[name.lower()] == 1 else f'{name}-{i}'
            for i, name in enumerate(names, start=1)
        ]


def say(value):
    """Return a setting's value in short words."""
    if isinstance(value, tuple):
        numbers = all(isinstance(part, int) for part in value)
        return ('x' if numbers else '+').join(map(str, value))
    if isinstance(value, float):
        mantissa, exponent = f'{value:e}'.split('e')
        mantissa = mantissa.rstrip('0').rstrip('.')
        large = abs(int(exponent)) > 2
        return f'{mantissa}e{int(exponent)}' if large else f'{value:g}'
    return str(value)


def previewed(cells, size):
    """Return the cells of a preview: smaller, shorter, each once.

    ``size`` is the longest side of its pictures, in pixels.
    """
    found = {}
    for cell in cells:
        values = {k: v for k, v in cell.values.items() if k != 'size'}
        settings = cell.job.settings
        epochs = min(settings.epochs, PREVIEW_EPOCHS)
        settings = settings.changed({'size': size, 'epochs': epochs})
        key = cell.job.content, cell.job.style, *map(str, values.values())
        job = replace(cell.job, settings=settings)
        found.setdefault(key, Cell(job, cell.pair, values))
    return list(found.values())


def sweep(cells, folder, watch=None, force=False):
    """Run the cells that are not yet done, and yield each when it is.

    ``folder`` gets each one's picture and record, and ``manifest.jsonl``,
    with a line for every cell, which is written anew after each. A run whose
    loss is not finite is noted as failed and the others go on. ``force`` is
    as for ``series.run``, and so is what is raised.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    done = list(cells)

    make_net = _shared_net(cells)
    write_manifest(done, folder)
    for i, cell in enumerate(cells):
        result = error = None
        try:
            result = run(cell.job, folder, watch, make_net, force)
        except NonFiniteLossError as failure:
            error = str(failure)
        done[i] = replace(cell, result=result, error=error)
        write_manifest(done, folder)
        yield done[i]


def _shared_net(cells):
    """Return a ``make_net`` that makes one for all cells, when first asked."""
    layers = set()
    for cell in cells:
        layers.update(names_of(cell.job.settings.content_layers))
        layers.update(names_of(cell.job.settings.style_layers))

    @functools.cache
    def make(**options):
        from gluon_style.chapter.vgg import build_net

        return build_net(layers, (), **options)

    def make_net(content_layers, style_layers, **options):
        return make(**options)

    return make_net


def write_manifest(cells, folder):
    """Write a line of JSON for each cell: what it is, how it came out."""
    lines = []
    for cell in cells:
        line = {
            'name': cell.job.name,
            'file': f'{cell.job.name}.png',
            'content': str(cell.job.content),
            'style': str(cell.job.style),
            'settings': cell.values,
            'state': 'waiting',
        }
        if cell.error is not None:
            line.update(state='failed', error=cell.error)
        if cell.result is not None:
            line.update(
                state='done',
                losses=cell.result.record['losses'],
                seconds=cell.result.history[-1]['seconds'],
            )
        lines.append(json.dumps(line) + '\n')
    with replacing(Path(folder) / 'manifest.jsonl') as temporary:
        temporary.write_text(''.join(lines))


def contact_sheet(cells, path):
    """Draw all pictures as one, with their settings at its edges.

    The last setting that varies runs across, or else the styles do; a row
    has all else in common, which stands at its left.
    """
    from matplotlib.figure import Figure

    from gluon_style.chapter.plots import write_figure

    keyed = [_edges(cell, cells) for cell in cells]
    rows, columns = (list(dict.fromkeys(edge)) for edge in zip(*keyed))
    shapes = [c.result.image.shape for c in cells if c.result is not None]
    width = 2.2
    height = width * max([h / w for h, w, _ in shapes], default=1)
    figure = Figure(
        figsize=(width * len(columns) + 1, (height + 0.1) * len(rows) + 0.4),
        layout='constrained',
    )
    axes = figure.subplots(len(rows), len(columns), squeeze=False)
    for ax in axes.flat:
        ax.set(xticks=[], yticks=[], frame_on=False)
    for ax, column in zip(axes[0], columns):
        ax.set_title(column, fontsize=8)
    for ax, row in zip(axes[:, 0], rows):
        ax.set_ylabel(row, fontsize=8)
    for cell, (row, column) in zip(cells, keyed):
        _fill(axes[rows.index(row), columns.index(column)], cell)
    dpi = min(150, _SHEET_PIXELS / max(figure.get_size_inches()))
    with replacing(path) as temporary:
        write_figure(figure, temporary, dpi=dpi)


def _edges(cell, cells):
    """Return what stands at the left and above a cell's picture."""
    values = [
        f'{key.replace("_", " ")} {say(value)}'
        for key, value in cell.values.items()
        if len({str(other.values[key]) for other in cells}) > 1
    ]
    if values:
        return '\n'.join([*cell.pair, *values[:-1]]), values[-1]
    return cell.pair


def _fill(ax, cell):
    if cell.result is None:
        text = 'failed' if cell.error else 'to do'
        ax.text(0.5, 0.5, text, ha='center', transform=ax.transAxes)
        return
    ax.imshow(cell.result.image)
