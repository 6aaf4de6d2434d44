"""A stylized picture with all that made it, in files and back; no MXNet."""

import hashlib
import json
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy

from gluon_style.errors import GluonStyleError
from gluon_style.files.atomic import replacing
from gluon_style.files.reading import file_digest, read_json
from gluon_style.pictures.read import as_bytes, read_picture, resized
from gluon_style.pictures.write import (
    TIFF_SUFFIXES,
    check_output,
    read_words,
    save_image,
)


@dataclass(frozen=True)
class Result:
    """A stylized picture and how it came about.

    ``image`` is a NumPy array (height, width, 3) of uint8, ``history`` the
    list of ``Log``, and ``record`` a dictionary fit for JSON: the settings
    as used, versions, the weights' source and hash, the device, and the
    picture's losses. ``pixels`` are the picture before it was rounded, an
    array (height, width, 3) of float32 of 0 to 1, or None. ``animation`` is
    an ``Animation`` of the run if one was asked for, and ``saved`` how many
    epochs its checkpoint has, if it was not removed.
    """

    image: numpy.ndarray = field(repr=False)
    history: list = field(repr=False)
    record: dict
    pixels: numpy.ndarray = field(default=None, repr=False, compare=False)
    animation: object = field(default=None, repr=False, compare=False)
    saved: int = field(default=0, repr=False, compare=False)

    def resized(self, width, height):
        """Return the result with its picture enlarged or reduced.

        Its record's 'width' and 'height' are the new ones, which
        'resized_to' has too; 'losses' tells the size they were computed at.
        """
        record = {
            **self.record,
            'width': width,
            'height': height,
            'resized_to': [width, height],
        }
        if self.pixels is None:
            image = resized(self.image, width, height)
            return replace(self, image=image, record=record)
        pixels = resized(self.pixels, width, height)
        return replace(
            self, image=as_bytes(pixels), record=record, pixels=pixels
        )

    def save(self, path):
        """Write the picture, ``path``, and all else as JSON beside it.

        The suffix is one of ``saving.SUFFIXES``; a TIFF gets ``pixels``,
        where there are any. The picture has the record in its metadata,
        too; the JSON, of the same name, has it with the history. The
        animation, if there is one, goes to its own path. Raises ValueError
        as ``save_image`` does and OSError as writing does.
        """
        path = Path(path)
        check_output(path)
        deep = path.suffix.lower() in TIFF_SUFFIXES
        use_pixels = deep and self.pixels is not None
        record = {**self.record, 'history': self.history}
        with ExitStack() as stack:
            beside = stack.enter_context(replacing(path.with_suffix('.json')))
            beside.write_text(json.dumps(record, indent=1) + '\n')
            img = self.pixels if use_pixels else self.image
            save_image(img, path, self.record)
        if self.animation is not None:
            self.animation.save()

    @classmethod
    def load(cls, path):
        """Return the result that was saved as ``path``.

        It has ``pixels`` only if that is a TIFF, and of a JPEG or WebP what
        these keep of the picture. Raises FileNotFoundError or ValueError, in
        one sentence, where a file is missing or is not what ``save`` wrote.
        """
        path = Path(path)
        image = read_picture(path)
        beside = path.with_suffix('.json')
        if not beside.is_file():
            raise FileNotFoundError(
                f'record {str(beside)!r} is not a file: it belongs to the '
                'picture of that name'
            )
        try:
            record = read_json(beside)
            history = record.pop('history')
            shape = record['height'], record['width'], 3
            for entry in [*history, record['losses']]:
                entry['scale'] = tuple(entry['scale'])
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise GluonStyleError(
                f'record {str(beside)!r} is not one of this package '
                f'({type(error).__name__}: {error}): make the picture anew'
            ) from None
        if image.shape != shape:
            raise GluonStyleError(
                f'picture {str(path)!r} is {image.shape[1]}x{image.shape[0]} '
                f'and its record says {shape[1]}x{shape[0]}: make it anew'
            )
        pixels = read_words(path, image.shape)
        if pixels is not None:
            # Pillow, which has read them, cuts the lower bits off.
            image = as_bytes(pixels)
        return cls(image, history, record, pixels)


def picture_record(source):
    """Return the name and the hash of a picture, for the record.

    The hash is the file's, or that of the bytes of what is not in a file.
    """
    if isinstance(source, (str, Path)):
        return {'file': Path(source).name, 'sha256': file_digest(source)}
    digest = hashlib.sha256(read_picture(source).tobytes()).hexdigest()
    return {'file': None, 'sha256': digest}
