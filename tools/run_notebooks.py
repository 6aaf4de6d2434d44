"""Execute notebooks, and keep of their outputs what a reader needs.

    python tools/run_notebooks.py notebooks/exercises.ipynb ...

Progress bars are left out, with the state of their widgets, and pieces of a
text become one. Nothing is written where a cell fails. With ``--clean`` they
are not executed again.
"""

import argparse
import json
from pathlib import Path

import nbformat
from nbclient import NotebookClient

WIDGET = 'application/vnd.jupyter.widget-view+json'
STATE = 'application/vnd.jupyter.widget-state+json'


def clean(notebook):
    """Leave out what is displayed beside the results, in place."""
    shown = set()
    for cell in notebook.cells:
        cell.get('metadata', {}).pop('execution', None)
        if cell.cell_type != 'code':
            continue
        kept = []
        for output in cell.outputs:
            widget = output.get('data', {}).get(WIDGET)
            if widget and output.output_type == 'display_data':
                continue
            if widget:
                shown.add(widget['model_id'])
            if kept and _are_one_text(kept[-1], output):
                kept[-1].text += output.text
            else:
                kept.append(output)
        cell.outputs = kept
    state = notebook.metadata.get('widgets', {}).get(STATE)
    if state:
        models = state['state']
        needed = _reached(models, shown)
        state['state'] = {name: models[name] for name in needed}


def _are_one_text(before, output):
    streams = before.output_type == output.output_type == 'stream'
    return streams and before.name == output.name


def _reached(models, names):
    """Return the names of widgets, and of all that they are made of."""
    reached, left = [], [name for name in models if name in names]
    while left:
        name = left.pop()
        reached.append(name)
        text = json.dumps(models[name])
        left += [
            other
            for other in models
            if f'IPY_MODEL_{other}' in text
            and other not in reached
            and other not in left
        ]
    return sorted(reached)


def _main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('notebooks', metavar='FILE', nargs='+', type=Path)
    parser.add_argument(
        '--clean', action='store_true', help='do not execute them'
    )
    options = parser.parse_args()
    for path in options.notebooks:
        notebook = nbformat.read(path, as_version=4)
        if not options.clean:
            client = NotebookClient(
                notebook,
                timeout=None,
                resources={'metadata': {'path': str(path.parent)}},
            )
            client.execute()
        clean(notebook)
        nbformat.write(notebook, path)
        print(path, flush=True)


if __name__ == '__main__':
    _main()
