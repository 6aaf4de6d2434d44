"""What repeats a run to the pixel, from its record."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from gluon_style.errors import GluonStyleError
from gluon_style.files.reading import file_digest
from gluon_style.methods.again import find_again
from gluon_style.methods.gatys.settings import METHOD, Settings
from gluon_style.methods.versions import current_versions
from gluon_style.pictures.read import read_picture
from gluon_style.records.record import PictureId, Record
from gluon_style.weights.scaling import oxford_scaling
from gluon_style.weights.sources import SOURCES

logger = logging.getLogger(__name__)


def repeated(
    record: Record,
    path: Path,
    settings_only: bool = False,
    replaced: Mapping[str, str] | None = None,
) -> tuple[dict[str, Any], dict[str, Any], str]:
    """Return the settings and pictures that repeat a run, and its command.

    Settings and pictures are by name. The pictures are looked for beside
    ``path``, the record's file, in the current folder and among the samples.
    With ``settings_only`` only the picture that the run began from is looked
    for. ``replaced`` has the paths of pictures by role that take the place of
    the run's: one that is another picture is a warning. Raises
    GluonStyleError or FileNotFoundError where a run cannot be repeated.
    """
    if record.method != METHOD:
        raise GluonStyleError(
            f'record {str(path)!r} is of the method {record.method!r}, and '
            f'only {METHOD!r} can be repeated: give another record'
        )
    settings = _settings(record)
    warn_of_versions(record)
    warn_of_scaling(record, settings['weights'])
    given = {
        role: picture
        for role, picture in record.pictures.items()
        if picture.sha256 is not None
    }
    replaced = replaced or {}
    _warn_of_others(given, replaced)
    # Other styles take the place of all styles.
    kinds = {role.split()[0] for role in replaced}
    roles = [
        role
        for role in given
        if role.split()[0] not in kinds
        and (role == 'init' or not settings_only)
    ]
    sources = find_again({role: given[role] for role in roles}, path.parent)
    if 'init' in sources:
        settings['init'] = sources['init']
    pictures = {
        role: sources[role] for role in ('content', 'mask') if role in sources
    }
    styles = [sources[role] for role in sources if role.startswith('style')]
    if styles:
        pictures['style'] = styles
    return settings, pictures, _command(given)


def _settings(record: Record) -> dict[str, Any]:
    """Return all settings, with what 'auto' and time decided then.

    A setting that is younger than the record has its own default, not that
    of a preset: so the run did without it.
    """
    changes = {
        'tile': record.tile or 'off',
        'device': _device(record.device),
    }
    if record.stopped is not None:
        changes.update(stop_after=record.epochs, time_limit=None)
    settings = Settings().changed({**record.settings, **changes})
    weights = same_weights(settings.weights, record)
    return {**vars(settings), 'weights': weights}


def _device(context: str) -> str:
    """Return the setting for a device of MXNet, such as 'gpu(1)'."""
    match = re.fullmatch(r'(cpu|gpu)\((\d{1,9})\)', context)
    if match is None:
        raise GluonStyleError(
            f'the record has the device {context[:60]!r}, not cpu(0) or '
            'gpu(0): give the .json beside a picture of this program'
        )
    return 'cpu' if match[1] == 'cpu' else f'gpu:{match[2]}'


def _command(roles: Collection[str]) -> str:
    """Return the command for a run with pictures of these roles."""
    if 'style' not in roles:
        return 'reconstruct'
    return 'run' if 'content' in roles else 'texture'


def same_weights(given: str, record: Record) -> str:
    """Return the weights that the run had, or raise GluonStyleError."""
    if record.weights.source in SOURCES:
        # Its file is checked against its hash whenever it is used.
        return record.weights.source
    if not Path(given).is_file() or (
        file_digest(given) != record.weights.sha256
    ):
        raise GluonStyleError(
            f'weights {given!r} are not the file that the run had: put that '
            'file there again'
        )
    return given


def warn_of_versions(record: Record) -> None:
    """Log a warning where a run was made with other versions or threads."""
    now = {
        **current_versions(),
        # The order of sums depends on the number of threads.
        'threads': os.environ.get('OMP_NUM_THREADS'),
    }
    then = {**record.versions, 'threads': record.threads}
    changed = [
        # As ASCII, for a record may hold anything.
        f'{name} {ascii(then[name])[1:-1][:40]}, here {now[name]}'
        for name in now
        if then.get(name) not in (None, now[name])
    ]
    if changed:
        logger.warning(
            'the run to be repeated had %s: the numbers may differ a little',
            '; '.join(changed),
        )


def warn_of_scaling(record: Record, weights: str) -> None:
    """Warn if Oxford's filters now have other factors than they had."""
    then, now = record.weights.scaling, oxford_scaling()
    if weights in SOURCES:
        scaled = SOURCES[weights].convention == 'bgr'
    else:
        # Keras writes .h5, and has Oxford's weights only.
        scaled = then is not None or Path(weights).suffix == '.h5'
    if scaled and then != now:
        logger.warning(
            "the run to be repeated had Oxford's weights scaled %s, here they "
            'are scaled %s: the picture will differ',
            # As ASCII, for a record may hold anything.
            ascii(then or 'layer by layer')[1:-1][:40],
            now,
        )


def _warn_of_others(
    pictures: Mapping[str, PictureId], given: Mapping[str, str]
) -> None:
    """Log a warning for each given picture that the run did not have."""
    for role, path in given.items():
        wanted = pictures.get(role)
        if wanted is None or not _is_picture(path, wanted):
            logger.warning(
                'the %s picture %r is not the one of the run to be repeated: '
                'the result will be another one',
                role,
                path,
            )


def _is_picture(path: str, wanted: PictureId) -> bool:
    if wanted.file is not None:
        return file_digest(path) == wanted.sha256
    # It was an array.
    return PictureId.of(read_picture(path)).sha256 == wanted.sha256
