"""Keep weights of 8 bits in one byte each, without changing any.

The nets were published with weights of 8 bits. As float32 an array has at
most 256 different numbers, or each of its channels has whole multiples of one
step. Both need a byte a number, and give the same float32 back. No MXNet.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy

_Arrays = dict[str, numpy.ndarray]
# What a name has behind it, by what the array is.
INDEX, TABLE, STEPS, STEP = ':index', ':table', ':steps', ':step'


def packed(name: str, array: numpy.ndarray) -> _Arrays:
    """Return float32 numbers as one or two smaller arrays, by name."""
    table, index = numpy.unique(array, return_inverse=True)
    if len(table) <= 256 and array.size > len(table) * 4:
        index = index.reshape(array.shape).astype('uint8')
        return {name + INDEX: index, name + TABLE: table}
    if array.ndim > 1:
        step = _steps(array)
        multiples = numpy.rint(array / step)
        if numpy.abs(multiples).max() <= 127 and numpy.array_equal(
            multiples.astype('float32') * step, array
        ):
            whole = multiples.astype('int8')
            return {name + STEPS: whole, name + STEP: step.ravel()}
    return {name: array}


def _steps(array: numpy.ndarray) -> numpy.ndarray:
    """Return the step of each channel, whose largest number has 127.

    The largest number was rounded, so the step may be a neighbor of its
    127th part.
    """
    channels = array.reshape(len(array), -1)
    step = numpy.abs(channels).max(axis=1) / numpy.float32(127)
    step = numpy.where(step > 0, step, numpy.float32(1))
    tries = [step]
    for toward in (0, numpy.inf):
        other = step
        for _ in range(2):
            other = numpy.nextafter(other, numpy.float32(toward))
            tries.append(other)
    best = step.copy()
    for other in reversed(tries):
        multiples = numpy.rint(channels / other[:, None])
        exact = (multiples * other[:, None] == channels).all(axis=1)
        best[exact] = other[exact]
    return best.reshape(-1, *[1] * (array.ndim - 1))


def unpacked(name: str, arrays: Mapping[str, numpy.ndarray]) -> numpy.ndarray:
    """Return the float32 numbers that ``packed`` kept.

    Raises ValueError where they are not there or do not fit together.
    """
    if name in arrays:
        return arrays[name].astype('float32', copy=False)
    if name + INDEX in arrays and name + TABLE in arrays:
        index, table = arrays[name + INDEX], arrays[name + TABLE]
        if table.ndim != 1 or index.dtype != 'uint8' or not index.size:
            raise ValueError(f'array {name!r} has a table of a wrong form')
        if len(table) <= index.max():
            raise ValueError(f'array {name!r} has a table that is too short')
        return table.astype('float32', copy=False)[index]
    if name + STEPS in arrays and name + STEP in arrays:
        whole, step = arrays[name + STEPS], arrays[name + STEP]
        if whole.dtype != 'int8' or not whole.ndim:
            raise ValueError(f'array {name!r} has steps of a wrong form')
        if step.shape != whole.shape[:1]:
            raise ValueError(f'array {name!r} has steps of another shape')
        step = step.astype('float32', copy=False)
        return whole * step.reshape(-1, *[1] * (whole.ndim - 1))
    raise ValueError(f'array {name!r} is missing')
