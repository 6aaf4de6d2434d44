"""Every combination of pictures and settings, in one folder, resumable."""

from __future__ import annotations

import itertools
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gluon_style.errors import GluonStyleError
from gluon_style.files.atomic import replacing
from gluon_style.many.executors import Executor, InThisProcess
from gluon_style.many.jobs import Job
from gluon_style.many.names import file_names, value_in_name
from gluon_style.methods.kinds import scaled
from gluon_style.methods.table import method_of
from gluon_style.pictures import Array
from gluon_style.pictures.read import read_picture
from gluon_style.pictures.resize import resized
from gluon_style.records.record import Record

PREVIEW_EPOCHS = 40
# matplotlib takes a second for a dozen pictures.
MOST_ON_SHEET = 1000
# The longest side of a contact sheet.
_SHEET_PIXELS = 12000


@dataclass(frozen=True)
class Cell:
    """One combination: its run, and what tells it from the others.

    ``pair`` names the content and the style, ``values`` has the value of
    each setting that varies. A cell that is run has a ``record``, and the
    ``seconds`` of its run where there were epochs; one that failed has an
    ``error``, a sentence: see ``Outcome``. The picture is in the folder:
    thousands of them would not fit into the memory.
    """

    job: Job
    pair: tuple[str, str]
    values: dict[str, Any]
    record: Record | None = None
    seconds: float | None = None
    error: str | None = None
    diverged: bool = False
    is_new: bool = False


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
    executor: Executor | None = None,
    force: bool = False,
) -> Iterator[Cell]:
    """Run the cells that are not finished, and yield each when it is.

    ``folder`` gets the picture and the record of each cell, and
    ``manifest.jsonl`` with a line for every cell, which is written anew
    while the sweep goes on. Where a picture cannot be read, which is found
    out before all runs, or a loss becomes infinite, the cell has failed and
    the others go on. ``executor`` says where the jobs run: in this process
    by default. ``force`` and the errors are as for ``jobs.run``.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    done = checked(cells)
    todo = [i for i, cell in enumerate(done) if cell.error is None]
    manifest = _Manifest(folder)
    manifest.write(done)
    executor = executor or InThisProcess()
    jobs = [done[i].job for i in todo]
    try:
        yield from (cell for cell in done if cell.error is not None)
        with closing(executor.outcomes(jobs, folder, force)) as outcomes:
            for index, outcome in outcomes:
                i = todo[index]
                done[i] = replace(done[i], **vars(outcome))
                manifest.write_sometimes(done)
                yield done[i]
    finally:
        manifest.write(done)


class _Manifest:
    """Write ``manifest.jsonl``, and not all the time: it may be long."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / 'manifest.jsonl'
        self._next = 0.0

    def write_sometimes(self, cells: Sequence[Cell]) -> None:
        """Write it unless that would take a twentieth of the time."""
        if time.monotonic() >= self._next:
            self.write(cells)

    def write(self, cells: Sequence[Cell]) -> None:
        """Write a line for each cell: what it is, how it came out."""
        began = time.monotonic()
        text = ''.join(json.dumps(_line(cell)) + '\n' for cell in cells)
        with replacing(self._path) as temporary:
            temporary.write_text(text)
        ended = time.monotonic()
        self._next = ended + 20 * (ended - began)


def _line(cell: Cell) -> dict[str, Any]:
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
    if cell.record is not None:
        line['state'] = 'done'
        losses = cell.record.losses
        if losses is not None and cell.seconds is not None:
            line.update(losses=losses.to_json(), seconds=cell.seconds)
    return line


def contact_sheet(
    cells: Sequence[Cell], folder: str | Path, path: str | Path
) -> None:
    """Draw all pictures in a folder as one, with settings at its edges.

    The last setting that varies runs from left to right, or the styles if
    none does. What the cells of a row share stands at its left.
    """
    from gluon_style.chapter.plots import write_figure
    from gluon_style.many.grid import picture_grid, show_picture

    edges = [_edges(cell, cells) for cell in cells]
    rows, columns = (list(dict.fromkeys(edge)) for edge in zip(*edges))
    records = [cell.record for cell in cells if cell.record is not None]
    figure, axes = picture_grid(
        len(rows),
        len(columns),
        max((record.height / record.width for record in records), default=1),
        gap=0.1,
        margins=(1, 0.4),
    )
    for ax, column in zip(axes[0], columns):
        ax.set_title(column, fontsize=8)
    for ax, row in zip(axes[:, 0], rows):
        ax.set_ylabel(row, fontsize=8)
    dpi = min(150, _SHEET_PIXELS / max(figure.get_size_inches()))
    for cell, (row, column) in zip(cells, edges):
        ax = axes[rows.index(row), columns.index(column)]
        if cell.record is not None:
            show_picture(ax, _small(cell.job.path(folder), dpi))
        else:
            text = 'failed' if cell.error else 'to do'
            ax.text(0.5, 0.5, text, ha='center', transform=ax.transAxes)
    with replacing(path) as temporary:
        write_figure(figure, temporary, dpi=dpi)


def _small(path: Path, dpi: float) -> Array:
    """Return a picture with as many pixels as its place on a sheet has."""
    from gluon_style.many.grid import PANEL_WIDTH

    img = read_picture(path)
    height, width = img.shape[:2]
    longest = min(max(height, width), max(1, round(1.5 * PANEL_WIDTH * dpi)))
    return resized(img, scaled(width, height, longest))


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
