import collections
import io
import os
import pickle
import zipfile

import numpy
import pytest
import torch_writer

from gluon_style.weights.torch import read_torch
from gluon_style.weights.unpickler import ordered, read_pickle


class System:
    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


@pytest.mark.parametrize('protocol', [0, 2, 4])
@pytest.mark.parametrize('zipped', [True, False])
def test_a_pickle_that_calls_the_shell_does_not(tmp_path, zipped, protocol):
    ran, path = tmp_path / 'ran', tmp_path / 'evil.pth'
    pickled = pickle.dumps({'a': System(f'touch {ran}')}, protocol)
    if zipped:
        with zipfile.ZipFile(path, 'w') as archive:
            archive.writestr('archive/data.pkl', pickled)
    else:
        path.write_bytes(pickled)
    with pytest.raises(ValueError, match='which (is not a part|no diction)'):
        read_torch(path)
    assert not ran.exists()


def plain(pickled, names=None):
    return read_pickle(io.BytesIO(pickled), names or {}, None)


@pytest.mark.parametrize('protocol', [2, 3, 4, 5])
def test_plain_containers_are_read(protocol):
    value = {'a': [1, -(2**70), 2.5, None, True], 'b': ((), (1,), (1, 2, 3))}
    value['c'] = value['b']
    assert plain(pickle.dumps(value, protocol)) == value


@pytest.mark.parametrize(
    'pickled, sentence',
    [
        # Put a value at a huge number in the memo.
        (b'\x80\x02Nr\xff\xff\xff\x7f', 'exhausted'),
        # Read 2 ** 60 bytes.
        (b'\x80\x05\x96' + (1 << 60).to_bytes(8, 'little'), 'expected'),
        (b'\x80\x02X\xff\xff\xff\x7fa', 'expected'),
        (b'\x80\x02.', 'is broken'),
        (b'\x80\x02}]]s.', 'is broken'),
        (b'\x80\x02N\x85R.', 'is broken'),
        (b'\x80\x02cos\nsystem\n.', 'asks for os.system, which'),
        (b'\x80\x02cbuiltins\neval\n.', 'asks for builtins.eval, which'),
        (b'\x80\x02i__main__\nx\n.', 'is broken|operation INST'),
        (b'', 'expected|exhausted'),
    ],
)
def test_hostile_pickles_are_refused(pickled, sentence):
    with pytest.raises(ValueError, match=sentence):
        plain(pickled)


def test_deep_keys_are_refused_before_they_are_hashed():
    deep = b'\x80\x02}' + b')' + b'\x85' * 200_000 + b'Ns.'
    with pytest.raises(ValueError, match='keys are text or numbers'):
        plain(deep)


def changed(path, **changes):
    """Write the archive again with members changed."""
    with zipfile.ZipFile(path) as archive:
        members = {n: archive.read(n) for n in archive.namelist()}
    members.update(changes)
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def test_a_large_pickle_is_refused(tmp_path):
    path = tmp_path / 'a.pth'
    torch_writer.save(path, {'a': numpy.ones(3, 'float32')})
    changed(path, **{'archive/data.pkl': bytes(50 << 20)})
    with pytest.raises(ValueError, match='data.pkl has 52428800 bytes: at mo'):
        read_torch(path)


def test_a_storage_larger_than_said_is_refused(tmp_path):
    path = tmp_path / 'a.pth'
    torch_writer.save(path, {'a': numpy.ones(3, 'float32')})
    changed(path, **{'archive/data/0': bytes(50 << 20)})
    with pytest.raises(ValueError, match='a storage has 52428800 bytes, not'):
        read_torch(path)


@pytest.mark.parametrize('legacy', [False, True])
def test_only_the_wanted_part_of_a_storage_is_read(tmp_path, legacy):
    path = tmp_path / 'a.pth'
    arrays = {'a': numpy.arange(3), 'b': numpy.arange(4)}
    arrays = {name: a.astype('float32') for name, a in arrays.items()}
    torch_writer.save(path, arrays, legacy)
    asked = []

    def wanted(name, shape, dtype):
        asked.append((name, shape, dtype.name))
        return name == 'b'

    actual = read_torch(path, wanted)
    assert list(actual) == ['b'] and actual['b'].tolist() == [0, 1, 2, 3]
    assert asked == [('a', (3,), 'float32'), ('b', (4,), 'float32')]


def test_legacy_storages_are_bounded_by_the_file(tmp_path):
    path = tmp_path / 'a.pth'
    torch_writer.save(path, {'a': numpy.ones(300, 'float32')}, legacy=True)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with pytest.raises(ValueError, match='its storages are cut off'):
        read_torch(path)
    # Only in the pickle, 300 elements become 2 ** 31 - 1.
    path.write_bytes(whole.replace(b'M\x2c\x01', b'J\xff\xff\xff\x7f'))
    with pytest.raises(ValueError, match='has 300 elements, not 2147483647'):
        read_torch(path)


def test_a_state_dict_of_python_2_is_read():
    pairs = [['a', 1], ['b', 2]]
    pickled = pickle.dumps(collections.OrderedDict(), 2)
    assert pickled.count(b')R') == 1
    pickled = b'\x80\x02cx\ny\n' + pickle.dumps(pairs, 2)[2:-1] + b'\x85R.'
    assert plain(pickled, {'x.y': ordered}) == {'a': 1, 'b': 2}
