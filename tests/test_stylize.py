import hashlib
import time
from dataclasses import replace
from pathlib import Path

import numpy
import pytest
from conftest import picture
from PIL import Image

from gluon_style import (
    PRESETS,
    NonFiniteLossError,
    Settings,
    build_net,
    stylize,
)
from gluon_style.errors import GluonStyleError
from gluon_style.methods.gatys.inputs import Inputs
from gluon_style.methods.observers import SaveSteps
from gluon_style.records.record import PictureId


@pytest.fixture(scope='module')
def tiny(weights_file):
    return Settings(size=(32, 24), epochs=3, lr=0.1, weights=weights_file)


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_result_has_picture_history_and_record(pictures, tiny):
    result = stylize(*pictures, tiny)
    assert result.image.shape == (24, 32, 3)
    assert result.image.dtype == 'uint8'
    assert len(result.history) == 3
    record = result.record
    assert record.method == 'gatys'
    assert record.settings['lr'] == 0.1
    assert (record.width, record.height) == (32, 24)
    assert record.epochs == 3 and record.stopped is None
    for role, path in zip(('content', 'style'), pictures):
        assert record.pictures[role] == PictureId(
            Path(path).name, digest(Path(path))
        )
    assert record.weights.sha256 == digest(Path(tiny.weights))
    assert record.weights.source == 'file'
    assert set(record.versions) == {
        'gluon_style',
        'mxnet',
        'numpy',
        'python',
    }
    assert record.device == 'cpu(0)'
    assert int(record.threads) >= 1


def test_loading_the_network_is_not_the_runs_time(pictures, tiny, monkeypatch):
    hours = [0]
    clock = time.perf_counter

    def load_for_an_hour(*layers, **options):
        hours[0] += 1
        return build_net(*layers, **options)

    monkeypatch.setattr(
        'gluon_style.methods.gatys.stylize.build_net', load_for_an_hour
    )
    monkeypatch.setattr(
        time, 'perf_counter', lambda: clock() + 3600 * hours[0]
    )
    result = stylize(*pictures, tiny, epochs=1)
    assert hours == [1] and result.history[0].seconds < 3600


def test_record_has_the_losses_of_the_picture(pictures, tiny):
    result = stylize(*pictures, tiny, lr=2.0, epochs=9)
    totals = [entry.total for entry in result.history]
    # Adam has gone on from its least loss, and so does the picture.
    assert totals[-1] > min(totals)
    last = result.history[-1]
    assert result.record.losses == replace(last, seconds=None)
    result = stylize(*pictures, tiny, optimizer='lbfgs', epochs=9)
    totals = [entry.total for entry in result.history]
    assert result.record.losses.total == min(totals) < totals[0]


def test_keywords_change_settings(tiny):
    img = picture(40, 30)
    result = stylize(img, img, tiny, epochs=1, size=24, content_layers=2)
    assert result.image.shape == (18, 24, 3)
    assert result.record.settings['content_layers'] == ['conv1_2']
    assert len(result.history) == 1


def test_preset_by_name(weights_file):
    img = picture(40, 30)
    result = stylize(
        img, img, 'quick', weights=weights_file, size=(32, 16), epochs=1
    )
    assert result.record.settings['lr'] == PRESETS['quick'].lr
    sha256 = hashlib.sha256(img.tobytes()).hexdigest()
    assert result.record.pictures['content'] == PictureId(None, sha256)


def test_pillow_images_give_the_same_as_files(pictures, tiny):
    opened = [Image.open(path) for path in pictures]
    same = stylize(*opened, tiny).image == stylize(*pictures, tiny).image
    assert same.all()


def test_noise_depends_on_the_seed_alone(pictures, tiny):
    def start(seed):
        changes = {'init': 'noise', 'seed': seed, 'epochs': 1}
        return stylize(*pictures, tiny.changed(changes)).image

    assert (start(1) == start(1)).all()
    assert (start(1) != start(2)).any()
    assert (start(1) != stylize(*pictures, tiny, epochs=1).image).any()


def test_content_weight_keeps_the_content(pictures, tiny):
    def distance(**changes):
        result = stylize(*pictures, tiny, epochs=15, **changes)
        unchanged = stylize(*pictures, tiny, epochs=1, lr=1e-9).image
        return abs(result.image.astype(int) - unchanged).mean()

    assert distance(content_weight=1e3) < distance(content_weight=1)


@pytest.mark.parametrize(
    'changes, sentence',
    [
        ({'epoch': 3}, "setting 'epoch' is unknown"),
        ({'device': 'tpu'}, "device 'tpu' is unknown"),
        ({'weights': 'vgg'}, "weights 'vgg' are unknown"),
        ({'size': 20}, 'size gives a picture of 20x13 pixels'),
        ({'settings': 'slow'}, "preset 'slow' is unknown"),
    ],
)
def test_mistakes_are_sentences(pictures, tiny, changes, sentence):
    settings = changes.pop('settings', tiny)
    with pytest.raises(ValueError) as error:
        stylize(*pictures, settings, **changes)
    assert sentence in str(error.value)


def test_non_finite_loss_carries_the_last_good_result(pictures, tiny):
    with pytest.raises(NonFiniteLossError) as error:
        stylize(*pictures, tiny, lr=1e25)
    result = error.value.result
    assert len(result.history) == 1
    assert result.image.shape == (24, 32, 3)
    assert numpy.ptp(result.image) > 0
    with pytest.raises(NonFiniteLossError) as error:
        stylize(*pictures, tiny, tv_weight=3.4e38, init='noise')
    assert error.value.result is None


def test_pictures_that_are_not_wanted_are_not_made(
    pictures, tiny, tmp_path, monkeypatch
):
    made = []
    finished = Inputs.finished

    def count(self, X):
        made.append(None)
        return finished(self, X)

    monkeypatch.setattr(Inputs, 'finished', count)
    steps = SaveSteps(tmp_path / 'out.png', every=2)
    stylize(*pictures, tiny, epochs=5, observers=[steps])
    # Those of epochs 2 and 4, and the result's.
    assert len(made) == 3
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ['out-00002.png', 'out-00004.png']


def test_a_given_net_has_the_network_and_the_pooling_of_the_run(weights_file):
    net = build_net(weights=weights_file)
    img = picture(32, 32)
    options = {'net': net, 'size': 32, 'epochs': 1}
    # The preset 'quick' takes averages.
    with pytest.raises(GluonStyleError, match="pooling is 'avg' and net has"):
        stylize(img, img, 'quick', **options)
    with pytest.raises(GluonStyleError, match="network is 'vgg16' and net is"):
        stylize(img, img, 'chapter', network='vgg16', **options)
    result = stylize(img, img, 'quick', pooling='max', **options)
    assert result.record.settings['network'] == 'vgg19'
