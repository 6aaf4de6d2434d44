"""gluon-style video: a clip in the style of a picture."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gluon_style.cli.messages import complain, tell
from gluon_style.cli.method import add_method, given_settings
from gluon_style.cli.options import (
    add_force,
    add_json,
    add_preset,
    add_quiet,
    add_settings,
)
from gluon_style.cli.pipes import require_named
from gluon_style.cli.where import add_where, place_of
from gluon_style.errors import GluonStyleError
from gluon_style.methods.gatys.presets import DEFAULT_PRESET, preset
from gluon_style.methods.table import (
    get_method,
)
from gluon_style.video.settings import DEFAULT_METHOD, VideoSettings

if TYPE_CHECKING:
    from gluon_style.video.stylize import Progress, VideoResult

HELP = 'give a video the style of a picture'
DESCRIPTION = (
    'Give each frame of VIDEO the style of STYLE, and keep frames alike where '
    'nothing changes. VIDEO is a video, an animated GIF, or a folder of '
    'numbered frames. OUT is a .mp4, which keeps the sound, a .gif, or a '
    'folder. Ctrl-C ends the clip early: what is made can be played.'
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the clip, the style and the options."""
    parser.usage = '%(prog)s VIDEO STYLE -o OUT.mp4 [OPTIONS]'
    parser.add_argument('video', metavar='VIDEO', help='the clip')
    parser.add_argument(
        'styles',
        nargs='+',
        metavar='STYLE',
        help='the style picture, or several; with --method feedforward also '
        'net:15 or a .style file',
    )
    parser.add_argument(
        '-o',
        '--output',
        required=True,
        metavar='OUT.mp4',
        help='a .mp4, a .gif, or a folder for frames',
    )
    add_settings(parser, VideoSettings(), 'video', where='default')
    add_method(parser, default=DEFAULT_METHOD)
    add_preset(parser)
    group = parser.add_argument_group('interrupted runs')
    group.add_argument(
        '--checkpoint',
        metavar='DIR',
        help='keep in a folder what is made, for --resume',
    )
    group.add_argument(
        '--resume',
        action='store_true',
        help='go on from the folder that --checkpoint names',
    )
    add_where(parser)
    add_quiet(parser)
    add_json(
        parser,
        'print a line of JSON for each frame, and for the result, for '
        'programs',
    )
    add_force(parser)
    add_settings(parser, preset(DEFAULT_PRESET))


def run(args: argparse.Namespace) -> int:
    """Make the clip; return the exit code."""
    from gluon_style.cli.picture import StopOnSignal

    name = args.method or DEFAULT_METHOD
    given = given_settings(args, name)
    _require(args, name)
    settings = None
    if args.preset is not None:
        settings = preset(args.preset)
    how = {
        field.name: vars(args)[field.name]
        for field in fields(VideoSettings)
        if field.name in vars(args)
    }
    if args.checkpoint is not None:
        args.kept = f'{args.checkpoint} has what was made, for --resume'
    with StopOnSignal() as stop:
        from gluon_style.many.clip import stylize_video

        shown = _Shown(Path(args.output).name, args.quiet, args.json)

        def progress(how_far: Progress) -> None:
            # What is made from now on is kept.
            stop.begun = True
            shown(how_far)

        try:
            result = stylize_video(
                args.video,
                args.styles,
                args.output,
                method=name,
                settings=settings,
                checkpoint=args.checkpoint,
                resume=args.resume,
                progress=progress,
                stop_when=stop.stop,
                **place_of(args),
                **{'size': None, **given, **how},
            )
        finally:
            shown.close()
    if result.stopped:
        advice = ''
        if args.checkpoint is not None:
            advice = '; to go on, give the same command with --resume'
        complain(
            f'stopped by {result.stopped}: {result.path} has what was made'
            f'{advice}'
        )
    _tell(args, result)
    return stop.code


def _tell(args: argparse.Namespace, result: VideoResult) -> None:
    """Print what was made."""
    width, height = result.shape
    cuts = f', cuts: {len(result.cuts)}' if result.cuts else ''
    words = (
        f'{result.path}: {result.frames} frames of {width}x{height} pixels, '
        f'{result.seconds:.1f} s{cuts}'
    )
    about = {
        'file': str(result.path),
        'frames': result.frames,
        'width': width,
        'height': height,
        'length': result.seconds,
        'cuts': result.cuts,
        'stopped': result.stopped,
    }
    tell(args, words, about, sys.stdout)


def _require(args: argparse.Namespace, method: str) -> None:
    """Raise an error for files that are missing or may not be written."""
    from gluon_style.files.ours import require_folder, require_output
    from gluon_style.pictures.opening import require_file
    from gluon_style.video.write import kind_of, require_frames

    if args.resume and args.checkpoint is None:
        raise GluonStyleError(
            'option --resume needs a folder: name it with --checkpoint DIR'
        )
    for style in args.styles:
        get_method(method).require_style(style)
    if not Path(args.video).is_dir():
        require_file(args.video, 'video')
    require_named(args.output)
    if kind_of(args.output):
        inputs = [args.video, *args.styles]
        require_output(args.output, inputs, args.force)
        return
    require_folder(args.output)
    require_frames(args.output, args.force)


class _Shown:
    """Show the frames made, their rate and the time left, as runs do."""

    def __init__(self, name: str, quiet: bool, as_json: bool) -> None:
        self._name, self._quiet, self._as_json = name, quiet, as_json
        self._display: Any = None

    def __call__(self, progress: Progress) -> None:
        from tqdm import tqdm

        from gluon_style.methods.observers.progress import display

        if self._as_json:
            left = progress.left
            about = {
                'done': progress.frames,
                'frames': progress.count,
                'seconds_left': None if left is None else round(left, 1),
            }
            print(json.dumps(about), flush=True)
        if self._quiet or self._as_json:
            return
        # A stream does not say how long it is.
        count = progress.count or progress.frames
        if self._display is None:
            self._display = display(count, self._name)
        if self._display is not None:
            left = '?'
            if progress.left is not None:
                left = tqdm.format_interval(progress.left)
            self._display.show(
                min(progress.frames, count),
                f'{self._name} {progress.frames}/{progress.count or "?"}',
                left,
                f'{progress.rate:.2f} frames/s',
            )

    def close(self) -> None:
        if self._display is not None:
            self._display.close()
