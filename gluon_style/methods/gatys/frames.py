"""The pictures of a run on its way: an animation, a file for each N epochs."""

import logging
import re
from pathlib import Path

import numpy

from gluon_style.errors import GluonStyleError
from gluon_style.files.ours import require_ours
from gluon_style.methods.gatys.limits import require_integer
from gluon_style.pictures.animation import Animation
from gluon_style.pictures.read import as_bytes, resized
from gluon_style.pictures.write import check_output, save_image

logger = logging.getLogger(__name__)


def step_path(output, epoch):
    """Return where the picture of an epoch goes: 'out-00020.png'."""
    return output.with_name(f'{output.stem}-{epoch:05d}{output.suffix}')


def is_step(path, output):
    """Return whether ``step_path`` gives ``path`` its name for some epoch."""
    stem, suffix = re.escape(output.stem), re.escape(output.suffix)
    return bool(re.fullmatch(rf'{stem}-\d{{5,}}{suffix}', path.name))


class Frames:
    """What takes the pictures of a run.

    ``image_shape`` is the final picture's (width, height), ``animation`` the
    path of a .gif or .mp4, or None. Of every ``save_every``-th epoch, if that
    is no None, a file is written beside ``output``, the path of the result or
    None, of ``size``, (width, height), if that is no None. One that cannot be
    written, or would take the place of another program's unless ``force`` is
    true, is a warning only. Raises ValueError as ``check_animation`` and
    ``check_output`` do, and for a file for each of no epochs or beside
    nothing.
    """

    def __init__(
        self,
        image_shape,
        animation=None,
        save_every=None,
        output=None,
        size=None,
        force=False,
    ):
        if save_every is not None:
            require_integer('save_every', save_every, least=1)
            if output is None:
                raise GluonStyleError(
                    f'save_every is {save_every} and output is None: name the '
                    'picture that the files are to be beside'
                )
        if output is not None:
            output = Path(output)
            check_output(output, size or image_shape)
        if animation is not None:
            animation = Animation(animation, image_shape)
        self.animation = animation
        self.size = size
        self._save_every = save_every
        self._output = output
        self._force = force
        self._warned = False

    def due(self, epoch):
        """Return whether the picture of this epoch is wanted."""
        framed = self.animation is not None and self.animation.due(epoch)
        return framed or self._saved(epoch)

    def add(self, epoch, pixels):
        """Take the picture of an epoch, (height, width, 3) of 0 to 1."""
        if self.animation is not None:
            self.animation.add(as_bytes(pixels), epoch)
        if self._saved(epoch):
            try:
                self._save(epoch, pixels)
            except (OSError, ValueError) as error:
                if not self._warned:
                    logger.warning(
                        'the picture of epoch %d was not saved: %s',
                        epoch,
                        error,
                    )
                self._warned = True

    def packed(self):
        """Return the animation's frames as for JSON, and their bytes."""
        if self.animation is None:
            return {'every': 1, 'lengths': []}, numpy.zeros(0, 'uint8')
        return self.animation.packed()

    def restore(self, told, packed):
        """Take back what ``packed`` returned; warn of frames that lack.

        Raises ValueError where it is no such thing.
        """
        if self.animation is None:
            return
        if not told['lengths']:
            logger.warning(
                'the checkpoint has no frames: the animation begins there'
            )
        self.animation.restore(told, packed)

    def _saved(self, epoch):
        return self._save_every is not None and epoch % self._save_every == 0

    def _save(self, epoch, pixels):
        path = step_path(self._output, epoch)
        require_ours(path, self._force)
        if self.size is not None:
            pixels = resized(pixels, *self.size)
        save_image(pixels, path)
