import os
import shlex
import signal
import threading

import pytest

from gluon_style import cli
from gluon_style.cli.outputs import Outputs
from gluon_style.cli.signals import Signals


def test_an_armed_signal_is_noted_and_the_next_one_interrupts():
    with Signals() as signals:
        assert signals() is None and signals.code == 0
        signals.armed = True
        os.kill(os.getpid(), signal.SIGTERM)
        assert signals() == 'SIGTERM' and signals.code == 143
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        assert signals() == 'SIGINT' and signals.code == 130


def test_before_that_any_signal_interrupts():
    with Signals() as signals:
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
        assert signals.code == 143


def test_handlers_are_put_back():
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    with Signals():
        assert signal.getsignal(signal.SIGTERM) != before[0]
    after = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    assert after == before


def test_another_thread_runs_the_command_without_signals(capsys):
    codes = []
    thread = threading.Thread(
        target=lambda: codes.append(cli.main(['weights', 'list']))
    )
    thread.start()
    thread.join()
    assert codes == [0]
    assert 'oxford' in capsys.readouterr().out


def test_resume_needs_the_checkpoints_folder(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ('a.png', 'b.png'):
        (tmp_path / name).write_bytes(b'x')
    code = cli.main(['run', 'a.png', 'b.png', '-o', 'out.png', '--resume'])
    assert code == 2
    assert capsys.readouterr().err == (
        'gluon-style: --resume is given without a checkpoint: name its folder '
        'with --checkpoint\n'
    )


@pytest.mark.parametrize(
    'number, code', [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_a_signal_before_the_first_step_writes_nothing(
    pictures, tmp_path, monkeypatch, capsys, number, code
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        Outputs, 'check', lambda self, files: os.kill(os.getpid(), number)
    )
    assert cli.main(['run', *pictures, '-o', 'out.png']) == code
    err = capsys.readouterr().err
    assert err == 'gluon-style: interrupted: nothing was written\n'
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def command(pictures, weights_file, tmp_path, monkeypatch):
    """The arguments of a short run in an empty folder."""
    monkeypatch.chdir(tmp_path)
    options = ['--preset', 'chapter', '--size', '32x24', '--epochs', '6']
    options += ['--weights', weights_file, '--quiet', '-o', 'out.png']
    return ['run', *options, '--', *pictures]


def signalled_while_writing(monkeypatch, *numbers):
    write = Outputs.write

    def write_and_signal(self, result):
        for number in numbers:
            os.kill(os.getpid(), number)
        return write(self, result)

    monkeypatch.setattr(Outputs, 'write', write_and_signal)


def signalled_at_the_second_step(monkeypatch):
    """Have every run get a SIGINT when it asks after its second step."""
    ask = Signals.__call__

    def ask_and_signal(self):
        self.asked = getattr(self, 'asked', 0) + 1
        if self.asked == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return ask(self)

    monkeypatch.setattr(Signals, '__call__', ask_and_signal)


def test_a_signal_after_the_last_step_changes_nothing(
    command, tmp_path, monkeypatch, capsys
):
    signalled_while_writing(monkeypatch, signal.SIGINT)
    assert cli.main(command) == 0
    assert capsys.readouterr().err == ''
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ['out.json', 'out.png']


def test_a_second_signal_says_how_to_go_on(
    command, tmp_path, monkeypatch, capsys
):
    given = ['--checkpoint', 'kept', '--checkpoint-every', '2']
    command[1:1] = given
    signalled_while_writing(monkeypatch, signal.SIGINT, signal.SIGTERM)
    assert cli.main(command) == 143
    line = capsys.readouterr().err
    assert line.startswith('gluon-style: interrupted before the end; to go on')
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    program, *words = shlex.split(line.split('to go on: ')[1])
    assert program == 'gluon-style' and cli.main(words) == 0
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ['out.json', 'out.png']


def test_what_is_said_fits_what_was_saved(
    command, tmp_path, monkeypatch, capsys
):
    signalled_at_the_second_step(monkeypatch)
    assert cli.main(command) == 130
    line = capsys.readouterr().err
    assert 'stopped by SIGINT after 2 epochs' in line
    command_line = line.split('to go on from epoch 2: ')[1]
    (tmp_path / 'out.checkpoint' / 'checkpoint.npz').unlink()
    # L-BFGS goes on from what it saved last, which is nothing yet.
    lbfgs = [*shlex.split(command_line)[1:]]
    lbfgs.remove('--resume')
    lbfgs[1:1] = ['--optimizer', 'lbfgs']
    assert cli.main(lbfgs) == 130
    err = capsys.readouterr().err
    assert 'nothing was saved yet to go on from' in err


def test_without_a_checkpoints_folder_a_second_signal_says_it_too(
    command, monkeypatch, capsys
):
    signalled_at_the_second_step(monkeypatch)
    signalled_while_writing(monkeypatch, signal.SIGINT)
    assert cli.main(command) == 130
    line = capsys.readouterr().err
    assert '; to go on: gluon-style run --checkpoint=out.checkpoint' in line
