"""The commands that make one picture: run, texture, reconstruct, demo.

What reads pictures is imported when it is needed, so that help is at once.
"""

import shlex
from pathlib import Path

from gluon_style.cli.arguments import BAD_INPUT
from gluon_style.cli.progress import NOT_FINITE, Progress, complain
from gluon_style.cli.signals import INTERRUPTED
from gluon_style.errors import GluonStyleError
from gluon_style.methods.gatys.presets import preset

# Not 'auto': the model zoo's file would be eight times the download. With the
# chapter's weight of the style, 1e4, the cat's eyes become suns.
DEMO = preset('quick').changed({'weights': 'oxford', 'style_weight': 1e3})


def make(args):
    """Make what run, texture or reconstruct ask for; returns the exit code."""
    from gluon_style.cli.request import read_request

    return _make(args, read_request(args))


def demo(args):
    """Stylize the sample photograph."""
    from gluon_style import samples
    from gluon_style.cli.request import Request

    content, style = samples.photograph(), samples.PAINTING
    return _make(args, Request(content, [style], None, DEMO, args.output))


def _make(args, request):
    from gluon_style.cli.outputs import Outputs

    if args.checkpoint is None:
        for name in ('resume', 'checkpoint_every'):
            if getattr(args, name):
                raise GluonStyleError(
                    f'--{name.replace("_", "-")} is given without a '
                    'checkpoint: name its folder with --checkpoint'
                )
    picture = Path(request.output)
    outputs = Outputs(
        picture,
        Path(args.checkpoint or picture.with_suffix('.checkpoint')),
        args.plot,
        args.animation,
        args.save_every,
        args.force,
    )
    # A config that is overwritten could not resume the run.
    outputs.check([*request.files, *filter(None, [args.config])])
    try:
        with outputs.claimed():
            return _stylize(args, request, outputs)
    except KeyboardInterrupt:
        if not args.signals.armed:
            raise
        complain(f'interrupted before the end{_kept(args, outputs)}')
        return args.signals.code or INTERRUPTED


def _stylize(args, request, outputs):
    from gluon_style.errors import NonFiniteLossError
    from gluon_style.methods.gatys.checkpoint import remove
    from gluon_style.methods.gatys.stylize import LIMIT, stylize

    code, problem = 0, None
    # Without a folder named, for a run that is interrupted only.
    every = args.checkpoint_every if args.checkpoint else 0
    with Progress(quiet=args.quiet) as progress:

        def planned(steps):
            progress.planned(steps)
            args.signals.armed = True

        try:
            result = stylize(
                request.content,
                request.styles or None,
                request.settings,
                mask=request.mask,
                callback=progress,
                planned=planned,
                patience=60 * args.patience,
                checkpoint=outputs.checkpoint,
                resume=args.resume,
                checkpoint_every=every,
                stop=args.signals,
                animation=args.animation,
                save_every=args.save_every,
                output=outputs.picture,
                force=args.force,
            )
        except NonFiniteLossError as error:
            problem, result = error, error.result
    failed = [] if result is None else outputs.write(result)
    for each in failed:
        code = BAD_INPUT
        complain(each)
    if not (args.quiet or failed or result is None):
        print(_summary(result, outputs.picture))
    if problem is not None:
        code, kept = NOT_FINITE, 'nothing was written'
        if result is not None and not failed:
            kept = f'the last good picture is in {outputs.picture}'
        complain(f'{problem}; {kept}')
    elif result.record.get('stopped', LIMIT) != LIMIT:
        code, best = args.signals.code, ''
        if not failed:
            best = f': the best picture so far is in {outputs.picture}'
        going_on = 'nothing was saved yet to go on from'
        if result.saved:
            command = _resuming(args, outputs.checkpoint)
            going_on = f'to go on from epoch {result.saved}: {command}'
        complain(
            f'stopped by {result.record["stopped"]} after '
            f'{len(result.history)} epochs{best}; {going_on}'
        )
    elif args.checkpoint is not None and not failed:
        remove(args.checkpoint)
    return code


def _kept(args, outputs):
    """Return how to go on with a run that ended at once."""
    from gluon_style.methods.gatys.checkpoint import FILE

    if not (outputs.checkpoint / FILE).exists():
        return ''
    return f'; to go on: {_resuming(args, outputs.checkpoint)}'


def _resuming(args, folder):
    """Return the command that goes on with a run."""
    command, *words = args.argv
    given = []
    if args.checkpoint is None:
        given.append(f'--checkpoint={folder}')
    if not args.resume:
        given.append('--resume')
    return shlex.join(['gluon-style', command, *given, *words])


def _summary(result, output):
    last, losses = result.history[-1], result.record['losses']
    return (
        f'{output}: {result.record["width"]}x{result.record["height"]} '
        f'pixels, {last["epoch"]} epochs in {last["seconds"]:.0f} s, '
        f'content {losses["content"]:.2f}, style {losses["style"]:.2f}, '
        f'TV {losses["tv"]:.2f}, total {losses["total"]:.2f} at '
        f'{losses["scale"][0]}x{losses["scale"][1]}, '
        f'weights {result.record["weights"]["source"]}'
    )
