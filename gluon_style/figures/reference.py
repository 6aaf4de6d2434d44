"""What the chapter was published with: its curves, and its picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gluon_style.errors import GluonStyleError
from gluon_style.files.reading import MOST_JSON_BYTES, read_json
from gluon_style.methods.fields import MOST_NUMBER, Number
from gluon_style.pictures import Array
from gluon_style.pictures.read import read_picture

# The epochs and the losses of a curve, and a curve for each loss.
Curve = tuple[list[float], list[float]]
Curves = dict[str, Curve]
LOSSES = ('content', 'style', 'tv')


@dataclass(frozen=True)
class Reference:
    """A published figure: its curves, and its picture where that is given.

    ``picture`` is (height, width, 3) of uint8.
    """

    curves: Curves
    picture: Array | None


def read_reference(path: str | Path) -> Reference:
    """Return the curves of a JSON file, and the picture beside it.

    The file has them as {"curves": {"content": {"epoch": [...], "loss":
    [...]}, "style": ..., "tv": ...}}. The picture beside figure.json is
    figure-image.png, if there is such a file. Raises GluonStyleError for
    another file and OSError for one that cannot be read.
    """
    path = Path(path)
    curves = _read_curves(path)
    beside = path.with_name(f'{path.stem}-image.png')
    return Reference(curves, read_picture(beside) if beside.exists() else None)


def _read_curves(path: Path) -> Curves:
    try:
        curves = _entry(read_json(path), 'curves')
        return {name: _curve(_entry(curves, name)) for name in LOSSES}
    except GluonStyleError as error:
        raise GluonStyleError(
            f'reference {str(path)!r} has no curves ({error}): it must be '
            f'JSON, of at most {MOST_JSON_BYTES >> 20} MiB, with the epochs '
            'and losses of content, style and tv'
        ) from None


def _curve(table: Any) -> Curve:
    epochs, losses = (
        _finite_numbers(_entry(table, key), key) for key in ('epoch', 'loss')
    )
    if not len(epochs) == len(losses) > 0:
        raise GluonStyleError(
            f'a curve has {len(epochs)} epochs and {len(losses)} losses'
        )
    return epochs, losses


def _entry(table: Any, key: str) -> Any:
    if not isinstance(table, dict) or key not in table:
        raise GluonStyleError(f'it does not have {key!r}')
    return table[key]


def _finite_numbers(values: Any, name: str) -> list[float]:
    number = Number(least=-MOST_NUMBER)
    if not isinstance(values, list):
        raise GluonStyleError(f'{name} is not a list')
    return [float(number.check(name, value)) for value in values]
