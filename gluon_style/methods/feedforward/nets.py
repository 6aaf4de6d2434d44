"""Read the arrays of the nets of one pass: the package's, or the originals.

The package has them in its folder ``shipped``, packed by ``compact``. The
notice of their origin lies beside them. No MXNet.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from pathlib import Path

import numpy

from gluon_style.errors import WeightsError
from gluon_style.files.reading import file_digest
from gluon_style.methods.feedforward.compact import unpacked
from gluon_style.methods.feedforward.layout import NETS, Array, Net
from gluon_style.weights.npz import read_npz
from gluon_style.weights.onnx import read_onnx

FOLDER = Path(__file__).with_name('shipped')
# No net here has more numbers in one array.
_MOST_NUMBERS = 1 << 20


def net_path(net: Net) -> Path:
    """Return the path of a net's file in the package."""
    return FOLDER / net.file


@functools.cache
def read_net(name: str) -> Mapping[str, numpy.ndarray]:
    """Return the arrays of a net of the package by name, read once.

    Raises WeightsError where the installation is broken.
    """
    net = NETS[name]
    path = net_path(net)
    mend = 'install the package again'
    if not path.is_file() or file_digest(path) != net.sha256:
        raise WeightsError(
            f'the net {name!r} of this installation is missing or broken '
            f'({str(path)!r}): {mend}'
        )
    arrays = read_npz(path, _is_small)
    return checked(
        {each: unpacked(each, arrays) for each in net.shapes}, net.shapes
    )


def _is_small(name: str, shape: tuple[int, ...], dtype: object) -> bool:
    size = 1
    for side in shape:
        size *= side
    return size <= _MOST_NUMBERS


def read_original(
    path: str | os.PathLike[str], arrays: Mapping[str, Array]
) -> dict[str, numpy.ndarray]:
    """Return the arrays of an .onnx file by their names in this package.

    ``arrays`` says which, as ``Net.sources`` does. Raises WeightsError, in
    one sentence, for a file that is broken or of another net.
    """
    there = {array.there: array.shape for array in arrays.values()}
    biases = {name for name in there if name.endswith('bias')}
    try:
        found = read_onnx(
            path, lambda name, shape, _: there.get(name) == shape
        )
        # A file of 8 bits leaves out biases that are zeros.
        zeros = {name: numpy.zeros(there[name], 'float32') for name in biases}
        found = {**zeros, **found}
        missing = sorted(there.keys() - found.keys())
        if missing:
            raise ValueError(
                f'it lacks {missing[0]!r} of the shape {there[missing[0]]}'
            )
        named = {name: found[arrays[name].there] for name in arrays}
        return checked(
            {name: array.astype('float32') for name, array in named.items()},
            {name: array.shape for name, array in arrays.items()},
        )
    except (OSError, ValueError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise WeightsError(
            f'weights {str(path)!r} cannot be read as the .onnx of a net of '
            f'one pass ({error}): give the file of that net'
        ) from error


def checked(
    arrays: dict[str, numpy.ndarray], shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, numpy.ndarray]:
    """Return arrays, or raise WeightsError if one is unfit for a net."""
    for name, array in arrays.items():
        if array.shape != shapes[name]:
            raise WeightsError(
                f'array {name!r} is of shape {array.shape}, not {shapes[name]}'
            )
        if not numpy.isfinite(array).all():
            raise WeightsError(f'array {name!r} has numbers that are infinite')
    return arrays
