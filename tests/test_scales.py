import numpy
import pytest
from conftest import picture
from mxnet import cpu, np

from gluon_style import NonFiniteLossError, Settings
from gluon_style.chapter.images import display_bounds, postprocess, preprocess
from gluon_style.chapter.vgg import build_net
from gluon_style.methods.gatys import scales as module
from gluon_style.methods.gatys.inputs import Inputs
from gluon_style.methods.gatys.objective import Objective
from gluon_style.methods.gatys.scales import (
    coarse_epochs,
    coarse_to_fine,
    enlarge,
    plan,
    scales,
)
from gluon_style.records.log import Log

FAST = {'optimizer': 'lbfgs', 'bounded': True, 'epochs': 4}


@pytest.fixture(scope='module')
def inputs(weights_file):
    net = build_net(weights=weights_file)
    images = [
        np.array(picture(40, 30, seed), dtype='uint8') for seed in (1, 2)
    ]
    return (net, *images)


def pixels_and_losses(inputs, image_shape, log, **changes):
    settings = Settings(**{**FAST, **changes})
    net, content_img, style_img = inputs
    pictures = Inputs(content_img, style_img, settings, cpu())
    return coarse_to_fine(net, pictures, settings, image_shape, log)


def run(inputs, image_shape, log=None, **changes):
    """Return the pixels and the history."""
    log = log or Log()
    X, _ = pixels_and_losses(inputs, image_shape, log, **changes)
    return X, log.history


@pytest.mark.parametrize(
    'image_shape, count, expected',
    [
        ((450, 300), 3, [(200, 133), (300, 200), (450, 300)]),
        ((450, 300), 2, [(300, 200), (450, 300)]),
        ((450, 300), 1, [(450, 300)]),
        ((120, 300), 9, [(80, 200), (120, 300)]),
        ((95, 300), 9, [(95, 300)]),
        ((300, 200), 9, [(133, 89), (200, 133), (300, 200)]),
        ((1800, 1200), 3, [(800, 533), (1200, 800), (1800, 1200)]),
    ],
)
def test_scales_shrink_while_enough_is_left(image_shape, count, expected):
    assert scales(image_shape, count) == expected


def test_coarse_scales_have_a_quarter_of_the_epochs_up_to_20():
    coarse = [coarse_epochs(epochs) for epochs in (1, 4, 40, 80, 81, 500)]
    assert coarse == [1, 1, 10, 20, 20, 20]


def test_every_scale_is_run_and_logged(inputs):
    X, history = run(inputs, (132, 130), scales=4)
    assert X.shape == (1, 3, 130, 132)
    shapes = [entry.scale for entry in history]
    assert shapes == [(88, 87)] + [(132, 130)] * 4
    assert [entry.epoch for entry in history] == list(range(1, 6))


def test_last_scale_has_the_users_objective(inputs):
    net, content_img, style_img = inputs
    X, history = run(
        inputs, (132, 130), scales=2, content_weight=3, tv_weight=7
    )
    content_X, style_X = (
        preprocess(img, (132, 130)) for img in (content_img, style_img)
    )
    objective = Objective(
        net, content_X, style_X, content_weight=3, tv_weight=7
    )
    X.attach_grad('add')
    least = min(entry.total for entry in history[1:])
    assert sum(map(float, objective(X))) == pytest.approx(least, rel=1e-5)


def test_a_coarser_scale_makes_a_better_start(inputs):
    _, alone = run(inputs, (132, 130), scales=1)
    _, both = run(inputs, (132, 130), scales=2, epochs=16)
    assert both[4].style < 0.5 * alone[0].style


def test_stopped_at_a_coarse_scale_the_picture_has_its_full_size(inputs):
    log = Log(time_limit=1e-6)
    X, losses = pixels_and_losses(inputs, (132, 130), log, scales=2)
    (entry,) = log.history
    assert losses is entry and entry.scale == (88, 87)
    # One epoch of L-BFGS has not moved the content picture yet: it is that
    # of the full size, with all its details.
    expected = preprocess(inputs[1], (132, 130)).asnumpy()
    assert numpy.allclose(X.asnumpy(), expected, atol=1e-5)


def test_stop_at_waits_for_the_last_scale(inputs):
    log = Log(stop_at=1e9, final_shape=(1, 3, 130, 132))
    _, history = run(inputs, (132, 130), log, scales=2)
    assert [entry.scale for entry in history[1:]] == [(132, 130)]


def test_enlarging_keeps_a_slope():
    slope = numpy.linspace(0, 1, 8, dtype='float32')
    X = np.array(numpy.broadcast_to(slope, (1, 3, 6, 8)).copy())
    large = enlarge(X, (16, 12)).asnumpy()
    assert large.shape == (1, 3, 12, 16) and large.dtype == 'float32'
    inside = numpy.diff(large[0, 0, 5, 4:12])
    assert numpy.allclose(inside, 1 / 14, atol=1e-3)


@pytest.mark.parametrize('init', ['noise', 'blend:0.25'])
def test_noise_is_in_the_start_of_the_coarsest_scale_only(inputs, init):
    low, high = (bound.asnumpy() for bound in display_bounds(cpu()))
    content = {
        shape: preprocess(inputs[1], shape).asnumpy() * (init != 'noise')
        for shape in ((88, 87), (132, 130))
    }
    for seed in (1, 2):
        X, _ = run(
            inputs, (132, 130), scales=2, init=init, seed=seed, epochs=1
        )
        # After one epoch there is no change yet, but for the bounds.
        noise = numpy.random.RandomState(seed).normal(size=(1, 3, 87, 88))
        coarse = noise
        if init != 'noise':
            coarse = 0.25 * noise + 0.75 * content[88, 87]
        coarse = numpy.clip(coarse.astype('float32'), low, high)
        change = np.array((coarse - content[88, 87]).astype('float32'))
        expected = content[132, 130] + enlarge(change, (132, 130)).asnumpy()
        expected = numpy.clip(expected, low, high)
        assert numpy.allclose(X.asnumpy(), expected, atol=1e-5)


def test_stopped_at_a_coarse_scale_noise_does_not_come_back(inputs):
    log = Log(time_limit=1e-6)
    X, _ = run(inputs, (132, 130), log, scales=2, init='noise', bounded=False)
    noise = numpy.random.RandomState(0).normal(size=(1, 3, 87, 88))
    noise = np.array(noise.astype('float32'))
    assert numpy.allclose(
        X.asnumpy(), enlarge(noise, (132, 130)).asnumpy(), atol=1e-5
    )


def test_plan_has_the_epochs_and_weights_of_each_scale():
    settings = Settings(scales=2, epochs=40, content_weight=3)
    coarse, last = plan(settings, (300, 150))
    assert last == ((300, 150), settings)
    assert coarse[0] == (200, 100)
    assert (coarse[1].epochs, coarse[1].content_weight) == (10, 60)


def test_a_first_stage_is_run_and_enlarged(inputs):
    first = {'scale': 0.5, 'epochs': 3, 'lr': 0.5, 'lr_decay_epoch': 2}
    settings = {'optimizer': 'adam', 'bounded': False}
    settings['lr_decay_epoch'] = 2
    start, _ = run(inputs, (66, 65), **settings, epochs=3, lr=0.5)
    expected = preprocess(255 * postprocess(start), (132, 130)).asnumpy()
    # So small a learning rate leaves the second stage where it begins.
    settings.update(first=first, lr=1e-6, epochs=1)
    X, history = run(inputs, (132, 130), **settings)
    scales = [entry.scale for entry in history]
    assert scales == [(66, 65)] * 3 + [(132, 130)]
    assert numpy.allclose(X.asnumpy(), expected, atol=1e-4)


def test_a_first_stage_too_small_for_the_layers_is_refused(inputs):
    first = {'scale': 0.1, 'epochs': 3, 'lr': 0.5, 'lr_decay_epoch': 2}
    with pytest.raises(ValueError, match='a picture of 13x13 pixels: the'):
        run(inputs, (132, 130), first=first)


def test_the_style_picture_can_be_the_start(inputs):
    X, _ = run(inputs, (66, 65), init='style', epochs=1)
    expected = preprocess(inputs[2], (66, 65)).asnumpy()
    assert numpy.allclose(X.asnumpy(), expected, atol=1e-5)


def test_repeated_style_losses_weigh_as_often(inputs):
    settings = {'style_weight': 1e3, 'style_repeats': 10}
    log = Log(style_repeats=10)
    X, repeated = run(inputs, (66, 65), log, **settings)
    Y, weighted = run(inputs, (66, 65), style_weight=1e4)
    assert numpy.allclose(X.asnumpy(), Y.asnumpy(), atol=1e-4)
    for a, b in zip(repeated, weighted):
        assert a.style == pytest.approx(b.style / 10, rel=1e-4)
        assert a.total == pytest.approx(b.total, rel=1e-4)


@pytest.mark.parametrize('name', ['adam', 'lbfgs'])
def test_a_loss_of_nan_at_the_last_scale(inputs, monkeypatch, name):
    class Failing(Objective):
        def __call__(self, X):
            content, style, tv = super().__call__(X)
            return content, style, tv / (X.shape[3] != 132)

    monkeypatch.setattr(module, 'Objective', Failing)
    with pytest.raises(NonFiniteLossError) as error:
        run(inputs, (132, 130), scales=2, optimizer=name, lr=0.1, epochs=8)
    assert error.value.X.shape == (1, 3, 130, 132)
    assert error.value.losses.scale == (88, 87)
    best = min(error.value.history, key=lambda entry: entry.total)
    assert error.value.losses is best
