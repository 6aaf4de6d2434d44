"""Make one picture with this package; takes its task as JSON.

The task has ``content``, ``style``, ``output``, ``preset`` or ``method``, and
``changes``, settings that are texts as on the command line, or values.
"""

import dataclasses
import json
import sys

from PIL import Image

from gluon_style import Settings, stylize
from gluon_style.methods.fields import Switch, kind_of


def values(changes):
    """Return settings with their texts parsed."""
    kinds = {f.name: kind_of(f) for f in dataclasses.fields(Settings)}
    return {
        name: _parsed(kinds[name], value) if isinstance(value, str) else value
        for name, value in changes.items()
    }


def _parsed(kind, text):
    if isinstance(kind, Switch):
        return {'true': True, 'false': False}[text.lower()]
    return kind.parse(text)


def main():
    task = json.loads(sys.argv[1])
    result = stylize(
        task['content'],
        task['style'],
        task.get('preset'),
        method=task.get('method'),
        observers=[],
        **values(task['changes']),
    )
    Image.fromarray(result.image).save(task['output'], 'PNG')


if __name__ == '__main__':
    main()
