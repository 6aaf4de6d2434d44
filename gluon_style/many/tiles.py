"""One picture on several machines: its tiles in the workers of a cluster.

The optimizer and the pixels are in this process. A worker gets the pixels of a
tile and what is around it, and gives back sums of the style's products of
channels, and later the gradient for these pixels.
"""

from __future__ import annotations

import math
import socket
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from gluon_style.errors import GluonStyleError
from gluon_style.many.dispatch import Dispatch
from gluon_style.many.parcels import NetId
from gluon_style.many.rounds import Work, answers
from gluon_style.many.tile_places import Place, net_id
from gluon_style.many.tile_tasks import (
    Computed,
    MeasureTask,
    forget,
    free_here,
)
from gluon_style.methods.versions import current_versions

# Sides of tiles to choose from, in pixels.
_SIDES = range(256, 2049, 32)


class TileWorkers:
    """Computes the tiles of a run in the workers of a cluster."""

    def __init__(self, dispatch: Dispatch) -> None:
        self._dispatch = dispatch
        self._run, self._num_places = uuid.uuid4().hex, 0
        # The bytes that a tile may take of each worker.
        self._free: float | None = None

    def __enter__(self) -> TileWorkers:
        return self

    def __exit__(self, *error: Any) -> None:
        """Let workers free their memory; nothing waits for it."""
        with suppress(Exception):
            self._dispatch.client.run(
                forget, self._run, wait=False, on_error='ignore'
            )

    def choose_tile(
        self, image_shape: tuple[int, int], settings: Any
    ) -> int | None:
        """Return the tile of a run's picture of (width, height).

        Raises GluonStyleError where it does not fit into the memory of this
        machine, or its tiles into that of the workers.
        """
        self._require_memory(image_shape, settings)
        return self._tile_for(image_shape, settings)

    def _tile_for(
        self, image_shape: tuple[int, int], settings: Any
    ) -> int | None:
        """Return the tile with which the workers are ready first.

        It is one of those that fit into the memory of each.
        """
        if settings.tile != 'auto':
            return None if settings.tile == 'off' else settings.tile
        count = len(self._dispatch.fit())
        if self._free is None:
            self._free = self._least_free(image_shape, settings)
        needed = {
            tile: worker_bytes(image_shape, settings, tile, count)
            for tile in (None, *_SIDES)
        }
        fitting = [tile for tile in needed if needed[tile] < self._free]
        if not fitting:
            width, height = image_shape
            raise GluonStyleError(
                f'a tile of a picture of {width}x{height} takes at least '
                f'{min(needed.values()) / 1e9:.1f} GB of a worker, and it may '
                f'take {self._free / 1e9:.1f} GB: choose a smaller size, or '
                'more machines'
            )
        return min(
            fitting,
            key=lambda tile: pixels_in_turn(
                image_shape, settings, tile, count
            ),
        )

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
                f'size gives a picture of {width}x{height} pixels, for which '
                f'the optimizer takes {needed / 1e9:.1f} GB here, and it may '
                f'take {USABLE:.0%} of the {free / 1e9:.1f} GB free: choose '
                f'a smaller size{or_adam}'
            )

    def _least_free(
        self, image_shape: tuple[int, int], settings: Any
    ) -> float:
        """Return the least bytes that a worker may take of its machine.

        ``image_shape`` is the run's: the optimizer's arrays are here.
        """
        from gluon_style.methods.gatys.forecast import USABLE

        found = self._dispatch.client.run(
            free_here,
            settings.device,
            workers=self._dispatch.fit(),
            on_error='return',
        )
        # A worker may be gone meanwhile; another error is a bug.
        replies = [
            each for each in found.values() if not isinstance(each, OSError)
        ]
        for reply in replies:
            if isinstance(reply, Exception):
                raise reply
        if not replies:
            raise GluonStyleError(
                'no worker says how much memory it has: try again'
            )
        hosts = Counter(host for host, _, _ in replies)
        here = socket.gethostname()
        taken = _bytes_here(image_shape, settings)
        shares = (
            min((free - taken * (host == here)) / hosts[host], limit)
            for host, free, limit in replies
        )
        return USABLE * max(0, min(shares))

    def forecast(
        self,
        net: Any,
        image_shape: tuple[int, int],
        settings: Any,
        device: Any,
        tile: int | None,
    ) -> Any:
        """Return the ``Forecast`` of a run; each worker measures an epoch.

        Arguments are as for ``forecast`` of the method; ``tile`` is that of
        the last scale.
        """
        from gluon_style.methods.gatys.forecast import (
            MEASURED_SIDE,
            free_memory,
            size_within,
        )
        from gluon_style.methods.gatys.scales import plan
        from gluon_style.methods.observers import Forecast

        addresses = self._dispatch.fit()
        work = _Measuring(addresses, net_id(net, settings.layers), settings)
        slowest = max(answer.value for _, _, answer in self._answers(work))
        pixels = 0.0
        for shape, each in plan(settings, image_shape):
            own = tile if shape == image_shape else self._tile_for(shape, each)
            seen = pixels_in_turn(shape, each, own, len(addresses))
            pixels += each.epochs * seen
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
        """Return where an ``Objective`` has its tiles computed.

        Each picture, a style's, too, has the tile that suits it: ``tile``,
        that of the last scale, is not asked for.
        """
        self._num_places += 1
        return Place(
            lambda image_shape: self._tile_for(image_shape, settings),
            self._answers,
            layers,
            run=self._run,
            place=self._num_places,
            net=net_id(net, layers.names),
            settings=settings,
        )

    def _answers(self, work: Work) -> Iterator[tuple[int, str, Computed]]:
        return answers(self._dispatch, work)


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
    from gluon_style.methods.gatys.forecast import FIXED_BYTES, picture_bytes

    return FIXED_BYTES + picture_bytes(image_shape, settings)


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
