"""What the tests share: small pictures, and weights that they make."""

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

# Before anything imports pyplot: no test needs a display.
os.environ.setdefault('MPLBACKEND', 'Agg')

import numpy
import pytest
from machines import PATIENCE, Machines
from PIL import Image

import gluon_style  # noqa: F401 - prepares MXNet before a test imports it
from gluon_style.layers import CONV_SHAPES
from gluon_style.weights.formats import write_layers

SHARED = Path(__file__).resolve().parents[2] / 'shared'


@pytest.fixture(scope='session', autouse=True)
def numpy_mode():
    """Set NumPy's mode once, as the first cell of a reader's notebook does.

    The package sets it for its own calls only; tests compute, too.
    """
    from mxnet import npx

    npx.set_np()


@pytest.fixture
def shared():
    """Return the folder of the textbook's material, which is not shipped."""
    if not (SHARED / 'chapter.txt').is_file():
        pytest.skip('needs the textbook in ../shared')
    return SHARED


def random_layers(names, seed=0):
    """Return layers that keep the size of activations (He et al. 2015)."""
    rng = numpy.random.RandomState(seed)
    layers = {}
    for name in names:
        shape = CONV_SHAPES[name]
        deviation = (2 / numpy.prod(shape[1:])) ** 0.5
        weight = rng.normal(scale=deviation, size=shape)
        bias = rng.normal(scale=0.1, size=shape[0])
        layers[name] = weight.astype('float32'), bias.astype('float32')
    return layers


@pytest.fixture(scope='session')
def weights_file(tmp_path_factory):
    """Random weights of all layers up to conv5_2, as a file."""
    names = list(CONV_SHAPES)[:14]
    path = tmp_path_factory.mktemp('weights') / 'random.npz'
    write_layers(path, random_layers(names))
    return str(path)


@pytest.fixture(scope='module')
def browser():
    """A browser without a window, as installed: nothing is downloaded."""
    webdriver = pytest.importorskip(
        'selenium.webdriver', reason='needs selenium (pip install .[test])'
    )
    from selenium.webdriver.chrome.service import Service

    program, driver = map(shutil.which, ('chromium', 'chromedriver'))
    if program is None or driver is None:
        pytest.skip('needs the programs chromium and chromedriver')
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for argument in (
        '--headless=new',
        '--no-sandbox',
        '--disable-dev-shm-usage',
        '--window-size=1280,900',
    ):
        options.add_argument(argument)
    options.set_capability(
        'goog:loggingPrefs', {'browser': 'ALL', 'performance': 'ALL'}
    )
    chromium = webdriver.Chrome(options=options, service=Service(driver))
    yield chromium
    chromium.quit()


@pytest.fixture(scope='session')
def oxford():
    """Return the original weights, for what only they can show."""
    return _fetched('oxford')


@pytest.fixture(scope='session')
def torchvision():
    """Return VGG-16's weights, for what only they can show."""
    return _fetched('torchvision')


def _fetched(name):
    from gluon_style.errors import WeightsError
    from gluon_style.weights.sources import fetch

    try:
        return fetch(name)
    except WeightsError as error:
        pytest.skip(f'needs the weights {name}: {error}')


def picture(width, height, seed=0):
    """Return a smooth random picture, an array (height, width, 3)."""
    rng = numpy.random.RandomState(seed)
    coarse = rng.randint(0, 256, size=(4, 5, 3)).astype('uint8')
    return numpy.asarray(Image.fromarray(coarse).resize((width, height)))


def engraving(width, height):
    """Return black and white lines 9.3 pixels apart, (height, width, 3).

    A tenth of the size is too small for such lines, and grey.
    """
    x, y = numpy.meshgrid(numpy.arange(width), numpy.arange(height))
    lines = numpy.sin(2 * numpy.pi * (x + 1.7 * y) / (9.3 * 2)) > 0
    return numpy.repeat((255 * lines[..., None]).astype('uint8'), 3, axis=2)


@pytest.fixture(scope='session')
def pictures(tmp_path_factory):
    """The paths of a content picture, 60x40, and a style picture, 50x50."""
    folder = tmp_path_factory.mktemp('pictures')
    content, style = folder / 'content.png', folder / 'style.jpg'
    Image.fromarray(picture(60, 40, seed=1)).save(content)
    Image.fromarray(picture(50, 50, seed=2)).save(style, quality=95)
    return str(content), str(style)


@pytest.fixture
def without_mxnet():
    """Return a function that runs code which must not import MXNet."""

    def run(code):
        done = subprocess.run(
            [
                sys.executable,
                '-c',
                f'{code};import sys;assert "mxnet" not in sys.modules',
            ],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run


def program(*words):
    """Return the words that start the command line in a process of its own."""
    return [sys.executable, '-m', 'gluon_style', *map(str, words)]


def start(*words, **options):
    """Start the command line in a process of its own, from this checkout."""
    root = str(Path(gluon_style.__file__).parents[1])
    environment = {**options.pop('env', os.environ), 'PYTHONPATH': root}
    pipes = {'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE}
    options = {**pipes, 'text': True, **options}
    return subprocess.Popen(program(*words), env=environment, **options)


class Command:
    """Run the command line; returns its exit code, stdout and stderr."""

    def __init__(self, capsys, monkeypatch):
        self._capsys, self._monkeypatch = capsys, monkeypatch

    def __call__(self, *words, cwd=None):
        """Run it in this process, so that a bug is an exception here."""
        from gluon_style import cli

        self._capsys.readouterr()
        with self._monkeypatch.context() as patch:
            if cwd is not None:
                patch.chdir(cwd)
            try:
                code = cli.main([str(word) for word in words])
            except SystemExit as stop:
                code = stop.code
        return (code, *self._capsys.readouterr())

    def alone(self, *words, **options):
        """Run it in a process of its own."""
        child = start(*words, **options)
        out, err = child.communicate(timeout=300)
        return child.returncode, out, err


@pytest.fixture
def command(capsys, monkeypatch):
    """The command line: ``command(*words)``, ``command.alone(*words)``."""
    return Command(capsys, monkeypatch)


@pytest.fixture
def during_run(monkeypatch):
    """Have the command line call a function at a moment of its runs.

    ``during_run(begin=f)``: once the files were checked; ``epoch``: after
    each epoch, with their number; ``end``: before the files are written.
    """
    from gluon_style.cli import picture
    from gluon_style.methods.observers import Progress

    def install(begin=None, epoch=None, end=None):
        class Watching(Progress):
            def begin(self, plan):
                super().begin(plan)
                if begin:
                    begin()

            def epoch(self, history, picture):
                super().epoch(history, picture)
                if epoch:
                    epoch(len(history))

            def end(self, result):
                super().end(result)
                if end:
                    end()

        monkeypatch.setattr(picture, 'Progress', Watching)

    return install


@pytest.fixture
def machines(tmp_path):
    """A scheduler and workers that the test starts: see ``Machines``."""
    folder = tmp_path / 'machines'
    folder.mkdir()
    machines = Machines(folder)
    # Without a scheduler a client gives up: no test waits forever.
    watchdog = threading.Timer(4 * PATIENCE, machines.stop)
    watchdog.daemon = True
    watchdog.start()
    yield machines
    watchdog.cancel()
    machines.stop()
