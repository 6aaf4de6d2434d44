"""The commands run and demo: one picture."""

import os
import shutil
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from gluon_style.cli.progress import NOT_FINITE, Progress, complain
from gluon_style.files import LEAST_FREE_BYTES, replacing
from gluon_style.presets import preset


def run(args):
    given = vars(args)
    chosen = preset(args.preset)
    settings = chosen.changed(
        {name: given[name] for name in asdict(chosen) if name in given}
    )
    for picture in (args.content, args.style):
        if not Path(picture).is_file():
            raise FileNotFoundError(f'picture {picture!r} is not a file')
    inputs = [args.content, args.style]
    return _stylize(args, inputs, args.content, args.style, settings)


def demo(args):
    from gluon_style import samples

    content, style = samples.photograph(), samples.PAINTING
    return _stylize(args, [], content, style, samples.DEMO)


def _stylize(args, inputs, content, style, settings):
    output = Path(args.output)
    _check_outputs(output, args.plot, inputs)
    from gluon_style.history import NonFiniteLossError
    from gluon_style.stylize import stylize

    code, problem = 0, None
    with Progress(quiet=args.quiet) as progress:
        try:
            result = stylize(
                content,
                style,
                settings,
                callback=progress,
                planned=progress.planned,
                patience=60 * args.patience,
            )
        except NonFiniteLossError as error:
            code, problem, result = NOT_FINITE, error, error.result
    if result is not None:
        _write(result, output, args.plot)
        if not args.quiet:
            print(_summary(result, output))
    if problem is not None:
        kept = 'nothing was written'
        if result is not None:
            kept = f'the last good picture is in {output}'
        complain(f'{problem}; {kept}')
    return code


def _check_outputs(output, plot, inputs):
    """Find out before a long run whether its files can be written."""
    if output.suffix != '.png':
        raise ValueError(f'output {str(output)!r} must end in .png')
    written = [output, output.with_suffix('.json')]
    if plot is not None:
        from gluon_style.plots import check_suffix

        check_suffix(plot)
        written.append(Path(plot))
    for i, path in enumerate(written):
        folder = path.parent
        if not folder.is_dir():
            raise ValueError(
                f'output folder {str(folder)!r} does not exist: make it first'
            )
        if path.is_dir() or not os.access(folder, os.W_OK):
            raise ValueError(
                f'output {str(path)!r} cannot be written: name a file in a '
                'folder you may write to'
            )
        taken = [Path(other).resolve() for other in inputs + written[:i]]
        if path.resolve() in taken:
            raise ValueError(
                f'output {str(path)!r} is also another file of this run: '
                'give it a name of its own'
            )
        free = shutil.disk_usage(folder).free
        if free < LEAST_FREE_BYTES:
            raise ValueError(
                f'output folder {str(folder)!r} has {free >> 20} MB free: '
                f'at least {LEAST_FREE_BYTES >> 20} MB are needed'
            )


def _write(result, output, plot):
    """Write all files under temporary names before any gets its own."""
    with ExitStack() as stack:
        if plot is not None:
            from gluon_style.plots import plot_result

            figure = plot_result(result.image, result.history)
            figure.save(stack.enter_context(replacing(plot)))
        result.save(output)


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
