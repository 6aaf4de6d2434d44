import struct

import numpy
import pytest
from mxnet import nd, np, npx

from gluon_style.weights.params import read_params

V1, V2, V3 = 0xF993FAC8, 0xF993FAC9, 0xF993FACA
ARRAYS = {
    'features.0.weight': numpy.arange(6, dtype='float32').reshape(2, 3),
    'scalar': numpy.array(3, dtype='float32'),
    'bytes': numpy.array([1, 255], dtype='uint8'),
    'halves': numpy.array([0.5, 2], dtype='float16'),
    'whole': numpy.array([-1, 2], dtype='int64'),
    'exact': numpy.array([[1.5]], dtype='float64'),
    'none': numpy.zeros((0, 3), dtype='float32'),
}


def everything(name, shape, dtype):
    return True


def check(actual, arrays):
    assert set(actual) == set(arrays)
    for name, array in arrays.items():
        assert actual[name].dtype == array.dtype
        assert actual[name].shape == array.shape
        assert (actual[name] == array).all()


def test_what_mxnet_writes_is_read(tmp_path):
    path = str(tmp_path / 'a.params')
    arrays = {k: np.array(a, dtype=a.dtype) for k, a in ARRAYS.items()}
    if hasattr(npx, 'savez'):
        npx.savez(path, **arrays)
    else:
        npx.save(path, arrays)
    check(read_params(path, everything), ARRAYS)


def test_what_mxnet_writes_without_numpys_semantics(tmp_path):
    path = str(tmp_path / 'a.params')
    arrays = {name: ARRAYS[name] for name in ('features.0.weight', 'exact')}
    npx.reset_np()
    try:
        nd.save(
            path, {k: nd.array(a, dtype=a.dtype) for k, a in arrays.items()}
        )
    finally:
        npx.set_np()
    check(read_params(path, everything), arrays)


def test_numpys_archive_is_what_mxnet_2_writes(tmp_path):
    numpy.savez(tmp_path / 'a.npz', **ARRAYS)
    (tmp_path / 'a.npz').rename(tmp_path / 'a.params')
    check(read_params(tmp_path / 'a.params', everything), ARRAYS)


def entry(version, sides=(2,), kind=0, data=bytes(8), storage=0):
    """Return an array's bytes by the format's description."""
    packed = struct.pack('<I', version)
    if version in (V2, V3):
        packed += struct.pack('<i', storage)
    if version in (V1, V2, V3):
        packed += struct.pack(f'<i{len(sides)}q', len(sides), *sides)
    else:
        packed += struct.pack(f'<{version}I', *sides)
    return packed + struct.pack('<iii', 1, 0, kind) + data


def listed(path, *entries, names=(b'a',), count=None):
    count = len(entries) if count is None else count
    data = struct.pack('<QQQ', 0x112, 0, count) + b''.join(entries)
    data += struct.pack('<Q', len(names))
    for name in names:
        data += struct.pack('<Q', len(name)) + name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize('version', [1, V1, V2, V3])
def test_all_versions_are_read(tmp_path, version):
    data = numpy.array([1, -2], dtype='<f4').tobytes()
    path = listed(tmp_path / 'a.params', entry(version, data=data))
    assert read_params(path, everything)['a'].tolist() == [1, -2]


def test_arrays_of_nothing_are_passed_over(tmp_path):
    nothing = struct.pack('<Iii', V2, 0, 0), struct.pack('<Iii', V3, 0, -1)
    names = (b'a', b'b', b'c')
    path = listed(tmp_path / 'a.params', *nothing, entry(V3), names=names)
    assert list(read_params(path, everything)) == ['c']


def test_unwanted_arrays_are_passed_over(tmp_path):
    path = tmp_path / 'sparse.params'
    listed(
        path, entry(V2, (1 << 30,), data=b''), entry(V2), names=(b'a', b'b')
    )
    # A file with a hole of four gigabytes where the first array is.
    data = path.read_bytes()
    hole = 24 + len(entry(V2, (1 << 30,), data=b''))
    with open(path, 'wb') as file:
        file.write(data[:hole])
        file.seek(4 << 30, 1)
        file.write(data[hole:])
    actual = read_params(path, lambda name, shape, dtype: name == 'b')
    assert list(actual) == ['b'] and actual['b'].shape == (2,)


@pytest.mark.parametrize(
    'entries, options, sentence',
    [
        ([entry(V3, (1 << 40,))], {}, 'cut off in an array of shape (10995'),
        ([entry(V3, (-2,))], {}, 'it has an array of shape (-2,)'),
        ([entry(V3, kind=99)], {}, 'an array of the unknown type 99'),
        ([entry(V2, storage=1)], {}, 'it has a sparse array'),
        ([struct.pack('<Iii', V3, 0, 1 << 30)], {}, 'of 1073741824 dimension'),
        ([entry(V3)], {'count': 1 << 60}, 'at most 10000 are read'),
        ([entry(V3)], {'count': 2}, 'it is cut off'),
        ([entry(V3)], {'names': []}, 'it has 1 arrays and 0 names'),
        ([entry(V3)], {'names': [b'a' * 2000]}, 'it has a name of 2000 bytes'),
        ([entry(V3)] * 2, {'names': [b'a', b'a']}, "it has 'a' twice"),
    ],
)
def test_other_files_are_refused(tmp_path, entries, options, sentence):
    path = listed(tmp_path / 'a.params', *entries, **options)
    with pytest.raises(ValueError) as error:
        read_params(path, everything)
    assert sentence in str(error.value)
