"""The memory that workers have for tiles, and their threads."""

from __future__ import annotations

import logging
import socket
from collections import Counter
from typing import Any

from gluon_style.many.tile_tasks import room_here
from gluon_style.many.workers import is_lost

logger = logging.getLogger(__name__)


class Rooms:
    """What each worker said of itself when it was first asked."""

    def __init__(self, client: Any) -> None:
        self._client = client
        # The bytes that each may take, by its address.
        self._bytes: dict[str, float] = {}
        self._threads: set[str] = set()
        self._small: set[str] = set()

    @property
    def threads(self) -> str | None:
        """The threads of MXNet in a worker, as text; None where unknown."""
        return ' or '.join(sorted(self._threads)) or None

    def ask(
        self, addresses: list[str], device: str, taken: float = 0
    ) -> list[float]:
        """Return the bytes that each worker may take, once it answers.

        Processes of one machine that are asked at once share what is free
        there. ``taken`` are the bytes that this process will take of its own
        machine; ``device`` is the setting.
        """
        if new := [each for each in addresses if each not in self._bytes]:
            self._ask(new, device, taken)
        return [self._bytes[each] for each in addresses if each in self._bytes]

    def _ask(self, addresses: list[str], device: str, taken: float) -> None:
        try:
            found = self._client.run(
                room_here, device, workers=addresses, on_error='return'
            )
        except Exception as error:
            # They are asked again when the scheduler is back.
            if not is_lost(self._client, error):
                raise
            return
        # A worker may be gone meanwhile; another error is a bug.
        rooms = {
            address: room
            for address, room in found.items()
            if not isinstance(room, OSError)
        }
        for room in rooms.values():
            if isinstance(room, Exception):
                raise room
        hosts = Counter(room.host for room in rooms.values())
        here = socket.gethostname()
        for address, room in rooms.items():
            free = room.free - taken * (room.host == here)
            self._bytes[address] = min(free / hosts[room.host], room.limit)
            if room.threads is not None:
                self._threads.add(room.threads)

    def fitting(self, addresses: list[str], needed: float) -> list[str]:
        """Return those of some workers that may take so many bytes."""
        fitting = []
        for address in addresses:
            room = self._bytes.get(address)
            if room is not None and room >= needed:
                fitting.append(address)
            elif room is not None and address not in self._small:
                self._small.add(address)
                logger.warning(
                    'worker %s gets no tiles: one takes %.1f GB, and %.1f GB '
                    'are free there',
                    address,
                    needed / 1e9,
                    max(0, room) / 1e9,
                )
        return fitting
