"""Read MXNet's .params files without MXNet, whose loader trusts them.

A file is a list of arrays and then a list of their names; numbers are
little-endian. MXNet 2.x, with NumPy's semantics, writes a .npz under the same
suffix.
"""

from __future__ import annotations

import math
import os
import struct
from io import BufferedReader
from typing import Any, NamedTuple

import numpy

from gluon_style.weights.npz import MOST_ARRAYS, Wanted, read_npz

_MAGIC = 0x112
# The first number of an array. V2 added how an array is stored, V3 came with
# NumPy's shapes. In the oldest files the first number is the number of sides,
# each of 4 bytes.
_V1, _V2, _V3 = 0xF993FAC8, 0xF993FAC9, 0xF993FACA
_DENSE = 0
_MOST_DIMENSIONS = 32
_LONGEST_NAME = 1000
# By MXNet's number of a type. 12 is bfloat16, which NumPy does not have.
_DTYPES = {
    0: '<f4',
    1: '<f8',
    2: '<f2',
    3: '|u1',
    4: '<i4',
    5: '|i1',
    6: '<i8',
    7: '|b1',
}


class _Entry(NamedTuple):
    """Where in the file the data of an array begin, and what they are."""

    shape: tuple[int, ...]
    dtype: numpy.dtype
    start: int


def read_params(
    path: str | os.PathLike[str], wanted: Wanted
) -> dict[str, numpy.ndarray]:
    """Return the wanted arrays of a .params file by name.

    Raises ValueError saying what is wrong with the file.
    """
    with open(path, 'rb') as file:
        zipped = file.read(4) == b'PK\x03\x04'
        if not zipped:
            return _read_list(file, wanted)
    return read_npz(path, wanted)


def _read_list(
    file: BufferedReader, wanted: Wanted
) -> dict[str, numpy.ndarray]:
    end = file.seek(0, os.SEEK_END)
    file.seek(0)
    magic, _, count = _read_numbers(file, 'QQQ')
    if magic != _MAGIC:
        raise ValueError('it is not a list of arrays of MXNet')
    if count > MOST_ARRAYS:
        raise ValueError(
            f'it has {count} arrays: at most {MOST_ARRAYS} are read'
        )
    entries = [_read_entry(file, end) for _ in range(count)]
    arrays = {}
    for name, entry in zip(_read_names(file, count), entries):
        if name in arrays:
            raise ValueError(f'it has {name[:60]!r} twice')
        if entry is not None and wanted(name, entry.shape, entry.dtype):
            arrays[name] = _read_array(file, entry)
    return arrays


def _read_numbers(file: BufferedReader, form: str) -> tuple[Any, ...]:
    """Return the next numbers; ``form`` is a format of the module struct."""
    size = struct.calcsize(f'<{form}')
    data = file.read(size)
    if len(data) != size:
        raise ValueError('it is cut off')
    return struct.unpack(f'<{form}', data)


def _read_entry(file: BufferedReader, end: int) -> _Entry | None:
    """Return where an array is, and skip its data; None if it has none."""
    shape = _read_shape(file)
    if shape is None:
        return None
    # The device's type and number are not needed.
    _, _, kind = _read_numbers(file, 'iii')
    if kind not in _DTYPES:
        raise ValueError(f'it has an array of the unknown type {kind}')
    dtype = numpy.dtype(_DTYPES[kind])
    start = file.tell()
    if start + math.prod(shape) * dtype.itemsize > end:
        raise ValueError(f'it is cut off in an array of shape {shape}')
    file.seek(start + math.prod(shape) * dtype.itemsize)
    return _Entry(shape, dtype, start)


def _read_shape(file: BufferedReader) -> tuple[int, ...] | None:
    """Return the shape of an array, or None if no data follow it."""
    [version] = _read_numbers(file, 'I')
    if version in (_V2, _V3):
        [storage] = _read_numbers(file, 'i')
        if storage != _DENSE:
            raise ValueError('it has a sparse array')
    if version in (_V1, _V2, _V3):
        [dimensions] = _read_numbers(file, 'i')
        form = 'q'
    else:
        dimensions, form = version, 'I'
    if dimensions == (-1 if version == _V3 else 0):
        return None
    if not 0 <= dimensions <= _MOST_DIMENSIONS:
        raise ValueError(f'it has an array of {dimensions} dimensions')
    shape = _read_numbers(file, form * dimensions)
    if min(shape, default=0) < 0:
        raise ValueError(f'it has an array of shape {shape}')
    return shape


def _read_names(file: BufferedReader, count: int) -> list[str]:
    [num_names] = _read_numbers(file, 'Q')
    if num_names != count:
        raise ValueError(f'it has {count} arrays and {num_names} names')
    names = []
    for _ in range(count):
        [length] = _read_numbers(file, 'Q')
        if length > _LONGEST_NAME:
            raise ValueError(
                f'it has a name of {length} bytes: at most {_LONGEST_NAME} '
                'are read'
            )
        [name] = _read_numbers(file, f'{length}s')
        names.append(name.decode('utf-8'))
    return names


def _read_array(file: BufferedReader, entry: _Entry) -> numpy.ndarray:
    array = numpy.empty(entry.shape, entry.dtype)
    file.seek(entry.start)
    view = array.reshape(-1).view('uint8')
    if file.readinto(view.data) != array.nbytes:
        raise ValueError('it is cut off')
    return array
