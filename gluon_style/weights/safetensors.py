"""Read and write .safetensors files, with the optional package for them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy

from gluon_style.errors import MissingPackageError
from gluon_style.weights.npz import Wanted

# The header of VGG-19 takes some kilobytes.
_LARGEST_HEADER = 1 << 20
# The types that weights can have. Others are refused if they are wanted.
_DTYPES = {'F16': 'float16', 'F32': 'float32', 'F64': 'float64'}


def read_safetensors(
    path: str | os.PathLike[str], wanted: Wanted
) -> dict[str, numpy.ndarray]:
    """Return the wanted tensors of a .safetensors file by name.

    Raises ValueError for a broken file, OSError if it cannot be read, and
    MissingPackageError.
    """
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError:
        raise _missing_package() from None
    with open(path, 'rb') as file:
        header_size = int.from_bytes(file.read(8), 'little')
    if header_size > _LARGEST_HEADER:
        raise ValueError(
            f'its header has {header_size} bytes: at most {_LARGEST_HEADER} '
            'are read'
        )
    arrays = {}
    try:
        with safe_open(path, 'numpy') as tensors:
            for name in tensors.keys():
                part = tensors.get_slice(name)
                dtype = numpy.dtype(_DTYPES.get(part.get_dtype(), 'V1'))
                if wanted(name, tuple(part.get_shape()), dtype):
                    arrays[name] = tensors.get_tensor(name)
    except SafetensorError as error:
        raise ValueError(str(error)) from error
    return arrays


def write_safetensors(
    path: str | os.PathLike[str], arrays: dict[str, numpy.ndarray]
) -> None:
    """Write arrays by name; raises MissingPackageError."""
    try:
        from safetensors.numpy import save
    except ImportError:
        raise _missing_package() from None
    # Its own writer has an error of its own for a full disk, and leaves a
    # file of another name where it is killed.
    Path(path).write_bytes(save(arrays))


def _missing_package() -> MissingPackageError:
    return MissingPackageError(
        'files of .safetensors need the package safetensors: install it '
        "with: python -m pip install 'gluon_style[safetensors]'"
    )
