"""What a clip that was interrupted goes on from.

It is a folder: the parts that are written, and ``state.npz``, which is
replaced whole after each part, so that a killed run loses one part at most.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import shutil
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy

from gluon_style.errors import GluonStyleError
from gluon_style.files.atomic import replacing
from gluon_style.files.reading import file_digest
from gluon_style.methods.fields import shown
from gluon_style.pictures import Array
from gluon_style.records.find import pictures_in
from gluon_style.video.write import remove_parts

_FILE = 'state.npz'
# How the folders begin of what waits to be painted, or to be written.
WAITING = '.waiting-'


def digest(clip: Path) -> str:
    """Return a hash of a clip's file, or of those in its folder."""
    if not clip.is_dir():
        return file_digest(clip)
    files = {path.name: file_digest(path) for path in pictures_in(clip)}
    return hashlib.sha256(json.dumps(files).encode()).hexdigest()


@dataclass
class State:
    """How far a clip is: frames made, and the last one's times.

    ``last`` and ``end`` are the seconds at which the last frame begins and
    ends. ``past`` has what the next frame is made alike to, of each of the
    last frames: see ``Chain``.
    """

    frames: int = 0
    last: float = -1.0
    end: float = 0.0
    cuts: list[int] = field(default_factory=list)
    past: list[dict[str, Array]] = field(default_factory=list)


class Store:
    """Keep the ``State`` of one clip in a folder.

    ``identity`` describes the run, fit for JSON: another run is refused.
    """

    def __init__(self, folder: Path, identity: dict[str, Any]) -> None:
        self.folder, self._identity = folder, identity

    def load(self, resume: bool) -> State:
        """Return the state to go on from; raises GluonStyleError.

        Without ``resume`` what is in the folder is removed.
        """
        path = self.folder / _FILE
        # Of a run that was killed.
        for waiting in self.folder.glob(f'{WAITING}*'):
            shutil.rmtree(waiting, ignore_errors=True)
        if not resume:
            if self.folder.is_dir() and any(self.folder.iterdir()):
                if not path.is_file():
                    raise GluonStyleError(
                        f'folder {str(self.folder)!r} is not a checkpoint of '
                        'this program: name another one'
                    )
                self.remove()
            self.folder.mkdir(parents=True, exist_ok=True)
            # From now on the folder says whose it is.
            self.save(State())
            return State()
        if not path.is_file():
            raise FileNotFoundError(
                f'checkpoint {str(self.folder)!r} has no state: leave out '
                'resume'
            )
        return self._read(path)

    def _read(self, path: Path) -> State:
        try:
            with numpy.load(path) as file:
                about = json.loads(str(file['about']))
                past = [
                    {name: file[f'{name} {index}'] for name in names}
                    for index, names in enumerate(about.pop('past'))
                ]
            identity = about.pop('identity')
            state = State(**about, past=past)
        except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
            raise GluonStyleError(
                f'checkpoint {str(self.folder)!r} is damaged: leave out resume'
            ) from None
        for name, value in self._identity.items():
            if identity.get(name) != value:
                raise GluonStyleError(
                    f'checkpoint {str(self.folder)!r} is of another run, '
                    f'whose {name} is {shown(identity.get(name))} in place '
                    f'of {shown(value)}: name another folder, or leave out '
                    'resume'
                )
        return state

    def remove(self) -> None:
        """Remove the parts and the state, and the folder if it is empty."""
        remove_parts(self.folder)
        (self.folder / _FILE).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.folder.rmdir()

    def save(self, state: State) -> None:
        """Replace what was saved before."""
        about = {
            'identity': self._identity,
            'frames': state.frames,
            'last': state.last,
            'end': state.end,
            'cuts': state.cuts,
            'past': [list(each) for each in state.past],
        }
        arrays = {
            f'{name} {index}': array
            for index, each in enumerate(state.past)
            for name, array in each.items()
        }
        # NumPy leaves a file open that it cannot write to its end.
        file = io.BytesIO()
        numpy.savez(file, about=json.dumps(about), **arrays)
        with replacing(self.folder / _FILE) as temporary:
            temporary.write_bytes(file.getbuffer())
