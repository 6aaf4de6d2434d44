"""Many runs in one folder, of which none is made twice."""

import json
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

from gluon_style import __version__
from gluon_style.files.ours import require_ours
from gluon_style.methods.gatys.settings import Settings
from gluon_style.pictures.write import record_of
from gluon_style.records.log import ENTRY
from gluon_style.records.result import Result, picture_record


@dataclass(frozen=True)
class Job:
    """One run: the name of its files, its pictures, its settings."""

    name: str
    content: object
    style: object
    settings: Settings

    def path(self, folder):
        """Return the path of the picture in ``folder``."""
        return Path(folder) / f'{self.name}.png'


def finished(job, folder):
    """Return the result of ``job`` that is in ``folder``, or None.

    It counts if it was made from the same pictures, with the same settings,
    by the same version of this package, and is whole.
    """
    path = job.path(folder)
    pictures = {'content': job.content, 'style': job.style}
    if job.settings.init_file is not None:
        pictures['init'] = job.settings.init_file
    try:
        result = Result.load(path)
        made = _made(result.record, pictures)
        whole = _is_whole(result, path)
    # JSON may be of any shape.
    except (
        AttributeError,
        FileNotFoundError,
        KeyError,
        RecursionError,
        TypeError,
        ValueError,
    ):
        return None
    wanted = (
        # Through JSON, which has no tuples.
        _chosen(json.loads(json.dumps(asdict(job.settings)))),
        [picture_record(img)['sha256'] for img in pictures.values()],
        __version__,
    )
    return result if whole and made == wanted else None


def _made(record, roles):
    """Return the settings, the pictures' hashes and the version of a run."""
    named = {**record.get('others', {}), **record}
    return (
        _chosen(record['settings']),
        [named[role]['sha256'] for role in roles],
        record['versions']['gluon_style'],
    )


def _chosen(settings):
    """Return settings without those that a record has of the run's course."""
    return {name: settings[name] for name in settings if name != 'restarts'}


def _is_whole(result, path):
    """Return whether picture and record are of one run and have its losses.

    Who is killed between the two renames of ``Result.save`` leaves the new
    picture beside the former one's record.
    """
    record, within = result.record, record_of(path)
    # What makes files smaller may have taken out the record within.
    alike = within is None or json.dumps(within) == json.dumps(record)
    of_picture = {**record['losses'], 'seconds': 0}
    return (
        alike
        and bool(result.history)
        and all(map(_is_entry, [*result.history, of_picture]))
    )


def _is_entry(entry):
    """Return whether an entry of the history has all numbers."""
    width, height = entry['scale']
    others = [entry[name] for name in ENTRY if name != 'scale']
    numbers = [width, height, *others]
    return all(isinstance(number, (int, float)) for number in numbers)


def run(job, folder, watch=None, make_net=None, force=False):
    """Return the result of ``job``, from ``folder`` or else made and saved.

    ``watch(job)`` gives a context for the run, whose value has two methods:
    ``planned(steps)`` and ``__call__(history, X)``, as ``stylize`` calls
    them; ``make_net`` is as for ``stylize``. Raises as ``stylize`` does,
    OSError as saving does, and, unless ``force`` is true, ValueError where a
    file of its name is not this package's.
    """
    result = finished(job, folder)
    if result is not None:
        return result
    path = job.path(folder)
    require_ours(path, force)
    if not path.exists():
        # Beside a picture of ours, a broken record is ours.
        require_ours(path.with_suffix('.json'), force)
    # MXNet takes seconds to load, and what is finished does not need it.
    from gluon_style.methods.gatys.stylize import stylize

    with watch(job) if watch else nullcontext() as watcher:
        result = stylize(
            job.content,
            job.style,
            job.settings,
            callback=watcher,
            planned=watcher and watcher.planned,
            **({'make_net': make_net} if make_net else {}),
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    # Another program may have written there meanwhile.
    require_ours(path, force)
    result.save(path)
    return result
