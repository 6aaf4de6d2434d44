"""Read arrays of HDF5 files, and of no other file that they point to."""

import math

# A chunk is decompressed as a whole.
_LARGEST_CHUNK = 64 << 20


def read_h5(path, wanted):
    """Return the wanted datasets of an HDF5 file by name.

    ``wanted(name, shape, dtype)`` is asked for each dataset before memory is
    taken for it. Raises ValueError or OSError for what HDF5 cannot read, and
    ValueError for a wanted dataset that lies in other files.
    """
    import h5py

    arrays = {}

    def keep(name, item):
        # Links, soft and external, are not visited, and so not followed.
        if isinstance(item, h5py.Dataset) and item.shape is not None:
            if wanted(name, item.shape, item.dtype):
                _check_storage(name, item)
                arrays[name] = item[()]

    with h5py.File(path, 'r') as file:
        file.visititems(keep)
    return arrays


def _check_storage(name, item):
    if item.external or item.is_virtual:
        raise ValueError(f'dataset {name[:60]!r} lies in other files')
    chunk = math.prod(item.chunks or ()) * item.dtype.itemsize
    if chunk > _LARGEST_CHUNK:
        raise ValueError(
            f'dataset {name[:60]!r} has chunks of {chunk} bytes: at most '
            f'{_LARGEST_CHUNK} are read'
        )
