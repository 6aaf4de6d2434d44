"""Make one picture, with all that watches its run, and write its files."""

from __future__ import annotations

import argparse
import shlex
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

from gluon_style.cli.messages import BAD_INPUT, NOT_FINITE, complain
from gluon_style.cli.outputs import Outputs, tell_of_result
from gluon_style.cli.pipes import PIPE, to_output
from gluon_style.cli.request import Request
from gluon_style.cli.signals import Interrupted, interrupting
from gluon_style.cli.where import cluster_of
from gluon_style.errors import GluonStyleError, NonFiniteLossError
from gluon_style.layers import NETWORKS
from gluon_style.methods.observers import (
    Animate,
    Observer,
    Patience,
    Plan,
    Progress,
    SaveSteps,
)
from gluon_style.methods.table import method_of
from gluon_style.records.record import LIMIT, Record
from gluon_style.records.result import Result


def make_picture(args: argparse.Namespace, request: Request) -> int:
    """Make a picture and write its files; return the exit code."""
    if request.output != PIPE:
        return _make_files(args, request)
    if args.save_every is not None:
        raise GluonStyleError(
            '--save-every writes beside the output, which is standard output '
            '(-): name a file with -o'
        )
    with to_output() as path:
        return _make_files(args, replace(request, output=str(path)))


def _make_files(args: argparse.Namespace, request: Request) -> int:
    _require_checkpoint(args)
    outputs = Outputs.of(args, request.output)
    if args.output == PIPE and args.checkpoint is None:
        # What an interrupted run goes on from outlasts its folder.
        outputs.checkpoint = Path('stdout.checkpoint')
    # A config that is overwritten could not resume the run.
    outputs.check([*request.files, *filter(None, [args.config])])
    with StopOnSignal() as stop, outputs.claimed():
        try:
            return _make(args, request, outputs, stop)
        except Interrupted as error:
            if not stop.begun:
                raise
            complain(f'interrupted before the end{_kept(args, outputs)}')
            return error.code


def _require_checkpoint(args: argparse.Namespace) -> None:
    if args.checkpoint is None:
        for name in ('resume', 'checkpoint_every'):
            if getattr(args, name):
                raise GluonStyleError(
                    f'--{name.replace("_", "-")} is given without a '
                    'checkpoint: name its folder with --checkpoint'
                )


def _make(
    args: argparse.Namespace,
    request: Request,
    outputs: Outputs,
    stop: StopOnSignal,
) -> int:
    from gluon_style.methods.gatys.checkpoint import Checkpoint
    from gluon_style.methods.gatys.checkpoint_folder import remove

    # Without a folder named, it saves only if the run is interrupted.
    every = args.checkpoint_every if args.checkpoint else 0
    checkpoint = Checkpoint(outputs.checkpoint, every, args.resume)
    # Those that may refuse the run come before the forecast, which measures.
    observers: list[Observer] = [outputs, checkpoint]
    if args.animation is not None:
        outputs.animate = Animate(
            args.animation, write=False, force=args.force
        )
        observers.append(outputs.animate)
    if args.save_every is not None:
        observers.append(
            SaveSteps(outputs.picture, args.save_every, force=args.force)
        )
    observers.append(Patience(60 * args.patience))
    observers += [Progress(quiet=args.quiet or args.json), stop]
    try:
        with cluster_of(args) as cluster:
            options = {} if cluster is None else {'cluster': cluster}
            result = method_of(request.settings).stylize(
                request.content,
                request.styles or None,
                request.settings,
                mask=request.mask,
                observers=observers,
                **options,
            )
    except NonFiniteLossError as error:
        return _write_last_good(args, outputs, error)
    problems = _write(args, outputs, result)
    if result.record.stopped not in (None, LIMIT):
        _report_stop(args, outputs, result, checkpoint.saved, problems)
        return stop.code
    if args.checkpoint is not None and not problems:
        remove(args.checkpoint)
    return BAD_INPUT if problems else 0


def _write(args, outputs, result, error=None):
    """Write the files and print a summary; return what went wrong.

    ``error`` is what went wrong before.
    """
    problems = outputs.write(result)
    for problem in problems:
        complain(problem)
    if args.json or not problems:
        summary = _summary(result, _shown(args, outputs))
        seconds = result.history[-1].seconds
        error = '; '.join([*filter(None, [error]), *problems]) or None
        tell_of_result(args, outputs, result, seconds, summary, error)
    return problems


def _shown(args, outputs):
    return 'standard output' if args.output == PIPE else str(outputs.picture)


def _write_last_good(args, outputs, error):
    """Write the last good result of a run whose loss became infinite."""
    kept = 'nothing was written'
    if error.result is not None:
        if not _write(args, outputs, error.result, str(error)):
            kept = f'the last good picture is in {_shown(args, outputs)}'
    complain(f'{error}; {kept}')
    return NOT_FINITE


def _report_stop(args, outputs, result, saved, problems):
    best = ''
    if not problems:
        best = f': the best picture so far is in {_shown(args, outputs)}'
    going_on = 'nothing was saved yet to go on from'
    if saved:
        command = _resuming(args, outputs)
        going_on = f'to go on from epoch {saved}: {command}'
    complain(
        f'stopped by {result.record.stopped} after {len(result.history)} '
        f'epochs{best}; {going_on}'
    )


def _kept(args: argparse.Namespace, outputs: Outputs) -> str:
    """Return how to go on with a run that ended at once."""
    from gluon_style.methods.gatys.checkpoint_folder import FILE

    if not (outputs.checkpoint / FILE).exists():
        return ''
    return f'; to go on: {_resuming(args, outputs)}'


def _resuming(args: argparse.Namespace, outputs: Outputs) -> str:
    """Return the command that goes on with a run."""
    command, *words = args.words
    options = []
    if args.output is None:
        # Without a name it would be another one each time.
        options.append(f'--output={outputs.picture}')
    if args.checkpoint is None:
        options.append(f'--checkpoint={outputs.checkpoint}')
    if not args.resume:
        options.append('--resume')
    return shlex.join(['gluon-style', command, *options, *words])


def _summary(result: Result, output: str) -> str:
    last, record = result.history[-1], result.record
    losses = record.losses or last
    return (
        f'{output}: {record.width}x{record.height} pixels, {last.epoch} '
        f'epochs in {last.seconds:.0f} s, content {losses.content:.2f}, '
        f'style {losses.style:.2f}, TV {losses.tv:.2f}, total '
        f'{losses.total:.2f} at {losses.scale[0]}x{losses.scale[1]}, '
        f'{_network(record)}'
    )


def _network(record: Record) -> str:
    if record.weights.sha256 is None:
        return 'no network'
    network = NETWORKS[record.settings['network']]
    return f'weights {record.weights.source} of {network.title}'


class StopOnSignal(Observer):
    """Note the first signal after a run has begun, to stop it in good order.

    Every other signal raises Interrupted. It is used in a ``with``
    statement.
    """

    def __init__(self) -> None:
        self.begun = False
        self._noted: int | None = None
        self._context = interrupting(self._take)

    def __enter__(self) -> StopOnSignal:
        self._context.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._context.__exit__(*error)

    def begin(self, plan: Plan) -> None:
        """From now on the first signal is only noted."""
        self.begun = True

    def stop(self) -> str | None:
        """Return the name of the signal that was noted, or None."""
        return signal.Signals(self._noted).name if self._noted else None

    @property
    def code(self) -> int:
        """The exit code that a shell expects after the noted signal, or 0."""
        return 128 + self._noted if self._noted else 0

    def _take(self, number: int, frame: Any) -> None:
        first, self._noted = self._noted is None, number
        if not (self.begun and first):
            raise Interrupted(number)
