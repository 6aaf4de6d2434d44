"""Write ONNX messages by hand, for tests: right ones and broken ones."""

import numpy

TYPES = {
    'float32': 1,
    'uint8': 2,
    'int8': 3,
    'int32': 6,
    'int64': 7,
    'float16': 10,
}


def varint(number):
    """Return a number of protobuf, seven bits a byte."""
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def field(number, value):
    """Return a field of protobuf: a whole number, bytes or text."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def initializer(name, array):
    """Return a graph's field for an array."""
    array = numpy.asarray(array)
    dims = b''.join(field(1, side) for side in array.shape)
    tensor = dims + field(2, TYPES[array.dtype.name]) + field(8, name)
    return field(5, tensor + field(9, array.tobytes()))


def node(kind, inputs, outputs, axis=None):
    """Return a graph's field for a node."""
    data = b''.join(field(1, name) for name in inputs)
    data += b''.join(field(2, name) for name in outputs) + field(4, kind)
    if axis is not None:
        data += field(5, field(1, 'axis') + field(3, axis) + field(20, 2))
    return field(1, data)


def model(*fields):
    """Return an ONNX file with one graph of these fields."""
    return field(1, 8) + field(7, b''.join(fields))
