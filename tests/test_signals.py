import os
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
    assert 'name its folder with --checkpoint' in capsys.readouterr().err


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
