"""The memory that workers have for tiles, and their threads."""

from __future__ import annotations

import logging
import socket
import time
from collections import Counter
from typing import Any

from gluon_style.many.tile_tasks import room_here
from gluon_style.many.workers import is_lost

logger = logging.getLogger(__name__)

# Of what is free a late worker may take this part: a little more than those of
# the beginning, for one that was killed comes back and finds a little less.
_USABLE_LATE = 0.9
# Seconds after which a worker without room is asked again.
_AGAIN = 30


class Rooms:
    """What the workers said of themselves when they were asked."""

    def __init__(self, client: Any) -> None:
        self._client = client
        # The bytes that each may take, and its threads, by its address.
        self._bytes: dict[str, float] = {}
        self._threads: dict[str, str | None] = {}
        # When a worker without room is asked again.
        self._again: dict[str, float] = {}
        self._warned: set[str] = set()

    @property
    def threads(self) -> str | None:
        """The threads of MXNet in workers with room, as text, or None."""
        threads = {
            self._threads[each] for each in self._bytes.keys() - self._again
        }
        return ' or '.join(sorted(filter(None, threads))) or None

    def ask(
        self, addresses: list[str], device: str, taken: float = 0
    ) -> list[float]:
        """Return the bytes that each worker may take, once it answers.

        Processes of one machine that are asked at once share what is free
        there. ``taken`` are the bytes that this process will take of its own
        machine; ``device`` is the setting.
        """
        now = time.monotonic()
        new = [
            each
            for each in addresses
            if each not in self._bytes or self._again.get(each, now + 1) < now
        ]
        if new:
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
            self._threads[address] = room.threads
            self._again.pop(address, None)

    def fitting(self, addresses: list[str], needed: float) -> list[str]:
        """Return those of some workers that may take so many bytes."""
        fitting = []
        for address in addresses:
            if address not in self._bytes:
                continue
            room = _USABLE_LATE * self._bytes[address]
            if room >= needed:
                fitting.append(address)
                continue
            self._again.setdefault(address, time.monotonic() + _AGAIN)
            if address not in self._warned:
                self._warned.add(address)
                logger.warning(
                    'worker %s gets no tiles: one takes %.1f GB, and it may '
                    'take %.1f GB there',
                    address,
                    needed / 1e9,
                    max(0, room) / 1e9,
                )
        return fitting
