"""Output is decoration: no run is lost for it."""

import errno
import io
import os
import signal
import sys

import pytest
from conftest import start

from gluon_style import cli
from gluon_style.cli.streams import Unfailing, unfailing
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


def close_both():
    os.close(1)
    os.close(2)


@pytest.mark.parametrize(
    'options',
    [
        {'stdout': dead_pipe, 'stderr': dead_pipe},
        {'preexec_fn': close_both},
    ],
    ids=['dead pipes', 'closed'],
)
def test_a_run_that_cannot_print_writes_its_files(words, options):
    options = {
        name: value() if value is dead_pipe else value
        for name, value in options.items()
    }
    child = start(*words, 'out.png', **options)
    child.communicate(timeout=300)
    assert child.returncode == 0
    assert len(Result.load('out.png').history) == 6


class Full(io.StringIO):
    """A file on a full disk, or a pipe that nobody reads."""

    def __init__(self, number):
        super().__init__()
        self.number, self.calls = number, 0

    def write(self, text):
        self.calls += 1
        raise OSError(self.number, os.strerror(self.number))


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
