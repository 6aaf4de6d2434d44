"""Read tensors from PyTorch's files without PyTorch and without its risks.

``torch.save`` writes a pickle, which may run any code when PyTorch loads it;
``unpickler`` only looks at it. Both layouts are read: the zip archive
(PyTorch 1.6 and later) and the older legacy stream of pickles. Of a storage,
only the bytes of the wanted tensors are read.
"""

from __future__ import annotations

import io
import math
import os
from typing import IO, Any, NamedTuple

import numpy

from gluon_style.files.archive import ZipMember, ZipReader
from gluon_style.weights.npz import Wanted
from gluon_style.weights.unpickler import ordered, read_pickle

_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_PROTOCOL = 1001
# The pickle of VGG-19 takes some kilobytes.
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


class _Storage(NamedTuple):
    dtype: numpy.dtype
    key: str
    num_elements: int

    @property
    def num_bytes(self) -> int:
        return self.num_elements * self.dtype.itemsize


class _Tensor(NamedTuple):
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def _want_all(name: str, shape: tuple[int, ...], dtype: numpy.dtype) -> bool:
    return True


def read_torch(
    path: str | os.PathLike[str], wanted: Wanted = _want_all
) -> dict[str, numpy.ndarray]:
    """Return the wanted tensors of a PyTorch file as NumPy arrays by name.

    Raises ValueError unless the file is a complete dictionary of tensors, and
    OSError if it cannot be read.
    """
    with open(path, 'rb') as file:
        zipped = file.read(4) == b'PK\x03\x04'
        file.seek(0)
        return (_read_zip if zipped else _read_legacy)(file, wanted)


def _read_zip(file: IO[bytes], wanted: Wanted) -> dict[str, numpy.ndarray]:
    with ZipReader(file) as archive:
        pickles = [n for n in archive.members if n.endswith('/data.pkl')]
        if len(pickles) != 1:
            raise ValueError('it is not a zip archive of torch.save')
        [pickle_name] = pickles
        with archive.open(pickle_name) as member:
            if member.size > _LARGEST_PICKLE:
                raise ValueError(
                    f'its data.pkl has {member.size} bytes: at most '
                    f'{_LARGEST_PICKLE} are read'
                )
            # One byte more, since the checksum is tested at the end.
            loaded = _unpickle(io.BytesIO(member.read(_LARGEST_PICKLE + 1)))
        folder = pickle_name[: -len('data.pkl')] + 'data/'
        arrays = {}
        for name, tensor in _wanted_tensors(loaded, wanted).items():
            with archive.open(folder + tensor.storage.key) as member:
                if member.size > tensor.storage.num_bytes:
                    raise ValueError(
                        f'a storage has {member.size} bytes, not '
                        f'{tensor.storage.num_bytes}'
                    )
                arrays[name] = _read_tensor(member, 0, member.size, tensor)
    return arrays


def _read_legacy(file: IO[bytes], wanted: Wanted) -> dict[str, numpy.ndarray]:
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
    if not isinstance(keys, list) or not all(
        isinstance(key, str) and key in storages for key in keys
    ):
        raise ValueError('it has storages that belong to no tensor')
    starts = _storage_starts(file, head.tell(), [storages[k] for k in keys])
    arrays = {}
    for name, tensor in _wanted_tensors(loaded, wanted).items():
        storage = tensor.storage
        if storage.key not in starts:
            raise ValueError(f'it lacks the storage {storage.key[:60]!r}')
        start = starts[storage.key]
        arrays[name] = _read_tensor(file, start, storage.num_bytes, tensor)
    return arrays


def _storage_starts(
    file: IO[bytes], position: int, storages: list[_Storage]
) -> dict[str, int]:
    """Return where the bytes of each storage begin in a legacy file, by key.

    Before them, its number of elements takes 8 bytes.
    """
    end = file.seek(0, os.SEEK_END)
    starts = {}
    for storage in storages:
        file.seek(position)
        num_elements = int.from_bytes(file.read(8), 'little')
        if num_elements != storage.num_elements:
            raise ValueError(
                f'a storage has {num_elements} elements, not '
                f'{storage.num_elements}'
            )
        starts[storage.key] = position + 8
        position += 8 + storage.num_bytes
        if position > end:
            raise ValueError('its storages are cut off')
    return starts


def _unpickle(file: IO[bytes]) -> Any:
    names: dict[str, Any] = {
        f'torch.{name}': numpy.dtype(dtype) for name, dtype in _DTYPES.items()
    }
    names['collections.OrderedDict'] = ordered
    names['torch._utils._rebuild_tensor_v2'] = _rebuild_tensor
    names['torch._utils._rebuild_parameter'] = _rebuild_parameter
    return read_pickle(file, names, _load_storage)


def _load_storage(persistent_id: Any) -> _Storage:
    if (
        not isinstance(persistent_id, tuple)
        or len(persistent_id) < 5
        or persistent_id[0] != 'storage'
    ):
        raise ValueError('it refers to something that is not a storage')
    _, dtype, key, _, num_elements, *view = persistent_id
    if view not in ([], [None]):
        raise ValueError('it refers to a view of a storage')
    if not (
        isinstance(dtype, numpy.dtype)
        and isinstance(key, str)
        and _is_count(num_elements)
    ):
        raise ValueError('it has a storage without a type, a key or a size')
    return _Storage(dtype, key, num_elements)


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


def _is_count(number: Any) -> bool:
    # Not isinstance, since True and False are integers too.
    return type(number) is int and 0 <= number < 1 << 62


def _rebuild_parameter(tensor, *_):
    return tensor


def _state_dict(loaded: Any) -> dict[str, _Tensor]:
    """Return the tensors of a state dict, which may be in a checkpoint."""
    if isinstance(loaded, dict):
        loaded = loaded.get('state_dict', loaded)
    if not isinstance(loaded, dict):
        raise ValueError('it is not a dictionary of tensors')
    return {
        name: tensor
        for name, tensor in loaded.items()
        if isinstance(name, str) and isinstance(tensor, _Tensor)
    }


def _wanted_tensors(loaded: Any, wanted: Wanted) -> dict[str, _Tensor]:
    return {
        name: tensor
        for name, tensor in _state_dict(loaded).items()
        if wanted(name, tensor.shape, tensor.storage.dtype)
    }


def _read_tensor(
    file: IO[bytes] | ZipMember, start: int, size: int, tensor: _Tensor
) -> numpy.ndarray:
    """Return a tensor whose storage has ``size`` bytes from ``start`` on."""
    storage, offset, shape, strides = tensor
    dtype, count = storage.dtype, math.prod(shape)
    if count == 0:
        return numpy.empty(shape, dtype)
    span = 1 + sum((side - 1) * step for side, step in zip(shape, strides))
    if (offset + span) * dtype.itemsize > size:
        raise ValueError('a tensor reaches beyond its storage')
    # A few elements with gaps could span all memory.
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


def _read(file: IO[bytes] | ZipMember, size: int) -> bytes:
    """Return ``size`` bytes; a shorter file never takes that much memory."""
    pieces = []
    while size > 0:
        piece = file.read(min(size, _PIECE))
        if not piece:
            raise ValueError('a tensor is cut off')
        pieces.append(piece)
        size -= len(piece)
    # If the storage ends here, this tests the checksum of a zip member.
    file.read(1)
    return b''.join(pieces)
