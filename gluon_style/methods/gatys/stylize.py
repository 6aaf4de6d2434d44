"""One call from two pictures to a stylized one, with all that made it."""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Iterable
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from mxnet import gluon

from gluon_style._mxnet import lock_of, naming_lack_of_memory, numpy_mode
from gluon_style.chapter.devices import get_device
from gluon_style.chapter.vgg import build_net, network_of
from gluon_style.errors import (
    GluonStyleError,
    InterruptedRun,
    NonFiniteLossError,
)
from gluon_style.methods.fields import shown
from gluon_style.methods.gatys.checkpoint import Checkpoint, identity
from gluon_style.methods.gatys.config import read_settings
from gluon_style.methods.gatys.follow import Follow
from gluon_style.methods.gatys.forecast import choose_tile, forecast
from gluon_style.methods.gatys.inputs import Inputs
from gluon_style.methods.gatys.precision import choose_precision
from gluon_style.methods.gatys.presets import (
    DEFAULT_PRESET,
    RECONSTRUCTED_LAYER,
    reconstruction,
    texturing,
)
from gluon_style.methods.gatys.recovery import warn_of_explosion
from gluon_style.methods.gatys.scales import coarse_to_fine, plan
from gluon_style.methods.gatys.settings import METHOD, Settings
from gluon_style.methods.gatys.tile_losses import Here
from gluon_style.methods.interrupt import NotedInterrupt
from gluon_style.methods.observers import (
    Animate,
    Observer,
    Plan,
    with_defaults,
)
from gluon_style.methods.versions import current_versions
from gluon_style.pictures.read import as_bytes
from gluon_style.records.log import Log
from gluon_style.records.record import LIMIT, Record, WeightsId
from gluon_style.records.result import Result
from gluon_style.weights import find_weights

logger = logging.getLogger(__name__)


@numpy_mode()
@naming_lack_of_memory()
def stylize(
    content: Any,
    style: Any,
    settings: Settings | str | Path = DEFAULT_PRESET,
    *,
    mask: Any = None,
    net: Any = None,
    follow: Follow | None = None,
    cluster: Any = None,
    observers: Iterable[Observer] | None = None,
    **changes: Any,
) -> Result:
    """Return the content picture in the style of the style picture.

    Pictures are paths, Pillow images or uint8 arrays (height, width, 3).
    ``style`` may be a list of them (``style_blend``). A ``mask`` keeps the
    first style to where it is white and the second, or none, to where it is
    black. ``content`` or ``style`` may be None: see ``texture`` and
    ``reconstruct``.

    ``settings`` is a ``Settings``, a preset's name, or the path of a .toml or
    of a former run's .json (see ``read_config``); further keywords change
    single settings: ``stylize(a, b, epochs=100)``. ``net`` is a network of
    ``build_net`` with the same weights and pooling, to serve several calls.
    Calls with one ``net`` in several threads wait for each other. ``follow``
    is the frame before, in a video. The workers of a ``cluster``, which
    ``open_cluster`` opens, compute the tiles of a picture that is large.

    ``observers`` watch the run, and may end it: ``Progress``, ``Animate``,
    ``SaveSteps``, ``Checkpoint``, or your own ``Observer``. A forecast of a
    long run (``Patience``), and in a notebook a ``Progress``, are added.

    Returns a ``Result``. Raises GluonStyleError or FileNotFoundError, in one
    sentence, for what cannot work, before anything is computed;
    NonFiniteLossError, whose ``result`` is the last good one, or None; and
    OutOfMemoryError. Ctrl-C ends the run after its epoch and the checkpoint
    is saved; the KeyboardInterrupt has the best ``result`` so far. A second
    Ctrl-C ends it at once.
    """
    settings = read_settings(settings).changed(changes)
    observers = with_defaults(observers)
    with ExitStack() as stack:
        if net is not None:
            _require_net(net)
            stack.enter_context(lock_of(net))
        stack.callback(observers.close)
        tiles = None
        if cluster is not None:
            tiles = stack.enter_context(cluster.tiles())
        run = _Run(
            content, style, settings, mask, net, observers, follow, tiles
        )
        return run.result()


def _require_net(net):
    """Raise GluonStyleError unless ``net`` comes from ``build_net``."""
    if not isinstance(net, gluon.Block) or not hasattr(net, 'weights'):
        raise GluonStyleError(
            f'net is {shown(net)}: it must be a network of build_net'
        )


def texture(
    style: Any,
    settings: Settings | str | Path = DEFAULT_PRESET,
    **options: Any,
) -> Result:
    """Return a picture of the style picture's texture, from noise.

    Gatys, Ecker & Bethge 2015, 'Texture Synthesis Using Convolutional Neural
    Networks': no content, so that ``size`` is (width, height) or the side of
    a square. With ``tileable=True`` its opposite edges fit each other.
    ``style`` may be a list. Options and errors are ``stylize``'s.
    """
    settings = texturing(read_settings(settings))
    return stylize(None, style, settings, **options)


def reconstruct(
    content: Any,
    layer: str | int = RECONSTRUCTED_LAYER,
    settings: Settings | str | Path = DEFAULT_PRESET,
    **options: Any,
) -> Result:
    """Return what a layer keeps of the content picture, from noise.

    Mahendran & Vedaldi 2015; figure 1 of Gatys, Ecker & Bethge 2015. No
    style, so that only the features at ``layer``, a name or an index, and a
    little total variation count. Options and errors are ``stylize``'s.
    """
    settings = reconstruction(read_settings(settings), layer)
    return stylize(content, None, settings, **options)


class _Run:
    """One run: its inputs are checked when it is made, ``result`` makes it."""

    def __init__(
        self, content, style, settings, mask, net, observers, follow, tiles
    ):
        self.observers, self._given_net = observers, net
        # What computes the tiles in other processes, or None.
        self._tiles = tiles
        self.device = get_device(settings.device)
        self.inputs = Inputs(
            content, style, settings, self.device, mask, follow
        )
        self._chosen_weights = settings.weights
        settings = settings.changed(
            {'precision': choose_precision(settings, self.device)}
        )
        self.settings = settings = self._with_network(settings)
        self.image_shape = self.inputs.image_shape()
        self.output_shape = self.inputs.original_shape() or self.image_shape
        self.steps = plan(settings, self.image_shape)
        if tiles is None:
            self.tile = choose_tile(self.image_shape, settings, self.device)
        else:
            self.tile = tiles.choose_tile(self.image_shape, settings)
        # Reading the losses makes a GPU wait.
        default = 1 if self.device.device_type == 'cpu' else 10
        self.every = observers.epochs_between(default)
        self.checkpoint = observers.only(Checkpoint)
        observers.begin(self._plan())
        self.inputs.warn_of_small_styles()
        # This loads the network, before the log's clock starts.
        self.weights = self._weights()
        self.inputs.say_of_shapes()
        self._interrupt = NotedInterrupt()
        self.log = self._log()

    def _with_network(self, settings):
        """Return the settings with a network's name in place of 'auto'."""
        network = settings.network
        if self._given_net is not None:
            given = network_of(self._given_net)
            if network not in ('auto', given.name):
                raise GluonStyleError(
                    f'network is {network!r} and net is a {given.title}: give '
                    f'a net of build_net(network={network!r})'
                )
            network = given.name
            pooling = self._given_net.pooling
            if settings.pooling != pooling:
                raise GluonStyleError(
                    f'pooling is {settings.pooling!r} and net has '
                    f'{pooling!r}: give a net of '
                    f'build_net(pooling={settings.pooling!r}), '
                    f'or pooling={pooling!r}'
                )
        elif network == 'auto':
            self._chosen_weights = find_weights(
                settings.weights, network, settings.named_layers
            )
            network = self._chosen_weights.network
        return settings.changed({'network': network})

    @functools.cached_property
    def net(self):
        """The given network, or one that is built when it is needed."""
        if self._given_net is not None:
            return self._given_net
        return build_net(
            list(self.settings.content_factors),
            list(self.settings.style_factors),
            network=self.settings.network,
            weights=self._chosen_weights,
            device=self.device,
            pooling=self.settings.pooling,
        )

    def _plan(self):
        @functools.cache
        def measure():
            measured = self._tiles.forecast if self._tiles else forecast
            return measured(
                self.net,
                self.image_shape,
                self.settings,
                self.device,
                self.tile,
            )

        return Plan(
            [(shape, settings.epochs) for shape, settings in self.steps],
            self.image_shape,
            self.output_shape,
            self.tile,
            measure,
            self.every,
            self.inputs.files,
        )

    def _log(self):
        def callback(history, X):
            picture = functools.cache(lambda: self.inputs.finished(X))
            self.observers.epoch(history, picture)

        return Log(
            callback,
            self.every,
            stop_at=self.settings.stop_at,
            final_shape=(1, 3, *self.image_shape[::-1]),
            stop_after=self.settings.stop_after,
            time_limit=self.settings.time_limit,
            style_repeats=self.settings.style_repeats,
            stop=lambda: self.observers.stop() or self._interrupt.stop(),
        )

    def result(self):
        """Return the result; the observers get it, too."""
        try:
            with self._interrupt, self._bound_checkpoint():
                X, losses = coarse_to_fine(
                    self.net,
                    self.inputs,
                    self.settings,
                    self.image_shape,
                    self.log,
                    self.tile,
                    self.checkpoint,
                    self._tiles.place if self._tiles else Here,
                )
        except NonFiniteLossError as error:
            if error.X is not None:
                error.result = self._finished(error.X, error.losses)
            raise
        result = self._finished(X, losses)
        if self._interrupt.stop():
            done = f'{len(result.history)} epochs'
            raise InterruptedRun(result, done, 'best picture')
        return result

    def _bound_checkpoint(self):
        """Return the context of this run's checkpoint, if it has one."""
        if self.checkpoint is None:
            return nullcontext()
        run = identity(
            self.settings,
            self.inputs.pictures,
            self.weights,
            self.image_shape,
        )
        animate = self.observers.find(Animate)
        return self.checkpoint.of_run(
            run, self.steps, self.log, animate, self.device
        )

    def _finished(self, X, losses):
        if losses.scale != self.image_shape:
            logger.warning(
                'stopped at %dx%d: the picture is enlarged from that',
                *losses.scale,
            )
        if not self.settings.guard:
            warn_of_explosion(self.log.history)
        pixels = self.inputs.finished(X)
        record = self._record(losses)
        history = list(self.log.history)
        alpha = self.inputs.alpha(self.image_shape)
        result = Result(as_bytes(pixels), history, record, pixels, alpha)
        if self.settings.original_size:
            result = result.resized(*self.output_shape)
        self.observers.end(result)
        return result

    def _record(self, losses):
        # A run without checkpoints repeats this one by its restarts.
        settings = self.settings.changed({'restarts': self.log.restarts})
        stopped = str(self.log.interrupted or LIMIT)
        threads = os.environ.get('OMP_NUM_THREADS')
        if self._tiles is not None:
            threads = self._tiles.threads
        return Record(
            method=METHOD,
            settings=settings.to_json(),
            pictures=self.inputs.pictures,
            width=self.image_shape[0],
            height=self.image_shape[1],
            weights=self.weights,
            device=str(self.device),
            tile=self.tile,
            threads=threads,
            versions=current_versions(),
            epochs=len(self.log.history),
            # No seconds, so that the same run gives the same bytes.
            losses=replace(losses, seconds=None),
            stopped=stopped if self.log.stopped else None,
        )

    def _weights(self):
        return WeightsId.of(self.net.weights)
