"""What repeats a run to the pixel, from its record."""

from __future__ import annotations

import logging
import os
import platform
import re
from pathlib import Path
from typing import Any

import numpy

from gluon_style import __version__
from gluon_style._mxnet import installed_version
from gluon_style.errors import GluonStyleError
from gluon_style.files.reading import file_digest
from gluon_style.methods import METHODS
from gluon_style.methods.fields import require_known
from gluon_style.methods.gatys.settings import Settings
from gluon_style.records.find import find_pictures
from gluon_style.records.record import Record
from gluon_style.weights.sources import SOURCES

logger = logging.getLogger(__name__)


def repeated(
    record: Record, path: Path, settings_only: bool = False
) -> tuple[dict[str, Any], dict[str, Any], None, str]:
    """Return the parts of a ``Config`` that repeat the run of a record.

    They are its settings and its pictures by name, no preset, and the
    command. The pictures are looked for beside ``path``, the record's file.
    Raises GluonStyleError or FileNotFoundError where that cannot be done.
    """
    require_known([record.method], METHODS, 'method')
    settings = _settings(record)
    _warn_of_versions(record)
    pictures = {
        role: picture
        for role, picture in record.pictures.items()
        if picture.sha256 is not None
    }
    wanted = {
        role: pictures[role]
        for role in pictures
        if role == 'init' or not settings_only
    }
    sources = _find(wanted, path.parent)
    if 'init' in sources:
        settings['init'] = sources['init']
    found = {
        role: sources[role] for role in ('content', 'mask') if role in sources
    }
    styles = [sources[role] for role in sources if role.startswith('style')]
    if styles:
        found['style'] = styles
    return settings, found, None, _command(pictures)


def _settings(record: Record) -> dict[str, Any]:
    """Return the settings with what 'auto' and time decided then."""
    changes = {'tile': record.tile or 'off', 'device': _device(record.device)}
    if record.stopped is not None:
        changes.update(stop_after=record.epochs, time_limit=None)
    settings = Settings().changed({**record.settings, **changes})
    weights = _same_weights(settings.weights, record)
    names = [*record.settings, *changes]
    return {
        **{name: getattr(settings, name) for name in names},
        'weights': weights,
    }


def _device(context: str) -> str:
    """Return the setting for a device of MXNet, such as 'gpu(1)'."""
    match = re.fullmatch(r'(cpu|gpu)\((\d{1,9})\)', context)
    if match is None:
        raise GluonStyleError(
            f'the record has the device {context[:60]!r}, not cpu(0) or '
            'gpu(0): give the .json beside a picture of this program'
        )
    return 'cpu' if match[1] == 'cpu' else f'gpu:{match[2]}'


def _command(roles: Any) -> str:
    """Return the command for a run with pictures of these roles."""
    if 'style' not in roles:
        return 'reconstruct'
    return 'run' if 'content' in roles else 'texture'


def _same_weights(given: str, record: Record) -> str:
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


def _warn_of_versions(record: Record) -> None:
    now = {
        'gluon_style': __version__,
        'mxnet': installed_version(),
        'numpy': numpy.__version__,
        'python': platform.python_version(),
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
            'the run to be repeated had %s: its numbers may come out a '
            'little different',
            '; '.join(changed),
        )


def _find(wanted: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return a path, or the sample's array, for each role."""
    paths = [*_files(folder), *_files(Path.cwd())]
    found = find_pictures(wanted.values(), paths)
    for role, picture in wanted.items():
        if picture.sha256 not in found:
            raise FileNotFoundError(
                f'the {role} picture {picture.file!r} of that run was not '
                f'found by its hash {picture.sha256[:12]}: put it beside the '
                'record'
            )
    sources = {role: found[wanted[role].sha256] for role in wanted}
    return {
        role: str(source) if isinstance(source, Path) else source
        for role, source in sources.items()
    }


def _files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())
