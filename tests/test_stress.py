"""The program that tries load and faults: it tries, and it notices losses."""

import json
import os
import signal
import subprocess
import sys

import pytest
import stress.__main__ as program
from PIL import Image
from stress.kills import Trial, chosen, differ
from stress.outputs import OUTPUTS, require_whole
from stress.runs import memory
from stress.table import Row, as_markdown
from stress.work import INPUTS, environment


@pytest.mark.long
def test_a_picture_and_a_page_withstand_all_faults(capsys):
    words = ['--runs', '100', '--kills', '4', '--faults', '1', '--fuzz', '0']
    assert program.main([*words, '--outputs', 'record']) == 0
    lines = capsys.readouterr().out.splitlines()[2:]
    rows = [[cell.strip() for cell in line.split('|')] for line in lines]
    assert {row[3] for row in rows} == {'nothing'}
    tried = {row[1]: int(row[2]) for row in rows}
    assert tried['runs one after another'] == 100
    assert tried['memory of runs one after another'] == 100
    assert tried['runs in 8 threads at once'] == 32
    assert tried['picture .png, record: killed while written, written again']
    assert tried['picture .png, record: disk full while written'] == 1


# Opens a file, writes to another, and renames it.
WRITER = """
import os, sys
from stress.child import Watch
sys.addaudithook(Watch({PLAN}))
with open('other', 'wb') as file:
    file.write(b'1')
with open('.new-a', 'wb') as file:
    file.write(bytes(3000))
os.replace('.new-a', 'a')
"""


@pytest.mark.parametrize(
    'plan, code, left',
    [
        ({'at': 0, 'do': 'kill'}, -signal.SIGKILL, {}),
        ({'at': 1, 'do': 'kill'}, -signal.SIGKILL, {'other': 1}),
        (
            {'at': 1, 'do': 'cut', 'bytes': 1000},
            -signal.SIGXFSZ,
            {'other': 1, '.new-a': 1000},
        ),
        (
            {'at': 2, 'do': 'kill'},
            -signal.SIGKILL,
            {'other': 1, '.new-a': 3000},
        ),
        ({'at': 3, 'do': 'kill'}, 0, {'other': 1, 'a': 3000}),
        (
            {'at': 1, 'do': 'limit', 'bytes': 100},
            1,
            {'other': 1, '.new-a': 100},
        ),
    ],
)
def test_a_process_fails_at_the_moment_that_is_planned(
    tmp_path, plan, code, left
):
    plan = json.dumps({**plan, 'folder': str(tmp_path)})
    done = subprocess.run(
        [sys.executable, '-c', WRITER.replace('{PLAN}', plan)],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
    )
    assert done.returncode == code, done.stderr
    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert sizes == left


class Work:
    """A folder of which only the names and the contents are known."""

    def __init__(self, state):
        self.inputs = {name: b'given' for name in INPUTS}
        self._state = {**self.inputs, **state}

    def state(self):
        return self._state


@pytest.mark.parametrize(
    'state, lost',
    [
        ({'a.json': b'{}'}, []),
        ({'a.json': b'[1]', '.new-1.json': b'{'}, []),
        ({}, ['a.json is gone']),
        (
            {'a.json': b'{}', 'style.png': b'other'},
            ['the input style.png has changed', 'style.png is broken'],
        ),
        ({'a.json': b'{"half'}, ['a.json is broken']),
    ],
)
def test_what_a_kill_has_lost_is_noticed(state, lost):
    trial = Trial.__new__(Trial)
    trial.work = Work(state)
    trial.before = trial.after = {**trial.work.inputs, 'a.json': b'{}'}
    actual = trial.lost_by_a_kill()
    assert [sentence.split(' (')[0] for sentence in actual] == lost


@pytest.mark.parametrize(
    'name, data, expected, answer',
    [
        ('a.json', b'{"lr": 1, "seconds": 2}', b'{"lr": 1}', False),
        ('a.json', b'{"lr": 1}', b'{"lr": 2}', True),
        ('a.html', b'<p>1</p></html>', b'<p>2</p></html>', False),
        ('a.html', b'<p>1', b'<p>2</p></html>', True),
    ],
)
def test_files_differ_in_more_than_their_times(name, data, expected, answer):
    assert differ(name, data, expected) is answer


def test_other_pixels_differ(tmp_path):
    data = []
    for color in ('red', 'blue'):
        Image.new('RGB', (4, 4), color).save(tmp_path / 'a.png')
        data.append((tmp_path / 'a.png').read_bytes())
    red, blue = data
    assert differ('a.png', red, blue) and not differ('a.png', red, red)
    with pytest.raises(OSError):
        require_whole('a.png', red[:-20])


MB = 1 << 20


@pytest.mark.parametrize(
    'resident, lost',
    [
        ([100 * MB] * 50, False),
        # It warms up, and the allocator takes more once.
        ([i * MB for i in range(10)] + [100 * MB] * 20 + [103 * MB] * 20, 0),
        # A leak of one page a run.
        ([100 * MB + 4096 * i for i in range(50)], True),
        ([100 * MB] * 30 + [106 * MB] * 20, True),
    ],
)
def test_memory_that_grows_is_lost(resident, lost):
    row = memory(resident)
    assert bool(row.lost) is bool(lost)
    assert 'after 10 runs 100 MB, at the end 10' in row.remark


def test_few_runs_only_warm_up():
    row = memory([i * MB for i in range(1, 50)])
    assert not row.lost and row.remark == 'not tried: needs 50 runs'


def test_half_of_the_moments_are_late():
    import random

    moments = [{'at': i} for i in range(100)]
    few = [m['at'] for m in chosen(moments, 10, random.Random(0))]
    assert len(set(few)) == 10 and sum(at >= 80 for at in few) >= 5
    assert len(chosen(moments[:3], 10, random.Random(0))) == 3


def test_a_loss_is_counted_and_ends_the_program_with_1(monkeypatch, capsys):
    row = Row('tried', 3, ['it is gone'], 'a remark')
    assert as_markdown(row) == '| tried | 3 | 1 | a remark |'
    monkeypatch.setattr(program, 'rows', lambda place, options: [row])
    assert program.main([]) == 1
    out, err = capsys.readouterr()
    assert '| tried | 3 | 1 |' in out and err == 'it is gone\n'
    monkeypatch.setattr(program, 'rows', lambda place, options: [Row('a', 1)])
    assert program.main([]) == 0


def test_every_output_has_its_command():
    for output in OUTPUTS:
        before, after = map(output.command, 'AB')
        assert before[0] == after[0] and '{' not in ''.join(before + after)
    assert os.path.basename(OUTPUTS[0].command('A')[-1]) == 'out.png'
