"""A tile's part of the losses as a task, for a process of a cluster.

A worker keeps the tiles that it computed, with the features of the content
picture there. One that does not know a tile says so, and gets what it must
know with the next task.
"""

from __future__ import annotations

import math
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy

from gluon_style._mxnet import naming_lack_of_memory, numpy_mode
from gluon_style.many.parcels import Failed, Lacking, NetId, net_here

# Seconds after which a worker forgets tiles that no client asks for.
_FORGOTTEN = 600
# The methods of a tile whose first argument are pixels.
OF_PIXELS = 'style_sums', 'backward'


class Setup(NamedTuple):
    """What a worker must know of a tile: see ``TileLosses``.

    ``shape`` is the picture's (height, width). ``content`` is what the network
    sees of the content picture for the tile, (1, 3, height, width), or None.
    The ``guides`` are those of the tile's own positions.
    """

    layers: Any
    tile: Any
    shape: tuple[int, int]
    guides: Any
    content: numpy.ndarray | None


class TileTask(NamedTuple):
    """A method of ``TileLosses`` that a worker is to call.

    ``pixels`` are those that the network sees for the tile, or None: the
    last ones. ``run``, ``place`` and ``key`` say which tile it is: a worker
    has one place of a run. ``setup`` is None for a worker that knows the
    tile. ``goes_back`` says that the gradient for these pixels is asked for
    next; with ``keeps``, the worker has no other tile, and keeps their
    features.
    """

    run: str
    place: int
    key: tuple[int, int]
    net: NetId
    settings: Any
    versions: Mapping[str, str]
    method: str
    pixels: numpy.ndarray | None
    arguments: tuple[Any, ...]
    goes_back: bool
    keeps: bool
    setup: Setup | None

    def painted(self, folder: Path) -> Any:
        """Compute it, in a worker: an ``Answer``, Computed or Unknown."""
        with numpy_mode(), naming_lack_of_memory():
            return _computed(self)


class Computed(NamedTuple):
    """What a method returned, and the gradient for the pixels, or None."""

    value: Any
    gradient: numpy.ndarray | None


class Unknown(NamedTuple):
    """The worker does not know the tile, or its last pixels."""


class MeasureTask(NamedTuple):
    """Have a worker measure the seconds of an epoch of a small picture."""

    net: NetId
    settings: Any
    versions: Mapping[str, str]

    def painted(self, folder: Path) -> Any:
        """Measure it, in a worker: an ``Answer``, or Computed seconds."""
        with numpy_mode(), naming_lack_of_memory():
            return _measured(self)


class _Place:
    """The tiles that a worker has of one scale of a client's picture."""

    def __init__(self, number: int, features: Any) -> None:
        self.number, self.features = number, features
        self.used = time.monotonic()
        self.tiles: dict[tuple[int, int], Any] = {}
        # The pixels that a tile saw last.
        self.pixels: dict[tuple[int, int], Any] = {}


_PLACES: dict[str, _Place] = {}


async def forget(run: str) -> None:
    """Free the memory of a run's tiles, on a worker."""
    # Dask waits for the end of what is no coroutine.
    _PLACES.pop(run, None)


class Room(NamedTuple):
    """A worker's machine, its free bytes, the worker's limit, its threads.

    ``threads`` is what OMP_NUM_THREADS says there.
    """

    host: str
    free: float
    limit: float
    threads: str | None


def room_here(device: str, dask_worker: Any = None) -> Room:
    """Return this worker's ``Room``; Dask gives the worker.

    ``device`` is the setting.
    """
    import psutil

    from gluon_style.chapter.devices import get_device
    from gluon_style.methods.gatys.forecast import free_memory

    _forget_old()
    free = free_memory(get_device(device))
    # Dask lets a worker rest that takes more than four fifths of it.
    limit = dask_worker.memory_manager.memory_limit
    if limit is None:
        limit = math.inf
    else:
        limit -= psutil.Process().memory_info().rss
    threads = os.environ.get('OMP_NUM_THREADS')
    return Room(socket.gethostname(), free, limit, threads)


def _forget_old(kept: str | None = None) -> None:
    """Free the memory of runs that nobody asks for, but for one."""
    for run, place in list(_PLACES.items()):
        old = place.used < time.monotonic() - _FORGOTTEN
        if old and run != kept:
            _PLACES.pop(run, None)


def _net(task: Any, device: Any) -> Any:
    """Return a task's network, or the ``Answer`` why it cannot be had."""
    from gluon_style.methods.gatys.precision import choose_precision

    asked = task.settings.precision
    if choose_precision(task.settings, device) != asked:
        return Failed(
            f'a worker does not compute in {asked}, as this machine does: '
            'give the precision float32'
        )
    return net_here(task.net, task.settings.device)


def _measured(task: MeasureTask) -> Any:
    from gluon_style.chapter.devices import get_device
    from gluon_style.methods.gatys.forecast import seconds_of_an_epoch

    device = get_device(task.settings.device)
    net = _net(task, device)
    if isinstance(net, (Lacking, Failed)):
        return net
    return Computed(seconds_of_an_epoch(net, task.settings, device), None)


def _computed(task: TileTask) -> Any:
    from gluon_style.chapter.devices import get_device

    device = get_device(task.settings.device)
    place = _place(task, device)
    if not isinstance(place, _Place):
        return place
    tile = place.tiles[task.key]
    tile.keeps = task.keeps
    if not task.keeps:
        # A worker that was alone with one tile has got another one.
        for each in place.tiles.values():
            each.keep_nothing()
    arguments = mapped(task.arguments, lambda each: _array(each, device))
    gradient = None
    if task.method in OF_PIXELS:
        X = _pixels(task, place, device)
        if X is None:
            return Unknown()
        X.grad[:] = 0
        value = getattr(tile, task.method)(X, *arguments)
        # What comes next is the gradient for these pixels, or nothing.
        place.pixels.pop(task.key, None)
        if task.method == 'backward':
            gradient = X.grad.asnumpy()
        elif task.goes_back:
            place.pixels[task.key] = X
    else:
        value = getattr(tile, task.method)(*arguments)
    return Computed(mapped(value, as_numpy), gradient)


def _place(task: TileTask, device: Any) -> Any:
    """Return the ``_Place`` with a task's tile, or the ``Answer`` why not."""
    _forget_old(task.run)
    place = _PLACES.get(task.run)
    if place is None or place.number != task.place:
        if task.setup is None:
            return Unknown()
        # Those of the scale before need memory.
        _PLACES.pop(task.run, None)
        net = _net(task, device)
        if isinstance(net, (Lacking, Failed)):
            return net
        from gluon_style.methods.gatys.tile_losses import features_by_layer

        names = task.setup.layers.names
        features = features_by_layer(net, task.settings, names)
        place = _PLACES[task.run] = _Place(task.place, features)
    place.used = time.monotonic()
    if task.key not in place.tiles:
        if task.setup is None:
            return Unknown()
        place.tiles[task.key] = _tile(task.setup, place.features, device)
    return place


def _tile(setup: Setup, features: Any, device: Any) -> Any:
    """Return the ``TileLosses`` of a tile, which knows its content."""
    from gluon_style.methods.gatys.tile_losses import TileLosses

    guides = mapped(setup.guides, lambda each: _array(each, device))
    tile = TileLosses(features, setup.layers, setup.tile, setup.shape, guides)
    if setup.content is not None:
        tile.see_content(_array(setup.content, device))
    return tile


def _pixels(task: TileTask, place: _Place, device: Any) -> Any:
    """Return the pixels that a task is about, ready for a gradient."""
    if task.pixels is None:
        return place.pixels.get(task.key)
    X = _array(task.pixels, device)
    X.attach_grad('add')
    return X


def mapped(tree: Any, change: Any) -> Any:
    """Return dicts, lists and tuples with each other value changed."""
    if isinstance(tree, dict):
        return {name: mapped(each, change) for name, each in tree.items()}
    if isinstance(tree, (list, tuple)):
        items = [mapped(each, change) for each in tree]
        if hasattr(tree, '_fields'):
            return type(tree)(*items)
        return type(tree)(items)
    return change(tree)


def as_numpy(value: Any) -> Any:
    """Return an array of MXNet as one of NumPy, and all else as it is."""
    return value.asnumpy() if hasattr(value, 'asnumpy') else value


def _array(value: Any, device: Any) -> Any:
    """Return an array of NumPy as one of MXNet, and all else as it is."""
    from mxnet import np

    if not isinstance(value, numpy.ndarray):
        return value
    return np.array(value, dtype='float32', ctx=device)
