"""Read tensors from PyTorch's files without PyTorch and without its risks.

``torch.save`` writes a pickle, which may run any code when it is loaded; here
it is only looked at. Both layouts are read: the zip archive (PyTorch 1.6 and
later) and the legacy stream of pickles before it. Of a storage, only the
bytes of a wanted tensor are read.
"""

import collections
import contextlib
import io
import math
import os
import zipfile

import numpy

from gluon_style.weights.unpickler import ordered, read_pickle

_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_PROTOCOL = 1001
# VGG-19's is of some kilobytes.
_LARGEST_PICKLE = 1 << 20
_MOST_DIMENSIONS = 8
_DTYPES = {
    'ByteStorage': '<u1',
    'CharStorage': '<i1',
    'DoubleStorage': '<f8',
    'FloatStorage': '<f4',
    'HalfStorage': '<f2',
    'IntStorage': '<i4',
    'LongStorage': '<i8',
    'ShortStorage': '<i2',
}
_PIECE = 1 << 20

_Storage = collections.namedtuple('_Storage', 'dtype key numel')
_Tensor = collections.namedtuple('_Tensor', 'storage offset shape strides')


def read_torch(path, wanted=lambda name, shape, dtype: True):
    """Return the wanted tensors of a PyTorch file as NumPy arrays by name.

    ``wanted(name, shape, dtype)`` is asked before memory is taken for a
    tensor. Raises ValueError saying what is wrong with a file that is no
    complete dictionary of tensors.
    """
    with open(path, 'rb') as file:
        zipped = file.read(4) == b'PK\x03\x04'
        file.seek(0)
        try:
            return (_read_zip if zipped else _read_legacy)(file, wanted)
        except (OSError, ValueError):
            raise
        # On broken archives zipfile raises whatever its parts happen to.
        except Exception as error:
            raise ValueError(
                f'it is no complete dictionary of tensors ({error!r})'
            ) from error


def _read_zip(file, wanted):
    with zipfile.ZipFile(file) as archive:
        found = [n for n in archive.namelist() if n.endswith('/data.pkl')]
        if len(found) != 1:
            raise ValueError('it is no zip archive of torch.save')
        with _opened(archive, found[0]) as (member, size):
            if size > _LARGEST_PICKLE:
                raise ValueError(
                    f'its data.pkl has {size} bytes: at most '
                    f'{_LARGEST_PICKLE} are read'
                )
            # One byte more, for zipfile checks the sum at the end.
            pickled = io.BytesIO(member.read(_LARGEST_PICKLE + 1))
        prefix = found[0][: -len('data.pkl')] + 'data/'
        arrays = {}
        for name, tensor in _tensors(_unpickle(pickled), wanted).items():
            storage = tensor.storage
            with _opened(archive, prefix + storage.key) as (member, size):
                if size > storage.numel * storage.dtype.itemsize:
                    raise ValueError(
                        f'a storage has {size} bytes, not what is said'
                    )
                arrays[name] = _read_tensor(member, 0, size, tensor)
    return arrays


@contextlib.contextmanager
def _opened(archive, name):
    """Give a member of an archive and its size."""
    info = archive.getinfo(name)
    # torch.save only stores; others may ask for memory of their own.
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError('it has a member that is not stored or deflated')
    with archive.open(info) as member:
        yield member, info.file_size


def _read_legacy(file, wanted):
    head = io.BytesIO(file.read(4 * _LARGEST_PICKLE))
    magic, protocol, _ = [_unpickle(head) for _ in range(3)]
    if (magic, protocol) != (_LEGACY_MAGIC, _LEGACY_PROTOCOL):
        raise ValueError('it is not a file of torch.save')
    loaded = _unpickle(head)
    storages = {
        tensor.storage.key: tensor.storage
        for tensor in _state_dict(loaded).values()
    }
    keys = _unpickle(head)
    if not isinstance(keys, list) or not set(keys) <= set(storages):
        raise ValueError('it keeps storages that no tensor has')
    places = _places(file, head.tell(), [storages[key] for key in keys])
    return {
        name: _read_tensor(file, *places[tensor.storage.key], tensor)
        for name, tensor in _tensors(loaded, wanted).items()
    }


def _places(file, at, storages):
    """Return where each storage's bytes begin in a legacy file, and how many.

    Each follows its number of elements, of 8 bytes.
    """
    end = file.seek(0, os.SEEK_END)
    places = {}
    for storage in storages:
        file.seek(at)
        numel = int.from_bytes(file.read(8), 'little')
        size = storage.numel * storage.dtype.itemsize
        if numel != storage.numel:
            raise ValueError('a storage has another size than said')
        if at + 8 + size > end:
            raise ValueError('its storages are cut off')
        places[storage.key] = at + 8, size
        at += 8 + size
    return places


def _unpickle(file):
    names = {f'torch.{name}': numpy.dtype(d) for name, d in _DTYPES.items()}
    names['collections.OrderedDict'] = ordered
    names['torch._utils._rebuild_tensor_v2'] = _rebuild_tensor
    names['torch._utils._rebuild_parameter'] = _rebuild_parameter
    return read_pickle(file, names, _storage)


def _storage(pid):
    if not isinstance(pid, tuple) or len(pid) < 5 or pid[0] != 'storage':
        raise ValueError('it refers to something that is no storage')
    _, dtype, key, _, numel, *view = pid
    if view not in ([], [None]):
        raise ValueError('it refers to a view of a storage')
    if not (
        isinstance(dtype, numpy.dtype)
        and isinstance(key, str)
        and _is_count(numel)
    ):
        raise ValueError('it has a storage without a type, a key or a size')
    return _Storage(dtype, key, numel)


def _rebuild_tensor(storage, offset, shape, strides, *_):
    if not isinstance(storage, _Storage):
        raise ValueError('it has a tensor without a storage')
    if not isinstance(shape, tuple) or not isinstance(strides, tuple):
        raise ValueError('it has a tensor without a shape')
    if len(shape) != len(strides) or len(shape) > _MOST_DIMENSIONS:
        raise ValueError(
            f'it has a tensor of {len(shape)} dimensions and '
            f'{len(strides)} strides: at most {_MOST_DIMENSIONS} are read'
        )
    if not all(map(_is_count, (offset, *shape, *strides))):
        raise ValueError('a tensor reaches beyond its storage')
    return _Tensor(storage, offset, shape, strides)


def _is_count(number):
    return type(number) is int and 0 <= number < 1 << 62


def _rebuild_parameter(tensor, *_):
    return tensor


def _state_dict(loaded):
    """Return the tensors of a state dict, also of one inside a checkpoint."""
    if isinstance(loaded, dict):
        loaded = loaded.get('state_dict', loaded)
    if not isinstance(loaded, dict):
        raise ValueError('it is no dictionary of tensors')
    return {
        name: tensor
        for name, tensor in loaded.items()
        if isinstance(name, str) and isinstance(tensor, _Tensor)
    }


def _tensors(loaded, wanted):
    return {
        name: tensor
        for name, tensor in _state_dict(loaded).items()
        if wanted(name, tensor.shape, tensor.storage.dtype)
    }


def _read_tensor(file, start, size, tensor):
    """Return a tensor of the storage at ``start``, of ``size`` bytes."""
    storage, offset, shape, strides = tensor
    dtype, count = storage.dtype, math.prod(shape)
    if count == 0:
        return numpy.empty(shape, dtype)
    span = 1 + sum((side - 1) * step for side, step in zip(shape, strides))
    if (offset + span) * dtype.itemsize > size:
        raise ValueError('a tensor reaches beyond its storage')
    # With gaps it could be of a few elements and of all memory.
    if span > count:
        raise ValueError('a tensor is spread over its storage with gaps')
    file.seek(start + offset * dtype.itemsize)
    values = numpy.frombuffer(_read(file, span * dtype.itemsize), dtype)
    return numpy.lib.stride_tricks.as_strided(
        values,
        shape,
        [step * dtype.itemsize for step in strides],
        writeable=False,
    )


def _read(file, size):
    """Return ``size`` bytes; a file that has fewer never costs that much."""
    pieces = []
    while size > 0:
        piece = file.read(min(size, _PIECE))
        if not piece:
            raise ValueError('a tensor is cut off')
        pieces.append(piece)
        size -= len(piece)
    # Where the storage ends here, zipfile checks its sum.
    file.read(1)
    return b''.join(pieces)
