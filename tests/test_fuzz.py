"""The fuzzer works, and the readers withstand it."""

import collections
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import fuzz
import pytest
from fuzz_mutations import mutate
from fuzz_seeds import KINDS


@pytest.mark.parametrize('kind', list(KINDS))
def test_the_seeds_are_right(tmp_path, kind):
    make_seeds, read = KINDS[kind]
    make_seeds(tmp_path)
    files = sorted(tmp_path.iterdir())
    assert len(files) >= 10
    for file in files:
        read(file)


def test_mutated_files_cost_nothing_but_an_error(tmp_path, capsys):
    arguments = ['--count', '700', '--faults', str(tmp_path)]
    assert fuzz.main(arguments) == 0, capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
    rows = capsys.readouterr().out.splitlines()[1:]
    table = {row.split()[0]: list(map(int, row.split()[1:])) for row in rows}
    assert list(table) == list(KINDS)
    assert sum(map(sum, table.values())) == 700
    for right, errors, faults in table.values():
        assert right > 0 and errors > 0 and faults == 0


def test_half_of_the_json_stays_json_with_other_values():
    tree = {'a': {'b': [1, {'c': None}]}, 'd': 'x'}
    data = json.dumps(tree).encode()
    whole, depths = 0, collections.Counter()
    for seed in range(400):
        try:
            actual = json.loads(mutate(data, [data], random.Random(seed)))
        except ValueError:
            continue
        whole += actual != tree
        a = actual.get('a')
        depths['deleted'] += 'a' not in actual
        depths['replaced'] += 'a' in actual and not isinstance(a, dict)
        b = a.get('b') if isinstance(a, dict) else None
        depths['deep'] += isinstance(b, list) and b != tree['a']['b']
    assert 200 <= whole < 300
    assert min(depths.values()) > 10


@pytest.mark.slow
def test_twenty_thousand_mutated_files(tmp_path, capsys):
    arguments = ['--count', '20000', '--faults', str(tmp_path)]
    assert fuzz.main(arguments) == 0, capsys.readouterr().err


def raise_two_lines(path):
    raise ValueError('one\ntwo')


def raise_key_error(path):
    raise KeyError('a')


def fail(path):
    raise AssertionError


@pytest.mark.parametrize('read', [raise_two_lines, raise_key_error, fail])
def test_other_errors_are_faults(tmp_path, read):
    problem, outcome = fuzz.judge(read, tmp_path, 0)
    assert outcome == 'FAULT' and problem


# In a process of its own, whose peak no earlier test has raised.
GREEDY = """
import pathlib, sys
import numpy
import fuzz
before, folder = fuzz.peak_bytes(), pathlib.Path(sys.argv[1])
fuzz.MOST_BYTES = 50 << 20
print(*fuzz.judge(lambda path: None, folder, before))
greedy = fuzz.judge(lambda path: numpy.ones(200 << 20, 'u1'), folder, before)
print(greedy[0][:8], greedy[1])
fuzz.MOST_SECONDS = -1
print(*fuzz.judge(lambda path: None, folder, before))
"""


def test_slow_and_greedy_readers_are_faults(tmp_path):
    done = subprocess.run(
        [sys.executable, '-c', GREEDY, str(tmp_path)],
        capture_output=True,
        text=True,
        env={**os.environ, 'PYTHONPATH': str(Path(fuzz.__file__).parent)},
    )
    assert done.stdout.splitlines() == [
        'None right',
        'it took  FAULT',
        'it took 0.0 s FAULT',
    ], done.stderr


CRASHING = """
import os
import fuzz, fuzz_seeds
def make(folder):
    (folder / 'a.bin').write_bytes(b'whole')
def read(path):
    if path.name == 'input.bin' and path.read_bytes()[:1] != b'w':
        os.abort()
fuzz_seeds.KINDS['weak'] = make, read
"""


def test_a_crash_is_counted_and_kept(tmp_path, monkeypatch, capfd):
    program = tmp_path / 'weak.py'
    program.write_text(CRASHING + 'fuzz.main()\n')
    monkeypatch.setattr(fuzz, 'PROGRAM', str(program))
    space = {}
    exec(CRASHING, space)
    monkeypatch.setitem(KINDS, 'weak', (space['make'], space['read']))
    faults = tmp_path / 'faults'
    arguments = ['--count', '20', '--kinds', 'weak', '--faults', str(faults)]
    assert fuzz.main(arguments) == 1
    kept = [path for path in faults.iterdir() if path.suffix == '.bin']
    right, errors, count = capfd.readouterr().out.splitlines()[1].split()[1:]
    assert (int(right) + int(count), errors) == (20, '0')
    assert 0 < int(count) == len(kept)
    assert all(path.read_bytes()[:1] != b'w' for path in kept)
    reason = kept[0].with_name(f'{kept[0].name}.txt').read_text()
    assert reason == 'crashed with status -6\n'
