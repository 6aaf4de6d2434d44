"""Every notebook runs, shrunk, in the kernel of this environment."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = sorted(
    (Path(__file__).resolve().parents[1] / 'notebooks').glob('*.ipynb')
)


def test_there_are_notebooks():
    assert 'neural_style.ipynb' in [path.name for path in NOTEBOOKS]


@pytest.mark.parametrize('path', NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs_shrunk(path, tmp_path):
    shutil.copy(path, tmp_path)
    done = subprocess.run(
        [sys.executable, '-m', 'pytest', '-q', '--nbmake', path.name],
        cwd=tmp_path,
        env={**os.environ, 'GLUON_STYLE_QUICK': '1'},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize('path', NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_committed_as_run(path):
    cells = nbformat.read(path, as_version=4).cells
    counts = [c.execution_count for c in cells if c.cell_type == 'code']
    assert counts == list(range(1, len(counts) + 1))
    outputs = [out for c in cells for out in c.get('outputs', [])]
    assert not [out for out in outputs if out.output_type == 'error']
    pictures = [out for out in outputs if 'image/png' in out.get('data', {})]
    assert len(pictures) >= 3


def test_chapter_notebook_prints_the_losses_of_today():
    (path,) = [path for path in NOTEBOOKS if path.stem == 'neural_style']
    cells = nbformat.read(path, as_version=4).cells
    outputs = [out for c in cells for out in c.get('outputs', [])]
    # What stylize printed, as it is today.
    assert "'scale': (" in json.dumps(outputs)
