"""What the fuzzer mutates of one pass: nets, styles, checkpoints."""

import numpy
from onnx_writer import field, initializer, model, node

from gluon_style.methods.adain.decoder import read_decoder, write_decoder
from gluon_style.methods.adain.layout import CHANNELS, SHAPES
from gluon_style.methods.feedforward.layout import Array
from gluon_style.methods.feedforward.lesson_file import (
    Progress,
    read_progress,
    write_progress,
)
from gluon_style.methods.feedforward.nets import read_original
from gluon_style.methods.feedforward.styles import Style
from gluon_style.methods.feedforward.trunks import TRUNKS
from gluon_style.records.record import Epoch

# A net of two arrays, as ``Net.sources`` has it.
_TABLE = {'a': Array('net/a', (2, 3)), 'b': Array('net/bias', (2,))}
_IDENTITY = {'painting': 'abc', 'settings': {'lr': 0.02}}


def make_onnx(folder):
    """Write small nets: plain ones, and some of 8 bits with their scales."""
    rng = numpy.random.RandomState(0)
    a = rng.normal(size=(2, 3)).astype('float32')
    bias = initializer('net/bias', a[:, 0])
    for name in ('float32', 'float16', 'int8', 'int32', 'uint8', 'int64'):
        weight = initializer('net/a', (a * 50).astype(name))
        (folder / f'{name}.onnx').write_bytes(model(weight, bias))
    for axis in (0, 1):
        scale = rng.rand((2, 3)[axis]).astype('float32')
        parts = [
            initializer('q', (a * 50).astype('int8')),
            initializer('s', scale),
            initializer('z', numpy.zeros(scale.shape, 'int8')),
            node('DequantizeLinear', 'qsz', ['net/a_dequant'], axis),
            node('Conv', ['x', 'net/a_dequant'], ['y']),
        ]
        for more in ((), (bias,)):
            data = model(*parts, *more) + field(2, 'a program')
            path = folder / f'scaled{axis}{len(more)}.onnx'
            path.write_bytes(data)


def read_a_net(path):
    """Read a net; any of the right shapes and finite is right."""
    arrays = read_original(path, _TABLE)
    assert {name: a.shape for name, a in arrays.items()} == {
        name: array.shape for name, array in _TABLE.items()
    }
    for array in arrays.values():
        assert array.dtype == 'float32' and numpy.isfinite(array).all()


def _styles():
    rng = numpy.random.RandomState(0)
    for name, trunk in TRUNKS.items():
        for i in range(5):
            vector = rng.normal(size=trunk.style_size).astype('float32')
            record = {'iterations': i, 'losses': {'style': 0.5}}
            yield f'{name}{i}', Style(name, vector, record)


def make_styles(folder):
    """Write styles of both nets."""
    for name, style in _styles():
        style.save(folder / f'{name}.style')


def read_a_style(path):
    """Read a style; any with usable numbers is right."""
    style = Style.load(path)
    assert style.vector.shape == (TRUNKS[style.trunk].style_size,)
    assert numpy.isfinite(style.vector).all()
    assert isinstance(style.record, dict)


def make_lessons(folder):
    """Write checkpoints of styles that are being learned."""
    history = [Epoch(1, (32, 32), 0.1, 0.2, 0.3, 0.6, 1.5)]
    for name, style in _styles():
        moments = {'vector': [style.vector, style.vector**2]}
        progress = Progress(style, 'net:3', history, 2.5, moments)
        write_progress(folder / f'{name}.learning', _IDENTITY, progress)


def read_a_lesson(path):
    """Read a checkpoint; any that could be gone on from is right."""
    progress = read_progress(path, _IDENTITY)
    shape = progress.style.vector.shape
    assert [a.shape for a in progress.moments['vector']] == [shape] * 2
    assert all(isinstance(entry, Epoch) for entry in progress.history)


def make_decoders(folder):
    """Write decoders of AdaIN: few numbers, so that the files are small."""
    about = {'encoder': {'source': 'torchvision', 'sha256': 'ab' * 32}}
    path = folder / 'whole.npz'
    for i in range(10):
        weights = {
            name: numpy.full(shape, 0.25 * i, 'float32')
            for name, shape in SHAPES.items()
        }
        rms = numpy.full(CHANNELS, 1 + i, 'float32')
        write_decoder(path, weights, rms, {**about, 'iterations': i})
        with numpy.load(path) as arrays:
            numpy.savez_compressed(folder / f'{i}.npz', **arrays)
    path.unlink()


def read_a_decoder(path):
    """Read a decoder; any of the right shapes and usable is right."""
    decoder = read_decoder(path)
    assert {n: a.shape for n, a in decoder.weights.items()} == SHAPES
    for array in (*decoder.weights.values(), decoder.rms):
        assert array.dtype == 'float32' and numpy.isfinite(array).all()
    assert decoder.rms.shape == (CHANNELS,) and (decoder.rms > 0).all()
    assert isinstance(decoder.encoder, str)
