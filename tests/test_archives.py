import io
import tracemalloc
import zipfile

import numpy
import pytest

from gluon_style.weights.npz import MOST_ARRAYS, read_npz


def everything(name, shape, dtype):
    return True


def npy(array):
    file = io.BytesIO()
    numpy.save(file, array, allow_pickle=True)
    return file.getvalue()


def header(text):
    return b'\x93NUMPY\x01\0' + len(text).to_bytes(2, 'little') + text.encode()


def archive(path, members, method=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, 'w', method) as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    return path


def refusal(path):
    with pytest.raises(ValueError) as error:
        read_npz(path, everything)
    assert len(str(error.value).splitlines()) == 1
    return str(error.value)


def test_wanted_is_asked_and_obeyed(tmp_path):
    path = tmp_path / 'a.npz'
    arrays = {
        'X': numpy.arange(6, dtype='float32').reshape(2, 3),
        'step': numpy.array(7),
        'meta': numpy.frombuffer(b'{"a": 1}', 'uint8'),
    }
    numpy.savez(path, **arrays)
    asked = []

    def wanted(name, shape, dtype):
        asked.append((name, shape, dtype.name))
        return name != 'X'

    actual = read_npz(path, wanted)
    assert asked == [
        ('X', (2, 3), 'float32'),
        ('step', (), 'int64'),
        ('meta', (8,), 'uint8'),
    ]
    assert list(actual) == ['step', 'meta']
    assert actual['step'].shape == () and actual['step'] == 7
    assert actual['meta'].tobytes() == b'{"a": 1}'


def test_what_wanted_raises_goes_to_the_caller(tmp_path):
    path = tmp_path / 'a.npz'
    numpy.savez(path, a=numpy.ones(3))

    def refuse(name, shape, dtype):
        raise ValueError(f'{name} of {shape} is too large')

    with pytest.raises(ValueError, match=r'^a of \(3,\) is too large$'):
        read_npz(path, refuse)


def test_a_bomb_is_refused_before_it_takes_memory(tmp_path):
    text = "{'descr': '<f4', 'fortran_order': False, 'shape': (4,), }\n"
    zeros = header(text) + bytes(200 << 20)
    path = archive(tmp_path / 'a.npz', {'a.npy': zeros}, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 1 << 20
    tracemalloc.start()
    try:
        assert 'has 209715200 bytes, not 16' in refusal(path)
        assert tracemalloc.get_traced_memory()[1] < 5 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize('side', ['1000000000000', '1' * 18])
def test_a_shape_larger_than_its_member_is_refused(tmp_path, side):
    text = "{'descr': '<f4', 'fortran_order': False, 'shape': (%s,), }"
    member = header(text % side) + bytes(16)
    path = archive(tmp_path / 'a.npz', {'a.npy': member})
    assert f'has 16 bytes, not {4 * int(side)}' in refusal(path)


@pytest.mark.parametrize(
    'array',
    [
        numpy.array([{}], dtype=object),
        numpy.array(['text']),
        numpy.array([(1, 2)], dtype=[('a', 'i4'), ('b', 'i4')]),
        numpy.array(['2020-01-01'], dtype='datetime64[D]'),
    ],
)
def test_only_numbers_are_read(tmp_path, array):
    path = archive(tmp_path / 'a.npz', {'a.npy': npy(array)})
    assert "array 'a' does not have a header of plain numbers" in refusal(path)


@pytest.mark.parametrize(
    'text',
    [
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-4,), }",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': (4,), }",
        '(' * 5000,
        "__import__('os').system('true')",
        ' ' * 20_000,
    ],
)
def test_headers_are_not_evaluated(tmp_path, text):
    path = archive(tmp_path / 'a.npz', {'a.npy': header(text) + bytes(16)})
    assert 'does not have a header of plain numbers' in refusal(path)


def test_names_are_only_looked_up(tmp_path):
    outside = {'../a.npy': npy(numpy.ones(2)), '/b.npy': npy(numpy.ones(3))}
    folder = tmp_path / 'inside'
    folder.mkdir()
    path = archive(folder / 'a.npz', {**outside, 'note.txt': b'hello'})
    assert set(read_npz(path, everything)) == {'../a', '/b'}
    assert [p.name for p in tmp_path.rglob('*')] == ['inside', 'a.npz']


@pytest.mark.filterwarnings('ignore:Duplicate name')
def test_a_name_that_is_there_twice(tmp_path):
    path = tmp_path / 'a.npz'
    with zipfile.ZipFile(path, 'w') as packed:
        for value in (1, 2):
            packed.writestr('a.npy', npy(numpy.array(value)))
    assert "it has 'a.npy' twice" in refusal(path)


def test_methods_that_take_memory_are_refused(tmp_path):
    members = {'a.npy': npy(numpy.ones(9))}
    path = archive(tmp_path / 'a.npz', members, zipfile.ZIP_LZMA)
    assert "member 'a.npy' is not stored or deflated" in refusal(path)


def test_too_many_members(tmp_path):
    members = {f'{i}.npy': b'' for i in range(MOST_ARRAYS + 1)}
    path = archive(tmp_path / 'a.npz', members)
    assert 'it has 10001 members: at most 10000 are read' in refusal(path)


def test_a_flipped_bit_is_found(tmp_path):
    path = tmp_path / 'a.npz'
    numpy.savez(path, a=numpy.ones(100))
    data = bytearray(path.read_bytes())
    data[300] ^= 1
    path.write_bytes(data)
    assert 'Bad CRC-32' in refusal(path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_npz(tmp_path / 'none.npz', everything)
