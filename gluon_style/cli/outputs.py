"""The files that a run is to write: checked before, written during and after.

Nothing is overwritten that this program did not write, unless forced.
"""

import os
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from gluon_style.files import replacing, require_ours, require_room
from gluon_style.saving import check_output, save_image


@dataclass
class Outputs:
    """The picture, its record beside it, and what else is asked for.

    ``plot`` and ``animation`` are paths or None; with ``save_every`` a
    picture of every so many epochs is written beside the picture. ``size``,
    (width, height), is what the picture is resized to at the end, or None.
    """

    picture: Path
    plot: str = None
    animation: str = None
    save_every: int = None
    size: tuple = None
    force: bool = False

    def check(self, inputs):
        """Find out before a long run whether its files can be written.

        None may be one of the files ``inputs``, or another program's. Raises
        ValueError, in one sentence.
        """
        check_output(self.picture, self.size)
        written = [self.picture, self.picture.with_suffix('.json')]
        if self.plot is not None:
            from gluon_style.plots import check_suffix

            check_suffix(self.plot)
            written.append(Path(self.plot))
        if self.animation is not None:
            from gluon_style.animation import check_animation

            check_animation(self.animation)
            written.append(Path(self.animation))
        for i, path in enumerate(written):
            _check_path(path, inputs + written[:i], self.force)
        if self.save_every is not None:
            pattern = f'{self.picture.stem}-*{self.picture.suffix}'
            for path in sorted(self.picture.parent.glob(pattern)):
                require_ours(path, self.force)

    def step_path(self, epoch):
        """Return where the picture of an epoch goes."""
        name = f'{self.picture.stem}-{epoch:05d}{self.picture.suffix}'
        return self.picture.with_name(name)

    def write(self, result, frames):
        """Write all files under temporary names before any gets its own."""
        if self.size is not None:
            result = result.resized(*self.size)
        with ExitStack() as stack:
            if self.plot is not None:
                from gluon_style.plots import plot_result

                figure = plot_result(result.image, result.history)
                figure.save(stack.enter_context(replacing(self.plot)))
            if frames.animation is not None:
                place = stack.enter_context(replacing(self.animation))
                frames.animation.add(result.image, len(result.history))
                frames.animation.save(place)
            result.save(self.picture)


class Frames:
    """What takes a run's pictures on their way, for an animation and files.

    ``wanted`` says whether it takes any.
    """

    def __init__(self, outputs):
        self.animation = None
        self.wanted = bool(outputs.animation or outputs.save_every)
        self._outputs = outputs

    def planned(self, steps):
        """Take in the ((width, height), epochs) of each scale."""
        if self._outputs.animation is not None:
            from gluon_style.animation import Animation

            self.animation = Animation(self._outputs.animation, steps[-1][0])

    def __call__(self, entry, image):
        """Take the picture of an entry of the history."""
        epoch, every = entry['epoch'], self._outputs.save_every
        if self.animation is not None:
            self.animation.add(image, epoch)
        if every is not None and epoch % every == 0:
            save_image(image, self._outputs.step_path(epoch))


def _check_path(path, others, force):
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
    if path.resolve() in [Path(other).resolve() for other in others]:
        raise ValueError(
            f'output {str(path)!r} is also another file of this run: '
            'give it a name of its own'
        )
    require_room(folder)
    require_ours(path, force)
