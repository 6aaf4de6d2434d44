"""Feed mutated files to the readers, and count the outcomes.

    python tests/fuzz.py --count 20000 --seed 0 --kinds images,weights

An outcome is right (the reader returned what it promises), an error (one line
of ValueError or OSError), or a FAULT: any other exception, more than 5
seconds of the processor, more than a gigabyte, or a crash. The inputs of
faults are kept as files, and the exit status is 1 if there is one. Child
processes read the inputs. The same seed, count and packages give the same
inputs.
"""

import argparse
import collections
import contextlib
import logging
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

import psutil
from fuzz_mutations import mutate
from fuzz_seeds import KINDS

import gluon_style

MOST_SECONDS = 5
MOST_BYTES = 1 << 30
_BATCH = 1000
PROGRAM = __file__


def main(arguments=None):
    """Run the program; returns its exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        '--count', type=int, default=20000, help='number of inputs'
    )
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--kinds', default=','.join(KINDS))
    parser.add_argument('--faults', type=Path, help='where faults are kept')
    parser.add_argument('--child', type=Path, help=argparse.SUPPRESS)
    parser.add_argument('--first', type=int, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    faults = options.faults or Path(tempfile.mkdtemp(prefix='fuzz-'))
    faults.mkdir(parents=True, exist_ok=True)
    kinds = options.kinds.split(',')
    if options.child:
        batch = range(options.first, options.first + options.count)
        read_batch(kinds[0], batch, options.seed, options.child, faults)
        return 0
    tables = {}
    for i, kind in enumerate(kinds):
        # The first kinds get the remainder.
        count = (options.count + len(kinds) - 1 - i) // len(kinds)
        tables[kind] = fuzz(kind, count, options.seed, faults)
    print_table(tables, faults)
    return int(any('FAULT' in counts for counts in tables.values()))


def print_table(tables, faults):
    """Print how often each outcome occurred, by kind."""
    outcomes = ('right', 'error', 'FAULT')
    print(f'{"kind":12}' + ''.join(f'{name:>8}' for name in outcomes))
    for kind, counts in tables.items():
        row = ''.join(f'{counts[name]:8}' for name in outcomes)
        print(f'{kind:12}{row}')
    if any('FAULT' in counts for counts in tables.values()):
        print(f'the faults are in {faults}')


def fuzz(kind, count, seed, faults):
    """Return how often each outcome occurred among ``count`` inputs."""
    counts = collections.Counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / 'seeds').mkdir()
        KINDS[kind][0](folder / 'seeds')
        first = 0
        while first < count:
            batch = range(first, min(first + _BATCH, count))
            done = run_batch(kind, batch, seed, folder, faults)
            counts.update(done)
            first += sum(done.values())
    return counts


def run_batch(kind, batch, seed, folder, faults):
    """Read inputs in a child, perhaps not all of them; return the counts."""
    command = [sys.executable, PROGRAM, '--child', str(folder)]
    command += ['--faults', str(faults), '--kinds', kind, '--seed', str(seed)]
    command += ['--first', str(batch.start), '--count', str(len(batch))]
    log, noise = folder / 'log', folder / 'noise'
    with open(log, 'w') as out, open(noise, 'w') as err:
        child = subprocess.Popen(
            command, stdout=out, stderr=err, env=_environment()
        )
        problem = _watch(child, log)
    outcomes = log.read_text().split()
    if problem:
        inputs = list(folder.glob('input.*'))
        if not inputs:
            raise RuntimeError(noise.read_text())
        outcomes.append('FAULT')
        number = batch.start + len(outcomes) - 1
        _keep(inputs[0], f'{kind}-{seed}-{number}', problem, faults)
    return collections.Counter(outcomes)


def _environment():
    """Make a child import the same package as its parent."""
    package = str(Path(gluon_style.__file__).resolve().parents[1])
    tests = str(Path(__file__).resolve().parent)
    path = os.pathsep.join([package, tests])
    return {**os.environ, 'PYTHONPATH': path}


def _watch(child, log):
    """Return how a child died, or None; kill one that hangs."""
    size, since, used, now = -1, time.monotonic(), 0.0, 0.0
    process = psutil.Process(child.pid)
    while child.poll() is None:
        time.sleep(0.05)
        problem = None
        with contextlib.suppress(psutil.Error):
            # Of the processor's time: the machine may be busy.
            now = sum(process.cpu_times()[:2])
            if process.memory_info().rss > 3 * MOST_BYTES:
                problem = 'took gigabytes'
        if log.stat().st_size != size:
            size, since, used = log.stat().st_size, time.monotonic(), now
        if now - used > 12 * MOST_SECONDS:
            problem = 'hung'
        if time.monotonic() - since > 600 * MOST_SECONDS:
            problem = 'waits for something'
        if problem:
            child.kill()
            child.wait()
            return problem
    status = child.returncode
    return f'crashed with status {status}' if status else None


def _keep(file, name, problem, faults):
    kept = faults / f'{name}{file.suffix}'
    shutil.copy(file, kept)
    kept.with_name(f'{kept.name}.txt').write_text(f'{problem}\n')
    print(f'FAULT {kept}: {problem.splitlines()[-1]}', file=sys.stderr)


def read_batch(kind, batch, seed, folder, faults):
    """Read the inputs of these numbers, and print the outcome of each."""
    logging.disable()
    warnings.simplefilter('ignore')
    seeds = sorted((folder / 'seeds').iterdir())
    contents = [file.read_bytes() for file in seeds]
    for old in folder.glob('input.*'):
        old.unlink()
    KINDS[kind][1](seeds[0])
    before = peak_bytes()
    for number in batch:
        rng = random.Random(f'{seed}-{kind}-{number}')
        chosen = rng.randrange(len(seeds))
        file = folder / f'input{seeds[chosen].suffix}'
        file.write_bytes(mutate(contents[chosen], contents, rng))
        problem, outcome = judge(KINDS[kind][1], file, before)
        if problem:
            _keep(file, f'{kind}-{seed}-{number}', problem, faults)
        print(outcome, flush=True)
        file.unlink()
        if peak_bytes() - before > MOST_BYTES:
            # The peak would count against the inputs that follow.
            return


def judge(read, file, before):
    """Return what a reader does wrong, or None, and the outcome."""
    began, outcome = time.process_time(), 'right'
    try:
        read(file)
    except (OSError, ValueError) as error:
        outcome = 'error'
        if len(str(error).splitlines()) != 1:
            return f'an error of several lines: {str(error)!r}', 'FAULT'
    except BaseException:
        return traceback.format_exc(), 'FAULT'
    seconds, taken = time.process_time() - began, peak_bytes() - before
    if seconds > MOST_SECONDS:
        return f'it took {seconds:.1f} s', 'FAULT'
    if taken > MOST_BYTES:
        return f'it took {taken >> 20} MB', 'FAULT'
    return None, outcome


def peak_bytes():
    """Return the most memory that this process has taken so far."""
    status = Path('/proc/self/status')
    if status.exists():
        # Getrusage's would include the memory of the parent before the fork.
        match = re.search(r'VmHWM:\s+(\d+) kB', status.read_text())
        return int(match[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == 'darwin' else peak * 1024


if __name__ == '__main__':
    sys.exit(main())
