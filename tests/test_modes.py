"""MXNet's NumPy mode belongs to a call, in whatever thread it is made."""

import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import mxnet
import numpy
import pytest
from conftest import picture
from mxnet import autograd, cpu, gluon, init, nd, np, npx
from mxnet.util import is_np_array, is_np_shape

import gluon_style
from gluon_style import GluonStyleError, Settings, stylize
from gluon_style.layers import STYLE_LAYERS

SHAPE = (48, 32)
LEGACY_GLUON = mxnet.__version__.startswith('1.')
# Public names that take and return no arrays of MXNet.
WITHOUT_ARRAYS = {
    'Animate',
    'Animator',
    'CONTENT_LAYERS',
    'GluonStyleError',
    'LAYER_NAMES',
    'Log',
    'METHODS',
    'NonFiniteLossError',
    'Observer',
    'PRESETS',
    'Patience',
    'Progress',
    'RGB_MEAN',
    'RGB_STD',
    'Record',
    'Result',
    'STYLE_LAYERS',
    'Style',
    'SaveSteps',
    'Settings',
    'browse',
    'get_method',
    # It returns NumPy's arrays, and sets the mode as one pass does.
    'learn',
    # Each job sets the mode as its method does.
    'map_styles',
    # Arrays are computed by what it opens.
    'open_cluster',
    # It paints in a thread of its own.
    'panel',
    'save_image',
    'set_figsize',
    'show_images',
    # It paints each frame in the mode of its method.
    'stylize_video',
    'try_all_gpus',
    'try_gpu',
}


@pytest.fixture(scope='module')
def given(weights_file):
    """What the public functions are called with, made in the main thread."""
    net = gluon_style.build_net(weights=weights_file)
    content_img, style_img = picture(40, 30, seed=1), picture(40, 30, seed=2)
    X, contents_Y = gluon_style.get_contents(
        net, np.array(content_img, dtype='uint8'), SHAPE, cpu()
    )
    style_X, styles_Y = gluon_style.get_styles(
        net, np.array(style_img, dtype='uint8'), SHAPE, cpu()
    )
    return SimpleNamespace(
        weights=weights_file,
        net=net,
        content_img=content_img,
        style_img=style_img,
        X=X,
        contents_Y=contents_Y,
        style_X=style_X,
        styles_Y=styles_Y,
        styles_Y_gram=[gluon_style.gram(Y) for Y in styles_Y],
        targets=(contents_Y, styles_Y, cpu()),
        options={'size': SHAPE, 'epochs': 3, 'weights': weights_file},
    )


def optimized(optimizer, given, **options):
    objective = gluon_style.Objective(
        given.net, given.X, given.style_X, Settings()
    )
    log = gluon_style.Log()
    X = optimizer(objective, given.X, 3, log, **options)
    return [X, *[entry.total for entry in log.history]]


def losses_and_gradient(given):
    objective = gluon_style.Objective(
        given.net, given.X, given.style_X, Settings()
    )
    X = given.style_X.copy()
    X.attach_grad('add')
    return [*objective(X), X.grad]


def synthesized(given):
    gen_img = gluon_style.SynthesizedImage(given.X.shape)
    gen_img.initialize(init.Constant(given.X), ctx=cpu())
    return gen_img()


# A call of each public function that computes with arrays.
def saved_and_resumed(given):
    """Return the pictures of a run with a checkpoint, and of it resumed."""
    with tempfile.TemporaryDirectory() as folder:
        return [
            stylize(
                given.content_img,
                given.style_img,
                observers=[gluon_style.Checkpoint(folder, 1, resume=resume)],
                **given.options,
            ).image
            for resume in (False, True)
        ]


CALLS = {
    'Checkpoint': saved_and_resumed,
    'Objective': losses_and_gradient,
    'SynthesizedImage': synthesized,
    'adam': lambda given: optimized(
        gluon_style.adam, given, lr=0.1, lr_decay_epoch=2, bounded=True
    ),
    'build_net': lambda given: [
        parameter.data()
        for parameter in gluon_style.build_net(weights=given.weights)
        .collect_params()
        .values()
    ],
    'compute_loss': lambda given: gluon_style.compute_loss(
        given.X,
        given.contents_Y,
        given.styles_Y,
        given.contents_Y,
        given.styles_Y_gram,
    ),
    'content_loss': lambda given: gluon_style.content_loss(
        given.X, given.style_X
    ),
    'extract_features': lambda given: gluon_style.extract_features(
        given.net, given.X
    ),
    'get_contents': lambda given: gluon_style.get_contents(
        given.net, gluon_style.read_image(given.content_img), SHAPE, cpu()
    ),
    'get_inits': lambda given: gluon_style.get_inits(
        given.X, cpu(), 0.1, given.styles_Y
    )[:2],
    'get_styles': lambda given: gluon_style.get_styles(
        given.net, gluon_style.read_image(given.style_img), SHAPE, cpu()
    ),
    'gram': lambda given: [
        gluon_style.gram(given.X),
        gluon_style.gram(given.styles_Y[0]),
    ],
    'lbfgs': lambda given: optimized(gluon_style.lbfgs, given, bounded=True),
    'load_weights': lambda given: [
        array
        for arrays in gluon_style.load_weights(
            given.weights, list(STYLE_LAYERS)
        ).layers.values()
        for array in arrays
    ],
    'postprocess': lambda given: gluon_style.postprocess(given.X),
    'preprocess': lambda given: gluon_style.preprocess(
        gluon_style.read_image(given.content_img), SHAPE
    ),
    'read_image': lambda given: gluon_style.read_image(given.content_img),
    'reconstruct': lambda given: (
        gluon_style.reconstruct(
            given.content_img, 'conv2_1', **given.options
        ).image
    ),
    'style_loss': lambda given: gluon_style.style_loss(
        given.styles_Y[0], given.styles_Y_gram[0] / 2
    ),
    'stylize': lambda given: (
        stylize(given.content_img, given.style_img, **given.options).image
    ),
    'texture': lambda given: (
        gluon_style.texture(
            given.style_img, **given.options, tileable=True
        ).image
    ),
    'train': lambda given: gluon_style.train(
        given.net, given.X, *given.targets, 0.1, 3, 2
    ),
    'tv_loss': lambda given: gluon_style.tv_loss(given.X),
}


def in_bytes(value):
    """Return arrays of MXNet and NumPy, also in lists, as bytes."""
    if isinstance(value, (list, tuple)):
        return [in_bytes(item) for item in value]
    if hasattr(value, 'asnumpy'):
        value = value.asnumpy()
    array = numpy.asarray(value)
    return array.shape, str(array.dtype), array.tobytes()


def called(name, given):
    """Return what a function computes, and whether the mode is on after."""
    return in_bytes(CALLS[name](given)), is_np_array(), is_np_shape()


@pytest.fixture
def legacy():
    """Leave NumPy's mode, as code for MXNet's older arrays does."""
    npx.reset_np()
    yield
    npx.set_np()


def test_every_public_function_is_called_here():
    assert {*CALLS, *WITHOUT_ARRAYS} == {*gluon_style.__all__}


@pytest.mark.parametrize('name', CALLS)
def test_in_another_thread_the_bytes_are_the_same(name, given):
    expected = called(name, given)
    assert expected[1:] == (True, True)
    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(called, name, given).result()
    assert result == (expected[0], False, False)


@pytest.mark.parametrize('name', CALLS)
def test_without_numpys_mode_the_bytes_are_the_same(name, given, legacy):
    result = called(name, given)
    npx.set_np()
    assert result == (called(name, given)[0], False, False)


def test_threads_that_stylize_at_once_do_not_disturb_each_other(given):
    jobs = [{'seed': i, 'init': 'noise', **given.options} for i in range(4)]

    def pixels(options):
        result = stylize(given.content_img, given.style_img, **options)
        return result.image.tobytes()

    expected = [pixels(options) for options in jobs]
    assert len(set(expected)) == 4
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(pixels, jobs)) == expected


def test_threads_that_share_a_net_wait_for_each_other(given):
    # In a process of its own, because MXNet may crash where they do not.
    code = (
        'import sys, gluon_style\n'
        'from concurrent.futures import ThreadPoolExecutor\n'
        'from conftest import picture\n'
        'net = gluon_style.build_net(weights=sys.argv[1], pooling="avg")\n'
        'def pixels(_):\n'
        '    result = gluon_style.stylize(picture(40, 30, 1), '
        'picture(40, 30, 2), net=net, size=48, epochs=4, scales=1)\n'
        '    return result.image.tobytes()\n'
        'with ThreadPoolExecutor(4) as pool:\n'
        '    print(len({pixels(0), *pool.map(pixels, range(8))}))'
    )
    done = subprocess.run(
        [sys.executable, '-c', code, given.weights],
        cwd=Path(__file__).parent,
        env={**os.environ, 'PYTHONPATH': str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == ['1'], done.stderr


def test_a_net_that_is_not_of_build_net_is_a_mistake(given):
    for net in (3, gluon.nn.Dense(1)):
        with pytest.raises(GluonStyleError, match='^net is .* build_net'):
            stylize(
                given.content_img, given.style_img, net=net, **given.options
            )


def test_the_first_use_may_be_in_a_thread(pictures, weights_file):
    code = (
        'import threading, gluon_style\n'
        'def work():\n'
        f'    result = gluon_style.stylize(*{pictures!r}, size=32, epochs=2,'
        f' weights={weights_file!r})\n'
        '    print(result.image.shape)\n'
        'thread = threading.Thread(target=work)\n'
        'thread.start()\n'
        'thread.join()'
    )
    out = subprocess.check_output([sys.executable, '-c', code], text=True)
    assert out.split() == ['(21,', '32,', '3)']


def test_a_mistake_puts_the_mode_back(given, legacy):
    with pytest.raises(GluonStyleError):
        gluon_style.extract_features(given.net, given.X, ['conv5_4'])
    assert not is_np_array() and not is_np_shape()


@pytest.mark.skipif(LEGACY_GLUON, reason='MXNet 1.9.1 has float32 alone')
def test_float64_by_default_changes_no_pixel(given):
    expected = called('stylize', given), called('train', given)
    npx.set_np(dtype=True)
    try:
        found = called('stylize', given), called('train', given)
        assert np.ones(1).dtype == 'float64'
    finally:
        npx.set_np(dtype=False)
    assert found == expected


@pytest.mark.skipif(not LEGACY_GLUON, reason='MXNet 2.x has no such nets')
@pytest.mark.parametrize('hybridized', [False, True])
def test_a_net_on_older_arrays_learns_before_and_after(
    hybridized, given, legacy
):
    for _ in range(2):
        net = gluon.nn.Dense(1, in_units=2)
        net.initialize(init.One())
        if hybridized:
            net.hybridize()
        trainer = gluon.Trainer(
            net.collect_params(), 'sgd', {'learning_rate': 0.1}
        )
        X, y = nd.ones((4, 2)), nd.zeros((4, 1))
        with autograd.record():
            l = gluon.loss.L2Loss()(net(X), y)
        l.backward()
        trainer.step(4)
        # The output is 2, with no bias, as is the gradient by each weight.
        assert type(l) is nd.NDArray and l.asnumpy().tolist() == [2] * 4
        weight = net.weight.data()
        assert type(weight) is nd.NDArray
        numpy.testing.assert_allclose(weight.asnumpy(), [[0.8, 0.8]])
        stylize(given.content_img, given.style_img, **given.options)


def test_a_picture_as_imread_returns_it(given, tmp_path, legacy):
    path = tmp_path / 'picture.png'
    gluon_style.save_image(given.content_img, path)
    img = mxnet.image.imread(str(path))
    assert (img.asnumpy() == given.content_img).all()
    found = gluon_style.preprocess(img, SHAPE)
    assert (found.asnumpy() == given.X.asnumpy()).all()
