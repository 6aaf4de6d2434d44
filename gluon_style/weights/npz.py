"""Read and write the arrays of a .npz file, without risks and noise.

``numpy.load`` evaluates a header as Python and takes the memory that it asks
for. Here the header must have the one form that NumPy and MXNet write, and
the caller sees it before any memory is taken.
"""

from __future__ import annotations

import math
import os
import re
import struct
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import numpy

from gluon_style.files.archive import ZipMember, ZipReader

# A reader calls ``wanted(name, shape, dtype)`` for each array before it takes
# memory for it: True reads the array, False skips it, and an exception goes to
# the reader's caller.
Wanted = Callable[[str, tuple[int, ...], numpy.dtype], bool]

# A model has some dozens of arrays; an archive of millions would only be slow.
MOST_ARRAYS = 10_000
_MAGIC = b'\x93NUMPY'
# NumPy itself refuses a longer header than this.
_LONGEST_HEADER = 10_000
_HEADER = re.compile(
    r"\{'descr': '([<>|][biufc]\d{1,2})', "
    r"'fortran_order': (True|False), "
    r"'shape': \(((?:\d{1,18}L?, ?)*(?:\d{1,18}L?)?)\), ?\} *\n?"
)
_PIECE = 1 << 20


def write_npz(path: str | os.PathLike[str], arrays: Mapping[str, Any]) -> None:
    """Write arrays by their names, the same bytes as ``numpy.savez`` does.

    On a full disk ``numpy.savez`` leaves an archive open, which prints a
    traceback later. This raises the OSError and nothing else.
    """
    with open(path, 'wb') as file:
        archive = zipfile.ZipFile(file, 'w', allowZip64=True)
        try:
            for name, array in arrays.items():
                with archive.open(
                    f'{name}.npy', 'w', force_zip64=True
                ) as member:
                    numpy.lib.format.write_array(
                        member, numpy.asanyarray(array), allow_pickle=False
                    )
            archive.close()
        finally:
            # So it writes nothing more.
            archive.fp = None


def read_npz(
    path: str | os.PathLike[str], wanted: Wanted
) -> dict[str, numpy.ndarray]:
    """Return the wanted arrays of a .npz file by name.

    ``wanted`` is a ``Wanted``. No array takes more memory than its shape
    says. Raises ValueError unless the file is a whole archive of arrays of
    numbers, and OSError if it cannot be read.
    """
    arrays = {}
    with ZipReader(path) as archive:
        if len(archive.members) > MOST_ARRAYS:
            raise ValueError(
                f'it has {len(archive.members)} members: at most '
                f'{MOST_ARRAYS} are read'
            )
        for member_name in archive.members:
            if not member_name.endswith('.npy'):
                continue
            name = member_name[: -len('.npy')]
            with archive.open(member_name) as member:
                array = _read_member(member, name, wanted)
            if array is not None:
                arrays[name] = array
    return arrays


def _read_member(
    member: ZipMember, name: str, wanted: Wanted
) -> numpy.ndarray | None:
    shape, dtype, order, header_size = _read_header(member, name)
    size = math.prod(shape) * dtype.itemsize
    if member.size != header_size + size:
        raise ValueError(
            f'array {name[:60]!r} of {dtype}, shape {shape}, has '
            f'{member.size - header_size} bytes, not {size}'
        )
    if not wanted(name, shape, dtype):
        return None
    array = numpy.empty(math.prod(shape), dtype)
    _fill(member, array.view('uint8'), name)
    return array.reshape(shape, order=order)


def _read_header(member: ZipMember, name: str):
    """Return the shape, dtype and order of an array, and the header's size."""
    start = member.read(8)
    form = {1: '<H', 2: '<I', 3: '<I'}.get(start[6] if start[7:] else 0)
    if start[:6] != _MAGIC or form is None:
        raise ValueError(f'array {name[:60]!r} is not in the format .npy')
    number = member.read(struct.calcsize(form))
    if len(number) != struct.calcsize(form):
        raise ValueError(f'array {name[:60]!r} is cut off')
    [length] = struct.unpack(form, number)
    text = member.read(min(length, _LONGEST_HEADER)).decode('latin1')
    match = _HEADER.fullmatch(text)
    if match is None or len(text) != length:
        raise ValueError(
            f'array {name[:60]!r} does not have a header of plain numbers'
        )
    shape = tuple(int(side) for side in re.findall(r'\d+', match[3]))
    order = 'F' if match[2] == 'True' else 'C'
    return shape, _dtype(match[1], name), order, 8 + len(number) + length


def _dtype(descr: str, name: str) -> numpy.dtype:
    """Return the type that a header names, such as '<f4'."""
    try:
        return numpy.dtype(descr)
    # A size that no number has.
    except TypeError:
        raise ValueError(
            f'array {name[:60]!r} is of the unknown type {descr!r}'
        ) from None


def _fill(member: ZipMember, view: numpy.ndarray, name: str) -> None:
    """Read a member to its end into ``view``, an array of uint8."""
    at = 0
    # One byte more than needed, since the checksum is tested at the end.
    while piece := member.read(min(_PIECE, len(view) - at + 1)):
        if len(piece) > len(view) - at:
            raise ValueError(
                f'array {name[:60]!r} is longer than its header says'
            )
        view[at : at + len(piece)] = numpy.frombuffer(piece, 'uint8')
        at += len(piece)
    if at != len(view):
        raise ValueError(f'array {name[:60]!r} is cut off')
