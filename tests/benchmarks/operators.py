"""Print which operators the seconds of one epoch go to.

    PYTHONPATH=tests python -m benchmarks.operators [SETTING=VALUE ...]

Settings are those of the preset ``fast``, such as precision=float32. One
scale of 450x300 pixels, of the package's own pictures. MXNet's engine runs
operator after operator here, so that what is left is Python's, SciPy's with
it. Nothing else may run beside it.
"""

import os

# MXNet reads it when it is imported.
os.environ['MXNET_ENGINE_TYPE'] = 'NaiveEngine'

import json
import sys
import tempfile
import time

from gluon_style import Observer, stylize
from gluon_style.samples import PAINTING, photograph

FIRST, LAST = 5, 15
# What an operator's name has in it, and what it is for. The first that fits
# counts.
KINDS = {
    'Convolution': 'convolutions',
    'cast': 'conversions between float32 and bfloat16',
    'FullyConnected': 'Gram matrices',
    'Pooling': 'poolings',
    'Activation': 'ReLU',
    'pad': 'borders',
    'Pad': 'borders',
    'reshape': 'reshaping',
    'add_scalar': 'sums with a number',
}


class Watch(Observer):
    """Let MXNet count from one epoch to another."""

    def __init__(self, path):
        self.path, self.seconds = path, None

    def epoch(self, history, picture):
        from mxnet import npx, profiler

        npx.waitall()
        if len(history) == FIRST:
            # MXNet removes that file and writes another one.
            profiler.set_config(
                profile_all=True, aggregate_stats=True, filename=self.path
            )
            profiler.set_state('run')
            self.began = time.perf_counter()
        if len(history) == LAST:
            self.seconds = time.perf_counter() - self.began
            profiler.set_state('stop')
            self.stats = json.loads(profiler.dumps(format='json'))


def by_kind(stats):
    """Return milliseconds by kind of operator, of MXNet's statistics."""
    found = {}
    for name, numbers in stats['Time']['operator'].items():
        kind = next(
            (kind for part, kind in KINDS.items() if part in name),
            'other operators',
        )
        found[kind] = found.get(kind, 0) + numbers['Total']
    return found


def main():
    changes = dict(word.split('=') for word in sys.argv[1:])
    with tempfile.TemporaryDirectory() as folder:
        watch = Watch(os.path.join(folder, 'profile.json'))
        stylize(
            photograph(),
            PAINTING,
            'fast',
            size=(450, 300),
            scales=1,
            epochs=LAST,
            observers=[watch],
            **changes,
        )
    epochs = LAST - FIRST
    wall = 1000 * watch.seconds / epochs
    parts = {
        kind: total / epochs for kind, total in by_kind(watch.stats).items()
    }
    parts['Python and SciPy'] = wall - sum(parts.values())
    print(f'{wall:.0f} ms an epoch')
    for kind, part in sorted(parts.items(), key=lambda item: -item[1]):
        print(f'{kind:42}{part:7.1f} ms {part / wall:7.1%}')


if __name__ == '__main__':
    main()
