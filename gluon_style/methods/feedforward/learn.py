"""Learn the style of a painting: its scales and shifts for a transfer net.

The net stays as it is, and so do its other styles. Gluon's ``Trainer`` moves
some hundred numbers until crops of photographs, painted with them, have the
painting's Gram matrices, and still their own content.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy

from gluon_style._mxnet import naming_lack_of_memory, numpy_mode
from gluon_style.chapter.devices import get_device
from gluon_style.errors import (
    GluonStyleError,
    InterruptedRun,
    NonFiniteLossError,
)
from gluon_style.methods.feedforward.lesson import Lesson
from gluon_style.methods.feedforward.lesson_file import (
    Progress,
    read_progress,
    write_progress,
)
from gluon_style.methods.feedforward.lesson_settings import LessonSettings
from gluon_style.methods.feedforward.paint import as_pixels
from gluon_style.methods.feedforward.photos import (
    crops,
    read_photos,
    sample_photos,
)
from gluon_style.methods.feedforward.start import first_style
from gluon_style.methods.feedforward.styles import Style, is_style
from gluon_style.methods.feedforward.trainable import TrainableStyle
from gluon_style.methods.interrupt import NotedInterrupt
from gluon_style.methods.observers import (
    Forecast,
    Observer,
    Observers,
    Plan,
)
from gluon_style.methods.versions import current_versions
from gluon_style.pictures.read import read_picture
from gluon_style.records.record import Epoch, PictureId

logger = logging.getLogger(__name__)

# The rate falls to this part of its start.
_LAST_RATE = 0.02
# Seconds between two savings of what a resumed run needs.
_SAVE_EVERY = 10


def learn(
    painting: Any,
    settings: LessonSettings | None = None,
    *,
    photos: str | Path | None = None,
    observers: Iterable[Observer] | None = None,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    **changes: Any,
) -> Style:
    """Return the ``Style`` of a painting, learned in about a minute.

    ``painting`` is a path, a Pillow image or a uint8 array (height, width,
    3). ``photos`` is a folder of photographs to learn on; without one, the
    samples are taken. ``settings`` are ``LessonSettings``; further keywords
    change single ones. ``observers`` watch and may stop: an epoch is a step,
    and the picture is the first crop, painted.

    With ``checkpoint``, a path, what a later call needs to go on is saved
    every few seconds; with ``resume`` it goes on from there. The file is
    removed at the end unless an observer stopped. Raises GluonStyleError or
    FileNotFoundError, in one sentence, for what cannot work, also where the
    time does not suffice for one step, and NonFiniteLossError. Ctrl-C ends
    it after its step; the KeyboardInterrupt has the style so far as
    ``result``.
    """
    style = learn_and_keep(
        painting,
        settings,
        photos=photos,
        observers=observers,
        checkpoint=checkpoint,
        resume=resume,
        **changes,
    )
    if checkpoint is not None and not style.record['stopped']:
        Path(checkpoint).unlink(missing_ok=True)
    return style


@numpy_mode()
@naming_lack_of_memory()
def learn_and_keep(
    painting: Any,
    settings: LessonSettings | None = None,
    *,
    photos: str | Path | None = None,
    observers: Iterable[Observer] | None = None,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    **changes: Any,
) -> Style:
    """Do as ``learn`` does, and leave the checkpoint where it is.

    Whoever writes the style removes the checkpoint afterwards.
    """
    settings = (settings or LessonSettings()).changed(changes)
    with closing(Observers([] if observers is None else observers)) as watch:
        if resume and checkpoint is None:
            raise GluonStyleError(
                'resume is True and there is no checkpoint: name its file'
            )
        path = None if checkpoint is None else Path(checkpoint)
        lesson = _Learning(painting, settings, photos, watch, path)
        if resume:
            lesson.resume()
        return lesson.result()


class _Learning:
    """One style that is learned: ``result`` does it."""

    def __init__(self, painting, settings, photos, observers, path):
        if is_style(painting):
            raise GluonStyleError(
                f'painting is {str(painting)!r}, a style already: give a '
                'picture to learn from'
            )
        self._painting = read_picture(painting)
        self._id = PictureId.of(painting)
        photos = sample_photos() if photos is None else read_photos(photos)
        self._settings, self._observers = settings, observers
        self._path, self._device = path, get_device(settings.device)
        self._crops = crops(photos, settings.seed)
        self._lesson = Lesson(self._painting, settings, self._device)
        self._contents, self._history = {}, []
        self._began, self._spent, self._start = time.perf_counter(), 0.0, None
        self._style = None

    def resume(self):
        """Go on from the checkpoint, which must be of this very run."""
        progress = read_progress(self._path, self._identity())
        self._start = progress.start
        self._history = progress.history
        self._spent = progress.seconds
        self._begin(progress.style)
        self._style.moments = progress.moments

    def _identity(self):
        """Return what two runs must have in common to go on."""
        settings = self._settings.to_json()
        del settings['seconds'], settings['iterations']
        weights = self._lesson.vgg.weights.sha256
        # All photographs count, and their crops are what is learned on.
        photos = PictureId.of(
            numpy.concatenate(
                [crop.reshape(1, -1, 3) for crop in self._crops], axis=1
            )
        )
        return {
            'settings': settings,
            'painting': self._id.sha256,
            'photos': photos.sha256,
            'network': weights,
        }

    def result(self):
        """Learn until the time or the steps are over; return the style."""
        if self._style is None:
            style, self._start = first_style(
                self._painting,
                self._crops[0][::2, ::2],
                self._lesson,
                self._settings,
                self._device,
            )
            self._begin(style)
        saved = time.perf_counter()
        total = self._total()
        self._observers.begin(self._plan(total))
        stopped = None
        if self._history and self._is_over(total):
            # It is resumed at its end, which the observers have not seen.
            self._observers.epoch(self._history, self._preview)
        with NotedInterrupt() as interrupt:
            while stopped is None and not self._is_over(total):
                self._step(total)
                self._observers.epoch(self._history, self._preview)
                stopped = self._observers.stop() or interrupt.stop()
                if time.perf_counter() - saved > _SAVE_EVERY:
                    self._save()
                    saved = time.perf_counter()
            if stopped:
                self._save()
        style = self._style.style(self._record(stopped))
        if interrupt.stop():
            done = f'{len(self._history)} steps'
            raise InterruptedRun(style, done, 'style')
        return style

    @property
    def _seconds(self):
        """The seconds that all runs of this style took until now."""
        return self._spent + time.perf_counter() - self._began

    def _total(self):
        """Return how many steps there will be, measured if need be."""
        if self._settings.iterations is not None:
            return self._settings.iterations
        if self._seconds > self._settings.seconds and not self._history:
            raise self._too_short(self._seconds)
        began = time.perf_counter()
        self._step(100)
        step = time.perf_counter() - began
        left = self._settings.seconds - self._seconds
        if left < 0 and len(self._history) == 1:
            raise self._too_short(self._seconds)
        return len(self._history) + max(0, int(left / step))

    def _too_short(self, needed):
        return GluonStyleError(
            f'seconds is {self._settings.seconds:g}: the start and one step '
            f'take {needed:.0f} s here; give 30 or more'
        )

    def _is_over(self, total):
        if self._settings.iterations is not None:
            return len(self._history) >= total
        return self._seconds >= self._settings.seconds

    def _plan(self, total):
        side = max(map(len, self._crops))
        left = max(0, self._settings.seconds - self._seconds)
        shape = side, side
        return Plan(
            [(shape, max(total, len(self._history)))],
            shape,
            shape,
            None,
            lambda: Forecast(left, 0, 0, lambda _: shape),
        )

    def _begin(self, style):
        self._style = TrainableStyle(
            style, self._device, self._settings.all, len(self._history)
        )

    def _rate(self, total):
        """Return the learning rate of the next step."""
        part = len(self._history) / max(1, total)
        if self._settings.iterations is None:
            part = max(part, self._seconds / self._settings.seconds)
        cosine = 0.5 * (1 + numpy.cos(numpy.pi * min(1, part)))
        return self._settings.lr * max(_LAST_RATE, cosine)

    def _step(self, total):
        """Learn from one crop, and add its losses to the history."""
        step = len(self._history)
        rng = numpy.random.RandomState((self._settings.seed + step) % 2**32)
        i = rng.randint(len(self._crops))
        X = as_pixels(self._crops[i], self._device)
        if i not in self._contents:
            self._contents[i] = self._lesson.content_of(X)
        losses = self._lesson.learn_from(
            lambda: self._style.paint(X),
            self._contents[i],
        )
        if not numpy.isfinite(losses).all():
            raise NonFiniteLossError(step + 1, None, None, self._history)
        self._style.step(self._rate(total))
        # The plan's, though crops differ: progress goes by it.
        side = max(map(len, self._crops))
        self._history.append(
            Epoch(step + 1, (side, side), *losses, sum(losses), self._seconds)
        )

    def _preview(self):
        """Return the first crop as it is painted now."""
        X = as_pixels(self._crops[-1], self._device)
        return self._style.paint(X)[0].asnumpy().transpose(1, 2, 0)

    def _save(self):
        """Write the checkpoint; a failure is a warning only."""
        if self._path is None:
            return
        progress = Progress(
            self._style.style({}),
            self._start,
            self._history,
            self._seconds,
            self._style.moments,
        )
        try:
            write_progress(self._path, self._identity(), progress)
        except OSError as error:
            logger.warning('the checkpoint was not saved: %s', error)

    def _record(self, stopped):
        weights = self._lesson.vgg.weights
        first, last = self._history[:10], self._history[-10:]
        return {
            'painting': self._id.to_json(),
            'start': self._start,
            'iterations': len(self._history),
            'seconds': round(self._seconds, 1),
            'stopped': stopped,
            'settings': self._settings.to_json(),
            'losses': {'first': _mean(first), 'last': _mean(last)},
            'weights': {'source': weights.source, 'sha256': weights.sha256},
            'versions': current_versions(),
        }


def _mean(history):
    """Return the mean losses of some steps by name."""
    return {
        name: float(numpy.mean([getattr(entry, name) for entry in history]))
        for name in ('content', 'style', 'tv', 'total')
    }
