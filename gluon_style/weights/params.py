"""Read MXNet's .params files without MXNet, whose loader trusts them.

A file is a list of arrays, then of their names; numbers are little-endian.
MXNet 2.x, with NumPy's semantics, writes a .npz under the same suffix.
"""

import math
import os
import struct
from collections import namedtuple

import numpy

from gluon_style.weights.npz import MOST_ARRAYS, read_npz

_MAGIC = 0x112
# An array's first number. Of the oldest files, it is the number of sides,
# which are then of 4 bytes. V2 told how an array is stored, V3 came with
# NumPy's shapes.
_V1, _V2, _V3 = 0xF993FAC8, 0xF993FAC9, 0xF993FACA
_DENSE = 0
_MOST_DIMENSIONS = 32
_LONGEST_NAME = 1000
# By MXNet's number of a type; 12 is bfloat16, which NumPy does not have.
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

_Entry = namedtuple('_Entry', 'shape dtype start')


def read_params(path, wanted):
    """Return the wanted arrays of a .params file by name.

    ``wanted(name, shape, dtype)`` is asked for each array before memory is
    taken for it. Raises ValueError saying what is wrong with the file.
    """
    with open(path, 'rb') as file:
        zipped = file.read(4) == b'PK\x03\x04'
        if not zipped:
            return _read_list(file, wanted)
    return read_npz(path, wanted)


def _read_list(file, wanted):
    end = file.seek(0, os.SEEK_END)
    file.seek(0)
    magic, _, count = _numbers(file, 'QQQ')
    if magic != _MAGIC:
        raise ValueError('it is no list of arrays of MXNet')
    _check_count(count)
    entries = [_read_entry(file, end) for _ in range(count)]
    arrays = {}
    for name, entry in zip(_read_names(file, count), entries):
        if name in arrays:
            raise ValueError(f'it has {name[:60]!r} twice')
        if entry is not None and wanted(name, entry.shape, entry.dtype):
            arrays[name] = _read_array(file, entry)
    return arrays


def _check_count(count):
    if count > MOST_ARRAYS:
        raise ValueError(
            f'it has {count} arrays: at most {MOST_ARRAYS} are read'
        )


def _numbers(file, form):
    """Return the next numbers; ``form`` is as of the module struct."""
    size = struct.calcsize(f'<{form}')
    data = file.read(size)
    if len(data) != size:
        raise ValueError('it is cut off')
    return struct.unpack(f'<{form}', data)


def _read_entry(file, end):
    """Return where an array is, and pass over it; None for one of nothing."""
    shape, nothing = _read_shape(file)
    if nothing:
        return None
    _, _, kind = _numbers(file, 'iii')
    if kind not in _DTYPES:
        raise ValueError(f'it has an array of the type {kind}, not a number')
    dtype = numpy.dtype(_DTYPES[kind])
    start = file.tell()
    if start + math.prod(shape) * dtype.itemsize > end:
        raise ValueError(f'it is cut off in an array of shape {shape}')
    file.seek(start + math.prod(shape) * dtype.itemsize)
    return _Entry(shape, dtype, start)


def _read_shape(file):
    """Return an array's shape, and whether there is nothing behind it."""
    [version] = _numbers(file, 'I')
    form = 'q'
    if version in (_V2, _V3):
        [storage] = _numbers(file, 'i')
        if storage != _DENSE:
            raise ValueError('it has a sparse array')
    if version in (_V1, _V2, _V3):
        [dimensions] = _numbers(file, 'i')
    else:
        dimensions, form = version, 'I'
    if dimensions == (-1 if version == _V3 else 0):
        return (), True
    if not 0 <= dimensions <= _MOST_DIMENSIONS:
        raise ValueError(f'it has an array of {dimensions} dimensions')
    shape = _numbers(file, form * dimensions)
    if min(shape, default=0) < 0:
        raise ValueError(f'it has an array of shape {shape}')
    return shape, False


def _read_names(file, count):
    [names] = _numbers(file, 'Q')
    if names != count:
        raise ValueError(f'it has {count} arrays and {names} names')
    found = []
    for _ in range(count):
        [length] = _numbers(file, 'Q')
        if length > _LONGEST_NAME:
            raise ValueError(
                f'it has a name of {length} bytes: at most {_LONGEST_NAME} '
                'are read'
            )
        [name] = _numbers(file, f'{length}s')
        found.append(name.decode('utf-8'))
    return found


def _read_array(file, entry):
    array = numpy.empty(entry.shape, entry.dtype)
    file.seek(entry.start)
    if file.readinto(array.reshape(-1).view('uint8')) != array.nbytes:
        raise ValueError('it is cut off')
    return array
