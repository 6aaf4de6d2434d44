"""A run's settings and pictures from a file: TOML, or a run's record."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gluon_style.errors import GluonStyleError
from gluon_style.files.reading import MOST_JSON_BYTES
from gluon_style.methods.fields import require_known, unfit
from gluon_style.methods.gatys.presets import DEFAULT_PRESET, preset
from gluon_style.methods.gatys.repeat import repeated
from gluon_style.methods.gatys.settings import Settings
from gluon_style.records.result import read_record
from gluon_style.weights.sources import SOURCES

PICTURES = ('content', 'style', 'mask')
# A person writes TOML, so it is short.
MOST_BYTES = {'.json': MOST_JSON_BYTES, '.toml': 1 << 20}


@dataclass(frozen=True)
class Config:
    """What a file says of a run; what it leaves out is not in it.

    ``settings`` has settings by name, ``pictures`` the paths 'content',
    'mask' and 'output', and 'style', which is a list. ``preset`` is a
    preset's name or None. ``command`` is what repeats the run of a record:
    'run', 'texture' or 'reconstruct'; it is None for a TOML.
    """

    settings: dict[str, Any]
    pictures: dict[str, Any] = field(default_factory=dict)
    preset: str | None = None
    command: str | None = None


def read_config(
    path: str | Path,
    settings_only: bool = False,
    given: Mapping[str, str] | None = None,
) -> Config:
    """Return the ``Config`` of a .toml or of the .json of a former run.

    In TOML, keys are the names of settings, and 'preset', 'content',
    'style', 'mask' and 'output'. Paths are relative to the file, and so are
    those of 'init' and 'weights' where such a file exists. A former run's
    pictures are found by their hashes beside the record, in the current
    folder and among the samples. With ``settings_only`` only the picture that
    the run began from is looked for. ``given`` has the paths of pictures by
    their role in a record, which take the place of the former run's. Raises
    FileNotFoundError or GluonStyleError, in one sentence.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in MOST_BYTES:
        raise GluonStyleError(
            f'config {str(path)!r} must end in .toml, or in .json as the '
            'record of a run does'
        )
    if not path.is_file():
        raise FileNotFoundError(f'config {str(path)!r} is not a file')
    size, most = path.stat().st_size, MOST_BYTES[suffix]
    if size > most:
        raise GluonStyleError(
            f'config {str(path)!r} has {size} bytes: at most {most} are read'
        )
    if suffix == '.json':
        record, _ = read_record(path)
        settings, pictures, command = repeated(
            record, path, settings_only, given or {}
        )
        return Config(settings, pictures, command=command)
    return _read_toml(path)


def read_settings(given: Any) -> Settings:
    """Return the ``Settings`` of a preset's name or a config's path.

    ``Settings`` are returned as they are. Raises as ``read_config`` does, and
    GluonStyleError for an unknown preset.
    """
    if isinstance(given, Settings):
        return given
    if not isinstance(given, (str, Path)):
        raise unfit(
            'settings',
            given,
            "a Settings, a preset's name, or the path of a .toml or of the "
            '.json of a former run',
        )
    if Path(given).suffix.lower() in MOST_BYTES:
        config = read_config(given, settings_only=True)
        settings = preset(config.preset or DEFAULT_PRESET)
        return settings.changed(config.settings)
    return preset(str(given))


def _read_toml(path: Path) -> Config:
    table = _load_toml(path)
    keys = [key.replace('-', '_') for key in table]
    twice = [key for key in keys if keys.count(key) > 1]
    if twice:
        raise GluonStyleError(
            f'config {str(path)!r} has {twice[0]!r} twice, once with a dash: '
            'leave out one of them'
        )
    table = dict(zip(keys, table.values()))
    preset_name = table.pop('preset', None)
    if not isinstance(preset_name, (str, type(None))):
        raise unfit('preset', preset_name, 'a name')
    pictures = {
        name: _paths(path.parent, name, table.pop(name))
        for name in (*PICTURES, 'output')
        if name in table
    }
    if isinstance(pictures.get('style'), str):
        pictures['style'] = [pictures['style']]
    known = [setting.name for setting in dataclasses.fields(Settings)]
    require_known(table, known, f'config {str(path)!r}: setting')
    settings = Settings(**table)
    table = {name: getattr(settings, name) for name in table}
    table.update(_files_beside(path.parent, settings))
    return Config(table, pictures, preset_name)


def _load_toml(path: Path) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    try:
        return tomllib.loads(path.read_text('utf-8-sig'))
    except tomllib.TOMLDecodeError as error:
        problem = ' '.join(str(error).split())
    except UnicodeDecodeError:
        problem = 'it is not UTF-8'
    except RecursionError:
        problem = 'it is nested too deeply'
    except ValueError:
        # Python reads no whole number of thousands of digits.
        problem = 'a number has too many digits'
    raise GluonStyleError(
        f'config {str(path)!r} cannot be read as TOML ({problem}): write '
        'lines such as style_weight = 1e3'
    )


def _files_beside(folder: Path, settings: Settings) -> dict[str, str]:
    """Return 'init' and 'weights' where they are files beside the config."""
    files = {'init': settings.init_file}
    if settings.weights not in ('auto', *SOURCES):
        files['weights'] = settings.weights
    return {
        name: str(folder / file)
        for name, file in files.items()
        if file is not None and (folder / file).is_file()
    }


def _paths(folder: Path, name: str, value: Any) -> Any:
    """Return a path, or a list of them, relative to the file's folder."""
    if isinstance(value, list) and name == 'style' and value:
        return [_paths(folder, name, each) for each in value]
    if not isinstance(value, str) or '\0' in value:
        raise unfit(name, value, "a file's path")
    return str(folder / value)
