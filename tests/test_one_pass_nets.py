"""The nets of one pass compute what onnxruntime computes."""

from pathlib import Path

import numpy
import pytest
from mxnet import autograd, np

from gluon_style._mxnet import numpy_mode
from gluon_style.errors import WeightsError
from gluon_style.methods.feedforward.build import (
    build_predictor,
    build_transfer_net,
    transfer_net,
)
from gluon_style.methods.feedforward.compact import packed, unpacked
from gluon_style.methods.feedforward.layout import NETS
from gluon_style.methods.feedforward.nets import read_net, read_original
from gluon_style.methods.feedforward.styles import from_bottleneck, numbered
from gluon_style.methods.feedforward.transfer import TransferNet
from gluon_style.methods.feedforward.trunks import TRUNKS, Trunk
from gluon_style.weights.sources import ORIGINALS, is_intact

# Made by onnxruntime: python -m benchmarks.one_pass --reference
STORED = Path(__file__).with_name('data') / 'one_pass.npz'
# The largest difference that was measured on either MXNet is 1.6e-5.
MOST = 1e-4


@pytest.fixture(scope='module')
def stored():
    with numpy.load(STORED) as arrays:
        return dict(arrays)


@pytest.fixture(autouse=True)
def with_numpy():
    with numpy_mode():
        yield


def pixels(picture):
    return np.array(picture.astype('float32') / 255)


def test_the_net_of_26_styles_equals_onnxruntime(stored):
    net = build_transfer_net('styles26')
    Y = net(pixels(stored['content']), np.array(numbered(15).vector))
    assert numpy.abs(Y.asnumpy() - stored['styles26']).max() < MOST


def test_the_net_of_any_style_equals_onnxruntime(stored):
    net = build_transfer_net('any-style')
    vector = from_bottleneck(stored['bottleneck']).vector
    Y = net(pixels(stored['content']), np.array(vector))
    assert numpy.abs(Y.asnumpy() - stored['any_style']).max() < MOST


def test_the_predictor_equals_onnxruntime(stored):
    actual = build_predictor()(pixels(stored['style']))
    assert numpy.abs(actual.asnumpy()[0] - stored['bottleneck']).max() < MOST


def test_style_vectors_have_the_numbers_of_the_papers():
    sizes = {name: trunk.style_size for name, trunk in TRUNKS.items()}
    assert sizes == {'styles26': 990, 'any-style': 694}
    shapes = TRUNKS['styles26'].shapes.values()
    assert sum(map(numpy.prod, shapes)) == 140_364


TINY = Trunk('tiny', 'a tiny net', (4, 4, 4), 1, (4, 4), True)


def plain(X, vector, weights, trunk):
    """Compute a net in NumPy, as the papers write it."""
    at, half, skip = 0, trunk.style_size // 2, None
    for layer in trunk.layers:
        if layer.name in ('res.0.0',):
            skip = X
        if layer.upsampled:
            X = X.repeat(2, axis=1).repeat(2, axis=2)
        width = layer.kernel // 2
        X = numpy.pad(X, [(0, 0), (width,) * 2, (width,) * 2], 'reflect')
        view = numpy.lib.stride_tricks.sliding_window_view(
            X, (layer.kernel, layer.kernel), axis=(1, 2)
        )[:, :: layer.stride, :: layer.stride]
        X = numpy.einsum(
            'ihwkl,oikl->ohw', view, weights[f'{layer.name}.weight']
        )
        X -= X.mean(axis=(1, 2), keepdims=True)
        X /= numpy.sqrt(X.var(axis=(1, 2), keepdims=True) + 1e-5)
        end = at + layer.channels
        X *= vector[at:end, None, None]
        X += vector[half + at : half + end, None, None]
        at = end
        if layer.name == 'res.0.1':
            X += skip
        elif layer.name != 'expand.2':
            X = numpy.maximum(X, 0)
    return 1 / (1 + numpy.exp(-X))


def tiny_net(rng):
    weights = {
        name: rng.normal(size=shape).astype('float32') * 0.3
        for name, shape in TINY.shapes.items()
    }
    net = TransferNet(TINY)
    for name, array in weights.items():
        parameter = getattr(net, name.replace('.', '_'))
        parameter.initialize()
        parameter.set_data(np.array(array))
    vector = rng.normal(1, 0.5, TINY.style_size).astype('float32')
    return net, vector, weights


def test_the_fast_net_equals_the_plain_one():
    rng = numpy.random.RandomState(3)
    net, vector, weights = tiny_net(rng)
    X = rng.rand(1, 3, 24, 20).astype('float32')
    expected = plain(X[0].astype('float64'), vector, weights, TINY)
    actual = net(np.array(X), np.array(vector)).asnumpy()[0]
    assert numpy.abs(actual - expected).max() < 1e-5


@pytest.mark.parametrize('height, width', [(16, 16), (17, 22), (31, 19)])
def test_odd_sides_are_padded_by_reflection_and_cut_again(height, width):
    rng = numpy.random.RandomState(4)
    net, vector, weights = tiny_net(rng)
    X = rng.rand(3, height, width).astype('float32')
    more = [(0, 0), (0, -height % 4), (0, -width % 4)]
    whole = numpy.pad(X, more, 'reflect').astype('float64')
    expected = plain(whole, vector, weights, TINY)[:, :height, :width]
    actual = net(np.array(X[None]), np.array(vector)).asnumpy()[0]
    assert actual.shape == X.shape
    assert numpy.abs(actual - expected).max() < 1e-5


def test_gradients_are_those_of_finite_differences():
    rng = numpy.random.RandomState(5)
    net, vector, weights = tiny_net(rng)
    X = rng.rand(1, 3, 16, 16).astype('float32')
    slope = rng.normal(size=X.shape)
    style = np.array(vector)
    style.attach_grad()
    with autograd.record():
        loss = (net(np.array(X), style) * np.array(slope)).sum()
    loss.backward()

    def value(numbers, changed):
        Y = plain(X[0].astype('float64'), numbers, changed, TINY)
        return (Y * slope[0]).sum()

    for i in (0, 7, TINY.style_size // 2, TINY.style_size - 1):
        step = numpy.zeros(len(vector))
        step[i] = 1e-6
        difference = value(vector + step, weights)
        difference -= value(vector - step, weights)
        assert float(style.grad[i]) == pytest.approx(
            difference / 2e-6, rel=2e-3, abs=2e-3
        )
    # The kernels of the last layers are computed from their weights.
    for name in ('expand.1.weight', 'expand.2.weight'):
        gradient = getattr(net, name.replace('.', '_')).grad().asnumpy()
        place = 1, 2, 1, 0
        values = []
        for step in (1e-6, -1e-6):
            array = weights[name].astype('float64')
            array[place] += step
            values.append(value(vector, {**weights, name: array}))
        assert gradient[place] == pytest.approx(
            (values[0] - values[1]) / 2e-6, rel=2e-3, abs=2e-3
        )


def test_a_hybridized_net_computes_the_same():
    rng = numpy.random.RandomState(6)
    net, vector, _ = tiny_net(rng)
    X = np.array(rng.rand(1, 3, 20, 16).astype('float32'))
    expected = net(X, np.array(vector)).asnumpy()
    net.hybridize()
    assert numpy.array_equal(net(X, np.array(vector)).asnumpy(), expected)


def test_a_process_has_each_net_once():
    assert transfer_net('styles26') is transfer_net('styles26')
    assert transfer_net('styles26') is not transfer_net('any-style')


def test_the_shipped_weights_are_those_of_the_originals():
    cached = [is_intact(source) for source in ORIGINALS.values()]
    if not all(cached):
        pytest.skip('the originals are not in the cache')
    for name, net in NETS.items():
        arrays = read_net(name)
        for source, table in net.sources:
            original = read_original(ORIGINALS[source].path, table)
            for each in table:
                assert numpy.array_equal(arrays[each], original[each]), each


@pytest.mark.parametrize(
    'array',
    [
        numpy.linspace(-1, 1, 200, dtype='float32').repeat(9).reshape(-1, 9),
        numpy.float32([0.3, 0.07])[:, None] * numpy.arange(-127, 128),
        numpy.random.RandomState(0).rand(3, 400).astype('float32'),
        numpy.zeros((2, 2), 'float32'),
    ],
)
def test_packing_changes_no_number(array):
    array = array.astype('float32')
    small = packed('a', array)
    actual = unpacked('a', small)
    assert actual.dtype == 'float32' and numpy.array_equal(actual, array)


def test_a_byte_a_number_where_there_are_256():
    table = numpy.random.RandomState(1).rand(256).astype('float32')
    array = table.repeat(8).reshape(4, -1)
    small = packed('a', array)
    assert {k: a.dtype.name for k, a in small.items()} == {
        'a:index': 'uint8',
        'a:table': 'float32',
    }


@pytest.mark.parametrize(
    'arrays, problem',
    [
        ({}, 'is missing'),
        (
            {'a:index': numpy.uint8([[5]]), 'a:table': numpy.ones(5, 'f4')},
            'a table that is too short',
        ),
        (
            {'a:steps': numpy.ones((3, 2), 'i1'), 'a:step': numpy.ones(2)},
            'steps of another shape',
        ),
    ],
)
def test_parts_that_do_not_fit_are_refused(arrays, problem):
    with pytest.raises(ValueError, match=problem):
        unpacked('a', arrays)


def test_an_onnx_file_of_another_net_is_one_sentence(tmp_path):
    from onnx_writer import initializer, model

    path = tmp_path / 'other.onnx'
    path.write_bytes(model(initializer('a', numpy.ones(2, 'float32'))))
    table = dict(NETS['styles26'].sources)['one-pass-styles26']
    with pytest.raises(WeightsError, match="it lacks 'contract.0.norm.beta'"):
        read_original(path, table)
    path.write_bytes(b'\x3a\x10cut')
    with pytest.raises(WeightsError, match='it is cut off'):
        read_original(path, table)


def test_numbers_that_are_not_finite_are_refused(tmp_path):
    from onnx_writer import initializer, model

    table = dict(NETS['styles26'].sources)['one-pass-styles26']
    arrays = {
        array.there: numpy.zeros(array.shape, 'float32')
        for array in table.values()
    }
    arrays['expand.2.w'][0, 0, 0, 0] = numpy.nan
    path = tmp_path / 'nan.onnx'
    path.write_bytes(model(*(initializer(n, a) for n, a in arrays.items())))
    with pytest.raises(WeightsError, match='expand.2.weight.*infinite'):
        read_original(path, table)
