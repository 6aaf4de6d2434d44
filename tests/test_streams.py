"""Output is decoration: no run is lost for it."""

import errno
import io
import os
import signal
import subprocess
import sys

import pytest
from conftest import start
from PIL import Image

from gluon_style import cli, stylize
from gluon_style.cli.streams import Unfailing, unfailing
from gluon_style.files.ours import is_ours
from gluon_style.methods.feedforward import photos
from gluon_style.pictures.read import read_picture
from gluon_style.records.result import Result


@pytest.fixture
def words(pictures, weights_file, tmp_path, monkeypatch):
    """The words of a short run in an empty folder."""
    monkeypatch.chdir(tmp_path)
    options = ['--preset', 'chapter', '--size', '32x24', '--epochs', '6']
    return ['run', *pictures, *options, '--weights', weights_file, '-o']


def dead_pipe():
    reader, writer = os.pipe()
    os.close(reader)
    return writer


def full_disk():
    return os.open('/dev/full', os.O_WRONLY)


def close_both():
    os.close(1)
    os.close(2)


@pytest.mark.parametrize(
    'options',
    [
        {'stdout': dead_pipe, 'stderr': dead_pipe},
        {'stdout': full_disk, 'stderr': full_disk},
        {'preexec_fn': close_both},
        {'preexec_fn': lambda: os.close(2)},
    ],
    ids=['dead pipes', 'full disk', 'closed', 'no stderr'],
)
def test_a_run_that_cannot_print_writes_its_files(words, options):
    options = {
        name: value() if value in (dead_pipe, full_disk) else value
        for name, value in options.items()
    }
    child = start(*words, 'out.png', **options)
    child.communicate(timeout=300)
    assert child.returncode == 0
    assert len(Result.load('out.png').history) == 6


def test_a_reader_that_has_enough_does_not_end_the_run(words):
    # As in 2>&1 | grep -m 1. MXNet 2.0.0b1 may write a line of its own before.
    child = start(*words, 'out.png', stderr=subprocess.STDOUT)
    assert any(line.startswith('gluon-style: ') for line in child.stdout)
    child.stdout.close()
    assert child.wait(timeout=300) == 0
    assert len(Result.load('out.png').history) == 6


class Full(io.StringIO):
    """A file on a full disk, or a pipe that nobody reads."""

    def __init__(self, number):
        super().__init__()
        self.number, self.calls = number, 0

    def write(self, text):
        self.calls += 1
        raise OSError(self.number, os.strerror(self.number))


@pytest.fixture
def former(pictures, weights_file, tmp_path, monkeypatch):
    """The current folder, with a content, a style and a former result."""
    monkeypatch.chdir(tmp_path)
    pixels = [read_picture(path) for path in pictures]
    for name, img in zip(('content.png', 'style.png'), pixels):
        Image.fromarray(img).save(name)
    settings = {'size': (32, 24), 'epochs': 1, 'weights': weights_file}
    stylize(*pixels, **settings).save('former.png')
    return tmp_path


_SMALL = '--size 32 --epochs 1 --weights WEIGHTS'


@pytest.mark.parametrize(
    'words, made',
    [
        (f'texture style.png -o out.png {_SMALL}', 'out.png'),
        (f'reconstruct content.png -o out.png {_SMALL}', 'out.png'),
        (
            f'sweep content.png --style style.png -o all --preview 0 {_SMALL}',
            'all/contact.png',
        ),
        (
            'figure chapter --quick --size 32 --weights WEIGHTS -o figures '
            '--network vgg19',
            'figures/chapter.png',
        ),
        (
            'learn style.png -o a.style --iterations 1 --weights WEIGHTS '
            '--network vgg19 --style-size 64 --start painting',
            'a.style',
        ),
        ('styles content.png -o sheet.png', 'sheet.png'),
        ('report . -o page.html', 'page.html'),
        (
            'run content.png style.png -o out.png --method feedforward',
            'out.png',
        ),
    ],
)
def test_no_command_is_lost_for_its_output(
    former, weights_file, monkeypatch, words, made
):
    monkeypatch.setattr(photos, 'CROP_SIDES', (32,))
    monkeypatch.setattr(photos, 'NUM_CROPS', 3)
    monkeypatch.setattr(sys, 'stdout', Full(errno.EPIPE))
    # As under pythonw, and in some services.
    monkeypatch.setattr(sys, 'stderr', None)
    words = words.replace('WEIGHTS', weights_file).split()
    # Of random weights a figure need not show what it should.
    assert cli.main(words) in ((0, 1) if words[0] == 'figure' else (0,))
    assert is_ours(made)


def test_ctrl_c_that_ends_the_reader_too_keeps_the_picture(
    words, monkeypatch, during_run
):
    def stop(epoch):
        if epoch == 2:
            monkeypatch.setattr(sys.stderr, '_stream', Full(errno.EPIPE))
            os.kill(os.getpid(), signal.SIGINT)

    during_run(epoch=stop)
    assert cli.main([*words, 'out.png']) == 130
    assert len(Result.load('out.png').history) == 3


@pytest.mark.parametrize('number, code', [(errno.EPIPE, 0), (errno.ENOSPC, 2)])
def test_a_list_that_is_lost_is_an_error(monkeypatch, capsys, number, code):
    # head has read enough; a file on a full disk lacks what was asked for.
    monkeypatch.setattr(sys, 'stdout', Full(number))
    assert cli.main(['weights', 'list']) == code
    said = 'gluon-style: cannot read or write: No space left on device\n'
    assert capsys.readouterr().err == (said if code else '')


def test_what_cannot_be_written_is_dropped():
    full = Full(errno.ENOSPC)
    stream = Unfailing(full)
    assert stream.write('lost') == 4
    assert stream.write('lost, too') == 9
    # Nobody reads what comes after a gap.
    assert full.calls == 1
    assert stream.error.errno == errno.ENOSPC
    whole = io.StringIO()
    stream = Unfailing(whole)
    stream.write('kept')
    stream.flush()
    assert whole.getvalue() == 'kept' and stream.error is None


def test_the_streams_are_put_back(monkeypatch):
    monkeypatch.setattr(sys, 'stderr', None)
    before = sys.stdout
    with unfailing():
        print('dropped', file=sys.stderr)
        assert sys.stdout is not before
    assert sys.stdout is before and sys.stderr is None
