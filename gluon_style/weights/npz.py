"""Read the arrays of a .npz without its risks: no pickle, no surprise size.

``numpy.load`` evaluates a header as Python and takes the memory that it asks
for. Here the header must have the one form that NumPy and MXNet write, and
the caller sees it before any memory is taken.
"""

import math
import re
import struct
import zipfile

import numpy

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
# Others, as LZMA, may ask for memory of their own.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def read_npz(path, wanted):
    """Return the wanted arrays of a .npz by name.

    ``wanted(name, shape, dtype)`` is asked for each array before memory is
    taken for it: True reads it, False passes over it, and a ValueError goes
    to the caller. No array takes more memory than its shape says. Raises
    ValueError for what is no whole archive of arrays of numbers, OSError for
    a file that cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _read_members(archive, wanted)
    except (OSError, ValueError):
        raise
    # On broken archives zipfile raises whatever its parts happen to raise.
    except Exception as error:
        raise ValueError(f'it is no whole .npz file ({error!r})') from error


def _read_members(archive, wanted):
    members = {}
    for info in archive.infolist():
        name = info.filename
        if name in members:
            raise ValueError(f'it has {name[:60]!r} twice')
        members[name] = info
    if len(members) > MOST_ARRAYS:
        raise ValueError(
            f'it has {len(members)} members: at most {MOST_ARRAYS} are read'
        )
    arrays = {}
    for name, info in members.items():
        if name.endswith('.npy'):
            array = _read_member(archive, info, wanted)
            if array is not None:
                arrays[name[: -len('.npy')]] = array
    return arrays


def _read_member(archive, info, wanted):
    name = info.filename[: -len('.npy')]
    if info.compress_type not in _METHODS:
        raise ValueError(f'array {name[:60]!r} is not stored or deflated')
    with archive.open(info) as file:
        shape, dtype, fortran, header_size = _read_header(file, name)
        size = math.prod(shape) * dtype.itemsize
        if info.file_size != header_size + size:
            raise ValueError(
                f'array {name[:60]!r} of {dtype}, shape {shape}, has '
                f'{info.file_size - header_size} bytes, not {size}'
            )
        if not wanted(name, shape, dtype):
            return None
        array = numpy.empty(math.prod(shape), dtype)
        _fill(file, array.view('uint8'), name)
    return array.reshape(shape, order='F' if fortran else 'C')


def _read_header(file, name):
    """Return the shape, dtype, order and size of a .npy header."""
    start = file.read(8)
    form = {1: '<H', 2: '<I', 3: '<I'}.get(start[6] if start[7:] else 0)
    if start[:6] != _MAGIC or form is None:
        raise ValueError(f'array {name[:60]!r} is not in the format .npy')
    length_size = struct.calcsize(form)
    [length] = struct.unpack(form, file.read(length_size))
    text = file.read(min(length, _LONGEST_HEADER)).decode('latin1')
    match = _HEADER.fullmatch(text)
    if match is None or len(text) != length:
        raise ValueError(f'array {name[:60]!r} has no header of plain numbers')
    shape = tuple(int(side) for side in re.findall(r'\d+', match[3]))
    return (
        shape,
        numpy.dtype(match[1]),
        match[2] == 'True',
        length + 8 + (length_size),
    )


def _fill(file, view, name):
    at = 0
    # One byte more than is needed, for zipfile checks the sum at the end.
    while piece := file.read(min(_PIECE, len(view) - at + 1)):
        if len(piece) > len(view) - at:
            raise ValueError(f'array {name[:60]!r} is longer than said')
        view[at : at + len(piece)] = numpy.frombuffer(piece, 'uint8')
        at += len(piece)
    if at != len(view):
        raise ValueError(f'array {name[:60]!r} is cut off')
