"""Read and write the convolutions of a VGG in the formats people have.

The reader of a format knows arrays and their names, ``selection`` knows
which arrays belong to which network. Layers are a dictionary from a layer's
name ('conv1_1') to its (weight, bias): float32, (output channels, input
channels, 3, 3) and (output channels,).
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import numpy

from gluon_style.errors import MissingPackageError, WeightsError
from gluon_style.files.atomic import replacing
from gluon_style.layers import NETWORKS
from gluon_style.weights.ckpt import read_ckpt
from gluon_style.weights.h5 import read_h5
from gluon_style.weights.npz import Wanted, read_npz, write_npz
from gluon_style.weights.params import read_params
from gluon_style.weights.safetensors import read_safetensors, write_safetensors
from gluon_style.weights.selection import Selection, choose_network
from gluon_style.weights.torch import read_torch

# (weight, bias) by the name of the layer.
Layers = dict[str, tuple[numpy.ndarray, numpy.ndarray]]

READERS = {
    '.bin': read_torch,
    '.ckpt': read_ckpt,
    '.h5': read_h5,
    '.hdf5': read_h5,
    '.npz': read_npz,
    '.params': read_params,
    '.pt': read_torch,
    '.pth': read_torch,
    '.safetensors': read_safetensors,
}


def read_layers(
    path: str | os.PathLike[str],
    layer_names: Iterable[str] | None = None,
    network: str = 'vgg19',
) -> tuple[Layers, str]:
    """Return the named layers of a weights file, and their convention.

    None means all layers of the network. The convention is 'bgr' for Keras's
    files (BGR from 0 to 255 minus the mean) and 'rgb' for all others (the
    chapter's ``preprocess``). Nothing else of the file is read. Raises
    WeightsError saying what is wrong with the file, and MissingPackageError
    for .safetensors without its package.
    """
    path, table = Path(path), NETWORKS[network]
    names = tuple(table.conv_shapes if layer_names is None else layer_names)
    selection = Selection(path, names, table)
    arrays = _read(path, selection.wants)
    layers = {
        layer: selection.layer_of(layer, arrays) for layer in selection.layers
    }
    return layers, 'bgr' if selection.bgr else 'rgb'


def read_network(path: str | os.PathLike[str], first: str = 'vgg19') -> str:
    """Return the name of the network whose layers a weights file has.

    It is ``first`` where the file fits several. Raises as ``read_layers``.
    """
    shapes: list[tuple[str, tuple[int, ...]]] = []

    def note(name: str, shape: tuple[int, ...], dtype: numpy.dtype) -> bool:
        shapes.append((name, shape))
        return False

    _read(Path(path), note)
    return choose_network(shapes, first)


def _read(path: Path, wanted: Wanted) -> dict[str, numpy.ndarray]:
    """Return the wanted arrays of a file, read by its suffix's reader."""
    if path.suffix.lower() not in READERS:
        raise WeightsError(
            f'weights {str(path)!r} end in {path.suffix!r}: files of '
            f'{", ".join(READERS)} are read'
        )
    try:
        return READERS[path.suffix.lower()](path, wanted)
    except (MissingPackageError, WeightsError):
        raise
    except (OSError, ValueError) as error:
        # Libraries split their sentences into lines.
        reason = ' '.join(str(error).split())[:200]
        raise WeightsError(
            f'weights {str(path)!r} cannot be read as {path.suffix}: {reason}'
        ) from error


def write_layers(
    path: str | os.PathLike[str], layers: Layers, network: str = 'vgg19'
) -> None:
    """Write layers to a .params, .npz or .safetensors file, whole or not.

    Files of .params and .safetensors use the names 'features.0.weight' ...,
    as gluon and torchvision do; .npz uses 'conv1_1_weight' ... Raises
    WeightsError for another suffix, and MissingPackageError for .safetensors
    without its package.
    """
    path = Path(path)
    writers = {
        '.npz': _write_npz,
        '.params': _write_params,
        '.safetensors': _write_safetensors,
    }
    if path.suffix.lower() not in writers:
        raise WeightsError(
            f'output {str(path)!r} ends in {path.suffix!r}: files of '
            f'{", ".join(writers)} are written'
        )
    with replacing(path) as temporary:
        writers[path.suffix.lower()](temporary, layers, network)


def _write_npz(path: Path, layers: Layers, network: str) -> None:
    arrays = {}
    for layer, (weight, bias) in layers.items():
        arrays[f'{layer}_weight'], arrays[f'{layer}_bias'] = weight, bias
    write_npz(path, arrays)


def _by_feature(layers: Layers, network: str) -> dict[str, numpy.ndarray]:
    """Return the arrays by their names in gluon and torchvision."""
    arrays = {}
    for layer, (weight, bias) in layers.items():
        prefix = f'features.{NETWORKS[network].index(layer)}'
        arrays[f'{prefix}.weight'] = numpy.ascontiguousarray(weight)
        arrays[f'{prefix}.bias'] = numpy.ascontiguousarray(bias)
    return arrays


def _write_params(path: Path, layers: Layers, network: str) -> None:
    from mxnet import nd
    from mxnet.base import MXNetError

    arrays = _by_feature(layers, network)
    try:
        nd.save(str(path), {name: nd.array(a) for name, a in arrays.items()})
    except MXNetError as error:
        # Its writer has no other error for a full disk.
        reason = str(error).strip().splitlines()[-1]
        raise OSError(
            f'the .params cannot be written ({reason}): look whether the disk '
            'is full'
        ) from error


def _write_safetensors(path: Path, layers: Layers, network: str) -> None:
    write_safetensors(path, _by_feature(layers, network))
