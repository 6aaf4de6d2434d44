"""What repeats a picture of one pass, from its record. No MXNet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gluon_style.errors import GluonStyleError
from gluon_style.methods.feedforward.settings import METHOD, Settings
from gluon_style.methods.feedforward.styles import is_numbered
from gluon_style.methods.fields import shown
from gluon_style.records.find import find_pictures
from gluon_style.records.record import Record


def repeated(
    record: Record, path: Path
) -> tuple[Settings, dict[str, Any], list[Any]]:
    """Return the settings, the pictures by role, and the styles of a run.

    The files are looked for beside ``path``, the record's file, in the
    current folder and among the samples. Raises GluonStyleError or
    FileNotFoundError where a picture cannot be made again.
    """
    if record.method != METHOD:
        raise GluonStyleError(
            f'record {str(path)!r} is of the method {record.method!r}, not '
            f'{METHOD!r}: leave out --method'
        )
    settings = Settings().changed(record.settings)
    wanted = {
        role: picture
        for role, picture in record.pictures.items()
        if picture.sha256 is not None and not is_numbered(picture.file)
    }
    places = [*sorted(path.parent.iterdir()), *sorted(Path.cwd().iterdir())]
    found = find_pictures(wanted.values(), places)
    sources: dict[str, Any] = {}
    for role, picture in record.pictures.items():
        if is_numbered(picture.file):
            sources[role] = picture.file
            continue
        digest = str(picture.sha256)
        if digest not in found:
            raise FileNotFoundError(
                f'the {role} {shown(picture.file)} of that run was not found '
                f'by its hash {digest[:12]}: put it beside the record'
            )
        source = found[digest]
        sources[role] = str(source) if isinstance(source, Path) else source
    styles = [sources[role] for role in sources if role.startswith('style')]
    return settings, sources, styles
