"""The options that say where jobs run, and lines about how far they are."""

from __future__ import annotations

import argparse
import json
import time
from contextlib import AbstractContextManager
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
    group = parser.add_argument_group('where the pictures are made')
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

    def add(self, cell: Any, is_known: bool) -> None:
        """Tell of a cell; of an error that ``is_known`` nothing is said."""
        self._done += 1
        self._new += cell.is_new
        self._failed += cell.error is not None
        name = cell.job.name
        if cell.error is not None and not is_known:
            complain(f'{name}: {cell.error}')
        losses = None if cell.record is None else cell.record.losses
        total = '' if losses is None else f': total {losses.total:.2f}'
        running = getattr(self._executor, 'running', 0)
        elapsed = time.perf_counter() - self._began
        # What was there already took no time.
        left = elapsed / max(1, self._new) * (self._count - self._done)
        line = {
            'stage': self._stage,
            'job': name,
            'state': 'done' if cell.error is None else 'failed',
            'error': cell.error,
            'done': self._done,
            'failed': self._failed,
            'running': running,
            'jobs': self._count,
            'seconds_left': round(left, 1),
        }
        words = f'{self._done}/{self._count} {name}{total}'
        if cell.error is not None:
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
