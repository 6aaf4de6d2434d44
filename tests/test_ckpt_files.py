"""Pickles of NumPy arrays: what they hold, and what nobody gets from them."""

import os
import pickle

import numpy
import pytest
from conftest import random_layers

from gluon_style.errors import WeightsError
from gluon_style.layers import NETWORKS
from gluon_style.weights import load_weights
from gluon_style.weights.ckpt import read_ckpt
from gluon_style.weights.formats import read_layers, read_network
from gluon_style.weights.sources import fetch

NAMES = tuple(NETWORKS['vgg16'].conv_shapes)


def flax(layers):
    """Return layers as Flax's users keep them, beside what LPIPS needs."""
    tables = {
        f'Conv_{i}': {'kernel': weight.transpose(2, 3, 1, 0), 'bias': bias}
        for i, (weight, bias) in enumerate(layers.values())
    }
    linear = {'Conv_0': {'kernel': numpy.ones((1, 1, 64, 1), 'float32')}}
    return {'VGG16_0': tables, 'NetLinLayer_0': linear}


def write(path, value, protocol=3):
    path.write_bytes(pickle.dumps(value, protocol))
    return path


def read_all(path):
    return read_ckpt(path, lambda *array: True)


@pytest.mark.parametrize('protocol', [3, 4])
def test_a_network_of_flax_is_read(tmp_path, protocol):
    layers = random_layers(NAMES[:3])
    path = write(tmp_path / 'a.ckpt', flax(layers), protocol)
    actual, convention = read_layers(path, NAMES[:3], 'vgg16')
    assert convention == 'rgb' and list(actual) == list(NAMES[:3])
    for name, (weight, bias) in layers.items():
        assert (actual[name][0] == weight).all()
        assert (actual[name][1] == bias).all()


def test_arrays_of_every_type_order_and_shape_are_read(tmp_path):
    rng = numpy.random.RandomState(0)
    arrays = {
        dtype: rng.randint(0, 2, (2, 3, 4)).astype(dtype)
        for dtype in ('b1', 'i1', 'u2', '<i4', '>i8', 'f2', '<f4', '>f8')
    }
    arrays['columns'] = numpy.asfortranarray(rng.normal(size=(3, 4)))
    arrays['number'], arrays['none'] = numpy.array(2.5), numpy.ones((0, 3))
    actual = read_all(write(tmp_path / 'a.ckpt', {'a': arrays, 'b': 1}))
    assert sorted(actual) == sorted(f'a/{name}' for name in arrays)
    for name, array in arrays.items():
        assert actual[f'a/{name}'].dtype == array.dtype
        numpy.testing.assert_array_equal(actual[f'a/{name}'], array)


def test_torchvisions_file_has_what_pickle_itself_reads():
    path = fetch('torchvision')
    # Its hash was checked.
    expected = pickle.loads(path.read_bytes())['VGG16_0']
    loaded = load_weights('torchvision', network='vgg16')
    assert list(loaded.layers) == list(NAMES)
    for i, (weight, bias) in enumerate(loaded.layers.values()):
        kernel = expected[f'Conv_{i}']['kernel']
        assert (weight == kernel.transpose(3, 2, 0, 1)).all()
        assert (bias == expected[f'Conv_{i}']['bias']).all()
    # The means of torchvision's own file.
    assert loaded.layers['conv1_1'][1][0] == pytest.approx(0.4034, abs=1e-4)
    assert read_network(path) == 'vgg16'


class Call:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize('protocol', [0, 2, 3, 4, 5])
def test_a_pickle_that_calls_the_shell_does_not(tmp_path, protocol):
    ran = tmp_path / 'ran'
    evil = {'VGG16_0': {'a': Call(os.system, f'touch {ran}')}}
    path = write(tmp_path / 'evil.ckpt', evil, protocol)
    with pytest.raises(WeightsError, match=r'cannot be read as \.ckpt: its? '):
        read_layers(path, NAMES[:1], 'vgg16')
    assert not ran.exists()


@pytest.mark.parametrize(
    'value, sentence',
    [
        ([numpy.ones(3)], 'is not a dictionary of arrays'),
        ({'a': numpy.array(['text'])}, 'a type that is not a plain number'),
        ({'a': numpy.array([None])}, 'a type that is not a plain number'),
        ({'a': numpy.zeros(2, 'f4,i4')}, 'a type that is not a plain number'),
        ({'a': numpy.array(['2020'], 'M8[D]')}, 'not a plain number'),
        ({'a': numpy.ones(3, complex)}, 'a type that is not a plain number'),
        ({'a': Call(numpy.ndarray, (1 << 40,))}, 'is broken'),
        ({'a': Call(numpy.dtype, 'f3')}, 'not a plain number'),
        ({'a': Call(numpy.dtype, 'f4', 1, 2, 3)}, 'is broken'),
        ({'a': Call(numpy.fromfile, 'b')}, 'asks for numpy.+fromfile'),
    ],
)
def test_other_objects_are_refused(tmp_path, value, sentence):
    path = write(tmp_path / 'a.ckpt', value)
    with pytest.raises(ValueError, match=sentence):
        read_all(path)


HEAD = (
    b'\x80\x03}X\x01\x00\x00\x00acnumpy.core.multiarray\n_reconstruct\n'
    b'cnumpy\nndarray\nK\x00\x85C\x01b\x87R'
)
DTYPE = b'cnumpy\ndtype\nX\x02\x00\x00\x00f4\x89\x88\x87R'
ORDER = b'(K\x03X\x01\x00\x00\x00<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb'


def test_an_array_written_by_hand_is_read(tmp_path):
    data = numpy.float32(1.5).tobytes()
    state = b'(K\x01K\x01\x85' + DTYPE + ORDER + b'\x89C\x04' + data + b'tb'
    path = tmp_path / 'a.ckpt'
    path.write_bytes(HEAD + state + b's.')
    assert read_all(path)['a'] == numpy.array([1.5], 'float32')


@pytest.mark.parametrize(
    'state, sentence',
    [
        # More elements than bytes, and fewer.
        (b'K\x09\x85' + DTYPE + ORDER + b'\x89C\x04aaaa', 'has 4 bytes'),
        (b')' + DTYPE + ORDER + b'\x89C\x08aaaaaaaa', 'has 8 bytes, not 4'),
        (b'J\xff\xff\xff\xff\x85' + DTYPE + ORDER + b'\x89C\x00', 'a shape'),
        (b'\x88\x85' + DTYPE + ORDER + b'\x89C\x04aaaa', 'without a shape'),
        (b'K\x01' + DTYPE + ORDER + b'\x89C\x04aaaa', 'without a shape'),
        (b')K\x07\x89C\x04aaaa', 'not one of numbers'),
        (b')' + DTYPE + ORDER + b'\x89X\x04\x00\x00\x00aaaa', 'not one of'),
        (b')))', 'of an unknown form'),
        (b')' + DTYPE + b'K\x01b\x89C\x04aaaa', 'a type of an unknown form'),
    ],
)
def test_wrong_states_are_refused(tmp_path, state, sentence):
    path = tmp_path / 'a.ckpt'
    path.write_bytes(HEAD + b'(K\x01' + state + b'tbs.')
    with pytest.raises(ValueError, match=sentence):
        read_all(path)


def test_what_numpys_own_objects_could_be_told_is_not(tmp_path):
    # A state for the stand-in of the class itself.
    path = tmp_path / 'a.ckpt'
    path.write_bytes(b'\x80\x03}X\x01\x00\x00\x00acnumpy\nndarray\nK\x01bs.')
    assert read_all(path) == {}


@pytest.mark.parametrize(
    'data, sentence',
    [
        (b'', 'exhausted'),
        # Bytes that the file does not have.
        (b'\x80\x03B\xff\xff\xff\xffaa', 'but only 2 remain'),
        (b'\x80\x04\x8e' + (1 << 60).to_bytes(8, 'little'), 'remain'),
        # A number of a million digits takes a long time to read.
        (b'L' + b'1' * 10**6 + b'L\n.', 'newline'),
        (b'}' * 300_000 + b'.', 'more parts than a network needs'),
    ],
)
def test_what_would_take_time_or_memory_is_refused(tmp_path, data, sentence):
    path = tmp_path / 'a.ckpt'
    path.write_bytes(data)
    with pytest.raises(ValueError, match=sentence):
        read_all(path)


def test_dictionaries_without_end_are_refused(tmp_path):
    loop = {}
    loop['a'] = loop
    path = write(tmp_path / 'loop.ckpt', loop)
    with pytest.raises(ValueError, match='more than 6 deep'):
        read_all(path)
    # Each dictionary is in the next one a hundred times.
    table = {'array': numpy.ones(1)}
    for _ in range(5):
        table = {str(i): table for i in range(100)}
    path = write(tmp_path / 'wide.ckpt', table)
    with pytest.raises(ValueError, match='more than 10000 arrays'):
        read_all(path)
    many = {i: numpy.float32(0) for i in range(10_001)}
    path = write(tmp_path / 'many.ckpt', dict.fromkeys(many))
    with pytest.raises(ValueError, match='more than 10000 arrays'):
        read_all(path)


def test_a_huge_file_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / 'a.ckpt'
    with open(path, 'wb') as file:
        file.truncate(600_000_001)
    with pytest.raises(ValueError, match='at most 600000000 are read'):
        read_all(path)
