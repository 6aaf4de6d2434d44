"""One call from many pictures and settings to a folder of results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from gluon_style.errors import GluonStyleError
from gluon_style.files.atomic import claim
from gluon_style.files.ours import require_folder, require_ours
from gluon_style.many.executors import executor_for
from gluon_style.many.sweep import Cell, combinations, sweep
from gluon_style.methods.fields import Validated, unfit
from gluon_style.methods.stylize import method_for


def map_styles(
    contents: Sequence[str | Path],
    styles: Sequence[str | Path],
    folder: str | Path,
    settings: Validated | None = None,
    *,
    method: str | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    ca: str | None = None,
    cert: str | None = None,
    key: str | None = None,
    force: bool = False,
    **changes: Any,
) -> Iterator[Cell]:
    """Give each content each style, and yield a ``Cell`` when one is ready.

    ``contents`` and ``styles`` are files; ``folder`` gets the pictures, their
    records and ``manifest.jsonl``. What it already has is not made again.
    ``settings`` and ``method`` are as for ``stylize``; further keywords change
    single settings, and a list of values makes a picture of each.

    With ``workers``, so many processes of this machine make the pictures: in
    a script, call it under ``if __name__ == '__main__':``. ``scheduler`` is
    the address of a Dask scheduler, such as 'tcp://host:8786'; ``ca``,
    ``cert`` and ``key`` are the files of TLS for one of 'tls://'. Without
    either, this process makes them.

    A cell has a ``record``, or an ``error``, a sentence, and its
    ``job.path(folder)`` is the picture. Raises GluonStyleError,
    FileNotFoundError and MissingPackageError for what cannot work.
    """
    chosen = _settings(settings, method)
    own = {name: _values(name, value) for name, value in changes.items()}
    fixed = {name: each[0] for name, each in own.items() if len(each) == 1}
    varied = {name: each for name, each in own.items() if len(each) > 1}
    cells = combinations(contents, styles, chosen.changed(fixed), varied)
    require_folder(folder)
    require_ours(Path(folder) / 'manifest.jsonl', force)
    executor = executor_for(workers, scheduler, ca=ca, cert=cert, key=key)
    return _made(cells, Path(folder), executor, force)


def _made(
    cells: list[Cell], folder: Path, executor: Any, force: bool
) -> Iterator[Cell]:
    with claim(folder / 'manifest.jsonl'), executor as place:
        yield from sweep(cells, folder, place, force)


def _settings(settings: Any, method: str | None) -> Any:
    """Return the settings asked for: by default the method's own."""
    if settings is not None and not isinstance(settings, Validated):
        raise unfit('settings', settings, 'Settings of a method')
    chosen = method_for(settings, method)
    return chosen.default_settings() if settings is None else settings


def _values(name: str, value: Any) -> list[Any]:
    """Return the values that a setting is to have."""
    if value == []:
        raise GluonStyleError(f'{name} is an empty list: give a value')
    return value if isinstance(value, list) else [value]
