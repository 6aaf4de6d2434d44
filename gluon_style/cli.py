"""The command gluon-style: the only module that prints or exits.

MXNet is imported only once the arguments make sense, so that help and
mistakes are answered at once.
"""

import logging
import os
import shutil
import sys
import time
import warnings
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path

from gluon_style._mxnet import explain
from gluon_style.arguments import BAD_INPUT, make_parser
from gluon_style.files import LEAST_FREE_BYTES, replacing
from gluon_style.settings import preset

NOT_FINITE = 3
INTERRUPTED = 130


def main(argv=None):
    """Run the command line and return its exit code."""
    args = make_parser().parse_args(argv)
    try:
        with _log_to_stderr(quiet=getattr(args, 'quiet', False)):
            return COMMANDS[args.command](args)
    except KeyboardInterrupt:
        kept = 'nothing was written'
        if args.command in ('figure', 'sweep'):
            kept = 'the same command goes on from here'
        _complain(f'interrupted: {kept}')
        return INTERRUPTED
    except OSError as error:
        _complain(_sentence(error))
        return BAD_INPUT
    except ValueError as error:
        _complain(error)
        return BAD_INPUT
    except ImportError as error:
        _complain(explain(error))
        return BAD_INPUT
    except ArithmeticError as error:
        # A loss that is not finite.
        _complain(error)
        return NOT_FINITE
    except (MemoryError, RuntimeError) as error:
        # MXNet's own error is a RuntimeError, its last line what happened.
        _complain(f'out of memory or MXNet failed: {_last_line(error)}')
        return BAD_INPUT


def _sentence(error):
    """Return what an OSError means; ours are sentences already."""
    if error.strerror is None:
        return error
    about = f' ({error.filename!r})' if error.filename else ''
    return f'cannot read or write{about}: {error.strerror}'


def _last_line(error):
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[-1].strip() if lines else type(error).__name__


def _complain(message):
    print(f'gluon-style: {message}', file=sys.stderr)


@contextmanager
def _log_to_stderr(quiet):
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter('gluon-style: %(message)s'))
    logger = logging.getLogger('gluon_style')
    logger.addHandler(handler)
    # MXNet sets up the root logger, which would say everything twice.
    logger.propagate = False
    logger.setLevel(logging.WARNING if quiet else logging.INFO)
    try:
        with warnings.catch_warnings():
            if quiet:
                warnings.simplefilter('ignore')
            yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = True


def _run(args):
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


def _demo(args):
    from gluon_style import samples

    content, style = samples.photograph(), samples.PAINTING
    return _stylize(args, [], content, style, samples.DEMO)


def _stylize(args, inputs, content, style, settings):
    output = Path(args.output)
    _check_outputs(output, args.plot, inputs)
    from gluon_style.history import NonFiniteLossError
    from gluon_style.stylize import stylize

    code, problem = 0, None
    with _Progress(quiet=args.quiet) as progress:
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
        _complain(f'{problem}; {kept}')
    return code


class _Progress:
    """Show a run's progress, by pixels times epochs, and its losses."""

    def __init__(self, name='', quiet=False):
        self._name = name
        self._quiet = quiet

    def __enter__(self):
        from tqdm.auto import tqdm

        # The delay keeps an empty bar from standing before an error's
        # sentence.
        self._bar = tqdm(
            desc=self._name,
            disable=self._quiet,
            delay=1e-3,
            bar_format='{desc} {percentage:.0f}%|{bar}| '
            '{elapsed}<{remaining}{postfix}',
        )
        return self

    def __exit__(self, *error):
        self._bar.close()

    def planned(self, steps):
        """Take in the ((width, height), epochs) of each scale."""
        self._epochs = dict(steps)
        self._bar.total = sum(w * h * epochs for (w, h), epochs in steps)

    def __call__(self, history, X):
        scale = width, height = history[-1]['scale']
        before = done = 0
        for (w, h), epochs in self._epochs.items():
            if (w, h) == scale:
                break
            before, done = before + epochs, done + w * h * epochs
        epoch = history[-1]['epoch'] - before
        self._bar.set_description_str(
            f'{self._name} {width}x{height} {epoch}/{self._epochs[scale]}',
            refresh=False,
        )
        self._bar.set_postfix_str(
            'content {content:.2f}, style {style:.2f}, TV {tv:.2f}'.format(
                **history[-1]
            ),
            refresh=False,
        )
        self._bar.update(done + width * height * epoch - self._bar.n)


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


def _figure(args):
    from gluon_style.figures import RECIPES, Options, draw

    if args.list:
        for name, recipe in RECIPES.items():
            print(f'{name:16} {recipe.about}')
        return 0
    if args.name is None:
        raise ValueError(f'no figure is named: choose {", ".join(RECIPES)}')
    options = Options(
        content=args.content,
        style=args.style,
        size=args.size,
        quick=args.quick,
        reference=args.reference,
        weights=args.weights,
        device=args.device,
    )
    path, checks = draw(
        args.name, args.output, options, watch=_watch(args.quiet)
    )
    words = {True: 'good', False: 'OUT', None: 'open'}
    for check in checks:
        print(f'{words[check.good]:4} {check.text}')
    print(path)
    return 1 if any(check.good is False for check in checks) else 0


def _watch(quiet):
    """Return what shows the progress of each run of several."""
    return lambda job: _Progress(job.name, quiet)


def _sweep(args):
    from gluon_style.sweep import combinations, previewed

    given, chosen = vars(args), preset(args.preset)
    values = {name: given[name] for name in asdict(chosen) if name in given}
    # What has one value varies nothing; --bounded has no list.
    varied = {
        name: several
        for name, several in values.items()
        if isinstance(several, list) and len(several) > 1
    }
    common = {
        name: value[0] if isinstance(value, list) else value
        for name, value in values.items()
        if name not in varied
    }
    settings = chosen.changed(common)
    cells = combinations(args.contents, args.styles, settings, varied)
    for picture in [*args.contents, *args.styles]:
        if not Path(picture).is_file():
            raise FileNotFoundError(f'picture {picture!r} is not a file')
    folder = Path(args.output)
    stages = [(cells, folder, folder / 'contact.png')]
    if args.preview:
        small = previewed(cells, args.preview)
        preview = (small, folder / 'preview', folder / 'preview.png')
        stages.insert(0, preview)
    for stage in stages:
        failed = _sweep_stage(*stage, quiet=args.quiet)
    return NOT_FINITE if failed else 0


def _sweep_stage(cells, folder, sheet, quiet):
    """Run cells and draw their contact sheet; returns how many failed."""
    from gluon_style.sweep import contact_sheet, sweep

    done, began = [], time.perf_counter()
    for cell in sweep(cells, folder, _watch(quiet)):
        done.append(cell)
        outcome = cell.error
        if cell.result is not None:
            outcome = f'total {cell.result.record["losses"]["total"]:.2f}'
        elif not quiet:
            _complain(f'{cell.job.name}: {cell.error}')
        if not quiet:
            print(f'{len(done)}/{len(cells)} {cell.job.name}: {outcome}')
            elapsed = time.perf_counter() - began
            left = elapsed / len(done) * (len(cells) - len(done)) / 60
            if left > 1:
                print(f'about {left:.0f} min are left')
    contact_sheet(done, sheet)
    if not quiet:
        print(sheet)
    return sum(cell.error is not None for cell in done)


def _doctor(args):
    from gluon_style.doctor import PROBLEM, examine

    problem = False
    for finding in examine():
        print(f'{finding.level:8} {finding.text}')
        if finding.mend:
            print(f'{"":8}   -> {finding.mend}')
        problem |= finding.level == PROBLEM
    if problem:
        print('A class cannot start before each PROBLEM is mended.')
        return 1
    print('A class can start.')
    return 0


def _list_weights(args):
    from gluon_style.sources import SOURCES, is_intact

    for source in SOURCES.values():
        state = 'not in the cache'
        if source.path.exists():
            state = 'in the cache' if is_intact(source) else 'BROKEN'
        print(f'{source.name}: {state} ({source.path})')
        print(f'  from     {source.origin}')
        print(f'  licence  {source.licence}')
        print(f'  bytes    at most {source.size}')
        print(f'  hash     {source.digest}')
        print(f'  input    {source.convention}')
        print(f'  scaling  {source.scaling}')
    return 0


def _fetch_weights(args):
    from gluon_style.sources import fetch

    print(fetch(args.name))
    return 0


def _verify_weights(args):
    from gluon_style.sources import SOURCES, is_intact
    from gluon_style.weights import load_weights

    names = args.names or [n for n, s in SOURCES.items() if s.path.exists()]
    code = 0
    for name in names:
        if name in SOURCES:
            good, where = is_intact(SOURCES[name]), SOURCES[name].path
        elif Path(name).is_file():
            # A file that does not load is an error of its own.
            good, where = True, load_weights(name).path
        else:
            raise ValueError(
                f'weights {name!r} are unknown: choose from '
                f'{", ".join(SOURCES)}, or a file that exists'
            )
        print(f'{name}: {"good" if good else "missing or broken"} ({where})')
        code = code if good else 1
    if not names:
        print('no weights are in the cache')
    return code


def _convert_weights(args):
    from gluon_style.formats import write_layers
    from gluon_style.weights import load_weights

    weights = load_weights(args.weights)
    write_layers(args.output, weights.layers)
    print(f'{args.output}: the weights {weights.source}, for this package')
    return 0


def _report(args):
    from gluon_style.report import write_report

    path, count = write_report(
        args.folder, args.output, pictures=args.pictures, title=args.title
    )
    megabytes = path.stat().st_size / 1e6
    noun = 'result' if count == 1 else 'results'
    print(f'{path}: {count} {noun}, {megabytes:.1f} MB')
    return 0


def _bundle(args):
    from gluon_style.bundle import make_bundle

    bundle = make_bundle(args.folder, args.weights, args.project)
    print(
        f'{bundle.folder}: {bundle.wheels} wheels, the weights '
        f'{args.weights}, {bundle.size / 1e6:.0f} MB in all; copy it, and '
        'run on each computer: sh install.sh'
    )
    return 0


COMMANDS = {
    'run': _run,
    'demo': _demo,
    'figure': _figure,
    'sweep': _sweep,
    'doctor': _doctor,
    'weights list': _list_weights,
    'weights fetch': _fetch_weights,
    'weights verify': _verify_weights,
    'weights convert': _convert_weights,
    'report': _report,
    'bundle': _bundle,
}
