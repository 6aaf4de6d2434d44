"""The reader of ONNX files returns what they hold, or says what is wrong."""

import struct

import numpy
import pytest
from onnx_writer import field, initializer, model, node

from gluon_style.weights.onnx import dequantized, read_onnx


def read(tmp_path, data, wanted=lambda *about: True):
    path = tmp_path / 'net.onnx'
    path.write_bytes(data)
    return read_onnx(path, wanted)


def test_arrays_of_each_type_are_read_by_name(tmp_path):
    arrays = {
        'float32': numpy.array([[1.5, -2], [0, 3]], 'float32'),
        'float16': numpy.array([0.5, 2], 'float16'),
        'int8': numpy.array([-128, 127], 'int8'),
        'int64': numpy.array([-1, 2**40], 'int64'),
    }
    data = model(*(initializer(n, a) for n, a in arrays.items()))
    actual = read(tmp_path, data)
    assert list(actual) == list(arrays)
    for name, array in arrays.items():
        assert actual[name].dtype == array.dtype
        assert numpy.array_equal(actual[name], array)


def test_only_wanted_arrays_are_read(tmp_path):
    seen = []

    def wanted(*about):
        seen.append(about)
        return about[0] == 'a'

    ones = numpy.ones((2, 3), 'float32')
    data = model(initializer('a', ones), initializer('b', ones[0]))
    assert list(read(tmp_path, data, wanted)) == ['a']
    assert seen == [('a', (2, 3), 'float32'), ('b', (3,), 'float32')]


def test_integers_are_scaled_along_their_axis(tmp_path):
    integers = numpy.array([[1, -2], [3, 127]], 'int8')
    data = model(
        initializer('w', integers),
        initializer('s', numpy.array([0.5, 2], 'float32')),
        initializer('z', numpy.array([0, 1], 'int8')),
        node('DequantizeLinear', ['w', 's', 'z'], ['w_dequant'], axis=0),
        node('Relu', ['w_dequant'], ['y']),
    )
    actual = read(tmp_path, data)
    # The scaled array takes the integers' place.
    assert actual['w'].tolist() == [[0.5, -1], [4, 252]]
    assert actual['w'].dtype == 'float32'


def test_a_single_scale_is_for_all_and_differences_do_not_overflow():
    integers = numpy.array([[-128, 127]], 'int8')
    scale, zero = numpy.float32([0.5]), numpy.array([127], 'int8')
    actual = dequantized(integers, scale[0:1], zero, 1)
    assert actual.tolist() == [[-127.5, 0]]


@pytest.mark.parametrize(
    'scale, zero, axis, problem',
    [
        ([1, 2, 3], [0, 0, 0], 0, '3 scales are for 2 places'),
        ([1, 2], [0, 0], 5, 'has no axis 5'),
        ([1, 2], [0], 0, 'differ in shape'),
        ([], [], 0, 'has no scale'),
    ],
)
def test_scales_that_do_not_fit_are_refused(scale, zero, axis, problem):
    integers = numpy.ones((2, 2), 'int8')
    scale, zero = numpy.array(scale, 'float32'), numpy.array(zero, 'int8')
    with pytest.raises(ValueError, match=problem):
        dequantized(integers, scale, zero, axis)


ONES = initializer('a', numpy.ones(3, 'float32'))


@pytest.mark.parametrize(
    'data, problem',
    [
        (b'', 'it has 0 graphs'),
        (model(ONES) + model(ONES), 'it has 2 graphs'),
        (model(ONES)[:-3], 'it is cut off'),
        (model(ONES)[:1], 'it is cut off'),
        (b'\xff' * 11, 'it is cut off, or is not a message'),
        (b'\x0b', 'it has a field of the type 3'),
        (model(ONES, ONES), "it has 'a' twice"),
        (field(7, 5), 'it has a number in place of a message'),
        # Two numbers are said to be there, and one is.
        (
            model(field(5, field(1, 2) + field(2, 1) + field(9, b'\0' * 4))),
            'has 4 bytes, not 8',
        ),
        # A side of 2**63, for which there is no memory.
        (
            model(field(5, field(1, 2**63) + field(2, 1) + field(9, b''))),
            'has 0 bytes, not 36893488147419103232',
        ),
        (
            model(field(5, field(2, 1) + field(1, 1) * 9)),
            'has 9 sides',
        ),
    ],
)
def test_a_broken_file_is_one_sentence(tmp_path, data, problem):
    with pytest.raises(ValueError, match=problem) as caught:
        read(tmp_path, data)
    assert len(str(caught.value).splitlines()) == 1


def test_a_file_of_too_many_bytes_or_fields_is_refused(tmp_path):
    path = tmp_path / 'huge.onnx'
    with open(path, 'wb') as file:
        file.truncate((64 << 20) + 1)
    with pytest.raises(ValueError, match='it has more than the'):
        read_onnx(path, lambda *about: True)
    many = b''.join([struct.pack('BB', 8, 1)] * 1_000_001)
    with pytest.raises(ValueError, match='more fields than a net needs'):
        read(tmp_path, many)
