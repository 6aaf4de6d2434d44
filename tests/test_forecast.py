import itertools
import math
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import picture
from mxnet import MXNetError, cpu, gpu

from gluon_style import Settings, stylize
from gluon_style.chapter.vgg import build_net
from gluon_style.errors import GluonStyleError
from gluon_style.methods.gatys import forecast as module
from gluon_style.methods.gatys.forecast import (
    choose_tile,
    free_memory,
    memory_needed,
    picture_bytes,
    seconds_needed,
    size_within,
)
from gluon_style.methods.observers import Observer

GB = 1 << 30


def test_memory_grows_with_pixels_but_not_with_tiles():
    small, large = (450, 300), (1800, 1200)
    settings = Settings()
    whole = memory_needed(large, settings)
    assert whole - module.FIXED_BYTES == pytest.approx(
        16 * (memory_needed(small, settings) - module.FIXED_BYTES), rel=1e-6
    )
    assert whole > 8 * GB
    assert memory_needed(large, settings, 256) < 2 * GB
    assert memory_needed(small, settings, 512) == memory_needed(
        small, settings
    )
    shallow = Settings(content_layers='conv1_1', style_layers='conv1_1')
    assert memory_needed(small, shallow) < memory_needed(small, settings)


def test_a_start_that_is_painted_first_takes_memory_as_a_whole():
    shape = 6000, 4000
    adam = Settings(optimizer='adam')
    painted = adam.changed({'init': 'feedforward'})
    assert picture_bytes(shape, painted) == 240 * 6000 * 4000
    assert picture_bytes(shape, adam) < picture_bytes(shape, painted)
    # L-BFGS takes more, and later.
    lbfgs = Settings(optimizer='lbfgs')
    later = lbfgs.changed({'init': 'feedforward'})
    assert picture_bytes(shape, later) == picture_bytes(shape, lbfgs)


@pytest.mark.parametrize('free, tile', [(64, None), (4, 384), (2.5, 256)])
def test_auto_tiles_where_the_whole_does_not_fit(monkeypatch, free, tile):
    monkeypatch.setattr(module, 'free_memory', lambda device: free * GB)
    chosen = choose_tile((1800, 1200), Settings(), cpu())
    assert chosen == tile
    assert memory_needed((1800, 1200), Settings(), chosen) < free * GB
    for given, expected in (('off', None), (96, 96)):
        settings = Settings(tile=given)
        assert choose_tile((1800, 1200), settings, cpu()) == expected


def test_where_no_tile_is_small_enough_a_smaller_size_is_advised(monkeypatch):
    monkeypatch.setattr(module, 'free_memory', lambda device: GB // 2)
    with pytest.raises(GluonStyleError) as error:
        choose_tile((1800, 1200), Settings(), cpu())
    for words in ('size', '1800x1200 pixels', '80% of the 0.5 GB free'):
        assert words in str(error.value)
    assert str(error.value).endswith('choose a smaller size')
    # L-BFGS takes memory of its own.
    with pytest.raises(GluonStyleError, match='a smaller size, or adam$'):
        choose_tile((1800, 1200), Settings(optimizer='lbfgs'), cpu())


def test_a_containers_limit_counts(monkeypatch, tmp_path):
    monkeypatch.setattr(module, '_CGROUP', tmp_path)
    free = free_memory(cpu())
    assert free > 0
    (tmp_path / 'memory.max').write_text('max\n')
    (tmp_path / 'memory.current').write_text(f'{GB}\n')
    assert free_memory(cpu()) == pytest.approx(free, rel=0.2)
    (tmp_path / 'memory.max').write_text(f'{GB + (100 << 20)}\n')
    # Without its statistics, a container is none.
    assert free_memory(cpu()) == pytest.approx(free, rel=0.2)
    (tmp_path / 'memory.stat').write_text('anon 5\nfile 9\n')
    assert free_memory(cpu()) == 100 << 20
    # Files that were read give way.
    (tmp_path / 'memory.stat').write_text(f'inactive_file {50 << 20}\n')
    assert free_memory(cpu()) == 150 << 20
    (tmp_path / 'memory.max').write_text(f'{GB // 2}\n')
    assert free_memory(cpu()) == 0


def test_memory_of_a_gpu_may_be_unknown(monkeypatch, caplog):
    def fail(i):
        raise MXNetError('no driver')

    monkeypatch.setattr(module, 'gpu_memory_info', fail)
    assert free_memory(gpu(0)) == float('inf')
    assert 'the free memory of gpu(0) is unknown: no driver' in caplog.text


def test_time_grows_with_epochs_pixels_and_tiles(weights_file, monkeypatch):
    net = build_net(weights=weights_file)
    # A clock on which every epoch takes 36 seconds.
    ticks = itertools.cycle([0, 36])
    clock = SimpleNamespace(perf_counter=lambda: next(ticks))
    monkeypatch.setattr(module, 'time', clock)

    def seconds(shape, tile=None, **changes):
        settings = Settings(weights=weights_file, **changes)
        return seconds_needed(net, shape, settings, cpu(), tile)

    # Measured at 192x192: 96x96 is a quarter of that.
    assert seconds((96, 96), epochs=1) == 9
    assert seconds((96, 96), epochs=7) == 63
    assert seconds((1920, 1920), epochs=1) == 3600
    # A coarser scale of 80x80 has a quarter of the epochs, the next is none.
    coarse = (8 * 120**2 + 2 * 80**2) / 192**2 * 36
    assert seconds((120, 120), epochs=8, scales=3) == pytest.approx(coarse)
    # A tile of 128 sees 320 pixels either way, and twice.
    tiled = 1.5 * (10 * 320) ** 2 / 192**2 * 36
    assert seconds((1280, 1280), 128, epochs=1) == pytest.approx(tiled)


# Not the resource module: what it tells includes the process that started
# this one.
MEASURE = r"""
import json, re, sys
from gluon_style import Settings, stylize
from gluon_style.methods.gatys.forecast import memory_needed
import numpy
img = numpy.random.RandomState(0).randint(0, 255, (48, 64, 3)).astype('uint8')
settings = Settings(**json.loads(sys.argv[1]))
stylize(img, img, settings)
tile = None if settings.tile == 'off' else settings.tile
peak = 1024 * int(
    re.search(r'VmHWM:\s+(\d+)', open('/proc/self/status').read())[1]
)
print(peak / memory_needed(settings.size, settings, tile))
"""


@pytest.mark.long
@pytest.mark.skipif(
    not Path('/proc/self/status').exists(), reason='needs Linux to measure'
)
@pytest.mark.parametrize(
    'changes',
    [
        '"size": [320, 320], "tile": "off"',
        '"size": [512, 384], "tile": "off", "optimizer": "lbfgs", '
        '"bounded": true',
        '"size": [320, 320], "tile": "off", "border": "replicate"',
        '"size": [288, 192], "tile": 96',
        '"size": [288, 192], "tile": 96, "border": "replicate"',
        '"size": [256, 256], "tile": "off", "tileable": true',
        '"size": [160, 160], "tile": "off", "style_scale": 5',
    ],
)
def test_memory_forecast_is_what_a_run_takes(weights_file, changes):
    settings = f'{{{changes}, "epochs": 3, "weights": "{weights_file}"}}'
    done = subprocess.run(
        [sys.executable, '-c', MEASURE, settings],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert 0.6 < float(done.stdout.splitlines()[-1]) < 1.2


def test_a_long_run_is_forecast_before_it_begins(weights_file, caplog):
    img = picture(40, 30)
    caplog.set_level('INFO', 'gluon_style')
    stylize(img, img, size=(32, 24), epochs=2, weights=weights_file)
    assert 'free' not in caplog.text
    began = time.perf_counter()
    stylize(
        *(img, img),
        size=(48, 32),
        epochs=20000,
        time_limit=0.1,
        weights=weights_file,
    )
    assert time.perf_counter() - began < 60
    assert '48x32 pixels: about ' in caplog.text
    assert ' min for 20000 epochs, and 0.5 GB of the ' in caplog.text


def test_the_size_that_fits_goes_with_the_root_of_the_time():
    settings = Settings()
    assert size_within((900, 600), settings, 400, 100) == (450, 300)
    assert size_within((900, 600), settings, 100, 400) == (1800, 1200)
    # No less than conv5_1 needs.
    assert size_within((900, 20), settings, 400, 1) == (720, 16)


def test_the_forecast_of_a_run_is_in_its_plan(weights_file, monkeypatch):
    class Plans(Observer):
        def begin(self, plan):
            self.plan, self.forecast = plan, plan.forecast()

    # Measured, it would depend on what else the machine is doing.
    monkeypatch.setattr(module, 'seconds_needed', lambda *args: 400.0)
    monkeypatch.setattr(module, 'free_memory', lambda device: 2.0 * GB)
    img, plans = picture(40, 30), Plans()
    settings = Settings(size=(64, 48), epochs=1, weights=weights_file)
    stylize(img, img, settings, observers=[plans])
    assert plans.plan.steps == [((64, 48), 1)]
    assert plans.plan.image_shape == (64, 48)
    assert plans.plan.tile is None
    assert plans.forecast.seconds == 400
    assert plans.forecast.free == 2 * GB
    assert plans.forecast.memory == memory_needed((64, 48), settings)
    assert plans.forecast.within(100) == (32, 24)


@pytest.mark.long
def test_the_forecast_is_near_what_a_run_takes(weights_file):
    settings = Settings(size=(288, 192), epochs=12, weights=weights_file)
    net = build_net(weights=weights_file)
    img = picture(40, 30)
    ratios = []
    # Other programs slow down the one or the other: the best of three.
    for _ in range(3):
        expected = seconds_needed(net, settings.size, settings, cpu())
        result = stylize(img, img, settings, net=net)
        ratios.append(result.history[-1].seconds / expected)
    assert min(abs(math.log(ratio)) for ratio in ratios) < math.log(1.6)
