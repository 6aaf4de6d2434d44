"""A stylized picture with all that made it, in files and back."""

from __future__ import annotations

import io
import json
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy
from numpy.typing import NDArray
from PIL import Image

from gluon_style.errors import GluonStyleError
from gluon_style.files.atomic import replacing
from gluon_style.files.ours import require_ours, require_output
from gluon_style.files.reading import file_digest, read_json
from gluon_style.files.rescue import not_written, rescue
from gluon_style.pictures.read import as_bytes, read_transparent
from gluon_style.pictures.resize import resized
from gluon_style.pictures.write import (
    SUFFIXES,
    TIFF_SUFFIXES,
    check_output,
    read_words,
    record_of,
    save_image,
)
from gluon_style.records.record import Epoch, Record


# Arrays compare element by element, so two results would not compare.
@dataclass(frozen=True, eq=False)
class Result:
    """A stylized picture and how it came about.

    ``image`` is a NumPy array (height, width, 3) of uint8, ``history`` has
    the losses of every epoch, ``record`` all else that made the picture.
    ``pixels`` are the picture before it was rounded, an array (height,
    width, 3) of float32 of 0 to 1, or None. ``alpha`` is an array (height,
    width) of uint8, 255 where the picture is opaque, or None where all of it
    is.
    """

    image: NDArray[Any] = field(repr=False)
    history: list[Epoch] = field(repr=False)
    record: Record
    pixels: NDArray[Any] | None = field(default=None, repr=False)
    alpha: NDArray[Any] | None = field(default=None, repr=False)

    def _repr_png_(self) -> bytes:
        """Show the picture where a notebook's cell ends with the result."""
        file = io.BytesIO()
        Image.fromarray(self._with_alpha(self.image)).save(file, 'PNG')
        return file.getvalue()

    def resized(self, width: int, height: int) -> Result:
        """Return the result with its picture enlarged or reduced.

        The record has the new size, also as ``resized_to``; its ``losses``
        keep the size that they were computed at.
        """
        shape, pixels, alpha = (width, height), self.pixels, self.alpha
        if pixels is None:
            image = resized(self.image, shape)
        else:
            pixels = resized(pixels, shape)
            image = as_bytes(pixels)
        if alpha is not None:
            alpha = as_bytes(resized(alpha / 255, shape))
        record = self.record.resized(width, height)
        return Result(image, self.history, record, pixels, alpha)

    def _with_alpha(self, img: NDArray[Any]) -> NDArray[Any]:
        """Return a picture, uint8 or floats, with the alpha if any."""
        if self.alpha is None:
            return img
        alpha = self.alpha if img.dtype == 'uint8' else self.alpha / 255
        return numpy.dstack([img, alpha.astype(img.dtype)])

    def save(self, path: str | Path, *, force: bool = False) -> None:
        """Write the picture, ``path``, and all else as JSON beside it.

        The suffix is one of ``write.SUFFIXES``; a TIFF gets ``pixels``,
        where there are any. The picture has the record in its metadata,
        too; the JSON, of the same name, has it with the history. Other
        programs' files are overwritten only with ``force``, and the pictures
        of the run never.

        What cannot be written there is written to the temporary folder, so
        that nothing is lost: GluonStyleError says why, and where it is.
        """
        path = Path(path)
        try:
            self._require_no_input(path)
            require_result_files(path, force, self.record.to_json())
            self._write(path)
        except (OSError, GluonStyleError) as error:
            known = path.suffix.lower() in SUFFIXES
            name = path.stem + (path.suffix if known else '.png')
            rescued = rescue(name, self._write)
            if rescued is None:
                raise
            raise not_written(
                'output', path, error, rescued, 'picture'
            ) from None

    def _require_no_input(self, path: Path) -> None:
        for picture in self.record.pictures.values():
            if path.name == picture.file and path.is_file():
                if file_digest(path) == picture.sha256:
                    raise GluonStyleError(
                        'it is a picture that this one was made from'
                    )

    def _write(self, path: Path) -> None:
        img = self.image
        if path.suffix.lower() in TIFF_SUFFIXES and self.pixels is not None:
            img = self.pixels
        record = self.record.to_json()
        history = [entry.to_json() for entry in self.history]
        text = json.dumps({**record, 'history': history}, indent=1)
        with ExitStack() as stack:
            beside = stack.enter_context(replacing(path.with_suffix('.json')))
            beside.write_text(text + '\n')
            save_image(self._with_alpha(img), path, record)

    @classmethod
    def load(cls, path: str | Path) -> Result:
        """Return the result that was saved as ``path``.

        It has ``pixels`` only if that is a TIFF, and of a JPEG or WebP what
        these keep of the picture. Raises FileNotFoundError or
        GluonStyleError where a file is missing or is not what ``save``
        wrote, or where the two files are of two runs.
        """
        path = Path(path)
        image, alpha = read_transparent(path)
        record, history = read_record(path.with_suffix('.json'))
        shape = record.height, record.width, 3
        if image.shape != shape:
            raise GluonStyleError(
                f'picture {str(path)!r} is {image.shape[1]}x{image.shape[0]} '
                f'and its record says {shape[1]}x{shape[0]}: make it anew'
            )
        _require_own(path, record)
        pixels = read_words(path, image.shape)
        if pixels is not None:
            # A dark one may have been taken as one of fewer bits.
            image = as_bytes(pixels)
        return cls(image, history, record, pixels, alpha)


def _require_own(path: Path, record: Record) -> None:
    """Raise GluonStyleError unless a record is the one within a picture.

    A process that is killed between the two renames of ``Result.save``
    leaves the new picture beside the record of the old one. A program that
    makes files smaller may have removed the record within.
    """
    within = record_of(path)
    if within is not None and Record.from_json(within) != record:
        raise GluonStyleError(
            f'picture {str(path)!r} and the .json beside it are of two runs: '
            'make the picture anew'
        )


def require_result_files(
    path: Path, force: bool = False, record: dict[str, Any] | None = None
) -> None:
    """Raise GluonStyleError unless a result can be saved as ``path``.

    With ``force`` the picture and the record may be another program's, and
    the record may belong to another picture. Pictures of one ``record``
    share it.
    """
    check_output(path)
    require_output(path, force=force)
    if not path.exists():
        # Beside a picture of this package, a broken record is its own, too.
        require_ours(path.with_suffix('.json'), force)
    for suffix in () if force else SUFFIXES:
        other = path.with_suffix(suffix)
        if other != path and record_of(other) not in (None, record):
            raise GluonStyleError(
                f'the record of {str(other)!r} has the name of the one to '
                'be written: give the output another name, or --force to '
                'overwrite it'
            )


def read_record(path: str | Path) -> tuple[Record, list[Epoch]]:
    """Return the record and the history in a .json beside a picture.

    Raises FileNotFoundError, or GluonStyleError for other JSON.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f'record {str(path)!r} is not a file: it belongs to the picture '
            'of that name'
        )
    try:
        table = read_json(path)
        return Record.from_json(table), _history(table.get('history'))
    except GluonStyleError as error:
        raise GluonStyleError(
            f'record {str(path)!r} is not one of this package ({error}): '
            'give the .json beside a picture of this program, or make the '
            'picture anew'
        ) from None


def _history(value: object) -> list[Epoch]:
    if not isinstance(value, list):
        raise GluonStyleError('its history is not a list of epochs')
    entries = cast('list[object]', value)
    return [Epoch.from_json(entry, 'an epoch') for entry in entries]
