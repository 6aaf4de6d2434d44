"""What repeats a picture of this method, from its record. No MXNet."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from gluon_style.methods.again import find_again, require_method
from gluon_style.methods.diffusion.settings import METHOD, Settings
from gluon_style.methods.gatys.repeat import (
    same_weights,
    warn_of_scaling,
    warn_of_versions,
)
from gluon_style.records.record import Record


def repeated(
    record: Record, path: Path, replaced: Collection[str] = ()
) -> tuple[Settings, dict[str, Any]]:
    """Return the settings of a run, and its pictures by role.

    They are looked for beside ``path``, the record's file, in the current
    folder and among the samples, but for the roles that are ``replaced``;
    other styles take the place of all. Raises GluonStyleError or
    FileNotFoundError where a picture cannot be made again.
    """
    require_method(record, path, METHOD)
    warn_of_versions(record)
    settings = Settings().changed(record.settings)
    # A texture has no weights.
    if record.weights.sha256 is not None:
        weights = same_weights(settings.weights, record)
        settings = settings.changed({'weights': weights})
        warn_of_scaling(record, weights)
    wanted = {
        role: picture
        for role, picture in record.pictures.items()
        if picture.sha256 is not None and role.split()[0] not in replaced
    }
    return settings, find_again(wanted, path.parent)
