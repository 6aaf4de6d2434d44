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
    assert [path.stem for path in NOTEBOOKS] == [
        'exercises',
        'losses_and_gram',
        'neural_style',
        'optimizers_and_scales',
        'reference_figures',
    ]


@pytest.mark.parametrize('path', NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_installs_first_and_asks_questions(path):
    cells = nbformat.read(path, as_version=4).cells
    code = [cell.source for cell in cells if cell.cell_type == 'code']
    assert '%pip install --quiet {source}' in code[0]
    first = nbformat.read(NOTEBOOKS[0], as_version=4).cells
    assert code[0] == next(c.source for c in first if c.cell_type == 'code')
    text = '\n'.join(c.source for c in cells if c.cell_type == 'markdown')
    assert '# Questions' in text
    answers = text.count('<details><summary>')
    assert answers == text.count('</details>') >= 4


@pytest.mark.parametrize(
    'path',
    [
        # The chapter's is run on every version.
        pytest.param(
            path,
            id=path.stem,
            marks=[] if path.stem == 'neural_style' else [pytest.mark.long],
        )
        for path in NOTEBOOKS
    ],
)
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
