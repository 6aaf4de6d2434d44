"""Try what load and faults do, and print a table of what was lost.

    python -m stress --runs 100 --kills 6 --fuzz 20000

The exit status is 1 if something was lost or differed.
"""

import argparse
import contextlib
import io
import signal
import sys
import tempfile
from pathlib import Path

import fuzz
from fuzz_seeds import KINDS

from stress.disks import (
    fixed_meanwhile,
    in_a_fixed_folder,
    on_a_full_disk,
    small_disk,
)
from stress.kills import Trial, killed
from stress.outputs import OUTPUTS
from stress.runs import many_runs
from stress.table import HEAD, Row, as_markdown
from stress.work import Work, make_weights


def main(arguments=None):
    """Run the program; returns its exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--runs', type=int, default=100)
    parser.add_argument(
        '--kills', type=int, default=6, help='moments for each output'
    )
    parser.add_argument(
        '--faults', type=int, default=2, help='full disks for each output'
    )
    parser.add_argument('--fuzz', type=int, default=20000)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--outputs', help='part of the names of outputs')
    options = parser.parse_args(arguments)
    # Else the small disks would stay mounted.
    signal.signal(signal.SIGTERM, lambda *about: sys.exit(143))
    lost = 0
    print(HEAD)
    with tempfile.TemporaryDirectory(prefix='stress-') as name:
        for row in rows(Path(name), options):
            print(as_markdown(row), flush=True)
            for sentence in row.lost:
                print(sentence, file=sys.stderr)
            lost += len(row.lost)
    return int(lost > 0)


def rows(place, options):
    """Yield a row for each thing that is tried."""
    # An ordinary user is to find the way to its folder.
    place.chmod(0o755)
    weights = place / 'weights'
    weights.mkdir()
    make_weights(weights)
    if options.runs:
        yield from many_runs(place / 'runs', weights, options.runs)
    chosen = [o for o in OUTPUTS if (options.outputs or '') in o.name]
    for i, output in enumerate(chosen):
        if output.is_missing:
            yield Row(output.name, remark=f'not tried: needs {output.needs}')
            continue
        yield from faults_of(output, place / str(i), weights, options)
    if options.fuzz:
        yield from mutated(options.fuzz, options.seed, place / 'faults')


def faults_of(output, place, weights, options):
    """Yield a row for each way in which an output is disturbed."""
    with small_disk(place / 'work') as mounted:
        trial = Trial(output, Work(place, weights))
        if options.kills:
            yield killed(trial, options.kills, options.seed)
        if options.faults:
            few = options.faults, options.seed
            yield on_a_full_disk(trial, mounted, *few)
            yield in_a_fixed_folder(trial)
            yield fixed_meanwhile(trial, *few)


def mutated(count, seed, faults):
    """Yield a row for each kind of file that is read, mutated."""
    faults.mkdir()
    for i, kind in enumerate(KINDS):
        share = (count + len(KINDS) - 1 - i) // len(KINDS)
        with contextlib.redirect_stderr(io.StringIO()) as said:
            counts = fuzz.fuzz(kind, share, seed, faults)
        remark = f'{counts["right"]} read, {counts["error"]} one sentence'
        lost = said.getvalue().splitlines()
        yield Row(f'mutated files: {kind}', share, lost, remark)


if __name__ == '__main__':
    sys.exit(main())
