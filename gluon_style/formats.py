"""Read and write the convolutions of VGG-19 in the formats people have.

A reader returns the file's arrays by their names; ``read_layers`` knows whose
names they are. Layers are a dictionary from a layer's name ('conv1_1') to
its (weight, bias): float32, (output channels, input channels, 3, 3) and
(output channels,).
"""

import re
from pathlib import Path

import numpy

from gluon_style.files import replacing
from gluon_style.layers import CONV_SHAPES, LAYER_NAMES
from gluon_style.torch_files import read_torch


class WeightsError(ValueError):
    """Weights that are not to be had, or are not VGG-19's."""


def _read_params(path):
    from mxnet import MXNetError, npx

    try:
        arrays = npx.load(str(path))
    except MXNetError as error:
        reason = str(error).strip().splitlines()[-1]
        raise ValueError(f'MXNet cannot load it: {reason}') from None
    return {name: array.asnumpy() for name, array in arrays.items()}


def _read_npz(path):
    with numpy.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def _read_h5(path):
    import h5py

    arrays = {}

    def keep(name, item):
        if isinstance(item, h5py.Dataset):
            arrays[name] = item[()]

    with h5py.File(path, 'r') as file:
        file.visititems(keep)
    return arrays


def _read_safetensors(path):
    try:
        from safetensors.numpy import load_file
    except ImportError:
        raise WeightsError(
            f'weights {str(path)!r} need the package safetensors: install '
            'it with: python -m pip install safetensors'
        ) from None
    return load_file(path)


READERS = {
    '.bin': read_torch,
    '.h5': _read_h5,
    '.hdf5': _read_h5,
    '.npz': _read_npz,
    '.params': _read_params,
    '.pt': read_torch,
    '.pth': read_torch,
    '.safetensors': _read_safetensors,
}

# Whose name it is: Keras writes blockB_convI, in up to three folders, and
# quantized copies of its file keep a table of 256 values a layer; torchvision
# and gluon number the layers of `features`; gluon 1.x also numbers the
# convolutions; we write convB_I.
_KERAS = re.compile(
    r'(?:.*/)?block(\d)_conv(\d)'
    r'(?:[/_](W_q|W_table|W|kernel|b|bias)(?:_\d+)?(?::0)?)$'
)
_FEATURES = re.compile(r'(?:.*\.)?features\.(\d+)\.(weight|bias)$')
_COUNTED = re.compile(r'(?:arg:)?vgg\d+_conv(\d+)_(weight|bias)$')
_OURS = re.compile(r'(conv\d_\d)[._](weight|bias)$')
_KERAS_KINDS = {
    'W': 'weight',
    'kernel': 'weight',
    'b': 'bias',
    'bias': 'bias',
    'W_q': 'W_q',
    'W_table': 'W_table',
}


def _place(name):
    """Return (layer, kind, whether Keras's) of an array's name, or None."""
    if match := _KERAS.match(name):
        block, i, kind = match.groups()
        return f'conv{block}_{i}', _KERAS_KINDS[kind], True
    if match := _FEATURES.match(name):
        index = int(match[1])
        known = index < len(LAYER_NAMES)
        return (LAYER_NAMES[index], match[2], False) if known else None
    if match := _COUNTED.match(name):
        layers = list(CONV_SHAPES)
        known = int(match[1]) < len(layers)
        return (layers[int(match[1])], match[2], False) if known else None
    if match := _OURS.match(name):
        return match[1], match[2], False
    return None


def read_layers(path, wanted=tuple(CONV_SHAPES)):
    """Return the ``wanted`` layers of a weights file, and their convention.

    The convention is 'bgr' for Keras's files (BGR of 0 to 255 less the mean)
    and 'rgb' for all others (the chapter's ``preprocess``). Raises
    WeightsError saying what is wrong with the file.
    """
    path = Path(path)
    if path.suffix not in READERS:
        raise WeightsError(
            f'weights {str(path)!r} end in {path.suffix!r}: files of '
            f'{", ".join(READERS)} are read'
        )
    try:
        arrays = READERS[path.suffix](path)
    except WeightsError:
        raise
    except Exception as error:
        raise WeightsError(
            f'weights {str(path)!r} cannot be read as {path.suffix}: {error}'
        ) from error
    found, keras = {}, False
    for name, array in arrays.items():
        place = _place(name)
        if place is not None and place[0] in wanted:
            found[place[:2]] = array
            keras = keras or place[2]
    layers = {}
    for layer in wanted:
        layers[layer] = _checked(path, layer, found, keras)
    return layers, 'bgr' if keras else 'rgb'


def _checked(path, layer, found, keras):
    weight, bias = found.get((layer, 'weight')), found.get((layer, 'bias'))
    if (layer, 'W_q') in found and (layer, 'W_table') in found:
        weight = _dequantized(found[layer, 'W_q'], found[layer, 'W_table'])
    elif keras and weight is not None and weight.ndim == 4:
        weight = weight.transpose(3, 2, 0, 1)
    shape = CONV_SHAPES[layer]
    for kind, array, expected in (
        ('weight', weight, shape),
        ('bias', bias, shape[:1]),
    ):
        problem = None
        if array is None:
            problem = 'is missing'
        elif array.shape != expected:
            problem = f'has shape {array.shape}, not {expected}'
        elif array.dtype.kind != 'f' or not numpy.isfinite(array).all():
            problem = 'is not of finite floating-point numbers'
        if problem:
            raise WeightsError(
                f'weights {str(path)!r} are not those of VGG-19: the {kind} '
                f'of {layer} {problem}'
            )
    return weight.astype('float32'), bias.astype('float32')


def _dequantized(indices, table):
    if indices.dtype != 'uint8' or table.shape != (256,):
        raise WeightsError('quantized weights need bytes and 256 values')
    return table[indices]


def write_layers(path, layers):
    """Write layers to a .params, .npz or .safetensors file, whole.

    Files of .params and .safetensors use the names 'features.0.weight' ...,
    as gluon and torchvision do; .npz uses 'conv1_1_weight' ... Raises
    WeightsError for another suffix.
    """
    path = Path(path)
    writers = {
        '.npz': _write_npz,
        '.params': _write_params,
        '.safetensors': _write_safetensors,
    }
    if path.suffix not in writers:
        raise WeightsError(
            f'output {str(path)!r} ends in {path.suffix!r}: files of '
            f'{", ".join(writers)} are written'
        )
    with replacing(path) as temporary:
        writers[path.suffix](temporary, layers)


def _write_npz(path, layers):
    arrays = {}
    for layer, (weight, bias) in layers.items():
        arrays[f'{layer}_weight'], arrays[f'{layer}_bias'] = weight, bias
    numpy.savez(path, **arrays)


def _by_feature(layers):
    arrays = {}
    for layer, (weight, bias) in layers.items():
        prefix = f'features.{LAYER_NAMES.index(layer)}'
        arrays[f'{prefix}.weight'] = numpy.ascontiguousarray(weight)
        arrays[f'{prefix}.bias'] = numpy.ascontiguousarray(bias)
    return arrays


def _write_params(path, layers):
    from mxnet import nd

    arrays = _by_feature(layers)
    nd.save(str(path), {name: nd.array(a) for name, a in arrays.items()})


def _write_safetensors(path, layers):
    try:
        from safetensors.numpy import save_file
    except ImportError:
        raise WeightsError(
            'writing .safetensors needs the package safetensors: install it '
            'with: python -m pip install safetensors'
        ) from None
    save_file(_by_feature(layers), path)
