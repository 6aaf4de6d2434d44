"""A picture's tiles in workers, called as those of ``Here`` are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy

from gluon_style.many.parcels import NetId
from gluon_style.many.rounds import Work
from gluon_style.many.tile_tasks import (
    OF_PIXELS,
    Computed,
    Setup,
    TileTask,
    as_numpy,
    mapped,
)
from gluon_style.methods.versions import current_versions
from gluon_style.weights.choice import WeightsFile

# Returns the answers of a round of tasks.
Answers = Callable[[Work], Iterator[tuple[int, str, Computed]]]


class Place:
    """Where an ``Objective`` has its tiles computed: see ``Here``.

    ``tile`` is as in ``Objective``, ``answers`` returns those of a ``Work``.
    ``about`` is what all tasks say: ``run``, ``place``, ``net`` and
    ``settings``. A worker has the last place of a run only.
    """

    def __init__(
        self,
        tile: int | None,
        answers: Answers,
        layers: Any,
        **about: Any,
    ) -> None:
        self._tile, self.answers = tile, answers
        self.layers, self._about = layers, about
        self._num_pictures = 0

    def cut(
        self,
        shape: tuple[int, int],
        wraps: bool = False,
        guides: Any = (None,),
    ) -> Picture:
        """Return what calls a method of each tile of (height, width)."""
        from gluon_style.methods.gatys.tile_losses import cut_picture

        settings, names = self._about['settings'], self.layers.names
        tiles = cut_picture(shape, settings, names, self._tile, wraps)
        self._num_pictures += 1
        return Picture(self, self._num_pictures, tiles, shape, guides)

    def task(self, key: tuple[int, int], **about: Any) -> TileTask:
        """Return a task for a tile of this place."""
        versions = current_versions()
        return TileTask(key=key, versions=versions, **self._about, **about)


class Picture:
    """Calls a method of each tile of a picture, in workers.

    A tile stays with its worker, which knows its content.
    """

    def __init__(
        self,
        place: Place,
        number: int,
        tiles: list[Any],
        shape: tuple[int, int],
        guides: Any,
    ) -> None:
        self._place, self._number = place, number
        self._tiles, self._shape, self._guides = tiles, shape, guides
        self._content: Any = None
        self._owners: dict[int, str] = {}
        # The workers that know a tile, and its last pixels.
        self._known: dict[int, str] = {}
        self._seen: dict[int, str] = {}
        self._call: Any = None

    def __call__(self, method: str, *arguments: Any) -> list[Any]:
        """Return what a method of ``TileLosses`` returns for each tile.

        The first argument may be the picture; its gradient is added to.
        """
        if method == 'see_content':
            # A tile sees it when it is first computed.
            [self._content] = arguments
            return []
        X, others = None, arguments
        if method in OF_PIXELS:
            X, *others = arguments
        if method == 'style_sums':
            self._seen.clear()
        goes_back = method == 'style_sums' and bool(others[0])
        self._call = method, X, mapped(tuple(others), as_numpy), goes_back
        values: dict[int, Any] = {}
        gradient = _Gradient(X, self._tiles)
        for index, address, answer in self._place.answers(self):
            self._known[index] = address
            if goes_back:
                self._seen[index] = address
            values[index] = answer.value
            gradient.add(index, answer.gradient)
        gradient.give()
        self._call = None
        # Values join others on the device of the pictures.
        ctx = (self._content if X is None else X).ctx
        return [
            mapped(values[index], lambda value: _as_mxnet(value, ctx))
            for index in range(len(self._tiles))
        ]

    def owners(self, addresses: list[str]) -> list[str]:
        """Return the worker of each tile: each has about equally many."""
        tiles: dict[str, list[int]] = {address: [] for address in addresses}
        for index in range(len(self._tiles)):
            owner = self._owners.get(index)
            if owner not in tiles:
                owner = min(addresses, key=lambda each: len(tiles[each]))
            tiles[owner].append(index)
        while True:
            most, least = (
                choose(addresses, key=lambda each: len(tiles[each]))
                for choose in (max, min)
            )
            if len(tiles[most]) - len(tiles[least]) < 2:
                break
            tiles[least].append(tiles[most].pop())
        self._owners = {
            index: address for address in tiles for index in tiles[address]
        }
        return [self._owners[index] for index in range(len(self._tiles))]

    def task(self, index: int, address: str) -> TileTask:
        """Return the task for a tile, with what its worker lacks."""
        method, X, arguments, goes_back = self._call
        pixels = None
        if X is not None and self._seen.get(index) != address:
            pixels = self._visible(X, index)
        owned = list(self._owners.values()).count(address)
        is_known = self._known.get(index) == address
        return self._place.task(
            (self._number, index),
            method=method,
            pixels=pixels,
            arguments=arguments,
            goes_back=goes_back,
            keeps=owned == 1,
            setup=None if is_known else self._setup(index),
        )

    def unknown(self, index: int) -> None:
        """Send a tile whole the next time."""
        self._known.pop(index, None)
        self._seen.pop(index, None)

    def _visible(self, X: Any, index: int) -> numpy.ndarray:
        from gluon_style.methods.gatys.tiles import visible

        return visible(X, self._tiles[index]).asnumpy()

    def _setup(self, index: int) -> Setup:
        from gluon_style.methods.gatys.tile_losses import (
            cut_guide,
            guide_weights,
        )

        tile, content = self._tiles[index], None
        if self._content is not None:
            content = self._visible(self._content, index)
        guides = [
            cut_guide(guide_weights(guide), tile) for guide in self._guides
        ]
        guides = mapped(guides, as_numpy)
        return Setup(self._place.layers, tile, self._shape, guides, content)


class _Gradient:
    """Adds the gradients of tiles up, always in one order."""

    def __init__(self, X: Any, tiles: list[Any]) -> None:
        self._X, self._tiles = X, tiles
        self._waiting: dict[int, numpy.ndarray] = {}
        self._next, self._total = 0, None

    def add(self, index: int, gradient: numpy.ndarray | None) -> None:
        """Add a tile's gradient for what the network sees for it, or None."""
        if gradient is None:
            return
        self._waiting[index] = gradient
        while self._next in self._waiting:
            if self._total is None:
                self._total = numpy.zeros(self._X.shape, 'float32')
            rows, columns = self._tiles[self._next]
            each, sides = self._waiting.pop(self._next), self._X.shape[2:]
            for own_rows, at_rows in _pieces(rows, sides[0]):
                for own_columns, at_columns in _pieces(columns, sides[1]):
                    part = each[:, :, own_rows, own_columns]
                    self._total[:, :, at_rows, at_columns] += part
            self._next += 1

    def give(self) -> None:
        """Add the sum to the picture's ``grad``."""
        if self._total is not None:
            self._X.grad[:] += _as_mxnet(self._total, self._X.ctx)


def _pieces(span: Any, side: int) -> Iterator[tuple[slice, slice]]:
    """Yield slices of what a span sees, and where they are in the picture.

    The picture's opposite edges meet.
    """
    low = span.low
    while low < span.high:
        at = low % side
        length = min(side - at, span.high - low)
        begin = low - span.low
        yield slice(begin, begin + length), slice(at, at + length)
        low += length


def net_id(net: Any, layers: Any) -> NetId:
    """Return what tells workers a network of ``build_net``."""
    from gluon_style.chapter.vgg import network_of

    weights = net.weights
    found = WeightsFile(
        weights.source,
        network_of(net).name,
        Path(weights.path),
        weights.reason,
    )
    return NetId(found, weights.sha256, tuple(sorted(layers)), net.pooling)


def _as_mxnet(value: Any, ctx: Any) -> Any:
    from mxnet import np

    if not isinstance(value, numpy.ndarray):
        return value
    return np.array(value, dtype='float32', ctx=ctx)
