"""What repeats a picture of one pass, from its record. No MXNet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gluon_style.methods.again import find_again, require_method
from gluon_style.methods.feedforward.settings import METHOD, Settings
from gluon_style.methods.feedforward.styles import is_numbered
from gluon_style.records.record import Record


def repeated(
    record: Record, path: Path
) -> tuple[Settings, dict[str, Any], list[Any]]:
    """Return the settings, the pictures by role, and the styles of a run.

    The files are looked for beside ``path``, the record's file, in the
    current folder and among the samples. Raises GluonStyleError or
    FileNotFoundError where a picture cannot be made again.
    """
    require_method(record, path, METHOD)
    settings = Settings().changed(record.settings)
    files = {
        role: picture
        for role, picture in record.pictures.items()
        if not is_numbered(picture.file)
    }
    # A style is not always a picture.
    found = find_again(files, path.parent, noun='')
    sources = {
        role: found.get(role, picture.file)
        for role, picture in record.pictures.items()
    }
    styles = [sources[role] for role in sources if role.startswith('style')]
    return settings, sources, styles
