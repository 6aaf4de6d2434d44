"""A run killed at any moment and resumed ends as one that was not.

The program itself is started, killed and resumed, in processes of its own.
"""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy
import pytest
from conftest import start
from PIL import Image

from gluon_style.pictures.read import read_picture

# Two scales of L-BFGS, and Adam with two decays; 5 to 10 seconds each.
RUNS = {
    'adam': '--preset chapter --size 48x32 --epochs 120 --lr 0.2 '
    '--lr-decay-epoch 50 --checkpoint-every 7',
    'lbfgs': '--preset fast --size 132x128 --scales 2 --epochs 24 '
    '--checkpoint-every 5 --style-scale 0.5',
}


@pytest.fixture(scope='module')
def runs(pictures, weights_file, tmp_path_factory):
    """The arguments of each run, and the folder of its uninterrupted one."""
    whole = {}
    for name, options in RUNS.items():
        arguments = ['run', *pictures, '-o', 'out.png', '--quiet']
        arguments += ['--weights', weights_file, '--checkpoint', 'saved']
        arguments += options.split()
        folder = tmp_path_factory.mktemp(name)
        child = start(*arguments, cwd=folder)
        _, err = child.communicate()
        assert child.returncode == 0, err
        assert names(folder) == ['out.json', 'out.png']
        whole[name] = arguments, folder
    return whole


def names(folder):
    return sorted(path.name for path in Path(folder).iterdir())


def outcome(folder):
    """Return the picture, and the losses of all epochs."""
    record = json.loads((folder / 'out.json').read_text())
    losses = [
        [entry[name] for name in ('content', 'style', 'tv', 'total')]
        for entry in record['history']
    ]
    return read_picture(folder / 'out.png').astype(int), numpy.array(losses)


def require_whole(folder):
    """Check that each file is absent or whole."""
    if (folder / 'out.json').exists():
        json.loads((folder / 'out.json').read_text())
    if (folder / 'out.png').exists():
        with Image.open(folder / 'out.png') as picture:
            picture.load()


def killed_and_resumed(arguments, folder, moments):
    """Kill a run at these seconds after each start; then let it end.

    Returns how many kills came while it still ran.
    """
    kills = 0
    for seconds in [*moments, None]:
        child = start(*arguments, '--resume', cwd=folder)
        try:
            _, err = child.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGKILL)
            child.communicate()
            kills += 1
            require_whole(folder)
        else:
            assert child.returncode == 0, err
            assert err == ''
    return kills


def require_same(folder, expected):
    image, losses = outcome(folder)
    wanted_image, wanted_losses = outcome(expected)
    assert losses.shape == wanted_losses.shape
    assert numpy.allclose(losses, wanted_losses, rtol=1e-5, atol=1e-7)
    assert abs(image - wanted_image).max() <= 1
    assert (image != wanted_image).mean() < 1e-3


def check(runs, name, folder, rng, count, seconds):
    """Kill one run ``count`` times, at moments of up to ``seconds``."""
    arguments, expected = runs[name]
    moments = [rng.uniform(0, seconds) for _ in range(count)]
    kills = killed_and_resumed(arguments, folder, moments)
    require_same(folder, expected)
    assert {'out.json', 'out.png'} <= set(names(folder))
    assert not (folder / 'saved').exists()
    return kills


@pytest.mark.long
@pytest.mark.parametrize('name', RUNS)
def test_killed_and_resumed(runs, tmp_path, name):
    # Once while it starts, twice while it computes.
    rng = random.Random(0)
    assert check(runs, name, tmp_path, rng, 1, 1) == 1
    assert check(runs, name, tmp_path, random.Random(1), 2, 9) >= 1


@pytest.mark.slow
def test_killed_at_fifty_moments(runs, tmp_path):
    rng, kills, tries = random.Random(0), 0, 0
    while kills < 50:
        tries += 1
        assert tries < 40
        folder = tmp_path / str(tries)
        folder.mkdir()
        name = rng.choice(list(RUNS))
        kills += check(runs, name, folder, rng, 3, 12)
    print(f'{kills} kills in {tries} runs')


def stopped(arguments, folder, number, after):
    """Send a signal once so many epochs are saved; returns code and stderr."""
    child = start(*arguments, cwd=folder)
    deadline = time.monotonic() + 120
    while not after() and child.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    child.send_signal(number)
    _, err = child.communicate(timeout=120)
    return child.returncode, err


@pytest.mark.long
@pytest.mark.parametrize(
    'name, number, code',
    [('adam', signal.SIGINT, 130), ('lbfgs', signal.SIGTERM, 143)],
)
def test_a_signal_keeps_the_best_picture_and_says_how_to_go_on(
    runs, tmp_path, name, number, code
):
    arguments, expected = runs[name]
    saved = tmp_path / 'saved' / 'checkpoint.npz'
    returned, err = stopped(arguments, tmp_path, number, saved.exists)
    assert returned == code
    # At a coarser scale, a warning says that the picture is enlarged.
    last = err.splitlines()[-1]
    assert last.startswith(f'gluon-style: stopped by {number.name} after')
    record = json.loads((tmp_path / 'out.json').read_text())
    assert record['stopped'] == number.name
    totals = [entry['total'] for entry in record['history']]
    assert record['losses']['total'] == min(
        entry['total']
        for entry in record['history']
        if entry['scale'] == record['losses']['scale']
    )
    assert 0 < len(totals) < len(outcome(expected)[1])
    # The command that is printed, as a shell understands it.
    resume = re.split(r'to go on from epoch \d+: ', last)[1]
    assert resume.startswith('gluon-style run --resume ')
    path = os.pathsep.join([str(Path(sys.executable).parent)])
    done = subprocess.run(
        resume,
        shell=True,
        cwd=tmp_path,
        env={**os.environ, 'PATH': f'{path}{os.pathsep}{os.environ["PATH"]}'},
    )
    assert done.returncode == 0
    require_same(tmp_path, expected)
    assert names(tmp_path) == ['out.json', 'out.png']


@pytest.mark.long
def test_without_a_checkpoint_a_signal_makes_one(runs, tmp_path):
    arguments, expected = runs['adam']
    for option in ('--checkpoint', '--checkpoint-every'):
        cut = arguments.index(option)
        arguments = arguments[:cut] + arguments[cut + 2 :]
    arguments += ['--save-every', '10']
    first = tmp_path / 'out-00010.png'
    returned, err = stopped(arguments, tmp_path, signal.SIGINT, first.exists)
    assert returned == 130 and '--checkpoint=out.checkpoint --resume' in err
    resume = [*arguments, '--checkpoint', 'out.checkpoint', '--resume']
    child = start(*resume, cwd=tmp_path)
    _, err = child.communicate()
    assert child.returncode == 0, err
    require_same(tmp_path, expected)
    assert not (tmp_path / 'out.checkpoint').exists()
