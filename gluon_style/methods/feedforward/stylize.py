"""One call from a picture and a style to the picture painted in one pass."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from gluon_style.chapter.devices import get_device
from gluon_style.errors import GluonStyleError
from gluon_style.methods.feedforward.layout import NETS
from gluon_style.methods.feedforward.paint import painted, predicted
from gluon_style.methods.feedforward.settings import (
    METHOD,
    OF_PICTURES,
    Settings,
)
from gluon_style.methods.feedforward.styles import (
    Style,
    blended,
    is_numbered,
    is_style,
    numbered,
    numbered_index,
    require_exists,
    style_id,
)
from gluon_style.methods.fields import unfit
from gluon_style.methods.observers import (
    Forecast,
    Observer,
    Observers,
    Plan,
)
from gluon_style.methods.one_pass import picture_ids, style_parts
from gluon_style.methods.versions import current_versions
from gluon_style.pictures.color import (
    keep_color,
    match_color,
    match_histogram,
    transferred,
)
from gluon_style.pictures.read import as_bytes, read_picture
from gluon_style.pictures.resize import resized
from gluon_style.records.record import Record, WeightsId
from gluon_style.records.result import Result

# The strength from which on the net paints every pixel: see ``_painted``.
_ALL_PAINTED = 1 / 3
# Seconds of one core for a pixel, about, of an x86 processor of 2023.
_SECONDS_PER_PIXEL = 1e-6
_RECOLORINGS = {'match': match_color, 'histogram': match_histogram}


def stylize(
    content: Any,
    style: Any,
    settings: Settings | None = None,
    *,
    observers: Iterable[Observer] | None = None,
    **changes: Any,
) -> Result:
    """Return the content picture in a style, in one pass of a net.

    ``content`` is a path, a Pillow image or a uint8 array (height, width,
    3). ``style`` is such a picture, one of the 26 styles ('net:15'), a
    ``Style`` or the path of a .style file, or a list of them, which blend
    (``style_blend``). ``settings`` are ``Settings``; further keywords change
    single ones. ``observers`` see ``begin`` and ``end``: there are no epochs.

    The nets are loaded once a process. The ``Result`` has no losses and no
    history. Raises GluonStyleError or FileNotFoundError, in one sentence, for
    what cannot work, and OutOfMemoryError.
    """
    settings = _settings(settings).changed(changes)
    with closing(Observers([] if observers is None else observers)) as watch:
        return _Run(content, style, settings, watch).result()


def _settings(settings: Any) -> Settings:
    if settings is None:
        return Settings()
    if not isinstance(settings, Settings):
        raise unfit('settings', settings, f'Settings of the method {METHOD}')
    return settings


class _Run:
    """One picture: its inputs are checked when it is made."""

    def __init__(self, content, style, settings, observers):
        sources = [*style] if isinstance(style, (list, tuple)) else [style]
        self._settings, self._observers = settings, observers
        self._parts = style_parts(
            sources, settings.style_blend, 'a painting or net:15'
        )
        _require_fit(sources, settings)
        self._sources = sources
        self._device = get_device(settings.device)
        self._content = read_picture(content)
        self._pictures = [
            None if is_style(each) else read_picture(each) for each in sources
        ]
        height, width = self._content.shape[:2]
        self._shape = settings.image_shape(width, height)
        self._net_shape = settings.net_shape(self._shape)
        self._ids = picture_ids(content, sources, style_id)
        observers.begin(self._plan())

    def _plan(self):
        def forecast():
            width, height = self._net_shape
            seconds = width * height * _SECONDS_PER_PIXEL
            return Forecast(seconds, 0, 0, lambda _: self._net_shape)

        steps = [(self._net_shape, 0)]
        return Plan(steps, self._net_shape, self._shape, None, forecast)

    def result(self):
        """Return the result; the observers get it, too."""
        style = blended(
            [
                self._style(source, picture)
                for source, picture in zip(self._sources, self._pictures)
            ],
            self._parts,
        )
        pixels = self._painted(style)
        if self._shape != self._net_shape:
            pixels = resized(pixels, self._shape)
        if self._settings.color == 'luminance':
            pixels = keep_color(pixels, self._content)
        record = self._record(style)
        result = Result(as_bytes(pixels), [], record, pixels)
        self._observers.end(result)
        return result

    def _style(self, source, picture):
        if isinstance(source, Style):
            return source
        if is_numbered(source):
            return numbered(numbered_index(source))
        if picture is None:
            return Style.load(source)
        if self._settings.color in _RECOLORINGS:
            recolor = _RECOLORINGS[self._settings.color]
            picture = recolor(picture, self._content)
        return predicted(picture, self._settings.device)

    def _painted(self, style):
        """Return the pixels that the net paints, as strong as wanted.

        Between a painting's vector and the content's own the net paints less
        and less of the style. Even with its own vector it paints, so that
        below a strength of a third the content's pixels come in. The 26
        styles have no vector for a content: there, pixels alone are mixed.
        """
        settings, strength = self._settings, self._settings.strength
        content = self._content_pixels()
        if strength == 0:
            return content
        part = strength
        if style.trunk == 'any-style' and strength < 1 and not style.weights:
            own = predicted(self._content, settings.device)
            style = blended([own, style], (1 - strength, strength))
            part = min(1, strength / _ALL_PAINTED)
        pixels = painted(content, style, settings.device)
        return pixels if part == 1 else part * pixels + (1 - part) * content

    def _content_pixels(self):
        """Return the content as the net takes it, floats from 0 to 1."""
        settings, content = self._settings, self._content
        content = resized(content, self._net_shape)
        if settings.color == 'transfer':
            content = transferred(content, self._pictures, self._parts)
        return (content / 255).astype('float32')

    def _record(self, style):
        width, height = self._shape
        net = NETS[style.trunk]
        return Record(
            method=METHOD,
            settings=self._settings.to_json(),
            pictures=self._ids,
            width=width,
            height=height,
            weights=WeightsId(
                net.name, net.file, net.sha256, 'part of the package'
            ),
            device=str(self._device),
            tile=None,
            threads=os.environ.get('OMP_NUM_THREADS'),
            versions=current_versions(),
            epochs=0,
        )


def _require_fit(sources: list[Any], settings: Settings) -> None:
    """Raise an error for styles that cannot be, before anything is read."""
    for source in sources:
        require_exists(source)
    numbers = [source for source in sources if is_style(source)]
    if settings.color in OF_PICTURES and numbers:
        about = numbers[0] if isinstance(numbers[0], (str, Path)) else 'given'
        raise GluonStyleError(
            f'color is {settings.color!r} and the style {str(about)!r} is not '
            'a picture with colors: choose style or luminance'
        )
