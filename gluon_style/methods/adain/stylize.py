"""One call from a content and a style to the picture of one pass."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy
from mxnet import np

from gluon_style._mxnet import (
    naming_lack_of_memory,
    numpy_mode,
    padded,
    reset_device,
)
from gluon_style.chapter.devices import get_device
from gluon_style.chapter.vgg import freeze
from gluon_style.errors import WeightsError
from gluon_style.methods.adain.decoder import SHIPPED, read_decoder
from gluon_style.methods.adain.layout import STEP
from gluon_style.methods.adain.net import (
    Decoder,
    Encoder,
    adain,
    normalized,
    pixels,
)
from gluon_style.methods.adain.settings import (
    METHOD,
    Settings,
    require_shape,
)
from gluon_style.methods.fields import unfit
from gluon_style.methods.kinds import scaled
from gluon_style.methods.observers import (
    Forecast,
    Observer,
    Observers,
    Plan,
)
from gluon_style.methods.one_pass import (
    picture_ids,
    require_memory,
    style_parts,
)
from gluon_style.methods.versions import current_versions
from gluon_style.pictures.color import keep_color, transfer_map
from gluon_style.pictures.read import as_bytes, read_picture
from gluon_style.pictures.resize import resized
from gluon_style.records.record import Record, WeightsId
from gluon_style.records.result import Result

# Seconds of one core for a pixel, about, of an x86 processor of 2023, and what
# the largest features of a pixel take, in bytes.
_SECONDS_PER_PIXEL = 1e-5
_BYTES_PER_PIXEL = 2200


class Nets:
    """An encoder and the decoder of a file that was trained with it.

    ``decoder`` is the path; by default, the package's own. Raises
    FileNotFoundError and WeightsError. One ``Nets`` serves several calls of
    ``stylize``; those in several threads wait for each other.
    """

    @numpy_mode()
    def __init__(
        self, decoder: str | Path = SHIPPED, device: str = 'auto'
    ) -> None:
        self.lock = threading.Lock()
        self.file, self.device = read_decoder(decoder), get_device(device)
        self.encode = Encoder(self.file.rms, self.file.encoder, self.device)
        trained_with = self.file.about['encoder']['sha256']
        if self.encode.weights.sha256 != trained_with:
            raise WeightsError(
                f'decoder {str(decoder)!r} was trained with other weights of '
                f'the source {self.file.encoder}: train it again'
            )
        self.decode = Decoder()
        for name, parameter in self.decode.parameters.items():
            parameter.initialize()
            parameter.set_data(np.array(self.file.weights[name]))
        freeze(self.decode)
        reset_device(self.decode, self.device)


@functools.lru_cache(maxsize=1)
def shipped_nets(device: str) -> Nets:
    """Return the package's own nets, loaded once a process."""
    return Nets(device=device)


@numpy_mode()
@naming_lack_of_memory()
def stylize(
    content: Any,
    style: Any,
    settings: Settings | None = None,
    *,
    nets: Nets | None = None,
    observers: Iterable[Observer] | None = None,
    **changes: Any,
) -> Result:
    """Return the content picture in the style of any picture, in one pass.

    Pictures are paths, Pillow images or uint8 arrays (height, width, 3);
    ``style`` may be a list of them, which blend (``style_blend``).
    ``settings`` are ``Settings``; further keywords change single ones.
    ``nets`` has an encoder and a decoder, by default the package's own.
    ``observers`` see ``begin`` and ``end``: there are no epochs.

    The ``Result`` has no losses and no history. Raises GluonStyleError or
    FileNotFoundError, in one sentence, for what cannot work, and
    OutOfMemoryError.
    """
    settings = Settings() if settings is None else settings
    if not isinstance(settings, Settings):
        raise unfit('settings', settings, f'Settings of the method {METHOD}')
    settings = settings.changed(changes)
    with closing(Observers([] if observers is None else observers)) as watch:
        run = _Run(content, style, settings, nets, watch)
        with run.nets.lock:
            return run.result()


class _Run:
    """One picture: its inputs are checked when it is made."""

    def __init__(self, content, style, settings, nets, observers):
        sources = [*style] if isinstance(style, (list, tuple)) else [style]
        self._settings, self._observers = settings, observers
        self._parts = style_parts(sources, settings.style_blend, 'a painting')
        self._content = read_picture(content)
        self._styles = [read_picture(source) for source in sources]
        height, width = self._content.shape[:2]
        self._shape = settings.image_shape(width, height)
        self._style_shapes = [self._style_shape(img) for img in self._styles]
        require_memory('size', self._shape, _BYTES_PER_PIXEL)
        for shape in self._style_shapes:
            require_memory('style_size', shape, _BYTES_PER_PIXEL)
        self._ids = picture_ids(content, sources)
        self.nets = shipped_nets(settings.device) if nets is None else nets
        observers.begin(self._plan())

    def _style_shape(self, img):
        """Return a style's (width, height); a small one is not enlarged."""
        height, width = img.shape[:2]
        longest = min(self._settings.style_size, max(width, height))
        shape = scaled(width, height, longest)
        require_shape('style', shape)
        return shape

    def _plan(self):
        def forecast():
            width, height = self._shape
            seconds = width * height * _SECONDS_PER_PIXEL
            return Forecast(seconds, 0, 0, lambda _: self._shape)

        steps = [(self._shape, 0)]
        return Plan(steps, self._shape, self._shape, None, forecast)

    def result(self):
        """Return the result; the observers get it, too."""
        image = self._painted()
        if self._settings.color == 'luminance':
            image = keep_color(image, self._content)
        elif self._settings.color == 'transfer':
            image = self._colored(image)
        result = Result(as_bytes(image), [], self._record(), image)
        self._observers.end(result)
        return result

    def _painted(self):
        """Return the pixels, floats from 0 to 1.

        Between a content and styles lie the means of their features
        (equations 14 and 15 of the paper).
        """
        strength = self._settings.strength
        img = self._content
        if self._settings.color == 'transfer':
            img = as_bytes(self._colored(img / 255))
        content = self._features(img, self._shape)
        mixed = (1 - strength) * content
        for img, shape, part in zip(
            self._styles, self._style_shapes, self._parts
        ):
            styled = adain(content, self._features(img, shape))
            mixed = mixed + strength * part * styled
        width, height = self._shape
        Y = pixels(self.nets.decode(mixed))[0, :, :height, :width]
        return Y.asnumpy().transpose(1, 2, 0)

    def _colored(self, image):
        """Return an image in the styles' colors, floats from 0 to 1."""
        matrix, offset = transfer_map(
            image, self._styles, self._parts, self._settings.strength
        )
        return (image @ matrix.T + offset).clip(0, 1).astype('float32')

    def _features(self, img, shape):
        """Return the features of a picture at (width, height).

        Sides that the poolings do not halve evenly are padded by reflection.
        """
        X = (resized(img, shape) / 255).astype('float32')
        X = numpy.ascontiguousarray(X.transpose(2, 0, 1)[None])
        X = normalized(np.array(X, ctx=self.nets.device))
        below, right = (-side % STEP for side in shape[::-1])
        return self.nets.encode(padded(X, (0, below, 0, right), 'reflect'))

    def _record(self):
        width, height = self._shape
        file, own = self.nets.file, self.nets.file.path == SHIPPED
        reason = 'part of the package' if own else 'the decoder asked for'
        return Record(
            method=METHOD,
            settings=self._settings.to_json(),
            pictures=self._ids,
            width=width,
            height=height,
            weights=WeightsId(METHOD, file.path.name, file.sha256, reason),
            device=str(self.nets.device),
            tile=None,
            threads=os.environ.get('OMP_NUM_THREADS'),
            versions=current_versions(),
            epochs=0,
        )
