"""Read pickled NumPy arrays, as Flax's users keep them, without their risks.

Such a file is a pickle of dictionaries in dictionaries whose last values are
arrays. ``unpickler`` only looks at it. Three names may occur in it, those
that NumPy writes for an array; what stands for them here makes nothing but
arrays of plain numbers.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from typing import IO, Any

import numpy

from gluon_style.weights.npz import MOST_ARRAYS, Wanted
from gluon_style.weights.unpickler import Stateful, read_pickle

# VGG-16's convolutions take 59 MB, the whole network with its classifier 553.
_MOST_BYTES = 600_000_000
# An operation takes one read or two: VGG-16's file takes 2,500.
_MOST_READS = 200_000
# Names in a pickle are lines; no name is longer.
_LONGEST_LINE = 1000
_MOST_DIMENSIONS = 8
# The rest of a longer one is left out, since no array of ours has such a name.
_LONGEST_KEY = 200
# Dictionaries in dictionaries: VGG-16's are three deep.
_DEEPEST = 6
# One of NumPy's codes for a plain number, without the order of the bytes.
_CODE = re.compile(r'[biuf][1248]')


def read_ckpt(
    path: str | os.PathLike[str], wanted: Wanted
) -> dict[str, numpy.ndarray]:
    """Return the wanted arrays of a .ckpt file by their names.

    A name is the keys on the way to the array, 'VGG16_0/Conv_0/kernel'.
    Raises ValueError unless the file is a pickle of arrays of numbers in
    dictionaries, and OSError if it cannot be read.
    """
    with open(path, 'rb') as file:
        size = os.fstat(file.fileno()).st_size
        if size > _MOST_BYTES:
            raise ValueError(
                f'it has {size} bytes: at most {_MOST_BYTES} are read'
            )
        loaded = read_pickle(_Bounded(file, size), _NAMES, _refuse)
    if not isinstance(loaded, dict):
        raise ValueError('it is not a dictionary of arrays')
    return {
        name: array
        for name, array in _walk(loaded)
        if wanted(name, array.shape, array.dtype)
    }


class _Bounded:
    """A file that gives no more than it has, to a reader of a pickle.

    A length in a pickle may be anything: a file would make room for it.
    """

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file, self._size, self._reads = file, size, 0

    def read(self, size: int) -> bytes:
        """Return ``size`` bytes, or fewer where the file ends."""
        self._reads += 1
        if self._reads > _MOST_READS:
            raise ValueError('its pickle has more parts than a network needs')
        return self._file.read(min(size, self._size - self._file.tell()))

    def readline(self) -> bytes:
        """Return the rest of a line, or less of a long one."""
        return self._file.readline(_LONGEST_LINE)


class _Dtype(Stateful):
    """Stands for a numpy.dtype: a code such as 'f4', then the byte order."""

    def __init__(self, code: str) -> None:
        self.code, self.order = code, '|'

    def set_state(self, state: Any) -> None:
        # (version, order, and what only types with parts have, ...)
        if not isinstance(state, tuple) or len(state) != 8:
            raise ValueError('it has a type of an unknown form')
        _, self.order, *parts = state[:5]
        if self.order not in ('<', '>', '|') or parts != [None] * 3:
            raise ValueError('it has a type that is not a plain number')

    def dtype(self) -> numpy.dtype:
        try:
            return numpy.dtype(self.order + self.code)
        # A size that no number has, as in 'b2'.
        except TypeError:
            raise ValueError(f'its type {self.code!r} is unknown') from None


class _Array(Stateful):
    """Stands for a numpy.ndarray, which is None until its state is there."""

    def __init__(self) -> None:
        self.array: numpy.ndarray | None = None

    def set_state(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) != 5:
            raise ValueError('it has an array of an unknown form')
        _, shape, dtype, in_columns, data = state
        if not isinstance(shape, tuple) or len(shape) > _MOST_DIMENSIONS:
            raise ValueError('it has an array without a shape')
        # Not isinstance, since True and False are integers too.
        if not all(type(side) is int and side >= 0 for side in shape):
            raise ValueError('it has an array without a shape')
        if not isinstance(dtype, _Dtype) or not isinstance(data, bytes):
            raise ValueError('it has an array that is not one of numbers')
        size = math.prod(shape) * dtype.dtype().itemsize
        if len(data) != size:
            raise ValueError(
                f'an array of shape {shape} has {len(data)} bytes, not {size}'
            )
        values = numpy.frombuffer(data, dtype.dtype())
        order = 'F' if in_columns is True else 'C'
        self.array = values.reshape(shape, order=order)


def _make_dtype(code, align=False, copy=True):
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        raise ValueError('it has a type that is not a plain number')
    return _Dtype(code)


def _make_array(kind, shape, code):
    if kind is not _NDARRAY:
        raise ValueError('it has an array of an unknown kind')
    return _Array()


def _refuse(persistent_id: Any) -> Any:
    raise ValueError('it refers to something outside of it')


_NDARRAY = object()
# NumPy 2 writes another folder's name.
_NAMES = {
    'numpy.core.multiarray._reconstruct': _make_array,
    'numpy._core.multiarray._reconstruct': _make_array,
    'numpy.dtype': _make_dtype,
    'numpy.ndarray': _NDARRAY,
}


def _walk(loaded: dict[Any, Any]) -> Iterator[tuple[str, numpy.ndarray]]:
    """Yield the arrays in nested dictionaries, with their names.

    One dictionary may be in many others, and in itself.
    """
    waiting: list[tuple[tuple[str, ...], Any]] = [((), loaded)]
    for _ in range(MOST_ARRAYS):
        if not waiting:
            return
        keys, value = waiting.pop()
        if isinstance(value, _Array) and value.array is not None:
            yield '/'.join(keys), value.array
        if isinstance(value, dict):
            if len(keys) == _DEEPEST:
                raise ValueError(
                    f'its dictionaries are more than {_DEEPEST} deep'
                )
            if len(value) > MOST_ARRAYS:
                break
            for key, inner in value.items():
                waiting.append(((*keys, str(key)[:_LONGEST_KEY]), inner))
    raise ValueError(f'it has more than {MOST_ARRAYS} arrays')
