"""What was there before is still there, whatever happens to a run."""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import picture, program, start
from PIL import Image

from gluon_style.files.atomic import replacing
from gluon_style.pictures.read import read_picture


@pytest.fixture
def inputs(pictures, weights_file, tmp_path, monkeypatch):
    """A folder with two pictures; the arguments of a run in it."""
    monkeypatch.chdir(tmp_path)
    for name, source in zip(('content.png', 'style.png'), pictures):
        Image.fromarray(read_picture(source)).save(name)
    arguments = ['run', 'content.png', 'style.png', '--quiet']
    arguments += ['--weights', weights_file, '--size', '32x24']
    return [*arguments, '--epochs', '2', '--preset', 'chapter']


def state(folder):
    return {
        path.name: path.read_bytes()
        for path in Path(folder).iterdir()
        if path.is_file()
    }


# Replaces a file, and waits at one stage until it is killed.
STOPPING_WRITER = """
import os, sys
from gluon_style.files.atomic import replacing
path, stage = sys.argv[1:]
def reach(reached):
    if reached == stage:
        print(stage, flush=True)
        sys.stdin.read()
def stopping_replace(source, target, replace=os.replace):
    reach('flushed')
    replace(source, target)
    reach('renamed')
os.replace = stopping_replace
with replacing(path) as temporary:
    reach('empty')
    with open(temporary, 'wb') as file:
        file.write(bytes(1_500_000))
        file.flush()
        reach('half')
        file.write(bytes(1_500_000))
    reach('written')
"""
STAGES = ['empty', 'half', 'written', 'flushed', 'renamed']


@pytest.mark.parametrize('stage', STAGES)
def test_a_file_is_whole_at_whatever_stage_its_writer_is_killed(
    tmp_path, stage
):
    path = tmp_path / 'a.bin'
    path.write_bytes(b'old')
    writer = subprocess.Popen(
        [sys.executable, '-c', STOPPING_WRITER, str(path), stage],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert writer.stdout.readline() == f'{stage}\n'
    writer.send_signal(signal.SIGKILL)
    writer.communicate()
    renamed = stage == 'renamed'
    assert path.read_bytes() == (bytes(3_000_000) if renamed else b'old')
    assert len(list(tmp_path.glob('.new-*'))) == (0 if renamed else 1)
    # The next writer removes what this one left.
    with replacing(path) as temporary:
        assert list(tmp_path.glob('.new-*')) == [temporary]
        temporary.write_bytes(b'next')
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == b'next'


def test_what_several_killed_writers_left_is_removed(tmp_path):
    path = tmp_path / 'a.bin'
    writers = []
    for _ in range(3):
        writer = subprocess.Popen(
            [sys.executable, '-c', STOPPING_WRITER, str(path), 'half'],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert writer.stdout.readline() == 'half\n'
        writers.append(writer)
    # The first one's end leaves a gap before what the others leave.
    writers[0].communicate('go on\n' * 9)
    for writer in writers[1:]:
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
    assert len(list(tmp_path.glob('.new-*'))) == 2
    with replacing(path) as temporary:
        assert list(tmp_path.glob('.new-*')) == [temporary]
        temporary.write_bytes(b'next')
    assert list(tmp_path.iterdir()) == [path]


# Writes the same two contents in turn, forever.
WRITER = """
import itertools, sys
from gluon_style.files.atomic import replacing
print('ready', flush=True)
for i in itertools.cycle((0, 1)):
    with replacing(sys.argv[1]) as temporary:
        temporary.write_bytes(bytes([i]) * 3_000_000)
"""


def test_a_file_is_whole_whenever_its_writer_is_killed(tmp_path):
    path = tmp_path / 'a.bin'
    whole = [bytes([i]) * 3_000_000 for i in (0, 1)]
    path.write_bytes(whole[0])
    rng = random.Random(0)
    for _ in range(10):
        writer = subprocess.Popen(
            [sys.executable, '-c', WRITER, str(path)], stdout=subprocess.PIPE
        )
        writer.stdout.readline()
        time.sleep(rng.uniform(0, 0.03))
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
        assert path.read_bytes() in whole
        # Each writer removes what the one before it left.
        assert len(list(tmp_path.glob('.new-*'))) <= 1


def test_a_full_disk_leaves_the_former_picture(command, inputs, tmp_path):
    import resource

    words = [*inputs, '-o', 'out.png', '--plot', 'a.svg']
    assert command(*words)[0] == 0
    before = state(tmp_path)

    def limit():
        # Fails the same writes as a full disk.
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    environment = {**os.environ, 'PYTHONDONTWRITEBYTECODE': '1'}
    code, _, err = command.alone(
        *words, '--lr', '0.1', preexec_fn=limit, env=environment
    )
    assert code == 2
    assert 'cannot read or write' in err
    assert 'File too large' in err
    assert 'Traceback' not in err
    assert state(tmp_path) == before


def test_a_run_leaves_nothing_in_the_temporary_folder(
    command, inputs, tmp_path, monkeypatch
):
    temporary = tmp_path / 'temporary'
    temporary.mkdir()
    monkeypatch.setattr('tempfile.tempdir', str(temporary))
    words = ['--plot', 'a.svg', '--animation', 'a.gif', '--save-every', '1']
    assert command(*inputs, '-o', 'out.png', *words)[0] == 0
    assert list(temporary.iterdir()) == []


def test_a_read_only_folder_is_a_sentence(inputs, tmp_path):
    folder = tmp_path / 'fixed'
    folder.mkdir()
    script = 'mount -t tmpfs -o ro none fixed && exec "$@"'
    unshared = ['unshare', '--mount', '--map-root-user', 'sh', '-c', script]
    if shutil.which('unshare') is None:
        pytest.skip('needs unshare, to mount a folder')
    if subprocess.run([*unshared, 'sh', 'true'], stderr=-3).returncode:
        pytest.skip('needs leave to mount a folder')
    done = subprocess.run(
        [*unshared, 'sh', *program(*inputs, '-o', 'fixed/out.png')],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stderr.count('\n') == 1
    assert "'fixed/out.png' cannot be written: name a file in" in done.stderr


@pytest.mark.parametrize(
    'words',
    [
        'run content.png style.png -o out.png',
        'texture style.png -o out.png --size 32',
        'reconstruct content.png -o out.png',
        'demo -o out.png',
        'learn style.png -o a.style',
        'styles content.png -o sheet.png',
        'report . -o page.html',
        'figure gram -o figures',
        'sweep content.png --style style.png -o all',
        'weights convert random.npz a.npz',
        'bundle stick',
    ],
)
def test_no_work_is_done_where_nothing_can_be_written(
    command, inputs, tmp_path, monkeypatch, words
):
    before = state(tmp_path)
    # Root may write anywhere.
    monkeypatch.setattr(os, 'access', lambda path, mode: False)
    code, out, err = command(*words.split())
    assert (code, out) == (2, '')
    assert re.fullmatch(
        "gluon-style: (output|folder) '.*' cannot be written( to)?: name "
        '(a file in a folder|one that) you may write to\n',
        err,
    )
    assert state(tmp_path) == before and not list(tmp_path.glob('*/'))


@pytest.mark.parametrize('vanishing', ['content.png', 'style.png'])
def test_an_input_that_vanishes_is_a_sentence(
    command, inputs, tmp_path, monkeypatch, vanishing
):
    import gluon_style.methods.gatys.stylize as module

    words = [*inputs, '-o', 'out.png']
    assert command(*words)[0] == 0
    before = state(tmp_path)
    stylize = module.stylize

    def remove_and_stylize(*pictures, **options):
        # The command has checked its files by now.
        Path(vanishing).unlink()
        return stylize(*pictures, **options)

    monkeypatch.setattr(module, 'stylize', remove_and_stylize)
    code, _, err = command(*words, '--lr', '0.1')
    assert code == 2
    assert err.count('\n') == 1 and vanishing in err
    before.pop(vanishing)
    assert state(tmp_path) == before


@pytest.mark.long
def test_two_runs_in_one_folder_do_not_disturb_each_other(
    command, inputs, tmp_path
):
    Image.fromarray(picture(40, 40, seed=5)).save('other.png')
    runs = {
        'a': [*inputs, '-o', 'a.png', '--epochs', '30', '--save-every', '10'],
        'b': [*inputs, '-o', 'b.png', '--epochs', '30', '--seed', '3'],
    }
    runs['b'][2] = 'other.png'
    children = [start(*words, cwd=tmp_path) for words in runs.values()]
    for child in children:
        child.communicate()
    assert [child.returncode for child in children] == [0, 0]
    together = {name: Path(f'{name}.png').read_bytes() for name in runs}
    for name, arguments in runs.items():
        assert json.loads(Path(f'{name}.json').read_text())['epochs'] == 30
        assert command(*arguments)[0] == 0
        assert Path(f'{name}.png').read_bytes() == together[name]
    assert not list(tmp_path.glob('.new-*'))


@pytest.mark.long
def test_of_two_runs_of_one_output_one_is_refused(inputs):
    words = [*inputs, '-o', 'out.png', '--epochs', '100000']
    children = [start(*words) for _ in range(2)]
    try:
        # The first one works on; only the other one ends.
        deadline = time.monotonic() + 120
        while all(child.poll() is None for child in children):
            assert time.monotonic() < deadline, 'both of them are at work'
            time.sleep(0.1)
    finally:
        ended = [child.poll() for child in children]
        for child in children:
            child.kill()
        stderr = [child.communicate()[1] for child in children]
    assert sorted(ended, key=str) == [2, None]
    assert stderr[ended.index(2)].count('\n') == 1
    assert 'is being written by another run' in stderr[ended.index(2)]
