"""Read tensors from PyTorch's files without PyTorch and without its risks.

``torch.save`` writes a pickle, which may run any code when it is loaded. The
unpickler here knows only what a dictionary of tensors needs and refuses
everything else. Both layouts are read: the zip archive (PyTorch 1.6 and
later) and the legacy stream of pickles before it.
"""

import collections
import pickle
import zipfile

import numpy

_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_PROTOCOL = 1001
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

_Storage = collections.namedtuple('_Storage', 'dtype key numel')
_Tensor = collections.namedtuple('_Tensor', 'storage offset shape strides')


class _Unpickler(pickle.Unpickler):
    """Unpickle a dictionary of tensors, and nothing that could run code."""

    def find_class(self, module, name):
        if module == 'torch' and name in _DTYPES:
            return numpy.dtype(_DTYPES[name])
        allowed = {
            ('collections', 'OrderedDict'): collections.OrderedDict,
            ('torch._utils', '_rebuild_tensor_v2'): _rebuild_tensor,
            ('torch._utils', '_rebuild_parameter'): _rebuild_parameter,
        }
        if (module, name) not in allowed:
            raise ValueError(
                f'it asks for {module}.{name}, which is not a part of a '
                'dictionary of tensors'
            )
        return allowed[module, name]

    def persistent_load(self, pid):
        kind, dtype, key, _, numel = pid[:5]
        if kind != 'storage' or (len(pid) > 5 and pid[5] is not None):
            raise ValueError(f'it refers to {pid!r}, which is no storage')
        return _Storage(dtype, str(key), int(numel))


def _rebuild_tensor(storage, offset, shape, strides, *_):
    return _Tensor(storage, offset, tuple(shape), tuple(strides))


def _rebuild_parameter(tensor, *_):
    return tensor


def read_torch(path):
    """Return the tensors of a PyTorch file as NumPy arrays by name.

    Raises ValueError saying what is wrong with a file that is no complete
    dictionary of tensors.
    """
    try:
        if zipfile.is_zipfile(path):
            tensors, storages = _read_zip(path)
        else:
            tensors, storages = _read_legacy(path)
        return {
            name: _array(tensor, storages) for name, tensor in tensors.items()
        }
    except (
        AttributeError,
        EOFError,
        IndexError,
        KeyError,
        TypeError,
        pickle.UnpicklingError,
        zipfile.BadZipFile,
    ) as error:
        raise ValueError(
            f'it is no complete dictionary of tensors ({error!r})'
        ) from error


def _read_zip(path):
    with zipfile.ZipFile(path) as archive:
        [pkl] = [n for n in archive.namelist() if n.endswith('/data.pkl')]
        with archive.open(pkl) as file:
            tensors = _state_dict(_Unpickler(file).load())
        prefix = pkl[: -len('data.pkl')] + 'data/'
        keys = {tensor.storage.key for tensor in tensors.values()}
        storages = {key: archive.read(prefix + key) for key in keys}
    return tensors, storages


def _read_legacy(path):
    with open(path, 'rb') as file:
        magic, protocol, _ = [_Unpickler(file).load() for _ in range(3)]
        if (magic, protocol) != (_LEGACY_MAGIC, _LEGACY_PROTOCOL):
            raise ValueError('it is not a file of torch.save')
        tensors = _state_dict(_Unpickler(file).load())
        keys = _Unpickler(file).load()
        sizes = {
            tensor.storage.key: tensor.storage for tensor in tensors.values()
        }
        storages = {}
        for key in map(str, keys):
            numel = int.from_bytes(file.read(8), 'little')
            if numel != sizes[key].numel:
                raise ValueError(f'storage {key} has another size than said')
            storages[key] = file.read(numel * sizes[key].dtype.itemsize)
    return tensors, storages


def _state_dict(loaded):
    """Return the tensors of a state dict, also of one inside a checkpoint."""
    loaded = loaded.get('state_dict', loaded)
    return {k: t for k, t in loaded.items() if isinstance(t, _Tensor)}


def _array(tensor, storages):
    storage, offset, shape, strides = tensor
    values = numpy.frombuffer(storages[storage.key], dtype=storage.dtype)
    last = offset + sum(
        (side - 1) * stride for side, stride in zip(shape, strides)
    )
    if min((0, offset, *strides)) < 0 or last >= values.size:
        raise ValueError('a tensor reaches beyond its storage')
    return numpy.lib.stride_tricks.as_strided(
        values[offset:],
        shape,
        [stride * values.itemsize for stride in strides],
        writeable=False,
    )
