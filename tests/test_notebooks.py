"""Every notebook runs, shrunk; what the pages point at and name exists."""

import ast
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / 'notebooks').glob('*.ipynb'))
PAGES = [
    ROOT / 'README.md',
    *sorted((ROOT / 'notebooks').glob('*.md')),
    *NOTEBOOKS,
]


def name_of(path):
    return path.name


def cells_of(path):
    return nbformat.read(path, as_version=4).cells


def text_of(page):
    """Return a page's Markdown; a notebook's is that of its text cells."""
    if page.suffix == '.md':
        return page.read_text(encoding='utf-8')
    cells = cells_of(page)
    return '\n'.join(c.source for c in cells if c.cell_type == 'markdown')


def blocks_of(text, language):
    return re.findall(rf'^```{language}\n(.*?)^```', text, re.M | re.S)


def anchors_of(page):
    """Return the addresses of a page's headings, as GitHub makes them."""
    headings = re.findall(r'^#+ (.*)$', text_of(page), re.M)
    return {
        re.sub(r'[^\w -]', '', heading).lower().replace(' ', '-')
        for heading in headings
    }


def commands():
    """Yield each page's commands of gluon-style, as lists of words."""
    for page in PAGES:
        for block in blocks_of(text_of(page), 'sh'):
            for line in block.splitlines():
                words = shlex.split(line, comments=True)
                if words[:1] == ['gluon-style']:
                    yield words[1:]


@pytest.mark.parametrize('page', PAGES, ids=name_of)
def test_links_lead_somewhere(page):
    links = re.findall(r'\]\(([^)\s]+)\)', text_of(page))
    for link in links:
        if re.match(r'https?:', link):
            continue
        file, _, anchor = link.partition('#')
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), link
        assert ROOT in target.parents, link
        if anchor:
            assert anchor in anchors_of(target), link


@pytest.mark.parametrize('page', PAGES, ids=name_of)
def test_named_files_exist(page):
    pattern = r'\b(?:gluon_style|notebooks|tests|tools)/[\w./-]*\w'
    names = re.findall(rf'`(?:python )?({pattern})[^`]*`', text_of(page))
    for block in blocks_of(text_of(page), 'sh'):
        names += re.findall(pattern, block)
    for name in names:
        assert (ROOT / name).exists(), name


@pytest.mark.parametrize('page', PAGES, ids=name_of)
def test_imported_names_exist(page):
    for block in blocks_of(text_of(page), 'python'):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom):
                module = importlib.import_module(node.module)
                for alias in node.names:
                    assert hasattr(module, alias.name), alias.name
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    assert importlib.util.find_spec(alias.name), alias.name


@pytest.mark.parametrize('command', sorted({c[0] for c in commands()}))
def test_commands_have_the_options_they_are_shown_with(command):
    shown = {
        word
        for words in commands()
        for word in words[1:]
        if words[0] == command and word.startswith('-')
    }
    done = subprocess.run(
        [sys.executable, '-m', 'gluon_style', command, '--help'],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    options = set(re.findall(r'(?<![\w-])--?[a-z][\w-]*', done.stdout))
    assert shown <= options


def test_class_page_lists_every_notebook():
    text = text_of(ROOT / 'notebooks' / 'classroom.md')
    listed = re.findall(r'\]\((\w+\.ipynb)\)', text)
    assert sorted(listed) == [path.name for path in NOTEBOOKS]


@pytest.mark.parametrize('path', NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_installs_first_and_asks_questions(path):
    cells = cells_of(path)
    code = [cell.source for cell in cells if cell.cell_type == 'code']
    assert '%pip install --quiet {source}' in code[0]
    first = cells_of(NOTEBOOKS[0])
    assert code[0] == next(c.source for c in first if c.cell_type == 'code')
    text = text_of(path)
    assert '# Questions' in text
    answers = text.count('<details><summary>')
    assert answers == text.count('</details>') >= 4


def test_the_first_cell_installs_what_lies_here_or_says_how(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: None)
    cells = cells_of(NOTEBOOKS[0])
    code = next(cell.source for cell in cells if cell.cell_type == 'code')
    code = code.replace('%pip install --quiet {source}', 'chosen = source')
    with pytest.raises(ModuleNotFoundError, match='upload its wheel'):
        exec(code, {})
    for name in ('gluon_style-0.1.0-py3-none-any.whl', 'gluon-style-main'):
        path = tmp_path / name
        if path.suffix == '.whl':
            path.touch()
        else:
            path.mkdir()
            (path / 'setup.cfg').touch()
        names = {}
        exec(code, names)
        assert names['chosen'] == f'"{path}"'


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
    cells = cells_of(path)
    counts = [c.execution_count for c in cells if c.cell_type == 'code']
    assert counts == list(range(1, len(counts) + 1))
    outputs = [out for c in cells for out in c.get('outputs', [])]
    assert not [out for out in outputs if out.output_type == 'error']
    pictures = [out for out in outputs if 'image/png' in out.get('data', {})]
    assert len(pictures) >= 3
