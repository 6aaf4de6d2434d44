"""One call from a clip and a style to the clip painted, frame after frame."""

from __future__ import annotations

import dataclasses
import errno
import itertools
import logging
import os
import time
from collections.abc import Callable
from contextlib import (
    AbstractContextManager,
    ExitStack,
    closing,
    contextmanager,
    nullcontext,
)
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gluon_style.errors import GluonStyleError
from gluon_style.files.atomic import claim, temporary_folder, temporary_prefix
from gluon_style.files.ours import require_folder
from gluon_style.methods.fields import unfit
from gluon_style.methods.interrupt import NotedInterrupt
from gluon_style.methods.table import get_method
from gluon_style.video.chain import InTurn, Painters
from gluon_style.video.frames import chosen_frames, count_of, end_of, rate_of
from gluon_style.video.painters import Painting
from gluon_style.video.read import open_clip
from gluon_style.video.settings import DEFAULT_METHOD, VideoSettings
from gluon_style.video.state import State, Store, digest
from gluon_style.video.write import (
    finish,
    kind_of,
    new_part,
    possible_shape,
    remove_parts,
)

logger = logging.getLogger(__name__)

# A run that is killed loses so many frames at most.
PART_FRAMES = 100


@dataclass(frozen=True)
class VideoResult:
    """What was made: the file or folder, and how much of the clip it has.

    ``shape`` is (width, height), ``seconds`` the result's length. ``cuts``
    are the numbers of the frames, from 0, with which another scene begins.
    ``stopped`` says why the clip is not whole, or is None.
    """

    path: Path
    frames: int
    seconds: float
    shape: tuple[int, int]
    cuts: tuple[int, ...]
    stopped: str | None = None


@dataclass(frozen=True)
class Progress:
    """How far a clip is: frames made, of how many (None: unknown), and when.

    ``now`` frames were made by this run in ``elapsed`` seconds.
    """

    frames: int
    count: int | None
    now: int
    elapsed: float

    @property
    def rate(self) -> float:
        """The frames made a second."""
        return self.now / max(self.elapsed, 1e-9)

    @property
    def left(self) -> float | None:
        """The seconds left, None where they are not known."""
        if self.count is None:
            return None
        return max(0, self.count - self.frames) / self.rate


def stylize_video(
    video: str | Path,
    style: Any,
    output: str | Path,
    *,
    method: str = DEFAULT_METHOD,
    settings: Any = None,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    progress: Callable[[Progress], None] | None = None,
    stop_when: Callable[[], str | None] | None = None,
    painters: AbstractContextManager[Painters] | None = None,
    **changes: Any,
) -> VideoResult:
    """Paint a clip in a style, and write it.

    ``painters`` is entered when all is checked, and paints the frames; by
    default this process does. All else is as for the public function of this
    name, in ``gluon_style.many.clip``.
    """
    chosen = get_method(method)
    names = {field.name for field in dataclasses.fields(VideoSettings)}
    own = {name: changes.pop(name) for name in names & changes.keys()}
    how, given = VideoSettings(**own), settings
    if settings is None:
        settings = chosen.default_settings()
    elif not isinstance(settings, chosen.settings):
        raise unfit('settings', settings, f'Settings of the method {method}')
    clip = open_clip(video, how.fps)
    if resume and checkpoint is None:
        raise GluonStyleError(
            'resume needs a folder to go on from: name it as checkpoint'
        )
    if changes.get('size', given) is None:
        changes['size'] = max(clip.shape)
    settings = settings.changed(changes)
    output = Path(output)
    _require_apart(clip.path, style, output, checkpoint)
    run = _Run(clip, output, how, chosen, style, settings)
    if painters is None:
        painters = nullcontext(InTurn(run.painting))
    if checkpoint is not None:
        require_folder(checkpoint)
    # That of an output folder is made.
    output.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        for written in (output, checkpoint):
            if written is not None:
                stack.enter_context(claim(written))
        folder = stack.enter_context(_work_folder(output, checkpoint))
        store = None
        if checkpoint is not None:
            store = Store(folder, run.identity())
        return run.result(folder, store, resume, painters, progress, stop_when)


def _require_apart(video, style, output, checkpoint):
    """Raise GluonStyleError if a run would write over what it reads."""
    styles = style if isinstance(style, (list, tuple)) else [style]
    inputs = [Path(each) for each in styles if isinstance(each, (str, Path))]
    where = output.resolve()
    if where in [each.resolve() for each in (video, *inputs)]:
        raise GluonStyleError(
            f'output {str(output)!r} is also an input: give another name'
        )
    if video.is_dir() and where.parent == video.resolve():
        raise GluonStyleError(
            f'output {str(output)!r} is in the folder of the frames: name '
            'another folder'
        )
    if checkpoint is None:
        return
    kept = Path(checkpoint).resolve()
    for each in (where, video.resolve()):
        if kept == each or kept in each.parents or each in kept.parents:
            raise GluonStyleError(
                f'checkpoint {str(checkpoint)!r} and {str(each)!r} are one '
                'within the other: give the checkpoint a folder of its own'
            )


@contextmanager
def _work_folder(output, checkpoint):
    """Yield the folder for the parts: the checkpoint, or a temporary one.

    Where the disk is full the parts stay: each of them can be played.
    """
    if checkpoint is not None:
        with _saying_where(Path(checkpoint), 'resume'):
            yield Path(checkpoint)
        return
    prefix = temporary_prefix(output)
    with temporary_folder(prefix, beside=output.parent) as folder:
        kept = output.with_name(f'{output.name}.parts')
        with _saying_where(kept, 'begin again'):
            try:
                yield folder
            except OSError as error:
                if error.errno == errno.ENOSPC and not kept.exists():
                    os.replace(folder, kept)
                raise


@contextmanager
def _saying_where(parts, advice):
    """Say in a sentence that the disk is full, and where the parts are."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise GluonStyleError(
            'the disk is full: what is made can be played in '
            f'{str(parts)!r}; make room and {advice}'
        ) from error


class _Run:
    """One clip: what is asked for is checked when it is made."""

    def __init__(self, clip, output, how, method, style, settings):
        self._clip, self._output, self._how = clip, output, how
        self._kind = kind_of(output)
        if self._kind and not output.parent.is_dir():
            raise FileNotFoundError(
                f'folder {str(output.parent)!r} does not exist: make it first'
            )
        require_folder(output.parent)
        length = end_of(clip, how)
        if length is not None and length <= 0:
            raise GluonStyleError(
                f'start is {how.start:g} and the clip ends after '
                f'{clip.seconds:.1f} seconds: give less'
            )
        asked = settings.image_shape(*clip.shape)
        self._shape = possible_shape(asked, self._kind)
        if self._shape != asked:
            logger.warning(
                'a %s of %dx%d pixels cannot be: it has %dx%d',
                *(self._kind, *asked, *self._shape),
            )
        styles = list(style) if isinstance(style, (list, tuple)) else [style]
        for each in styles:
            method.check_style(each)
        settings = settings.changed({'size': self._shape})
        self.painting = Painting(
            method, style, settings, self._shape, how.consistency
        )
        self._about = {
            'method': method.name,
            'output': self._kind or 'a folder',
            'style': [method.style_id(each).sha256 for each in styles],
            **settings.to_json(),
            **how.to_json(),
        }

    def identity(self):
        """Return what tells this run from others, fit for JSON."""
        return {'video': digest(self._clip.path), **self._about}

    def result(self, folder, store, resume, painters, progress, stop_when):
        """Return the result; ``progress`` is called after each frame.

        ``store`` keeps the state in the folder, or is None.
        """
        state = State() if store is None else store.load(resume)
        self._state = state
        # What a killed run left behind the last state.
        remove_parts(folder, state.last + 1e-6)
        with NotedInterrupt() as interrupt:

            def why():
                return interrupt.stop() or (stop_when() if stop_when else None)

            with painters as place:
                self._paint(place, folder, store, progress, why)
            stopped = why()
        length = end_of(self._clip, self._how)
        if stopped is None and length is not None and length > state.last:
            is_exact = self._clip.is_exact
            state.end = length if is_exact else min(state.end, length)
        self._require_frames(stopped)
        sound = None
        if self._clip.has_audio:
            sound = self._clip.path, self._how.start + self._clip.origin
        finish(folder, self._output, state.end, sound)
        if store is not None and stopped is None:
            store.remove()
        return VideoResult(
            self._output,
            state.frames,
            state.end,
            self._shape,
            tuple(state.cuts),
            stopped,
        )

    def _paint(self, painters, folder, store, progress, stop):
        """Paint the frames that are left, and write them in parts."""
        state = self._state
        shown = _Shown(progress, count_of(self._clip, self._how), state)
        frames = _after(
            chosen_frames(self._clip, self._how, max(0, state.last)),
            state.last,
        )
        made = painters.frames(
            self.painting, frames, state, stop, PART_FRAMES, folder
        )
        with closing(made):
            for first in made:
                rest = itertools.islice(made, PART_FRAMES - 1)
                self._make(first, rest, folder, shown)
                if store is not None:
                    store.save(state)

    def _make(self, first, rest, folder, shown):
        """Write the frames of a part."""
        state, rate = self._state, rate_of(self._clip, self._how)
        with new_part(folder, first.seconds, self._kind, rate) as part:
            for made in itertools.chain([first], rest):
                part.add(made.picture, made.seconds)
                if made.is_cut:
                    state.cuts.append(state.frames)
                state.frames, state.last = state.frames + 1, made.seconds
                state.end = made.seconds + float(1 / rate)
                shown.frame()

    def _require_frames(self, stopped):
        """Raise GluonStyleError where there is nothing to write."""
        if self._state.frames:
            return
        if stopped is not None:
            raise GluonStyleError(
                f'the clip was stopped by {stopped} before its first frame: '
                'nothing is written, so begin again'
            )
        raise GluonStyleError(
            f'video {str(self._clip.path)!r} shows no frame from second '
            f'{self._how.start:g} on: give less'
        )


def _after(frames, last):
    return (frame for frame in frames if frame.seconds > last)


class _Shown:
    """Call ``progress`` after each frame."""

    def __init__(self, progress, count, state):
        self._progress, self._count = progress, count
        self._state, self._before = state, state.frames
        self._began = time.perf_counter()

    def frame(self):
        if self._progress is not None:
            elapsed = time.perf_counter() - self._began
            made = self._state.frames - self._before
            self._progress(
                Progress(self._state.frames, self._count, made, elapsed)
            )
