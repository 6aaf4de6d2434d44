"""A run in a notebook's kernel: its bar, and its picture."""

import base64
import io
from pathlib import Path

import nbformat
import numpy
import pytest
from nbclient import NotebookClient
from PIL import Image

import gluon_style
from gluon_style import Settings, stylize

TINY = {
    'size': (32, 24),
    'epochs': 4,
    'lr': 0.1,
    'content_layers': 'conv1_1',
    'style_layers': 'conv1_2',
}
SETUP = """
from gluon_style import Settings, stylize
from gluon_style.methods.observers import Progress
settings = Settings(weights={weights!r}, **{tiny!r})
pictures = {pictures!r}
"""
RUN = 'result = stylize(*pictures, settings)'
QUIET = 'stylize(*pictures, settings, observers=[Progress(quiet=True)]).record'
STATE = 'application/vnd.jupyter.widget-state+json'


@pytest.fixture
def execute(pictures, weights_file, tmp_path, monkeypatch):
    """Execute cells in a kernel; return the notebook."""
    # The kernel is to import the package that this test has imported.
    folder = Path(gluon_style.__file__).parents[1]
    monkeypatch.setenv('PYTHONPATH', str(folder))

    def executed(*cells):
        setup = SETUP.format(
            weights=weights_file, pictures=pictures, tiny=TINY
        )
        cells = map(nbformat.v4.new_code_cell, [setup, *cells])
        notebook = nbformat.v4.new_notebook(cells=list(cells))
        where = {'metadata': {'path': str(tmp_path)}}
        NotebookClient(notebook, timeout=120, resources=where).execute()
        return notebook

    return executed


def test_a_notebook_has_a_bar_and_shows_the_picture(
    execute, pictures, weights_file
):
    notebook = execute(RUN, 'result', QUIET)
    settings = Settings(weights=weights_file, **TINY)
    expected = stylize(*pictures, settings)
    _, run, shown, quiet = (cell.outputs for cell in notebook.cells)
    [bar] = run
    assert ' 32x24 1/4 25%|' in bar.data['text/plain']
    # A widget, and what it shows at the end.
    assert 'application/vnd.jupyter.widget-view+json' in bar.data
    models = notebook.metadata.widgets[STATE]['state'].values()
    values = [model['state'].get('value') for model in models]
    # tqdm writes figure spaces. The whole is 4 epochs of all pixels and
    # of what an epoch costs besides.
    texts = [str(value).replace('\u2007', ' ').strip() for value in values]
    assert 4 * (32 * 24 + 20_000) in values
    assert '32x24 4/4 100%' in texts
    last = expected.history[-1]
    losses = f'content {last.content:.2f}, style {last.style:.2f}, '
    assert any(text.endswith(f'{losses}TV {last.tv:.2f}') for text in texts)
    [result] = shown
    img = numpy.asarray(decoded(result.data['image/png']))
    assert (img == expected.image).all()
    # The cell's value alone, which has no picture.
    [record] = quiet
    assert record.output_type == 'execute_result'
    assert set(record.data) == {'text/plain'}


def decoded(text):
    return Image.open(io.BytesIO(base64.b64decode(text)))


@pytest.mark.long
def test_without_widgets_the_bar_is_text(execute):
    notebook = execute('import sys; sys.modules["ipywidgets"] = None', RUN)
    outputs = notebook.cells[-1].outputs
    assert {out.output_type for out in outputs} == {'stream'}
    text = ''.join(out.text for out in outputs)
    assert '32x24 1/4 25%|' in text and '32x24 4/4 100%|' in text


def test_outside_of_a_notebook_there_is_no_bar(pictures, weights_file, capfd):
    stylize(*pictures, Settings(weights=weights_file, **TINY))
    out, err = capfd.readouterr()
    assert (out, err) == ('', '')
