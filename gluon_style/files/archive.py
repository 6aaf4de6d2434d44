"""Read members of zip and tar archives that may be broken or hostile.

The standard library's modules raise whatever their parts happen to raise on
a broken archive. Here every such error is a GluonStyleError.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from gluon_style.errors import GluonStyleError

# Other methods, such as LZMA, may take memory of their own.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_PIECE = 1 << 20


class ZipReader:
    """A zip archive that is open for reading; a context manager.

    ``members`` maps each member's name to its zipfile.ZipInfo. Raises
    GluonStyleError for a broken archive and for a name that occurs twice,
    and OSError for a file that cannot be read.
    """

    def __init__(self, file: str | os.PathLike[str] | IO[bytes]) -> None:
        with _library_errors():
            self._zip = zipfile.ZipFile(file)
        self.members: dict[str, zipfile.ZipInfo] = {}
        for info in self._zip.infolist():
            if info.filename in self.members:
                raise GluonStyleError(f'it has {info.filename[:60]!r} twice')
            self.members[info.filename] = info

    def __enter__(self) -> ZipReader:
        return self

    def __exit__(self, *exception: object) -> None:
        self._zip.close()

    @contextlib.contextmanager
    def open(self, name: str) -> Iterator[ZipMember]:
        """Open one member for reading.

        Raises GluonStyleError for a missing name, and for a member that is
        not stored or deflated.
        """
        if name not in self.members:
            raise GluonStyleError(f'it lacks {name[:60]!r}')
        info = self.members[name]
        if info.compress_type not in _METHODS:
            raise GluonStyleError(
                f'its member {name[:60]!r} is not stored or deflated'
            )
        with _library_errors():
            file = self._zip.open(info)
        with file:
            yield ZipMember(file, info.file_size)


class ZipMember:
    """An open member of a zip archive; ``size`` is its number of bytes."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file = file
        self.size = size

    def read(self, size: int) -> bytes:
        """Return up to ``size`` bytes; the checksum is tested at the end."""
        with _library_errors():
            return self._file.read(size)

    def seek(self, position: int) -> None:
        """Go to a position, counted from the start."""
        with _library_errors():
            self._file.seek(position)


def extract_member(
    archive: str | os.PathLike[str],
    name: str,
    target: str | os.PathLike[str],
    most_bytes: int,
) -> None:
    """Copy one file of a zip or tar archive to the path ``target``.

    The name is only looked up: nothing is written but ``target``, and never
    more than ``most_bytes``. Raises GluonStyleError for a broken archive and
    for a name that is missing or not a file, and OSError if the target
    cannot be written.
    """
    with contextlib.ExitStack() as stack:
        with _library_errors():
            file = _open_member(stack, Path(archive), name)
        if file is None:
            raise GluonStyleError(f'its member {name!r} is not a file')
        out = stack.enter_context(open(target, 'wb'))
        while most_bytes > 0:
            with _library_errors():
                piece = file.read(min(most_bytes, _PIECE))
            if not piece:
                break
            out.write(piece)
            most_bytes -= len(piece)


def _open_member(
    stack: contextlib.ExitStack, archive: Path, name: str
) -> IO[bytes] | None:
    if tarfile.is_tarfile(archive):
        packed = stack.enter_context(tarfile.open(archive))
        # A link is followed, but only to another member.
        file = packed.extractfile(name)
        return file and stack.enter_context(file)
    zipped = stack.enter_context(zipfile.ZipFile(archive))
    return stack.enter_context(zipped.open(name))


@contextlib.contextmanager
def _library_errors() -> Iterator[None]:
    """Make one sentence of what the modules of archives raise.

    Wrap calls of these modules only, so that no other bug is hidden.
    """
    try:
        yield
    except gzip.BadGzipFile as error:
        raise GluonStyleError(f'it is not a whole archive ({error})') from None
    # Of the disk, not of the archive.
    except OSError:
        raise
    except Exception as error:
        raise GluonStyleError(
            f'it is not a whole archive ({error!r})'
        ) from error
