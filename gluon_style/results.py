"""A stylized picture with all that made it, in files and back; no MXNet."""

import hashlib
import json
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy

from gluon_style.files import file_digest, replacing
from gluon_style.pictures import read_picture, save_image


@dataclass(frozen=True)
class Result:
    """A stylized picture and how it came about.

    ``image`` is a NumPy array (height, width, 3) of uint8, ``history`` the
    list of ``Log``, and ``record`` a dictionary fit for JSON: the settings
    as used, versions, the weights' source and hash, the device, and the
    picture's losses.
    """

    image: numpy.ndarray = field(repr=False)
    history: list = field(repr=False)
    record: dict

    def save(self, path):
        """Write the picture, ``path``, as PNG and all else as JSON beside it.

        The PNG has the record in its metadata, too; the JSON, of the same
        name, has it with the history. Raises OSError as writing does.
        """
        path = Path(path)
        record = {**self.record, 'history': self.history}
        with ExitStack() as stack:
            beside = stack.enter_context(replacing(path.with_suffix('.json')))
            beside.write_text(json.dumps(record, indent=1) + '\n')
            save_image(self.image, path, self.record)

    @classmethod
    def load(cls, path):
        """Return the result that was saved as ``path``, a .png.

        Raises FileNotFoundError or ValueError, in one sentence, where a file
        is missing or is not what ``save`` wrote.
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
            record = json.loads(beside.read_text())
            history = record.pop('history')
            shape = record['height'], record['width'], 3
            for entry in [*history, record['losses']]:
                entry['scale'] = tuple(entry['scale'])
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f'record {str(beside)!r} is not one of this package '
                f'({type(error).__name__}: {error}): make the picture anew'
            ) from None
        if image.shape != shape:
            raise ValueError(
                f'picture {str(path)!r} is {image.shape[1]}x{image.shape[0]} '
                f'and its record says {shape[1]}x{shape[0]}: make it anew'
            )
        return cls(image, history, record)


def picture_record(source):
    """Return the name and the hash of a picture, for the record.

    The hash is the file's, or that of the bytes of what is not in a file.
    """
    if isinstance(source, (str, Path)):
        return {'file': Path(source).name, 'sha256': file_digest(source)}
    digest = hashlib.sha256(read_picture(source).tobytes()).hexdigest()
    return {'file': None, 'sha256': digest}
