import h5py
import numpy
import pytest

from gluon_style.weights.h5 import read_h5


def everything(name, shape, dtype):
    return True


def test_only_wanted_datasets_are_read(tmp_path):
    path = tmp_path / 'a.h5'
    with h5py.File(path, 'w') as file:
        file['group/a'] = numpy.arange(3)
        # Nothing is stored of these four terabytes.
        file.create_dataset('huge', (1 << 40,), 'float32')
    actual = read_h5(path, lambda name, shape, dtype: shape == (3,))
    assert list(actual) == ['group/a']
    assert actual['group/a'].tolist() == [0, 1, 2]


def test_a_name_that_is_not_text_is_passed_over(tmp_path):
    path = tmp_path / 'a.h5'
    with h5py.File(path, 'w') as file:
        file['text'] = numpy.ones(2)
        file[b'\xff\xfe'] = numpy.ones(3)
    assert list(read_h5(path, everything)) == ['text']


def test_links_to_other_files_are_not_followed(tmp_path):
    with h5py.File(tmp_path / 'secret.h5', 'w') as file:
        file['secret'] = numpy.ones(3)
    path = tmp_path / 'a.h5'
    with h5py.File(path, 'w') as file:
        file['a'] = h5py.ExternalLink('secret.h5', '/secret')
        file['b'] = h5py.SoftLink('/c')
        file['c'] = numpy.zeros(2)
    assert list(read_h5(path, everything)) == ['c']


def test_data_in_other_files_is_refused(tmp_path):
    (tmp_path / 'secret').write_bytes(b'password')
    path = tmp_path / 'a.h5'
    with h5py.File(path, 'w') as file:
        place = [(str(tmp_path / 'secret'), 0, 8)]
        file.create_dataset('a', (8,), 'uint8', external=place)
    with pytest.raises(ValueError, match="dataset 'a' lies in other files"):
        read_h5(path, everything)


def test_virtual_datasets_are_refused(tmp_path):
    with h5py.File(tmp_path / 'secret.h5', 'w') as file:
        file['secret'] = numpy.ones(3)
    path = tmp_path / 'a.h5'
    layout = h5py.VirtualLayout((3,), 'float64')
    layout[:] = h5py.VirtualSource(tmp_path / 'secret.h5', 'secret', (3,))
    with h5py.File(path, 'w') as file:
        file.create_virtual_dataset('a', layout)
    with pytest.raises(ValueError, match="dataset 'a' lies in other files"):
        read_h5(path, everything)


def test_chunks_larger_than_their_dataset_are_refused(tmp_path):
    path = tmp_path / 'a.h5'
    with h5py.File(path, 'w') as file:
        file.create_dataset(
            'a', (3,), 'float32', chunks=(1 << 28,), maxshape=(None,)
        )
    with pytest.raises(ValueError, match='has chunks of 1073741824 bytes'):
        read_h5(path, everything)
