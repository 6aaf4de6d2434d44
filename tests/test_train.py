import json
import subprocess
import sys
from pathlib import Path

import mxnet as mx
import numpy
import pytest
from conftest import picture
from mxnet import MXNetError, cpu, gpu, image, np

from gluon_style import NonFiniteLossError, stylize, train
from gluon_style.chapter import devices, losses
from gluon_style.chapter.devices import get_device, try_all_gpus, try_gpu
from gluon_style.chapter.synthesis import SynthesizedImage, get_inits
from gluon_style.chapter.vgg import build_net, get_contents, get_styles

SHAPE = (32, 24)


@pytest.fixture(scope='module')
def inputs(weights_file):
    """The arguments of ``train`` before the learning rate."""
    net = build_net(weights=weights_file)
    content_img, style_img = (
        np.array(picture(40, 30, seed), dtype='uint8') for seed in (1, 2)
    )
    content_X, contents_Y = get_contents(net, content_img, SHAPE, cpu())
    _, styles_Y = get_styles(net, style_img, SHAPE, cpu())
    return net, content_X, contents_Y, styles_Y, cpu()


def test_synthesized_image_holds_its_pixels_as_a_parameter():
    X = np.array(numpy.random.RandomState(0).normal(size=(1, 3, 4, 5)))
    X = X.astype('float32')
    pixels, styles_Y_gram, trainer = get_inits(X, cpu(), 0.25, [X])
    assert (pixels.asnumpy() == X.asnumpy()).all()
    assert trainer.learning_rate == 0.25
    expected = losses.gram(X).asnumpy()
    assert (styles_Y_gram[0].asnumpy() == expected).all()
    block = SynthesizedImage((1, 3, 4, 5))
    parameters = list(block.collect_params().values())
    assert len(parameters) == 1 and parameters[0] is block.weight
    assert block.weight.shape == (1, 3, 4, 5)


def test_first_step_of_adam_by_hand(inputs):
    # Adam's first step moves each pixel by lr against its gradient's sign.
    X = inputs[1]
    moved = (train(*inputs, 0.01, 1, 50) - X).asnumpy()
    assert numpy.isclose(abs(moved), 0.01, rtol=1e-2).mean() > 0.99
    assert (X.asnumpy() == inputs[1].asnumpy()).all()


def test_learning_rate_decays_by_steps(inputs):
    # The total variation of a ramp has the same gradient in each epoch: it
    # moves the first column up and the last one down, each step by the
    # learning rate, as Adam does where the gradient stays the same.
    net, content_X, *targets = inputs
    ramp = 10 * np.arange(SHAPE[0]) + np.zeros(content_X.shape)
    X = train(net, ramp, *targets, 1.0, 7, 3, content_weight=0, style_weight=0)
    moved = (X - ramp).asnumpy()
    distance = 1 + 1 + 1 + 0.8 + 0.8 + 0.8 + 0.64
    assert moved[..., 0] == pytest.approx(distance, rel=1e-4)
    assert moved[..., -1] == pytest.approx(-distance, rel=1e-4)
    assert (moved[..., 1:-1] == 0).all()


def test_history_and_callbacks(inputs):
    calls = []
    X = train(
        *inputs,
        0.05,
        7,
        50,
        callback=lambda history, X: calls.append((list(history), X)),
        callback_every=3,
    )
    assert [len(history) for history, _ in calls] == [3, 6, 7]
    history, last_X = calls[-1]
    assert [entry.epoch for entry in history] == [1, 2, 3, 4, 5, 6, 7]
    for entry in history:
        parts = entry.content + entry.style + entry.tv
        assert entry.total == parts
    seconds = [entry.seconds for entry in history]
    assert seconds == sorted(seconds) and seconds[0] > 0
    assert (last_X.asnumpy() == X.asnumpy()).all()
    assert history[0].content == pytest.approx(0, abs=1e-6)
    assert history[-1].total < history[0].total


def test_weights_scale_the_plotted_losses(inputs):
    def first_losses(**weights):
        histories = []
        train(
            *inputs,
            0.05,
            2,
            50,
            callback=lambda history, X: histories.append(history),
            **weights,
        )
        return histories[-1][0]

    once = first_losses()
    twice = first_losses(style_weight=2e4, tv_weight=30)
    assert twice.style == pytest.approx(2 * once.style, rel=1e-5)
    assert twice.tv == pytest.approx(3 * once.tv, rel=1e-5)


def test_callbacks_do_not_change_the_result(inputs):
    X = train(*inputs, 0.5, 6, 2)
    Y = train(*inputs, 0.5, 6, 2, callback=print, callback_every=1)
    assert (X.asnumpy() == Y.asnumpy()).all()


def test_non_finite_loss_stops_with_the_last_good_pixels(inputs):
    with pytest.raises(NonFiniteLossError) as error:
        train(*inputs, 1e25, 20, 50, callback_every=1)
    assert 'the loss is not finite at epoch' in str(error.value)
    assert 'try a smaller lr' in str(error.value)
    history = error.value.history
    assert 1 <= len(history) < 20
    # Going on from the last good pixels begins with the last good losses.
    net, _, *targets = inputs
    again = []
    train(
        net,
        error.value.X,
        *targets,
        0.1,
        1,
        50,
        callback=lambda history, X: again.extend(history),
    )
    assert again[0].total == history[-1].total


def test_history_ends_where_the_good_pixels_are(inputs):
    # Four epochs are read at once, and only the first of them is finite.
    with pytest.raises(NonFiniteLossError, match='at epoch 2:') as error:
        train(*inputs, 1e25, 20, 50, callback_every=4)
    assert error.value.X is None and error.value.history == []


def test_non_finite_from_the_start_has_no_good_pixels(inputs):
    with pytest.raises(NonFiniteLossError, match='at epoch 1:') as error:
        train(*inputs, 0.1, 2, 50, style_weight=1e39)
    assert error.value.X is None and error.value.history == []


def test_without_a_gpu_the_cpu_is_used():
    if 'gpu' in str(try_gpu()):
        pytest.skip('this machine has a GPU')
    assert try_gpu() == cpu() == get_device('auto') == get_device('cpu')
    assert try_all_gpus() == [cpu()]
    for name in ('gpu', 'gpu:0', 'gpu:7'):
        with pytest.raises(ValueError, match=f"device '{name}' .*cpu or auto"):
            get_device(name)


@pytest.fixture
def failing_gpu(monkeypatch):
    """Let MXNet see a GPU that its build has no code for."""
    devices.gpu_problem.cache_clear()
    devices._auto.cache_clear()
    message = 'Check failed:  ErrStr:no kernel image\nStack trace:\n  0'

    def ones(shape, ctx):
        raise MXNetError(message)

    monkeypatch.setattr(devices, '_num_gpus', lambda: 1)
    monkeypatch.setattr(devices.nd, 'ones', ones)
    yield
    devices.gpu_problem.cache_clear()
    devices._auto.cache_clear()


def test_auto_leaves_a_gpu_that_does_not_compute(failing_gpu, caplog):
    assert get_device('auto') == get_device('auto') == cpu()
    assert caplog.messages == [
        'the GPU does not compute (no kernel image): the CPU does'
    ]


def test_a_gpu_that_does_not_compute_is_refused_by_name(failing_gpu):
    with pytest.raises(ValueError, match=r"'gpu' .*\(no kernel image\).*5\.0"):
        get_device('gpu')


def test_a_gpu_that_computes_is_taken(failing_gpu, monkeypatch):
    monkeypatch.setattr(
        devices.nd, 'ones', lambda shape, ctx: mx.nd.zeros(shape)
    )
    assert get_device('auto') == get_device('gpu') == gpu(0)


@pytest.mark.parametrize('name', ['tpu', 'gpu:', 'gpu:x', 'gpu0', ''])
def test_unknown_device_is_named(name):
    with pytest.raises(ValueError, match=f"device '{name}' .*choose auto"):
        get_device(name)


def assert_same_losses(entry, printed, precision):
    for name in ('content', 'style', 'tv'):
        assert getattr(entry, name) == pytest.approx(
            printed[name], rel=precision, abs=1e-6
        )


def test_the_chapters_listing_as_printed_has_the_same_losses(shared, tmp_path):
    (tmp_path / 'img').symlink_to(shared / 'img')
    (tmp_path / 'notebook').mkdir()
    script = Path(__file__).with_name('listing.py')
    done = subprocess.run(
        [sys.executable, script, shared / 'chapter.txt', '10', '96', '64'],
        cwd=tmp_path / 'notebook',
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    expected = json.loads(done.stdout.splitlines()[-1])

    images = [
        image.imread(str(shared / 'img' / name)).asnumpy()
        for name in ('rainier.jpg', 'autumn-oak.jpg')
    ]
    net = build_net(weights='auto')
    images = [np.array(img, dtype='uint8') for img in images]
    content_X, contents_Y = get_contents(net, images[0], (96, 64), cpu())
    _, styles_Y = get_styles(net, images[1], (96, 64), cpu())
    history = []
    train(
        *(net, content_X, contents_Y, styles_Y, cpu(), 0.9, 10, 5),
        callback=lambda entries, X: history.extend(entries),
    )
    assert len(history) == len(expected) == 10
    for entry, printed in zip(history, expected):
        assert_same_losses(entry, printed, 1e-4)
    # The preset is faster, and at this learning rate rounding errors grow.
    result = stylize(*images, 'chapter', size=(96, 64), epochs=10)
    assert_same_losses(result.history[0], expected[0], 1e-5)
    for entry, printed in zip(result.history[:4], expected):
        assert_same_losses(entry, printed, 1e-3)
