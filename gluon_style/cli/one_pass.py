"""gluon-style run by a method of one pass: a picture, or a folder of them."""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gluon_style.cli.messages import BAD_INPUT, complain, sentence
from gluon_style.cli.method import given_settings
from gluon_style.cli.outputs import Outputs, tell_of_result
from gluon_style.cli.pipes import (
    PIPE,
    from_input,
    is_pipe,
    require_named,
    to_output,
)
from gluon_style.cli.request import free_name
from gluon_style.errors import GluonStyleError
from gluon_style.methods.again import find_again, require_method
from gluon_style.methods.feedforward.styles import is_numbered
from gluon_style.methods.fields import Validated
from gluon_style.methods.table import Method
from gluon_style.pictures.opening import require_files
from gluon_style.records.find import pictures_in
from gluon_style.records.result import read_record


@dataclass(frozen=True)
class _Request:
    method: Method
    content: Any
    styles: list[Any]
    settings: Validated
    output: str


def paint(args: argparse.Namespace, method: Method) -> int:
    """Make the picture, or those of a folder; return the exit code."""
    request = _request(args, method)
    if isinstance(request.content, str) and Path(request.content).is_dir():
        return _paint_folder(args, request)
    if request.output != PIPE:
        return _paint(args, request, request.content, Path(request.output))
    with to_output() as path:
        return _paint(args, request, request.content, path)


def _paint_folder(args: argparse.Namespace, request: _Request) -> int:
    """Make all pictures of a folder that can be read; say which failed."""
    jobs = _jobs_of_folder(Path(request.content), request.output)
    if args.workers is not None or args.scheduler is not None:
        return _paint_elsewhere(args, request, jobs)
    failed = []
    for content, output in jobs:
        try:
            code = _paint(args, request, content, output)
        except (OSError, GluonStyleError) as error:
            complain(sentence(error))
            if args.json:
                about = {'file': str(output), 'error': sentence(error)}
                print(json.dumps(about), flush=True)
            code = BAD_INPUT
        if code:
            failed.append(Path(content).name)
    if failed:
        complain(f'{len(failed)} of {len(jobs)} failed: {", ".join(failed)}')
    return BAD_INPUT if failed else 0


def _paint_elsewhere(
    args: argparse.Namespace, request: _Request, jobs: list[tuple[str, Path]]
) -> int:
    """Make all pictures of a folder in other processes."""
    from gluon_style.cli.sweep import make_cells
    from gluon_style.many.jobs import Job
    from gluon_style.many.sweep import Cell

    style, *others = request.styles
    if others:
        raise GluonStyleError(
            f'the number of styles is {len(request.styles)}: name one STYLE '
            'for a folder with --workers or --scheduler'
        )
    if not isinstance(style, (str, Path)):
        raise GluonStyleError(
            'the style is read from standard input: name a file for a folder '
            'with --workers or --scheduler'
        )
    cells = [
        Cell(
            Job(output.stem, content, style, request.settings),
            (Path(content).stem, Path(str(style)).stem),
            {},
        )
        for content, output in jobs
    ]
    return make_cells(args, cells, Path(request.output))


def _request(args: argparse.Namespace, method: Method) -> _Request:
    settings, content, styles = method.settings(), None, []
    image = from_input(args)
    if args.config:
        settings, content, styles = _repeated(args.config, method)
    content = args.content or content
    styles = args.styles or styles
    settings = settings.changed(given_settings(args, method.name))
    if content is None:
        raise GluonStyleError('no content picture is given: name one')
    if not styles:
        others = ', a .style file or net:15' if method.names_styles else ''
        raise GluonStyleError(f'no style is given: name a painting{others}')
    if isinstance(content, str) and Path(content).is_dir():
        if args.output is None:
            raise GluonStyleError(
                'no output is given: name a folder for the results with -o'
            )
    else:
        require_files([] if is_pipe(content) else [content])
    output = args.output or free_name([content, *styles], args.command)
    given = [content, *styles]
    content, *styles = [image if is_pipe(each) else each for each in given]
    for style in styles:
        method.require_style(style)
    return _Request(method, content, styles, settings, output)


def _repeated(config: str, method: Method) -> tuple[Validated, Any, list[Any]]:
    """Return the settings, the content and the styles of a record.

    The files are looked for beside the record, in the current folder and
    among the samples.
    """
    path = Path(config)
    if path.suffix != '.json':
        raise GluonStyleError(
            f'config {config!r} must be the .json of a picture of the method '
            f'{method.name}: give the settings as options'
        )
    record, _ = read_record(path)
    require_method(record, path, method.name)
    settings = method.settings().changed(record.settings)
    files = {
        role: picture
        for role, picture in record.pictures.items()
        if not is_numbered(picture.file)
    }
    # A style is not always a picture.
    found = find_again(files, path.parent, noun='')
    sources = {
        role: found.get(role, picture.file)
        for role, picture in record.pictures.items()
    }
    styles = [sources[role] for role in sources if role.startswith('style')]
    return settings, sources['content'], styles


def _jobs_of_folder(folder: Path, name: str) -> list[tuple[str, Path]]:
    """Return each picture of a folder with its output in another one."""
    require_named(name)
    output = Path(name)
    pictures = pictures_in(folder)
    if not pictures:
        raise GluonStyleError(
            f'folder {str(folder)!r} has no pictures: name one that has some'
        )
    if output.exists() and not output.is_dir():
        raise GluonStyleError(
            f'output {str(output)!r} is a file and the content is a folder: '
            'name a folder with -o'
        )
    if output.resolve() == folder.resolve():
        raise GluonStyleError(
            f'output {str(output)!r} is the folder of the contents: name '
            'another one'
        )
    output.mkdir(parents=True, exist_ok=True)
    stems = Counter(path.stem for path in pictures)
    names = [
        path.stem if stems[path.stem] == 1 else path.name for path in pictures
    ]
    return [
        (str(path), output / f'{name}.png')
        for path, name in zip(pictures, names)
    ]


def _paint(
    args: argparse.Namespace, request: _Request, content: Any, output: Path
) -> int:
    """Make one picture and write it with its record."""
    outputs = Outputs(
        output, output.with_suffix('.checkpoint'), force=args.force
    )
    sources = [content, *request.styles]
    files = [each for each in sources if isinstance(each, (str, Path))]
    outputs.check(files)
    with outputs.claimed():
        # MXNet takes seconds to load: mistakes are answered before.
        began = time.perf_counter()
        result = request.method.stylize(
            content, request.styles, request.settings, observers=[outputs]
        )
        seconds = time.perf_counter() - began
        problems = outputs.write(result)
    for problem in problems:
        complain(problem)
    if args.json or not problems:
        record = result.record
        shown = 'standard output' if args.output == PIPE else output
        words = (
            f'{shown}: {record.width}x{record.height} pixels in '
            f'{seconds:.1f} s, one pass of the net {record.weights.source}'
        )
        error = '; '.join(problems) or None
        tell_of_result(args, outputs, result, seconds, words, error)
    return BAD_INPUT if problems else 0
