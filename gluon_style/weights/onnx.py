"""Read the arrays of an .onnx file, with no package for ONNX or protobuf.

An ONNX file is one message of protobuf: fields of a number, a type and a
value, and some values are messages again. Here only the arrays of the graph
are read, and the nodes that turn stored integers into numbers: a net of 8 bits
keeps its weights as integers and scales. Nothing is computed but that.

The numbers of the fields are those of onnx.proto, version 1.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from typing import NamedTuple, Union

import numpy

from gluon_style.weights.npz import MOST_ARRAYS, Wanted

# The nets of one pass take up to 3 MB.
_MOST_BYTES = 64 << 20
# All fields that are looked at; the largest net has some 30,000.
_MOST_FIELDS = 1_000_000
_MOST_DIMENSIONS = 8
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
# Fields of ModelProto, GraphProto, NodeProto, AttributeProto, TensorProto.
_GRAPH = 7
_NODE, _INITIALIZER = 1, 5
_INPUT, _OUTPUT, _OP_TYPE, _ATTRIBUTE = 1, 2, 4, 5
_ATTRIBUTE_NAME, _ATTRIBUTE_INT = 1, 3
_DIMS, _DATA_TYPE, _NAME, _RAW_DATA = 1, 2, 8, 9
# Types that weights have. Half of a type's name is the size of a number.
_DTYPES = {
    1: numpy.dtype('<f4'),
    2: numpy.dtype('u1'),
    3: numpy.dtype('i1'),
    6: numpy.dtype('<i4'),
    7: numpy.dtype('<i8'),
    10: numpy.dtype('<f2'),
    11: numpy.dtype('<f8'),
}
# The only ones that a net of 8 bits has: its weights and its biases.
_QUANTIZED = ('i1', 'u1', '<i4')

_Value = Union[int, memoryview]


class Tensor(NamedTuple):
    """An array that is not read yet."""

    shape: tuple[int, ...]
    dtype: numpy.dtype | None
    data: memoryview

    def array(self, name: str) -> numpy.ndarray:
        """Return the numbers, or raise ValueError if they are not there."""
        if self.dtype is None:
            raise ValueError(f'array {name[:60]!r} is of an unknown type')
        size = math.prod(self.shape) * self.dtype.itemsize
        if len(self.data) != size:
            raise ValueError(
                f'array {name[:60]!r} of shape {self.shape} has '
                f'{len(self.data)} bytes, not {size}'
            )
        return numpy.frombuffer(self.data, self.dtype).reshape(self.shape)


class Scaled(NamedTuple):
    """Names of the arrays that are (integers - zero) * scale, and the axis."""

    integers: str
    scale: str
    zero: str
    axis: int

    def arrays(self, tensors: dict[str, Tensor]) -> list[numpy.ndarray]:
        """Return the integers, the scale and the zero."""
        names = self.integers, self.scale, self.zero
        return [tensors[name].array(name) for name in names]


Tensors = dict[str, Tensor]


def read_onnx(
    path: str | os.PathLike[str], wanted: Wanted
) -> dict[str, numpy.ndarray]:
    """Return the wanted arrays of an .onnx file by name.

    ``wanted`` is a ``Wanted``. Integers that a node DequantizeLinear scales
    are float32 here, under the name of the node's output; where that ends in
    '_dequant', the name is without it. Raises ValueError unless the file is a
    whole message with a graph, and OSError if it cannot be read.
    """
    tensors, scaled = read_graph(path)
    arrays = {}
    for name, tensor in tensors.items():
        if tensor.dtype is None or name in scaled:
            continue
        if wanted(name, tensor.shape, tensor.dtype):
            arrays[name] = tensor.array(name)
    for name, parts in scaled.items():
        shape = tensors[parts.integers].shape
        if wanted(name, shape, numpy.dtype('float32')):
            integers, scale, zero = parts.arrays(tensors)
            arrays[name] = dequantized(integers, scale, zero, parts.axis)
    return arrays


def read_graph(
    path: str | os.PathLike[str],
) -> tuple[Tensors, dict[str, Scaled]]:
    """Return the tensors of an .onnx file, and how some are scaled, by name.

    No number is read yet. Raises as ``read_onnx`` does.
    """
    with open(path, 'rb') as file:
        data = file.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise ValueError(f'it has more than the {_MOST_BYTES} bytes read')
    return _Message().graph(memoryview(data))


def dequantized(
    integers: numpy.ndarray,
    scale: numpy.ndarray,
    zero: numpy.ndarray,
    axis: int,
) -> numpy.ndarray:
    """Return (integers - zero) * scale as float32, as onnxruntime does.

    ``scale`` and ``zero`` are single numbers, or one for each place along
    ``axis``. Raises ValueError for other shapes and types.
    """
    if integers.dtype.str.lstrip('|') not in _QUANTIZED:
        raise ValueError(f'an array of {integers.dtype} is scaled')
    if scale.dtype != 'float32' or zero.dtype != integers.dtype:
        raise ValueError(f'a scale is of {scale.dtype}, {zero.dtype}')
    if scale.shape != zero.shape:
        raise ValueError('a scale and its zero differ in shape')
    if scale.size > 1:
        if not -integers.ndim <= axis < integers.ndim:
            raise ValueError(f'a scaled array has no axis {axis}')
        shape = [1] * integers.ndim
        shape[axis] = integers.shape[axis]
        if scale.size != shape[axis]:
            raise ValueError(
                f'{scale.size} scales are for {shape[axis]} places'
            )
        scale, zero = scale.reshape(shape), zero.reshape(shape)
    elif scale.size != 1:
        raise ValueError('a scaled array has no scale')
    # In 64 bits, since the difference may not fit into the integers' type.
    difference = integers.astype('int64') - zero
    return (difference.astype('float32') * scale).reshape(integers.shape)


class _Message:
    """The messages of one file; counts its fields, of which it has enough."""

    def __init__(self) -> None:
        self._left = _MOST_FIELDS

    def graph(self, data: memoryview) -> tuple[Tensors, dict[str, Scaled]]:
        """Return the tensors of the file's one graph, and the scaled ones."""
        graphs = [
            value for number, value in self._fields(data) if number == _GRAPH
        ]
        if len(graphs) != 1:
            raise ValueError(f'it has {len(graphs)} graphs, not one')
        tensors: Tensors = {}
        nodes: list[memoryview] = []
        for number, value in self._fields(_bytes(graphs[0])):
            if number == _INITIALIZER:
                name, tensor = self._tensor(_bytes(value))
                if name in tensors:
                    raise ValueError(f'it has {name[:60]!r} twice')
                tensors[name] = tensor
            elif number == _NODE:
                nodes.append(_bytes(value))
            if len(tensors) > MOST_ARRAYS or len(nodes) > MOST_ARRAYS:
                raise ValueError(f'it has more than {MOST_ARRAYS} arrays')
        scaled: dict[str, Scaled] = {}
        for node in nodes:
            found = self._scaled(node)
            if found and {*found[1][:3]} <= tensors.keys():
                scaled[found[0]] = found[1]
        return tensors, scaled

    def _tensor(self, data: memoryview) -> tuple[str, Tensor]:
        shape: list[int] = []
        name, kind, raw = '', 0, memoryview(b'')
        for number, value in self._fields(data):
            if number == _DIMS:
                shape += self._integers(value)
            elif number == _DATA_TYPE:
                kind = _integer(value)
            elif number == _NAME:
                name = _text(value)
            elif number == _RAW_DATA:
                raw = _bytes(value)
        if len(shape) > _MOST_DIMENSIONS:
            raise ValueError(f'array {name[:60]!r} has {len(shape)} sides')
        return name, Tensor(tuple(shape), _DTYPES.get(kind), raw)

    def _integers(self, value: _Value) -> list[int]:
        """Return the numbers of a field that may be packed into one value."""
        if isinstance(value, int):
            return [value]
        numbers, at = [], 0
        while at < len(value):
            number, at = self._varint(value, at)
            numbers.append(number)
        return numbers

    def _scaled(self, data: memoryview) -> tuple[str, Scaled] | None:
        """Return the output and the parts of a node DequantizeLinear."""
        inputs: list[str] = []
        outputs: list[str] = []
        kind, axis = '', 1
        for number, value in self._fields(data):
            if number == _INPUT:
                inputs.append(_text(value))
            elif number == _OUTPUT:
                outputs.append(_text(value))
            elif number == _OP_TYPE:
                kind = _text(value)
            elif number == _ATTRIBUTE:
                axis = self._axis(_bytes(value), axis)
        if (kind, len(inputs), len(outputs)) != ('DequantizeLinear', 3, 1):
            return None
        name = outputs[0]
        if name.endswith('_dequant'):
            name = name[: -len('_dequant')]
        integers, scale, zero = inputs
        return name, Scaled(integers, scale, zero, axis)

    def _axis(self, data: memoryview, default: int) -> int:
        """Return the number of an attribute 'axis', or the default."""
        name, number = '', default
        for field, value in self._fields(data):
            if field == _ATTRIBUTE_NAME:
                name = _text(value)
            elif field == _ATTRIBUTE_INT:
                number = _integer(value)
        if name != 'axis':
            return default
        # Protobuf writes a negative number as 64 bits.
        return number - 2**64 if number >= 2**63 else number

    def _fields(self, data: memoryview) -> Iterator[tuple[int, _Value]]:
        """Yield the number and the value of each field of a message."""
        at = 0
        while at < len(data):
            key, at = self._varint(data, at)
            kind, value = key & 7, 0
            if kind == _VARINT:
                value, at = self._varint(data, at)
            else:
                size = {_FIXED64: 8, _FIXED32: 4}.get(kind, 0)
                if kind == _BYTES:
                    size, at = self._varint(data, at)
                elif not size:
                    raise ValueError(f'it has a field of the type {kind}')
                if size > len(data) - at:
                    raise ValueError('it is cut off')
                value, at = data[at : at + size], at + size
            yield key >> 3, value

    def _varint(self, data: memoryview, at: int) -> tuple[int, int]:
        """Return a number of up to 64 bits, and the place behind it."""
        self._left -= 1
        if self._left < 0:
            raise ValueError('it has more fields than a net needs')
        number = 0
        for i, byte in enumerate(data[at : at + 10]):
            number |= (byte & 127) << 7 * i
            if byte < 128:
                return number, at + i + 1
        raise ValueError('it is cut off, or is not a message of protobuf')


def _bytes(value: _Value) -> memoryview:
    if isinstance(value, int):
        raise ValueError('it has a number in place of a message')
    return value


def _text(value: _Value) -> str:
    return bytes(_bytes(value)).decode('utf-8', 'replace')


def _integer(value: _Value) -> int:
    if not isinstance(value, int):
        raise ValueError('it has a message in place of a number')
    return value
