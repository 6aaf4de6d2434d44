"""One call from two pictures to one that is made of the style's patches."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable
from contextlib import closing, nullcontext
from dataclasses import replace
from typing import Any

from gluon_style._mxnet import lock_of, naming_lack_of_memory, numpy_mode
from gluon_style.chapter.devices import get_device
from gluon_style.chapter.vgg import build_net, network_of
from gluon_style.errors import GluonStyleError, InterruptedRun
from gluon_style.methods.diffusion.coarse_to_fine import Sampler, plan
from gluon_style.methods.diffusion.forecast import (
    bytes_needed,
    choose_tile,
    forecast,
)
from gluon_style.methods.diffusion.prior import Prior
from gluon_style.methods.diffusion.settings import METHOD, Settings
from gluon_style.methods.fields import unfit
from gluon_style.methods.gatys.checkpoint import Checkpoint, identity
from gluon_style.methods.gatys.follow import Follow
from gluon_style.methods.gatys.inputs import Inputs
from gluon_style.methods.gatys.objective import Objective
from gluon_style.methods.gatys.scales import enlarge
from gluon_style.methods.interrupt import NotedInterrupt
from gluon_style.methods.observers import (
    Animate,
    Observer,
    Plan,
    with_defaults,
)
from gluon_style.methods.versions import current_versions
from gluon_style.pictures.read import as_bytes, read_picture
from gluon_style.records.log import Log
from gluon_style.records.record import Record, WeightsId
from gluon_style.records.result import Result
from gluon_style.weights import find_weights

# What a record says of the weights where no network guides.
_NO_WEIGHTS = WeightsId('none', None, None, 'no network is needed')


@numpy_mode()
@naming_lack_of_memory()
def stylize(
    content: Any,
    style: Any,
    settings: Settings | None = None,
    *,
    mask: Any = None,
    net: Any = None,
    follow: Follow | None = None,
    observers: Iterable[Observer] | None = None,
    **changes: Any,
) -> Result:
    """Return the content picture, painted with the style picture's patches.

    Pictures, a list of styles, ``mask``, ``net`` (with average pooling),
    ``follow`` and ``observers`` are as for the first method. An epoch is a
    level of noise. ``settings`` are ``Settings``; further keywords change
    single ones. Without a ``content`` (None) the result is a texture of the
    style, from noise, without any network.

    Returns a ``Result``. Raises GluonStyleError or FileNotFoundError, in one
    sentence, for what cannot work, before anything is computed, and
    OutOfMemoryError. Ctrl-C ends the run after its level.
    """
    settings = _settings(settings).changed(changes)
    with closing(with_defaults(observers)) as watch:
        with nullcontext() if net is None else lock_of(net):
            run = _Run(content, style, settings, mask, net, watch, follow)
            return run.result()


def _settings(settings: Any) -> Settings:
    if settings is None:
        return Settings()
    if not isinstance(settings, Settings):
        raise unfit('settings', settings, f'Settings of the method {METHOD}')
    return settings


class _Run:
    """One picture: its inputs are checked when it is made."""

    def __init__(self, content, style, settings, mask, net, observers, follow):
        self._follow = follow
        self._observers, self._has_content = observers, content is not None
        self._device = get_device(settings.device)
        _require_styles(style, settings)
        if self._has_content and settings.tileable:
            raise GluonStyleError(
                'tileable is True and there is a content picture, whose '
                'edges do not fit: give none, for a texture'
            )
        self._given_net, self._weights_file = net, None
        if self._has_content:
            settings = self._with_network(settings)
        self.settings = settings
        self._guide = settings.guide(self._has_content)
        self._inputs = Inputs(
            content, style, self._guide, self._device, mask, follow
        )
        self._shape = self._inputs.image_shape()
        settings.require_shape(self._shape)
        self._steps = plan(settings, self._shape)
        if follow is not None:
            # What is coarse is there already.
            self._steps = self._steps[-1:]
        guide = self._guide if self._has_content else None
        self._tile = choose_tile(self._shape, settings, guide, self._device)
        # This refuses a style of one color.
        self._prior_at(self._steps[0][0])
        self._checkpoint = observers.only(Checkpoint)
        self._every = observers.epochs_between(1)
        observers.begin(self._plan())
        self._inputs.warn_of_small_styles()
        self._interrupt = NotedInterrupt()
        self._log = self._new_log()

    def _with_network(self, settings):
        """Return the settings with a network's name in place of 'auto'."""
        if self._given_net is not None:
            name = network_of(self._given_net).name
            return settings.changed({'network': name})
        self._weights_file = find_weights(
            settings.weights, settings.network, settings.guide().named_layers
        )
        return settings.changed({'network': self._weights_file.network})

    @functools.cached_property
    def _net(self):
        if self._given_net is not None:
            return self._given_net
        return build_net(
            list(self._guide.content_factors),
            list(self._guide.style_factors),
            network=self.settings.network,
            weights=self._weights_file,
            device=self._device,
            pooling=self._guide.pooling,
        )

    def _prior_at(self, shape):
        content = self._inputs.content(shape)
        return Prior(
            [X[0].asnumpy() for X in self._inputs.styles(shape)],
            self.settings,
            None if content is None else content[0].asnumpy(),
            self._inputs.mask(shape),
            self._device,
            self._follow,
        )

    def _objective_at(self, shape):
        if not self._has_content:
            return None
        return Objective(
            self._net,
            self._inputs.content(shape),
            self._inputs.styles(shape),
            self._guide,
            mask=self._inputs.mask(shape),
            tile=self._tile,
            follow=self._follow,
        )

    def _plan(self):
        @functools.cache
        def measure():
            guide = self._guide if self._has_content else None
            needed = bytes_needed(
                self._shape, self.settings, guide, self._tile
            )
            return forecast(self._sampler(), self._steps, needed, self._device)

        return Plan(
            [(shape, levels.epochs) for shape, levels in self._steps],
            self._shape,
            self._shape,
            self._tile,
            measure,
            self._every,
            self._inputs.files,
        )

    def _new_log(self):
        def callback(history, X):
            @functools.cache
            def picture():
                return self._inputs.finished(enlarge(X, self._shape))

            self._observers.epoch(history, picture)

        return Log(
            callback,
            self._every,
            stop=lambda: self._observers.stop() or self._interrupt.stop(),
            keeps_last=True,
        )

    def result(self):
        """Return the result; the observers get it, too."""
        with self._interrupt, self._bound_checkpoint():
            X = self._sampler(self._log, self._checkpoint).picture()
        pixels = self._inputs.finished(enlarge(X, self._shape))
        history = list(self._log.history)
        result = Result(as_bytes(pixels), history, self._record(), pixels)
        self._observers.end(result)
        if self._interrupt.stop():
            done = f'{len(history)} levels'
            raise InterruptedRun(result, done, 'best picture')
        return result

    def _sampler(self, log=None, checkpoint=None):
        return Sampler(
            self.settings,
            self._steps,
            self._prior_at,
            self._objective_at,
            self._inputs.start_picture,
            log,
            checkpoint,
            self._device,
            self._follow is not None,
        )

    def _bound_checkpoint(self):
        """Return the context of this run's checkpoint, if it has one."""
        if self._checkpoint is None:
            return nullcontext()
        run = identity(
            self.settings, self._inputs.pictures, self._weights, self._shape
        )
        animate = self._observers.find(Animate)
        return self._checkpoint.of_run(
            {'method': METHOD, **run},
            self._steps,
            self._log,
            animate,
            self._device,
        )

    @property
    def _weights(self):
        if not self._has_content:
            return _NO_WEIGHTS
        return WeightsId.of(self._net.weights)

    def _record(self):
        width, height = self._shape
        log = self._log
        return Record(
            method=METHOD,
            settings=self.settings.to_json(),
            pictures=self._inputs.pictures,
            width=width,
            height=height,
            weights=self._weights,
            device=str(self._device),
            tile=self._tile,
            threads=os.environ.get('OMP_NUM_THREADS'),
            versions=current_versions(),
            epochs=len(log.history),
            # No seconds, so that the same run gives the same bytes.
            losses=replace(log.best, seconds=None),
            stopped=str(log.interrupted) if log.stopped else None,
        )


def _require_styles(styles, settings):
    """Raise GluonStyleError for no style, or one without a whole patch."""
    styles = styles if isinstance(styles, (list, tuple)) else [styles]
    if not styles or any(style is None for style in styles):
        raise GluonStyleError('no style picture is given: name one')
    for style in styles:
        height, width = read_picture(style).shape[:2]
        if min(width, height) < settings.patch:
            raise GluonStyleError(
                f'a style picture of {width}x{height} pixels is smaller than '
                f'a patch of {settings.patch}: give a larger picture'
            )
