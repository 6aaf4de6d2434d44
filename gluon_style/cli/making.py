"""The commands that make one picture: run, texture, reconstruct, demo.

What reads pictures is imported when it is needed, so that help is at once.
"""

import shlex
from pathlib import Path

from gluon_style.cli.progress import NOT_FINITE, Progress, complain
from gluon_style.files import claim


def make(args):
    """Make what run, texture or reconstruct ask for; returns the exit code."""
    from gluon_style.cli.request import read_request

    return _make(args, read_request(args))


def demo(args):
    """Stylize the sample photograph."""
    from gluon_style import samples
    from gluon_style.cli.request import Request

    content, style = samples.photograph(), samples.PAINTING
    return _make(
        args, Request(content, [style], None, samples.DEMO, args.output)
    )


def _make(args, request):
    from gluon_style.cli.outputs import Outputs

    outputs = Outputs(
        Path(request.output),
        args.plot,
        args.animation,
        args.save_every,
        _original_size(request) if args.original_size else None,
        args.force,
    )
    if args.resume and args.checkpoint is None:
        raise ValueError(
            'there is no checkpoint to resume from: name its folder with '
            '--checkpoint'
        )
    outputs.check(request.files)
    with claim(outputs.picture):
        return _stylize(args, request, outputs)


def _original_size(request):
    """Return (width, height) of the content picture as it is seen."""
    if request.content is None:
        raise ValueError(
            'there is no content picture, of which --original-size would be '
            'the size: leave it out'
        )
    from gluon_style.pictures import read_picture

    height, width = read_picture(request.content).shape[:2]
    return width, height


def _stylize(args, request, outputs):
    from gluon_style.checkpoint import remove
    from gluon_style.cli.outputs import Frames
    from gluon_style.history import NonFiniteLossError
    from gluon_style.stylize import stylize

    code, problem = 0, None
    frames = Frames(outputs)
    folder, every = args.checkpoint, args.checkpoint_every
    if folder is None:
        # For a run that is interrupted only.
        folder, every = outputs.picture.with_suffix('.checkpoint'), 0
    with Progress(quiet=args.quiet) as progress:

        def planned(steps):
            progress.planned(steps)
            frames.planned(steps)
            args.signals.armed = True

        try:
            result = stylize(
                request.content,
                request.styles or None,
                request.settings,
                mask=request.mask,
                callback=progress,
                on_picture=frames if frames.wanted else None,
                planned=planned,
                patience=60 * args.patience,
                checkpoint=folder,
                resume=args.resume,
                checkpoint_every=every,
                stop=args.signals,
            )
        except NonFiniteLossError as error:
            code, problem, result = NOT_FINITE, error, error.result
    if result is not None:
        outputs.write(result, frames)
        if not args.quiet:
            print(_summary(result, outputs.picture))
    if problem is not None:
        kept = 'nothing was written'
        if result is not None:
            kept = f'the last good picture is in {outputs.picture}'
        complain(f'{problem}; {kept}')
    elif 'stopped' in result.record:
        complain(
            f'stopped by {result.record["stopped"]} after '
            f'{len(result.history)} epochs: the best picture so far is in '
            f'{outputs.picture}; to go on: {_resuming(args, folder)}'
        )
    elif args.checkpoint is not None:
        remove(folder)
    return code or args.signals.code


def _resuming(args, folder):
    """Return the command that goes on with a run."""
    words = ['gluon-style', *args.argv]
    if args.checkpoint is None:
        words += ['--checkpoint', str(folder)]
    if not args.resume:
        words.append('--resume')
    return shlex.join(words)


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
