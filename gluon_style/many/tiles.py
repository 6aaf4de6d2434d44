"""One picture on several machines: its tiles in the workers of a cluster.

The optimizer and the pixels are in this process. A worker gets the pixels of a
tile and what is around it, and gives back sums of the style's products of
channels, and later the gradient for these pixels.
"""

from __future__ import annotations

import math
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from gluon_style.errors import GluonStyleError
from gluon_style.many.dispatch import Dispatch
from gluon_style.many.parcels import NetId
from gluon_style.many.rooms import Rooms
from gluon_style.many.rounds import Work, answers
from gluon_style.many.tile_places import Place, net_id
from gluon_style.many.tile_tasks import (
    Computed,
    MeasureTask,
    forget,
)
from gluon_style.many.workers import LOOK
from gluon_style.methods.versions import current_versions

# Sides of tiles to choose from, in pixels.
_SIDES = range(256, 2049, 32)
# Seconds for the workers to free their memory. One that sleeps, and does not
# answer, forgets a run after a while.
_FORGETTING = 2


class TileWorkers:
    """Computes the tiles of a run in the workers of a cluster."""

    def __init__(self, dispatch: Dispatch) -> None:
        self._dispatch, self._rooms = dispatch, Rooms(dispatch.client)
        self._run, self._num_places = uuid.uuid4().hex, 0
        # The setting, and the bytes that a tile takes, None if it is named.
        self._device = 'auto'
        self._needed: float | None = None

    def __enter__(self) -> TileWorkers:
        return self

    def __exit__(self, *error: Any) -> None:
        """Let workers free their memory."""
        freeing = threading.Thread(target=self._forget, daemon=True)
        freeing.start()
        freeing.join(_FORGETTING)

    def _forget(self) -> None:
        with suppress(Exception):
            self._dispatch.client.run(
                forget, self._run, wait=False, on_error='ignore'
            )

    @property
    def threads(self) -> str | None:
        """The threads of MXNet in a worker, as text; None where unknown."""
        return self._rooms.threads

    def choose_tile(
        self, image_shape: tuple[int, int], settings: Any
    ) -> int | None:
        """Return the tile of a run's picture of (width, height).

        'auto' is the one with which the workers are ready first, of those
        that fit into the memory of each. Raises GluonStyleError where the run
        does not fit into the memory of this machine, or its tiles into that
        of the workers.
        """
        from gluon_style.methods.gatys.forecast import USABLE

        self._require_memory(image_shape, settings)
        self._device = settings.device
        rooms = self._rooms.ask(
            self._dispatch.fit(),
            settings.device,
            # The optimizer's arrays are here.
            taken=_bytes_here(image_shape, settings),
        )
        if settings.tile != 'auto':
            return None if settings.tile == 'off' else settings.tile
        if not rooms:
            raise GluonStyleError(
                'no worker says how much memory it has: try again'
            )
        count = len(rooms)
        needed = {
            tile: worker_bytes(image_shape, settings, tile, count)
            for tile in (None, *_SIDES)
        }
        room = USABLE * min(rooms)
        fitting = [tile for tile in needed if needed[tile] < room]
        if not fitting:
            width, height = image_shape
            raise GluonStyleError(
                f'a tile of a picture of {width}x{height} takes at least '
                f'{min(needed.values()) / 1e9:.1f} GB of a worker, and it may '
                f'take {max(0, room) / 1e9:.1f} GB: choose a smaller size, or '
                'more machines'
            )
        tile = min(
            fitting,
            key=lambda tile: pixels_in_turn(
                image_shape, settings, tile, count
            ),
        )
        self._needed = needed[tile]
        return tile

    def _fit(self) -> list[str]:
        """Return the workers that have room for a tile; wait for one.

        One that joins late may be smaller than those of the beginning.
        """
        while True:
            addresses = self._dispatch.fit()
            self._rooms.ask(addresses, self._device)
            if self._needed is None:
                return addresses
            if fitting := self._rooms.fitting(addresses, self._needed):
                return fitting
            time.sleep(LOOK / 10)

    def _require_memory(
        self, image_shape: tuple[int, int], settings: Any
    ) -> None:
        """Raise GluonStyleError where the optimizer's arrays do not fit."""
        from gluon_style.chapter.devices import get_device
        from gluon_style.methods.gatys.forecast import USABLE, free_memory

        needed = _bytes_here(image_shape, settings)
        free = free_memory(get_device(settings.device))
        if needed >= USABLE * free:
            width, height = image_shape
            or_adam = ''
            if settings.optimizer == 'lbfgs':
                or_adam = ' or the optimizer adam'
            raise GluonStyleError(
                f'size gives a picture of {width}x{height} pixels, which '
                f'takes {needed / 1e9:.1f} GB here, beside the workers, and '
                f'it may take {USABLE:.0%} of the {free / 1e9:.1f} GB free: '
                f'choose a smaller size{or_adam}'
            )

    def forecast(
        self,
        net: Any,
        image_shape: tuple[int, int],
        settings: Any,
        device: Any,
        tile: int | None,
    ) -> Any:
        """Return the ``Forecast`` of a run; each worker measures an epoch.

        Arguments are as for ``forecast`` of the method.
        """
        from gluon_style.methods.gatys.forecast import (
            MEASURED_SIDE,
            free_memory,
            size_within,
        )
        from gluon_style.methods.gatys.scales import plan
        from gluon_style.methods.observers import Forecast

        addresses = self._fit()
        work = _Measuring(addresses, net_id(net, settings.layers), settings)
        slowest = max(answer.value for _, _, answer in self._answers(work))
        pixels = sum(
            each.epochs * pixels_in_turn(shape, each, tile, len(addresses))
            for shape, each in plan(settings, image_shape)
        )
        seconds = slowest * pixels / MEASURED_SIDE**2
        return Forecast(
            seconds,
            _bytes_here(image_shape, settings),
            free_memory(device),
            lambda patience: size_within(
                image_shape, settings, seconds, patience
            ),
        )

    def place(
        self, net: Any, settings: Any, layers: Any, tile: int | None
    ) -> Place:
        """Return where an ``Objective`` has its tiles computed."""
        self._num_places += 1
        return Place(
            tile,
            self._answers,
            layers,
            run=self._run,
            place=self._num_places,
            net=net_id(net, layers.names),
            settings=settings,
        )

    def _answers(self, work: Work) -> Iterator[tuple[int, str, Computed]]:
        return answers(self._dispatch, self._fit, work)


class _Measuring:
    """Have each worker measure an epoch of a small picture."""

    def __init__(
        self, addresses: list[str], net: NetId, settings: Any
    ) -> None:
        self._addresses, self._net = addresses, net
        self._settings = settings

    def owners(self, addresses: list[str]) -> list[str]:
        """Return the workers, or another one for one that is gone."""
        return [
            each if each in addresses else addresses[0]
            for each in self._addresses
        ]

    def task(self, index: int, address: str) -> MeasureTask:
        """Return the task."""
        return MeasureTask(self._net, self._settings, current_versions())

    def unknown(self, index: int) -> None:
        """Do nothing: a worker needs to know nothing."""


def _bytes_here(image_shape: tuple[int, int], settings: Any) -> int:
    """Return the memory that a run takes of this process."""
    from gluon_style.methods.gatys.forecast import (
        FIXED_BYTES,
        picture_bytes,
        variation_bytes,
    )

    own = picture_bytes(image_shape, settings)
    return FIXED_BYTES + own + variation_bytes(image_shape)


def pixels_in_turn(
    image_shape: tuple[int, int], settings: Any, tile: int | None, count: int
) -> float:
    """Return how many pixels the busiest of ``count`` workers sees.

    They count as in an epoch of a picture in one tile.
    """
    from gluon_style.methods.gatys.forecast import seen_lengths

    widths, heights = seen_lengths(image_shape, settings, tile)
    turns = math.ceil(len(widths) * len(heights) / count)
    # A worker with several tiles makes each forward pass twice.
    passes = 1.5 if turns > 1 else 1.0
    return passes * turns * max(widths) * max(heights)


def worker_bytes(
    image_shape: tuple[int, int], settings: Any, tile: int | None, count: int
) -> float:
    """Return the memory that a tile takes of one of ``count`` workers."""
    from gluon_style.methods.gatys.forecast import (
        FIXED_BYTES,
        content_bytes,
        tile_bytes,
    )

    content = content_bytes(image_shape, settings) / count
    return FIXED_BYTES + content + tile_bytes(image_shape, settings, tile)
