"""Read arrays of an HDF5 file, and of no other file that it points to."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator
from typing import Any

import numpy

from gluon_style.weights.npz import Wanted

# HDF5 decompresses a whole chunk at a time.
_LARGEST_CHUNK = 64 << 20


def read_h5(
    path: str | os.PathLike[str], wanted: Wanted
) -> dict[str, numpy.ndarray]:
    """Return the wanted datasets of an HDF5 file by name.

    Raises ValueError or OSError for what HDF5 cannot read, and ValueError for
    a wanted dataset that lies in other files.
    """
    import h5py

    arrays = {}
    with contextlib.ExitStack() as stack:
        with _library_errors():
            file: Any = stack.enter_context(h5py.File(path, 'r'))
            datasets = _datasets(file)
        for name, shape, dtype in datasets:
            if wanted(name, shape, dtype):
                _check_storage(file, name)
                with _library_errors():
                    arrays[name] = file[name][()]
    return arrays


def _datasets(file: Any) -> list[tuple[str, tuple[int, ...], numpy.dtype]]:
    """Return the name, shape and dtype of each dataset."""
    import h5py

    datasets = []

    def note(name, item):
        # A name that is not UTF-8 comes as bytes, and is no layer's.
        has_data = isinstance(item, h5py.Dataset) and item.shape is not None
        if has_data and isinstance(name, str):
            datasets.append((name, item.shape, item.dtype))

    # Soft and external links are not visited, and so not followed.
    file.visititems(note)
    return datasets


def _check_storage(file: Any, name: str) -> None:
    """Raise ValueError for data in other files, and for a huge chunk."""
    with _library_errors():
        item = file[name]
        elsewhere = item.external or item.is_virtual
        chunk = math.prod(item.chunks or ()) * item.dtype.itemsize
    if elsewhere:
        raise ValueError(f'dataset {name[:60]!r} lies in other files')
    if chunk > _LARGEST_CHUNK:
        raise ValueError(
            f'dataset {name[:60]!r} has chunks of {chunk} bytes: at most '
            f'{_LARGEST_CHUNK} are read'
        )


@contextlib.contextmanager
def _library_errors() -> Iterator[None]:
    """Make a ValueError of what h5py raises on a broken file.

    It raises whatever its parts happen to raise. Wrap calls of h5py only, so
    that no other bug is hidden.
    """
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        raise ValueError(f'HDF5 cannot read it ({error!r})') from error
