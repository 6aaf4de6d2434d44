"""Write files as torch.save does, both layouts, without PyTorch.

The names pickled are those of stand-ins that claim to be PyTorch's.
"""

import collections
import io
import pickle
import sys
import types
import zipfile

import numpy

_STORAGES = {'float32': 'FloatStorage', 'uint8': 'ByteStorage'}
_STORAGES.update(float64='DoubleStorage', float16='HalfStorage')


def _stand_ins():
    torch, utils = types.ModuleType('torch'), types.ModuleType('torch._utils')
    for name in _STORAGES.values():
        setattr(torch, name, type(name, (), {'__module__': 'torch'}))
    for name in ('_rebuild_tensor_v2', '_rebuild_parameter'):

        def rebuild(*args):
            raise NotImplementedError

        rebuild.__module__, rebuild.__qualname__ = 'torch._utils', name
        rebuild.__name__ = name
        setattr(utils, name, rebuild)
    torch._utils = utils
    return {'torch': torch, 'torch._utils': utils}


class _Tensor:
    def __init__(self, key, array, legacy, parameter):
        self.key, self.array, self.legacy = key, array, legacy
        self.parameter = parameter

    def __reduce__(self):
        utils = sys.modules['torch._utils']
        strides = tuple(s // self.array.itemsize for s in self.array.strides)
        args = (_Storage(self), 0, self.array.shape, strides, False)
        args += (collections.OrderedDict(),)
        if self.parameter:
            inner = _Tensor(self.key, self.array, self.legacy, False)
            empty = collections.OrderedDict()
            return utils._rebuild_parameter, (inner, True, empty)
        return utils._rebuild_tensor_v2, args


class _Storage:
    def __init__(self, tensor):
        self.tensor = tensor


class _Pickler(pickle.Pickler):
    def persistent_id(self, item):
        if not isinstance(item, _Storage):
            return None
        tensor = item.tensor
        kind = getattr(
            sys.modules['torch'], _STORAGES[tensor.array.dtype.name]
        )
        pid = ('storage', kind, tensor.key, 'cpu', tensor.array.size)
        return pid + (None,) if tensor.legacy else pid


def save(path, arrays, legacy=False, parameters=False, wrap=None):
    """Write arrays by name; ``wrap`` puts the dictionary into another one."""
    before = {k: sys.modules.get(k) for k in ('torch', 'torch._utils')}
    sys.modules.update(_stand_ins())
    try:
        tensors = collections.OrderedDict(
            (name, _Tensor(str(i), numpy.asarray(a), legacy, parameters))
            for i, (name, a) in enumerate(arrays.items())
        )
        pickled = _pickled(wrap(tensors) if wrap else tensors)
    finally:
        for name, module in before.items():
            sys.modules.pop(name)
            if module is not None:
                sys.modules[name] = module
    write = _write_legacy if legacy else _write_zip
    write(path, pickled, list(tensors.values()))


def _pickled(tensors):
    file = io.BytesIO()
    _Pickler(file, protocol=2).dump(tensors)
    return file.getvalue()


def _bytes(tensor):
    # Storage order is memory order, whatever the strides are.
    return tensor.array.tobytes(order='A')


def _write_zip(path, pickled, tensors):
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('archive/data.pkl', pickled)
        archive.writestr('archive/version', '3\n')
        for tensor in tensors:
            archive.writestr(f'archive/data/{tensor.key}', _bytes(tensor))


def _write_legacy(path, pickled, tensors):
    with open(path, 'wb') as file:
        pickle.dump(0x1950A86A20F9469CFC6C, file, protocol=2)
        pickle.dump(1001, file, protocol=2)
        pickle.dump({'little_endian': True}, file, protocol=2)
        file.write(pickled)
        pickle.dump([tensor.key for tensor in tensors], file, protocol=2)
        for tensor in tensors:
            file.write(tensor.array.size.to_bytes(8, 'little'))
            file.write(_bytes(tensor))
