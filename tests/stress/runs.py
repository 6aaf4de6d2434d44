"""Many runs: one after another, and eight at once; the same results, always.

    python -m stress.runs FOLDER serial 100

prints JSON: the digest of each result, by the kind of run, and the resident
memory after each run, in bytes.
"""

import hashlib
import json
import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

import psutil

from stress.table import Row
from stress.work import Work, environment

AT_ONCE = 8
# A leak raises the memory with most runs; the allocator does with few, by
# some megabytes at once.
MOST_RISES, MOST_GROWTH = 0.25, 0.05
# The first run of each kind loads its network, and up to about the thirtieth
# the allocator's pools grow, by 10 to 30 MB; then nothing does. Fewer runs are
# not judged: what counted would be the warming up.
LEAST_WARM = 10


def digests_of(folder, kinds):
    """Run each kind once; return a digest of each result."""
    from gluon_style import get_method

    digests = {}
    for kind, (method, style, settings) in kinds.items():
        result = get_method(method).stylize(
            str(folder / 'content.png'),
            style.replace('FOLDER', str(folder)),
            settings,
        )
        totals = [entry.total for entry in result.history]
        data = result.image.tobytes() + json.dumps(totals).encode()
        digests[kind] = hashlib.sha256(data).hexdigest()
    return digests


def kinds_of(weights):
    """Return the method, the style and the settings of each kind of run."""
    from gluon_style import PRESETS
    from gluon_style.methods.feedforward.settings import Settings

    small = {
        'size': (32, 24),
        'epochs': 3,
        'network': 'vgg19',
        'weights': str(weights / 'shallow.npz'),
        'content_layers': 'conv1_2',
        'style_layers': 'conv1_1',
    }
    style = 'FOLDER/style.png'
    adam = PRESETS['chapter'].changed({**small, 'lr': 0.1})
    coarse_to_fine = {**small, 'size': (132, 128), 'scales': 2}
    lbfgs = PRESETS['fast'].changed(coarse_to_fine)
    return {
        'Adam': ('gatys', style, adam),
        'L-BFGS': ('gatys', style, lbfgs),
        'one pass': ('feedforward', style, Settings()),
        'a numbered style': ('feedforward', 'net:3', Settings()),
    }


def serial(folder, kinds, count):
    """Run one after another; return digests and memory."""
    digests, resident = [], []
    names = list(kinds)
    for i in range(count):
        name = names[i % len(names)]
        digests.append(digests_of(folder, {name: kinds[name]}))
        resident.append(psutil.Process().memory_info().rss)
    return digests, resident


def in_threads(folder, kinds, count):
    """Run all kinds in so many threads at once; return their digests."""
    digests = [{} for _ in range(count)]

    def work(i):
        # Each begins with another kind.
        names = list(kinds)[i % len(kinds) :] + list(kinds)[: i % len(kinds)]
        digests[i] = digests_of(folder, {name: kinds[name] for name in names})

    threads = [threading.Thread(target=work, args=[i]) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return digests, []


_MODES = {'serial': serial, 'threads': in_threads}


def start(folder, weights, mode, count):
    """Start a process of runs."""
    words = [sys.executable, '-m', 'stress.runs', folder, weights, mode]
    return subprocess.Popen(
        [*map(str, words), str(count)],
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )


def many_runs(place, weights, count):
    """Return the rows of all runs, ``count`` of them one after another."""
    work = Work(place, weights)

    def output(child):
        text = child.communicate()[0]
        return json.loads(text.splitlines()[-1]) if text else None

    first = output(start(work.folder, weights, 'serial', count))
    if first is None:
        return [Row('runs one after another', count, ['the process died'])]
    expected = {}
    for digests in first['digests']:
        for name, digest in digests.items():
            expected.setdefault(name, digest)
    rows = [
        _row('runs one after another', first['digests'], expected),
        memory(first['resident']),
    ]
    threads = output(start(work.folder, weights, 'threads', AT_ONCE))
    tried = f'runs in {AT_ONCE} threads at once'
    rows.append(_row(tried, threads and threads['digests'] or [], expected))
    children = [
        start(work.folder, weights, 'serial', len(expected))
        for _ in range(AT_ONCE)
    ]
    outputs = [output(child) for child in children]
    digests = [each for out in outputs if out for each in out['digests']]
    row = _row(f'runs in {AT_ONCE} processes at once', digests, expected)
    row.lost += ['a process died' for out in outputs if not out]
    return [*rows, row]


def _row(tried, digests, expected):
    if not digests:
        return Row(tried, 0, [f'{tried}: the process died'])
    results = [pair for each in digests for pair in each.items()]
    lost = [
        f'{tried}: the result of {name} differs'
        for name, digest in results
        if digest != expected[name]
    ]
    remark = 'results equal, bit for bit, ' * (not lost) + ', '.join(expected)
    return Row(tried, len(results), lost, remark)


def memory(resident):
    """Return the row of the memory after each run.

    What the first fifth takes is warming up.
    """
    warm = len(resident) // 5
    if warm < LEAST_WARM:
        remark = f'not tried: needs {5 * LEAST_WARM} runs'
        return Row('memory of runs one after another', remark=remark)
    later = resident[warm:]
    rises = sum(b > a for a, b in zip(later, later[1:]))
    growth = later[-1] / later[0] - 1
    row = Row('memory of runs one after another', len(resident))
    row.remark = (
        f'after {warm} runs {later[0] >> 20} MB, at the end '
        f'{later[-1] >> 20} MB ({growth:+.1%}), more after {rises} of '
        f'{len(later)} runs'
    )
    if rises > MOST_RISES * len(later) or growth > MOST_GROWTH:
        row.lost.append(f'memory grows: {row.remark}')
    return row


def main():
    """Run what the words say, and print the outcome."""
    # The pictures are tiny, which is worth a warning each time.
    logging.disable()
    folder, weights, mode, count = sys.argv[1:]
    kinds = kinds_of(Path(weights))
    digests, resident = _MODES[mode](Path(folder), kinds, int(count))
    print(json.dumps({'digests': digests, 'resident': resident}))


if __name__ == '__main__':
    os.environ.setdefault('OMP_NUM_THREADS', '1')
    main()
