"""Ctrl-C, SIGTERM and SIGHUP, at known moments of a run."""

import os
import shlex
import signal
import threading

import pytest

from gluon_style.cli.picture import StopOnSignal
from gluon_style.cli.signals import Interrupted, interrupting


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def send(*numbers):
    """Return a function that sends these signals to this process."""

    def send_them():
        for number in numbers:
            os.kill(os.getpid(), number)

    return send_them


def test_once_a_run_began_the_first_signal_is_only_noted():
    with StopOnSignal() as stop:
        stop.begin(None)
        assert stop.stop() is None and stop.code == 0
        send(signal.SIGTERM)()
        assert stop.stop() == 'SIGTERM' and stop.code == 143
        with pytest.raises(Interrupted) as error:
            send(signal.SIGINT)()
        assert error.value.code == 130
        assert stop.stop() == 'SIGINT' and stop.code == 130


def test_before_that_any_signal_interrupts():
    with StopOnSignal() as stop:
        with pytest.raises(KeyboardInterrupt):
            send(signal.SIGTERM)()
        assert stop.code == 143


@pytest.mark.parametrize('context', [interrupting, StopOnSignal])
def test_handlers_are_put_back(context):
    numbers = signal.SIGTERM, signal.SIGINT
    before = [signal.getsignal(number) for number in numbers]
    with context():
        for number, handler in zip(numbers, before):
            assert signal.getsignal(number) != handler
    assert [signal.getsignal(number) for number in numbers] == before


def test_nohup_goes_on():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interrupting():
            os.kill(os.getpid(), signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_another_thread_runs_the_command_without_signals(command):
    answers = []
    thread = threading.Thread(
        target=lambda: answers.append(command('weights', 'list'))
    )
    thread.start()
    thread.join()
    [(code, out, err)] = answers
    assert (code, err) == (0, '') and 'oxford' in out


def test_resume_needs_the_checkpoints_folder(command, tmp_path):
    for name in ('a.png', 'b.png'):
        (tmp_path / name).write_bytes(b'x')
    words = ['run', 'a.png', 'b.png', '-o', 'out.png', '--resume']
    code, _, err = command(*words, cwd=tmp_path)
    assert code == 2
    assert err == (
        'gluon-style: --resume is given without a checkpoint: name its folder '
        'with --checkpoint\n'
    )


@pytest.fixture
def words(pictures, weights_file, tmp_path, monkeypatch):
    """The words of a short run in an empty folder."""
    monkeypatch.chdir(tmp_path)
    options = ['--preset', 'chapter', '--size', '32x24', '--epochs', '6']
    options += ['--weights', weights_file, '--quiet', '-o', 'out.png']
    return ['run', *options, '--', *pictures]


@pytest.mark.parametrize(
    'number, code',
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
)
def test_a_signal_before_the_first_step_writes_nothing(
    command, words, tmp_path, during_run, number, code
):
    during_run(begin=send(number))
    sentence = 'gluon-style: interrupted: nothing was written\n'
    assert command(*words) == (code, '', sentence)
    assert names(tmp_path) == []


def at_the_second_epoch(epoch):
    if epoch == 2:
        send(signal.SIGINT)()


def test_a_signal_stops_at_the_next_epoch(
    command, words, tmp_path, during_run
):
    during_run(epoch=at_the_second_epoch)
    code, _, err = command(*words)
    assert code == 130 and err.count('\n') == 1
    assert err.startswith('gluon-style: stopped by SIGINT after 3 epochs: the')
    assert 'picture so far is in out.png; to go on from epoch 3: ' in err
    assert names(tmp_path) == ['out.checkpoint', 'out.json', 'out.png']


def test_a_signal_after_the_last_step_changes_nothing(
    command, words, tmp_path, during_run
):
    during_run(end=send(signal.SIGINT))
    assert command(*words) == (0, '', '')
    assert names(tmp_path) == ['out.json', 'out.png']


def test_a_second_signal_says_how_to_go_on(
    command, words, tmp_path, during_run
):
    during_run(end=send(signal.SIGINT, signal.SIGTERM))
    words[1:1] = ['--checkpoint', 'kept', '--checkpoint-every', '2']
    code, _, err = command(*words)
    assert code == 143
    assert err.startswith('gluon-style: interrupted before the end; to go on')
    during_run()
    program, *again = shlex.split(err.split('to go on: ')[1])
    assert program == 'gluon-style' and command(*again) == (0, '', '')
    assert names(tmp_path) == ['out.json', 'out.png']


def test_what_is_said_fits_what_was_saved(
    command, words, tmp_path, during_run
):
    during_run(epoch=at_the_second_epoch)
    code, _, err = command(*words)
    assert code == 130
    again = shlex.split(err.split('to go on from epoch 3: ')[1])[1:]
    (tmp_path / 'out.checkpoint' / 'checkpoint.npz').unlink()
    # L-BFGS goes on from what it saved last, which is nothing yet.
    again.remove('--resume')
    again[1:1] = ['--optimizer', 'lbfgs']
    code, _, err = command(*again)
    assert code == 130
    assert 'nothing was saved yet to go on from' in err


def test_without_a_checkpoints_folder_a_second_signal_says_it_too(
    command, words, during_run
):
    during_run(epoch=at_the_second_epoch, end=send(signal.SIGINT))
    code, _, err = command(*words)
    assert code == 130
    assert '; to go on: gluon-style run --checkpoint=out.checkpoint' in err
