"""A run's settings and pictures from a file: TOML, or a former run's record.

No MXNet.
"""

import contextlib
import json
import logging
import os
import platform
import re
import sys
from dataclasses import dataclass, field, fields
from itertools import islice
from pathlib import Path

import numpy

from gluon_style import __version__, samples
from gluon_style._mxnet import installed_version
from gluon_style.errors import GluonStyleError
from gluon_style.files.reading import MOST_JSON_BYTES, file_digest
from gluon_style.methods.gatys.presets import preset
from gluon_style.methods.gatys.settings import Settings
from gluon_style.records.result import picture_record
from gluon_style.weights.sources import SOURCES

logger = logging.getLogger(__name__)

PICTURES = ('content', 'style', 'mask')
# TOML is written by a person.
MOST_BYTES = {'.json': MOST_JSON_BYTES, '.toml': 1 << 20}
# How many files beside a record are looked at for its pictures.
_MOST_FILES = 1000


@dataclass(frozen=True)
class Config:
    """What a file says of a run; what it does not say is not in it.

    ``settings`` has settings by name, ``pictures`` the paths 'content',
    'mask' and 'output', and 'style', which is a list. ``preset`` is a
    preset's name or None. ``command`` is what repeats the run of a record,
    'run', 'texture' or 'reconstruct'; None of a TOML.
    """

    settings: dict
    pictures: dict = field(default_factory=dict)
    preset: str = None
    command: str = None


def read_config(path, settings_only=False):
    """Return the ``Config`` of a .toml or of the .json of a former run.

    In TOML, keys are the names of settings, and 'preset', 'content',
    'style', 'mask' and 'output'; paths are relative to the file, as are those
    of 'init' and 'weights' where such a file is there. A former run's
    pictures are found by their hashes beside the record, in the current
    folder and among the samples, but with ``settings_only`` only one that
    it began from. Raises FileNotFoundError or ValueError, in one sentence.
    """
    path = Path(path)
    if path.suffix not in MOST_BYTES:
        raise GluonStyleError(
            f'config {str(path)!r} must end in .toml, or in .json as the '
            'record of a run does'
        )
    if not path.is_file():
        raise FileNotFoundError(f'config {str(path)!r} is not a file')
    size, most = path.stat().st_size, MOST_BYTES[path.suffix]
    if size > most:
        raise GluonStyleError(
            f'config {str(path)!r} has {size} bytes: at most {most} are read'
        )
    try:
        if path.suffix == '.toml':
            return _read_toml(path)
        return _read_record(path, settings_only)
    except (RecursionError, UnicodeDecodeError) as error:
        raise GluonStyleError(
            f'config {str(path)!r} cannot be read ({type(error).__name__}): '
            'give a file of UTF-8 text without deep nesting'
        ) from None


def read_settings(given):
    """Return the ``Settings`` of a preset's name or a config's path.

    ``Settings`` are returned as they are. Raises as ``read_config`` does, and
    ValueError for an unknown preset.
    """
    if not isinstance(given, (str, Path)):
        return given
    if Path(given).suffix in MOST_BYTES:
        config = read_config(given, settings_only=True)
        return preset(config.preset or 'fast').changed(config.settings)
    return preset(given)


def _read_toml(path):
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    try:
        table = tomllib.loads(path.read_text('utf-8'))
    except tomllib.TOMLDecodeError as error:
        raise GluonStyleError(
            f'config {str(path)!r} is no TOML: {_one_line(error)}'
        ) from None
    keys = [key.replace('-', '_') for key in table]
    twice = [key for key in keys if keys.count(key) > 1]
    if twice:
        raise GluonStyleError(
            f'config {str(path)!r} has {twice[0]!r} twice, once with a dash: '
            'leave out one of them'
        )
    table = dict(zip(keys, table.values()))
    preset = table.pop('preset', None)
    if not isinstance(preset, (str, type(None))):
        raise GluonStyleError(f'preset is {preset!r}: it must be a name')
    pictures = {
        name: _paths(path.parent, name, table.pop(name))
        for name in (*PICTURES, 'output')
        if name in table
    }
    if isinstance(pictures.get('style'), str):
        pictures['style'] = [pictures['style']]
    settings = _checked(path, table)
    made = Settings(**settings)
    # What is no known name is a file's.
    files = {'init': made.init_file}
    if made.weights not in ('auto', *SOURCES):
        files['weights'] = made.weights
    for name, file in files.items():
        if file is not None and (path.parent / file).is_file():
            settings[name] = str(path.parent / file)
    return Config(settings, pictures, preset)


def _one_line(error):
    return ' '.join(str(error).split())


def _paths(folder, name, value):
    """Return a path, or a list of them, relative to the file's folder."""
    if isinstance(value, list) and name == 'style' and value:
        return [_paths(folder, name, each) for each in value]
    if not isinstance(value, str) or '\0' in value:
        raise GluonStyleError(f"{name} is {value!r}: it must be a file's path")
    return str(folder / value)


def _checked(path, settings):
    """Return settings fit for ``Settings``; lists have become tuples."""
    known = {setting.name for setting in fields(Settings)}
    unknown = sorted(set(settings) - known)
    if unknown:
        raise GluonStyleError(
            f'config {str(path)!r} has {unknown[0]!r}, which is no setting: '
            f'choose from {", ".join(sorted(known))}'
        )
    settings = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in settings.items()
    }
    try:
        Settings(**settings)
    except TypeError as error:
        raise GluonStyleError(
            f'config {str(path)!r} has a value of the wrong kind: '
            f'{_one_line(error)}'
        ) from None
    return settings


def _read_record(path, settings_only):
    """Return what repeats a run, or raise ValueError where it cannot be."""
    try:
        record = json.loads(path.read_text('utf-8'))
        settings = _table(record['settings'])
        _text(settings['weights'])
        weights = _table(record['weights'])
        _text(weights['source'])
        chosen = {
            # What 'auto' chose then, it is to be now.
            'tile': record['tile'] or 'off',
            'device': _device(record['device']),
        }
        if 'stopped' in record:
            # Time would tell otherwise now.
            chosen.update(stop_after=record['epochs'], time_limit=None)
        then = {**_table(record['versions']), 'threads': record.get('threads')}
        roles = {
            'content': record['content'],
            'style': record['style'],
            **_table(record.get('others', {})),
        }
        wanted = {
            role: (each['file'], _text(each['sha256']))
            for role, each in roles.items()
            if each['sha256'] is not None
        }
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise GluonStyleError(
            f'config {str(path)!r} is no record of a run '
            f'({type(error).__name__}: {_one_line(error)}): give the .json '
            'beside a picture of this program'
        ) from None
    settings = _checked(path, {**settings, **chosen})
    settings['weights'] = _same_weights(settings['weights'], weights)
    _warn_of_versions(then)
    found = {
        role: _find(path.parent, role, *each)
        for role, each in wanted.items()
        if role == 'init' or not settings_only
    }
    if 'init' in found:
        settings['init'] = found['init']
    pictures = {name: found[name] for name in PICTURES if name in found}
    if 'style' in pictures:
        pictures['style'] = [
            found[role] for role in found if role.startswith('style')
        ]
    return Config(settings, pictures, command=_command(wanted))


def _table(value):
    return _of(dict, value)


def _text(value):
    return _of(str, value)


def _of(kind, value):
    if not isinstance(value, kind):
        raise TypeError(f'{type(value).__name__} in place of {kind.__name__}')
    return value


def _device(context):
    """Return the setting for a device of MXNet, such as 'gpu(1)'."""
    kind, index = re.fullmatch(r'(cpu|gpu)\((\d{1,9})\)', context).groups()
    return 'cpu' if kind == 'cpu' else f'gpu:{index}'


def _command(roles):
    """Return the command for a run of pictures of these roles."""
    if 'style' not in roles:
        return 'reconstruct'
    return 'run' if 'content' in roles else 'texture'


def _same_weights(given, record):
    """Return the weights that a run had, or raise ValueError."""
    source = record['source']
    if source in SOURCES:
        # Its file is checked against its hash whenever it is used.
        return source
    if not Path(given).is_file() or file_digest(given) != record.get('sha256'):
        raise GluonStyleError(
            f'weights {given!r} are not the file that the run had: put that '
            'file there again'
        )
    return given


def _warn_of_versions(then):
    now = {
        'gluon_style': __version__,
        'mxnet': installed_version(),
        'numpy': numpy.__version__,
        'python': platform.python_version(),
        # Importing this package has set it; sums depend on how many add up.
        'threads': os.environ.get('OMP_NUM_THREADS'),
    }
    # Told as ASCII, for a record may have anything.
    changed = [
        f'{name} {ascii(str(then[name]))[1:-1][:40]}, here {now[name]}'
        for name in now
        if name in then and then[name] not in (None, now[name])
    ]
    if changed:
        logger.warning(
            'the run to be repeated had %s: its numbers may come out a '
            'little different',
            '; '.join(changed),
        )


def _find(folder, role, file, digest):
    """Return the picture of a hash: a file's path, or the photograph's array.

    Raises FileNotFoundError where none has that hash.
    """
    for path in _candidates(folder, file):
        # What may not be read is another file.
        with contextlib.suppress(OSError):
            if path.is_file() and file_digest(path) == digest:
                return str(path)
    photograph = samples.photograph()
    if picture_record(photograph)['sha256'] == digest:
        return photograph
    raise FileNotFoundError(
        f'the {role} picture {file!r} of that run was not found by its hash '
        f'{digest[:12]}: put it beside the record'
    )


def _candidates(folder, file):
    """Yield where a picture may be: those of its name first."""
    folders = [folder, Path.cwd()]
    if isinstance(file, str):
        # The name alone: a record sends nobody to other folders.
        yield from (place / Path(file).name for place in folders)
    yield samples.PAINTING
    for place in folders:
        yield from islice(sorted(place.iterdir()), _MOST_FILES)
