"""The options that say where jobs run, and lines about how far they are."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path
from typing import Any

from gluon_style.cli.messages import complain
from gluon_style.cli.options import count

# Options, and what the files of TLS are for.
_TLS = {
    'tls_ca': "the certificate that signed the scheduler's",
    'tls_cert': 'the certificate of this machine',
    'tls_key': 'the key of this machine',
}


def add_where(parser: argparse.ArgumentParser) -> None:
    """Add the options that say in which processes jobs run."""
    group = parser.add_argument_group('where pictures are made')
    group.add_argument(
        '--workers',
        type=count('workers'),
        metavar='N',
        help='so many processes of this machine, each on one core',
    )
    group.add_argument(
        '--scheduler',
        metavar='ADDRESS',
        help='the workers of a Dask scheduler, such as tcp://HOST:8786',
    )
    for name, words in _TLS.items():
        group.add_argument(
            f'--{name.replace("_", "-")}', metavar='FILE.pem', help=words
        )


def executor_of(
    args: argparse.Namespace, observe: Any
) -> AbstractContextManager[Any]:
    """Return the context of the executor that the options ask for.

    ``observe`` is for runs in this process.
    """
    from gluon_style.many.executors import executor_for

    return executor_for(observe=observe, **place_of(args))


def place_of(args: argparse.Namespace) -> dict[str, Any]:
    """Return what the options say, by the names that Python has for it."""
    tls = {name.removeprefix('tls_'): getattr(args, name) for name in _TLS}
    return {'workers': args.workers, 'scheduler': args.scheduler, **tls}


def cluster_of(args: argparse.Namespace) -> AbstractContextManager[Any]:
    """Return the context of the cluster that shares the work on one picture.

    Its value is None where the options ask for none, or a command has none.
    """
    if not names_place(args):
        return nullcontext()
    from gluon_style.many.executors import open_cluster

    return open_cluster(**place_of(args))


def names_place(args: argparse.Namespace) -> bool:
    """Return whether options say where; some commands have none of them."""
    names = 'workers', 'scheduler', *_TLS
    return any(vars(args).get(name) is not None for name in names)


class Tally:
    """Print how each job came out, how many are left, and for how long.

    With ``as_json`` each line is an object, for programs.
    """

    def __init__(
        self,
        executor: Any,
        stage: str,
        count: int,
        quiet: bool,
        as_json: bool,
    ) -> None:
        self._executor, self._stage, self._count = executor, stage, count
        self._quiet, self._as_json = quiet, as_json
        self._done = self._failed = self._new = 0
        self._began = time.perf_counter()
        if (address := getattr(executor, 'dashboard', None)) is not None:
            self._print({'dashboard': address}, f'dashboard: {address}')

    def add(self, name: str, outcome: Any, is_known: bool = False) -> None:
        """Tell of a job; of an error that ``is_known`` nothing is said.

        ``outcome`` is an ``Outcome``, or a cell, which has all of its fields.
        """
        self._done += 1
        self._new += outcome.is_new
        self._failed += outcome.error is not None
        if outcome.error is not None and not is_known:
            complain(f'{name}: {outcome.error}')
        losses = None if outcome.record is None else outcome.record.losses
        total = '' if losses is None else f': total {losses.total:.2f}'
        running = getattr(self._executor, 'running', 0)
        elapsed = time.perf_counter() - self._began
        # What was there already took no time.
        left = elapsed / max(1, self._new) * (self._count - self._done)
        line = {
            'stage': self._stage,
            'job': name,
            'state': 'done' if outcome.error is None else 'failed',
            'error': outcome.error,
            'done': self._done,
            'failed': self._failed,
            'running': running,
            'jobs': self._count,
            'seconds_left': round(left, 1),
        }
        words = f'{self._done}/{self._count} {name}{total}'
        if outcome.error is not None:
            words = ''
        if left > 60:
            words += f'\nabout {left / 60:.0f} min are left'
            if running:
                words += f', {running} are with workers'
            if self._failed:
                words += f', {self._failed} failed'
        self._print(line, words.strip())

    def _print(self, line: dict[str, Any], words: str) -> None:
        if self._as_json:
            print(json.dumps(line), flush=True)
        elif words and not self._quiet:
            print(words, flush=True)


class OtherProcesses:
    """An executor of other processes, which prints how far they are.

    They are started when runs are asked for: a mistake is an error before
    that, and a figure without runs needs none of them.
    """

    def __init__(self, args: argparse.Namespace, quiet: bool) -> None:
        self._args, self._quiet = args, quiet

    def outcomes(
        self, jobs: Sequence[Any], folder: Path, force: bool = False
    ) -> Any:
        """Yield outcomes as they come."""
        with executor_of(self._args, None) as executor:
            tally = Tally(
                executor, folder.name, len(jobs), self._quiet, as_json=False
            )
            outcomes = executor.outcomes(jobs, folder, force)
            with closing(outcomes):
                for index, outcome in outcomes:
                    # An error is said by what ends with it.
                    if outcome.error is None:
                        tally.add(jobs[index].name, outcome)
                    yield index, outcome


def other_processes(
    args: argparse.Namespace, quiet: bool
) -> OtherProcesses | None:
    """Return the executor that the options ask for; None is this process."""
    # A mistake in them is an error, also where no run is made.
    executor_of(args, None)
    return OtherProcesses(args, quiet) if names_place(args) else None
