"""Read and write the convolutions of VGG-19 in the formats people have.

A reader asks ``wanted(name, shape, dtype)`` for each array before it takes
memory for it, and returns the wanted ones by their names; ``read_layers``
knows whose names they are. Layers are a dictionary from a layer's name
('conv1_1') to its (weight, bias): float32, (output channels, input channels,
3, 3) and (output channels,).
"""

import re
from pathlib import Path

import numpy

from gluon_style.errors import GluonStyleError, WeightsError
from gluon_style.files.atomic import replacing
from gluon_style.layers import CONV_SHAPES, LAYER_NAMES
from gluon_style.weights.h5 import read_h5
from gluon_style.weights.npz import read_npz
from gluon_style.weights.params import read_params
from gluon_style.weights.torch import read_torch

# A file of VGG-19 has a header of some kilobytes.
_LARGEST_HEADER = 1 << 20


def _read_safetensors(path, wanted):
    try:
        from safetensors import safe_open
    except ImportError:
        raise WeightsError(
            f'weights {str(path)!r} need the package safetensors: install '
            'it with: python -m pip install safetensors'
        ) from None
    with open(path, 'rb') as file:
        size = int.from_bytes(file.read(8), 'little')
    if size > _LARGEST_HEADER:
        raise GluonStyleError(
            f'its header has {size} bytes: at most {_LARGEST_HEADER} are read'
        )
    arrays = {}
    with safe_open(path, 'numpy') as file:
        for name in file.keys():
            part = file.get_slice(name)
            dtype = _SAFETENSORS_TYPES.get(part.get_dtype(), 'V1')
            if wanted(name, tuple(part.get_shape()), numpy.dtype(dtype)):
                arrays[name] = file.get_tensor(name)
    return arrays


# Those that can be weights; others are refused where they are wanted.
_SAFETENSORS_TYPES = {'F16': 'float16', 'F32': 'float32', 'F64': 'float64'}
READERS = {
    '.bin': read_torch,
    '.h5': read_h5,
    '.hdf5': read_h5,
    '.npz': read_npz,
    '.params': read_params,
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
_FEATURES = re.compile(r'(?:.*\.)?features\.(\d{1,2})\.(weight|bias)$')
_COUNTED = re.compile(r'(?:arg:)?vgg\d+_conv(\d{1,2})_(weight|bias)$')
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
    and 'rgb' for all others (the chapter's ``preprocess``). Nothing else of
    the file is read. Raises WeightsError saying what is wrong with the file.
    """
    path = Path(path)
    if path.suffix not in READERS:
        raise WeightsError(
            f'weights {str(path)!r} end in {path.suffix!r}: files of '
            f'{", ".join(READERS)} are read'
        )
    selection = _Selection(path, wanted)
    try:
        arrays = READERS[path.suffix](path, selection.wants)
    except WeightsError:
        raise
    except Exception as error:
        raise WeightsError(
            f'weights {str(path)!r} cannot be read as {path.suffix}: '
            f'{_in_a_line(error)}'
        ) from error
    found = {place: arrays[name] for place, name in selection.names.items()}
    layers = {layer: _layer(selection, layer, found) for layer in wanted}
    return layers, 'bgr' if selection.keras else 'rgb'


def _in_a_line(error):
    """Return an error's text, of which libraries make several lines."""
    return ' '.join(str(error).split())[:200]


class _Selection:
    """Which arrays of a file are those of the wanted layers.

    ``names`` maps (layer, kind) to the name of an array seen so far.
    """

    def __init__(self, path, layers):
        self.path, self.layers = path, layers
        self.names, self.keras = {}, False

    def wants(self, name, shape, dtype):
        """Tell whether to read an array; WeightsError if it is not right."""
        place = _place(name)
        if place is None or place[0] not in self.layers:
            return False
        layer, kind, keras = place
        if (layer, kind) in self.names:
            raise self.error(layer, kind, 'is there twice')
        expected = _expected_shape(layer, kind, keras)
        if shape != expected:
            raise self.error(layer, kind, f'has shape {shape}, not {expected}')
        if not _is_expected_type(kind, dtype):
            raise self.error(layer, kind, _NO_FLOATS)
        self.names[layer, kind] = name
        self.keras = self.keras or keras
        return True

    def error(self, layer, kind, problem):
        return WeightsError(
            f'weights {str(self.path)!r} are not those of VGG-19: the '
            f'{_KINDS[kind]} of {layer} {problem}'
        )


_NO_FLOATS = 'is not of finite floating-point numbers'
_KINDS = {
    'weight': 'weight',
    'bias': 'bias',
    'W_q': 'quantized weight',
    'W_table': 'table of values',
}


def _expected_shape(layer, kind, keras):
    shape = CONV_SHAPES[layer]
    if kind == 'W_table':
        return (256,)
    if kind == 'bias':
        return shape[:1]
    if kind == 'weight' and keras:
        return (*shape[2:], *shape[1::-1])
    return shape


def _is_expected_type(kind, dtype):
    if kind == 'W_q':
        return dtype == 'uint8'
    return dtype.kind == 'f' and dtype.itemsize <= 8


def _layer(selection, layer, found):
    """Return a layer's (weight, bias), in float32, of the arrays found."""
    if (layer, 'W_q') in found and (layer, 'W_table') in found:
        weight = found[layer, 'W_table'][found[layer, 'W_q']]
    else:
        weight = found.get((layer, 'weight'))
        if weight is not None and weight.shape != CONV_SHAPES[layer]:
            weight = weight.transpose(3, 2, 0, 1)
    arrays = []
    for kind, array in (
        ('weight', weight),
        ('bias', found.get((layer, 'bias'))),
    ):
        if array is None:
            raise selection.error(layer, kind, 'is missing')
        # A number too large for float32 becomes infinite, and is found out.
        with numpy.errstate(over='ignore'):
            array = array.astype('float32')
        if not numpy.isfinite(array).all():
            raise selection.error(layer, kind, _NO_FLOATS)
        arrays.append(array)
    return tuple(arrays)


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
