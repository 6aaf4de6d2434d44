"""Compare the nets of one pass with onnxruntime on the same nets.

    python -m benchmarks.one_pass --reference      # the tests' stored outputs
    python -m benchmarks.one_pass --threads 1      # seconds, by net and size

Both programs take turns, each in a process of its own, so that other work on
the machine slows both down. The least time of each counts: the time that
passed, and the time of all cores, which other work hardly changes.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

from gluon_style.weights.sources import fetch

from ..quality.programs import (
    ENVIRONMENTS,
    environment,
    process_environment,
)

HERE = Path(__file__).resolve().parent
ENVIRONMENTS['one-pass'] = ('onnxruntime==1.*', 'onnx')
SIZES = ((452, 300), (1024, 1024), (1920, 1080))
NETS = ('styles26', 'any-style')
REFERENCE = HERE.parents[1] / 'data' / 'one_pass.npz'


def sources():
    """Return the folder that has the three ONNX files."""
    names = ('styles26', 'any-style', 'predictor')
    paths = [fetch(f'one-pass-{name}') for name in names]
    return str(paths[0].parent)


def run(python, script, task, threads):
    """Return what a script prints for a task."""
    done = subprocess.run(
        [str(python), str(HERE / script), json.dumps(task)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env=process_environment(threads),
    )
    return json.loads(done.stdout)


def compare(net, size, repeats, turns, threads):
    """Return the least seconds of this package and of onnxruntime.

    Each is two numbers: seconds that passed, and seconds of cores.
    """
    own, other = [], []
    task = {'net': net, 'size': size, 'repeats': repeats}
    peer = {**task, 'do': 'time', 'folder': sources()}
    for _ in range(turns):
        own += run(sys.executable, 'with_mxnet.py', task, threads)
        other += run(environment('one-pass'), 'with_onnx.py', peer, threads)
    return [[min(times) for times in zip(*each)] for each in (own, other)]


def command_seconds(threads, turns):
    """Return the median seconds of the whole command, for 450x300 pixels."""
    out = HERE.parents[2] / 'build' / 'one-pass.png'
    out.parent.mkdir(exist_ok=True)
    painting = HERE.parents[2] / 'gluon_style' / 'samples' / 'painting.jpg'
    command = [sys.executable, '-m', 'gluon_style', 'run', painting, painting]
    command += ['-o', out, '--size', '450', '--method', 'feedforward']
    times = []
    for _ in range(turns):
        began = time.perf_counter()
        subprocess.run(
            [*map(str, command), '--quiet'],
            check=True,
            env=process_environment(threads),
        )
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--reference', action='store_true')
    parser.add_argument('--threads', type=int, nargs='+', default=[1])
    parser.add_argument('--repeats', type=int, default=3)
    parser.add_argument('--turns', type=int, default=2)
    options = parser.parse_args()
    if options.reference:
        task = {'do': 'reference', 'folder': sources()}
        task['output'] = str(REFERENCE)
        run(environment('one-pass'), 'with_onnx.py', task, 1)
        return
    print('milliseconds that passed, and of cores; of this package (own)')
    print(
        'net       threads  pixels        own   onnx ratio    own   onnx ratio'
    )
    for threads in options.threads:
        jobs = [(net, size) for net in NETS for size in SIZES]
        for net, size in [*jobs, ('predictor', (256, 256))]:
            own, other = compare(
                net, size, options.repeats, options.turns, threads
            )
            columns = [
                f'{1000 * a:6.0f} {1000 * b:6.0f}  {a / b:4.2f}'
                for a, b in zip(own, other)
            ]
            shape = f'{size[0]}x{size[1]}'
            print(
                f'{net:10}{threads:6}  {shape:9}',
                *columns,
                flush=True,
            )
        seconds = command_seconds(threads, 2 * options.turns + 1)
        print(f'the command, 450x300, {threads} threads: {seconds:.1f} s')


if __name__ == '__main__':
    main()
