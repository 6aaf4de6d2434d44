"""The network in bfloat16: as float32, but for its precision."""

import logging

import numpy
import pytest
from mxnet import cpu

from gluon_style import Settings, read_image, samples, stylize
from gluon_style.chapter.images import preprocess_antialiased
from gluon_style.chapter.vgg import build_net
from gluon_style.classroom.computing import examine_precision
from gluon_style.classroom.findings import GOOD
from gluon_style.methods.gatys import precision
from gluon_style.methods.gatys.objective import Objective
from gluon_style.methods.gatys.precision import (
    choose_precision,
    has_bfloat16,
)
from gluon_style.methods.gatys.presets import PRESETS

on_bfloat16 = pytest.mark.skipif(
    not has_bfloat16(), reason='this processor does not compute in bfloat16'
)


@pytest.fixture
def processor(tmp_path, monkeypatch):
    """Return a function that replaces this machine's processor."""

    def install(info):
        path = tmp_path / 'cpuinfo'
        if info is not None:
            path.write_text(info)
        monkeypatch.setattr(precision, '_CPU_INFO', path)
        has_bfloat16.cache_clear()

    yield install
    monkeypatch.undo()
    has_bfloat16.cache_clear()


@pytest.mark.parametrize(
    ('info', 'expected'),
    [
        ('model\t: 9\nflags\t\t: fpu avx512_bf16 sse\n', True),
        ('flags : fpu amx_bf16 amx_tile\nbugs : none\n', True),
        ('flags : fpu avx512f avx2\nbugs : avx512_bf16\n', False),
        ('processor : 0\nFeatures : fp asimd bf16\n', False),
        ('', False),
        (None, False),
    ],
)
def test_the_processor_says_what_it_has(processor, info, expected):
    processor(info)
    assert has_bfloat16() is expected


@pytest.mark.parametrize('has', [True, False])
def test_the_doctor_says_what_the_processor_has(processor, has):
    processor('flags : avx512_bf16\n' if has else 'flags : avx2\n')
    (finding,) = examine_precision()
    assert finding.level == GOOD
    assert ('not in bfloat16' in finding.text) is not has


class Gpu:
    device_type = 'gpu'


@pytest.mark.parametrize(
    ('asked', 'flags', 'device', 'chosen', 'warning'),
    [
        ('auto', 'avx512_bf16', cpu(), 'bfloat16', ''),
        ('bfloat16', 'avx512_bf16', cpu(), 'bfloat16', ''),
        ('float32', 'avx512_bf16', cpu(), 'float32', ''),
        ('auto', 'avx2', cpu(), 'float32', ''),
        ('bfloat16', 'avx2', cpu(), 'float32', 'this processor does not'),
        ('auto', 'avx512_bf16', Gpu(), 'float32', ''),
        ('bfloat16', 'avx512_bf16', Gpu(), 'float32', 'this device does not'),
    ],
)
def test_auto_is_bfloat16_where_it_is_computed(
    processor, caplog, asked, flags, device, chosen, warning
):
    processor(f'flags : {flags}\n')
    settings = Settings(precision=asked, pooling='avg')
    assert choose_precision(settings, device) == chosen
    assert warning in caplog.text and bool(caplog.text) == bool(warning)


def test_auto_is_float32_with_maxima(processor):
    processor('flags : avx512_bf16\n')
    for asked, chosen in (('auto', 'float32'), ('bfloat16', 'bfloat16')):
        settings = Settings(precision=asked, pooling='max')
        assert choose_precision(settings, cpu()) == chosen


def test_only_the_chapters_presets_are_in_float32():
    chosen = {name: each.precision for name, each in PRESETS.items()}
    others = {name for name in PRESETS if not name.startswith('chapter')}
    assert chosen == {
        name: 'auto' if name in others else 'float32' for name in PRESETS
    }


@pytest.mark.parametrize('asked', ['auto', 'float32', 'bfloat16'])
def test_a_record_says_which_and_repeats_elsewhere(
    weights_file, pictures, processor, tmp_path, caplog, asked
):
    caplog.set_level(logging.WARNING)
    content, style = pictures
    # Adam goes by signs, and small differences turn them.
    options = {
        'size': 32,
        'epochs': 2,
        'scales': 1,
        'network': 'vgg19',
        'weights': weights_file,
        'observers': [],
    }
    if asked == 'bfloat16' and not has_bfloat16():
        pytest.skip('this processor does not compute in bfloat16')
    result = stylize(content, style, 'quick', precision=asked, **options)
    chosen = choose_precision(
        PRESETS['quick'].changed({'precision': asked}), cpu()
    )
    assert result.record.settings['precision'] == chosen
    result.save(tmp_path / 'out.png')
    processor('flags : avx2\n')
    again = stylize(content, style, tmp_path / 'out.json', **options)
    assert again.record.settings['precision'] == 'float32'
    said = 'the run is in float32' in caplog.text
    assert said == (chosen == 'bfloat16')
    largest = abs(again.image.astype(int) - result.image).max()
    assert largest <= (3 if chosen == 'bfloat16' else 0)


SHAPE = (128, 80)
HALF = numpy.repeat(numpy.eye(1, 2), 64, axis=1).repeat(80, axis=0)


@pytest.fixture(scope='module')
def arrays():
    """Return the samples: a photograph, a painting, and a blend of both."""
    content_X, style_X = (
        preprocess_antialiased(img, SHAPE)
        for img in (samples.photograph(), read_image(samples.PAINTING))
    )
    return content_X, style_X, 0.7 * content_X + 0.3 * style_X


def losses_and_gradient(net, arrays, settings, **options):
    content_X, style_X, X = arrays
    styles = [style_X] * (2 if 'mask' in options else 1)
    objective = Objective(net, content_X, styles, settings, **options)
    X = X.copy()
    X.attach_grad(grad_req='add')
    losses = objective(X)
    return [float(loss) for loss in losses], X.grad.asnumpy()


def cosine(a, b):
    return (a * b).sum() / numpy.linalg.norm(a) / numpy.linalg.norm(b)


@on_bfloat16
@pytest.mark.parametrize(
    'changes',
    [
        {},
        {'border': 'zero', 'tileable': True},
        {'style_loss': 'w2', 'tile': 32},
        {'style_loss': 'meanvar', 'tv_norm': 'l2', 'mask': HALF},
        # Without conv1_1; and a segment that ends with averages.
        {'style_layers': 'conv3_1', 'content_layers': 'conv4_2'},
        {'style_layers': 'pool2', 'content_layers': 'relu3_3'},
    ],
)
def test_losses_and_gradients_are_those_of_float32(
    torchvision, arrays, changes
):
    options = {
        name: value
        for name, value in changes.items()
        if name in ('mask', 'tile')
    }
    changes = {key: changes[key] for key in changes if key not in options}
    # A strength would turn a difference of losses into one of weights.
    settings = PRESETS['fast'].changed(
        {'network': 'vgg16', 'style_weight': 1e5, **changes}
    )
    net = build_net(
        list(settings.content_factors),
        list(settings.style_factors),
        network='vgg16',
        weights='torchvision',
        pooling='avg',
    )
    (losses, gradient), (losses_16, gradient_16) = (
        losses_and_gradient(
            net, arrays, settings.changed({'precision': name}), **options
        )
        for name in ('float32', 'bfloat16')
    )
    assert losses_16 == pytest.approx(losses, rel=1e-3)
    assert cosine(gradient, gradient_16) >= 0.998
    # It did compute in bfloat16.
    assert abs(gradient - gradient_16).max() > 0
