"""Every combination of pictures and settings, in one folder, resumable."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gluon_style.errors import GluonStyleError, NonFiniteLossError
from gluon_style.files.atomic import replacing
from gluon_style.many.jobs import Job, Observe, run
from gluon_style.many.names import file_names, value_in_name
from gluon_style.methods.table import DEFAULT_METHOD, method_of
from gluon_style.pictures.read import read_picture
from gluon_style.records.result import Result

PREVIEW_EPOCHS = 40
# The longest side of a contact sheet.
_SHEET_PIXELS = 12000


@dataclass(frozen=True)
class Cell:
    """One combination: its run, and what tells it from the others.

    ``pair`` names the content and the style, ``values`` has the value of
    each setting that varies. A cell that is not run yet has no ``result``; a
    run that failed has no ``result`` but an ``error``, a sentence.
    """

    job: Job
    pair: tuple[str, str]
    values: dict[str, Any]
    result: Result | None = None
    error: str | None = None


def combinations(
    contents: Sequence[str | Path],
    styles: Sequence[str | Path],
    settings: Any,
    varied: dict[str, list[Any]],
) -> list[Cell]:
    """Return a cell for every combination, each with its own name, none run.

    ``varied`` has a list of values for the name of each setting that varies.
    Raises GluonStyleError for a value that a setting does not accept, for a
    picture or a value that is given twice, and for an unknown setting.
    """
    axes = {'content': contents, 'style': styles, **varied}
    words = {
        name: [value_in_name(name, choice) for choice in choices]
        for name, choices in axes.items()
    }
    for name, texts in words.items():
        _require_different(name, texts)
    parts = [
        file_names([Path(path).stem for path in contents]),
        file_names([Path(path).stem for path in styles]),
        *(
            file_names([f'{name}-{text}' for text in words[name]])
            for name in varied
        ),
    ]
    labels = list(itertools.product(*parts))
    # Parts that differ may be the same once they are joined.
    names = file_names(['--'.join(label) for label in labels])
    cells: list[Cell] = []
    choices = itertools.product(*axes.values())
    for choice, label, name in zip(choices, labels, names):
        content, style, *values = choice
        changes = dict(zip(varied, values))
        job = Job(name, content, style, settings.changed(changes))
        cells.append(Cell(job, (label[0], label[1]), changes))
    return cells


def _require_different(name: str, texts: list[str]) -> None:
    for text, count in Counter(texts).items():
        if count > 1:
            raise GluonStyleError(
                f'{name} {text!r} is given twice: give each once'
            )


def previewed(cells: Iterable[Cell], size: int) -> list[Cell]:
    """Return the cells of a preview: smaller, shorter, each once.

    ``size`` is the longest side of its pictures, in pixels.
    """
    previews: dict[tuple[str, ...], Cell] = {}
    for cell in cells:
        values = {k: v for k, v in cell.values.items() if k != 'size'}
        settings = cell.job.settings
        changes = {'size': size}
        if hasattr(settings, 'epochs'):
            changes['epochs'] = min(settings.epochs, PREVIEW_EPOCHS)
        settings = settings.changed(changes)
        key = tuple(
            map(str, (cell.job.content, cell.job.style, *values.values()))
        )
        job = replace(cell.job, settings=settings)
        preview = Cell(job, cell.pair, values, error=cell.error)
        previews.setdefault(key, preview)
    return list(previews.values())


def checked(cells: Iterable[Cell]) -> list[Cell]:
    """Return the cells, with an ``error`` where a picture cannot be read.

    Cells that have an error already keep it. Each picture is read once.
    Raises GluonStyleError where a size does not suit a picture.
    """
    found: dict[Any, tuple[Any, str | None]] = {}

    def shape_of(path: Any) -> tuple[int, ...]:
        return read_picture(path).shape

    def examined(
        path: Any, examine: Callable[[Any], Any]
    ) -> tuple[Any, str | None]:
        """Return what ``examine`` returns, and why it fails."""
        if (path, examine) not in found:
            try:
                found[path, examine] = examine(path), None
            except (OSError, GluonStyleError) as error:
                found[path, examine] = (), str(error)
        return found[path, examine]

    done: list[Cell] = []
    for cell in cells:
        method = method_of(cell.job.settings)
        shape, content_error = examined(cell.job.content, shape_of)
        _, style_error = examined(cell.job.style, method.check_style)
        error = cell.error or content_error or style_error
        if error is None:
            cell.job.settings.image_shape(shape[1], shape[0])
        done.append(replace(cell, error=error))
    return done


def sweep(
    cells: Iterable[Cell],
    folder: str | Path,
    observe: Observe | None = None,
    force: bool = False,
) -> Iterator[Cell]:
    """Run the cells that are not finished, and yield each when it is.

    ``folder`` gets the picture and the record of each cell, and
    ``manifest.jsonl`` with a line for every cell, which is written anew
    after each. Where a picture cannot be read, which is found out before all
    runs, or a loss becomes infinite, the cell has failed and the others go
    on. ``observe`` returns the observers of a job's run. ``force``
    and the errors are as for ``jobs.run``.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    done = checked(cells)
    nets = SharedNets([cell.job for cell in done])
    write_manifest(done, folder)
    for i, cell in enumerate(done):
        result, error = None, cell.error
        try:
            if error is None:
                result = run(cell.job, folder, observe, nets.net, force)
        except NonFiniteLossError as failure:
            error = str(failure)
        done[i] = replace(cell, result=result, error=error)
        write_manifest(done, folder)
        yield done[i]


class SharedNets:
    """The networks of several jobs, each built when it is first needed.

    Jobs with the same network, weights, pooling and device share one, which
    reaches the deepest layer of all jobs.
    """

    def __init__(self, jobs: Iterable[Job]) -> None:
        self._layers: dict[tuple[str, ...], set[str]] = {}
        for job in jobs:
            if method_of(job.settings).name != DEFAULT_METHOD:
                # It shares its nets by itself.
                continue
            layers = self._layers.setdefault(_net_key(job.settings), set())
            layers.update(job.settings.named_layers)
        self._nets: dict[tuple[str, ...], Any] = {}

    def net(self, settings: Any) -> Any:
        """Return the network for a run with these settings."""
        key = _net_key(settings)
        if key not in self._nets:
            from gluon_style.chapter.devices import get_device
            from gluon_style.chapter.vgg import build_net

            self._nets[key] = build_net(
                None,
                sorted(self._layers[key]),
                network=settings.network,
                weights=settings.weights,
                pooling=settings.pooling,
                device=get_device(settings.device),
            )
        return self._nets[key]


def _net_key(settings: Any) -> tuple[str, ...]:
    """Return what two runs must have in common to share a network."""
    return (
        settings.network,
        settings.weights,
        settings.pooling,
        settings.device,
    )


def write_manifest(cells: Iterable[Cell], folder: str | Path) -> None:
    """Write a line of JSON for each cell: what it is, how it came out."""
    lines: list[str] = []
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
            line['state'] = 'done'
            losses, history = cell.result.record.losses, cell.result.history
            if losses is not None and history:
                line['losses'] = losses.to_json()
                line['seconds'] = history[-1].seconds
        lines.append(json.dumps(line) + '\n')
    with replacing(Path(folder) / 'manifest.jsonl') as temporary:
        temporary.write_text(''.join(lines))


def contact_sheet(cells: Sequence[Cell], path: str | Path) -> None:
    """Draw all pictures as one, with their settings at its edges.

    The last setting that varies runs from left to right, or the styles if
    none does. What the cells of a row share stands at its left.
    """
    from gluon_style.chapter.plots import write_figure
    from gluon_style.many.grid import picture_grid, show_picture

    edges = [_edges(cell, cells) for cell in cells]
    rows, columns = (list(dict.fromkeys(edge)) for edge in zip(*edges))
    shapes = [c.result.image.shape for c in cells if c.result is not None]
    figure, axes = picture_grid(
        len(rows),
        len(columns),
        max((height / width for height, width, _ in shapes), default=1),
        gap=0.1,
        margins=(1, 0.4),
    )
    for ax, column in zip(axes[0], columns):
        ax.set_title(column, fontsize=8)
    for ax, row in zip(axes[:, 0], rows):
        ax.set_ylabel(row, fontsize=8)
    for cell, (row, column) in zip(cells, edges):
        ax = axes[rows.index(row), columns.index(column)]
        if cell.result is not None:
            show_picture(ax, cell.result.image)
        else:
            text = 'failed' if cell.error else 'to do'
            ax.text(0.5, 0.5, text, ha='center', transform=ax.transAxes)
    dpi = min(150, _SHEET_PIXELS / max(figure.get_size_inches()))
    with replacing(path) as temporary:
        write_figure(figure, temporary, dpi=dpi)


def _edges(cell: Cell, cells: Sequence[Cell]) -> tuple[str, str]:
    """Return the words at the left of a cell's row and above its column."""
    values = [
        f'{name.replace("_", " ")} {value_in_name(name, value)}'
        for name, value in cell.values.items()
        if len({str(other.values[name]) for other in cells}) > 1
    ]
    if values:
        return '\n'.join([*cell.pair, *values[:-1]]), values[-1]
    return cell.pair
