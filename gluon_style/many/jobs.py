"""Runs in a folder, each made once: a finished one is read again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gluon_style import __version__
from gluon_style.errors import GluonStyleError
from gluon_style.methods.observers import Observer
from gluon_style.methods.table import DEFAULT_METHOD, method_of
from gluon_style.pictures.read import read_picture
from gluon_style.records.record import PictureId, Record
from gluon_style.records.result import Result, require_result_files
from gluon_style.weights.choice import WeightsFile


@dataclass(frozen=True)
class Job:
    """One run: the name of its files, its pictures, its settings.

    ``content`` and ``style`` are paths, Pillow images or arrays (height,
    width, 3) of uint8. ``weights`` are those of its network where they are
    chosen already, as for ``find_weights``; by default its settings choose
    them. A job can be pickled.
    """

    name: str
    content: Any
    style: Any
    settings: Any
    weights: str | WeightsFile | None = None

    def path(self, folder: str | Path) -> Path:
        """Return the path of the picture in ``folder``."""
        return Path(folder) / f'{self.name}.png'

    def pictures(self) -> dict[str, PictureId]:
        """Return the id of each picture by its role, as a record has them."""
        return method_of(self.settings).picture_ids(
            self.content, self.style, self.settings
        )


# What returns the observers of a job's run.
Observe = Callable[[Job], Iterable[Observer]]


def finished(job: Job, folder: str | Path) -> Result | None:
    """Return the result of ``job`` that is in ``folder``, or None.

    It counts if it was made from the same pictures, with the same settings,
    by the same version of this package, and is whole.
    """
    path = job.path(folder)
    # To say what may be meant in place of a missing file lists its folder,
    # and there are as many jobs as files.
    if not path.is_file():
        return None
    try:
        result = Result.load(path)
    except (FileNotFoundError, GluonStyleError):
        return None
    whole = not method_of(job.settings).has_epochs or _has_times(result)
    return result if whole and _was_made_by(result.record, job) else None


def _has_times(result: Result) -> bool:
    """Return whether there are epochs, each with its seconds."""
    times = [entry.seconds for entry in result.history]
    return bool(times) and None not in times


def _was_made_by(record: Record, job: Job) -> bool:
    """Return whether the run of a record is the one that a job describes."""
    chosen = job.settings.to_json()
    if record.method != method_of(job.settings).name:
        return False
    for name in ('network', 'precision'):
        if chosen.get(name) == 'auto':
            # As with the weights, the record names what was taken.
            chosen[name] = record.settings.get(name)
    return (
        _chosen(record.settings) == _chosen(chosen)
        and record.versions.get('gluon_style') == __version__
        and all(
            role in record.pictures
            and record.pictures[role].sha256 == picture.sha256
            for role, picture in job.pictures().items()
        )
    )


def _chosen(settings: dict[str, Any]) -> dict[str, Any]:
    """Return settings without the restarts, which happened in the run."""
    return {name: settings[name] for name in settings if name != 'restarts'}


def check_job(job: Job, folder: str | Path, force: bool = False) -> None:
    """Raise an error if ``run`` would refuse the job before it computes.

    Raises GluonStyleError or OSError for a picture that cannot be read or is
    too small for the layers, and, unless ``force`` is true, for a file with
    the job's name that this package did not write.
    """
    path = job.path(folder)
    if path.parent.is_dir():
        require_result_files(path, force)
    height, width = read_picture(job.content).shape[:2]
    job.settings.image_shape(width, height)
    method_of(job.settings).check_style(job.style)


def run(
    job: Job,
    folder: str | Path,
    observe: Observe | None = None,
    net_for: Callable[[Job], Any] | None = None,
    force: bool = False,
) -> Result:
    """Return the result of ``job``: from ``folder``, or made and saved there.

    ``observe`` returns the observers of the job's run, ``net_for`` its
    network; a finished job needs neither. Raises the errors
    of ``check_job`` and ``stylize``, and OSError if the result cannot be
    written.
    """
    result = finished(job, folder)
    if result is not None:
        return result
    # A mistake is an error before weights are fetched.
    check_job(job, folder, force)
    # MXNet takes seconds to load, and a finished job does not need it.
    method, options = method_of(job.settings), {}
    if method.name == DEFAULT_METHOD and net_for:
        options['net'] = net_for(job)
    result = method.stylize(
        job.content,
        job.style,
        job.settings,
        observers=observe(job) if observe else (),
        **options,
    )
    path = job.path(folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    result.save(path, force=force)
    return result
