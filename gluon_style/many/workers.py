"""The workers of a cluster: who is there, who fits, and what they lack."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from typing import Any
from urllib.parse import urlsplit

from gluon_style.errors import GluonStyleError
from gluon_style.many.parcels import Lacking, NetId, Refused, refusal
from gluon_style.many.sent import PIECE_BYTES, receive
from gluon_style.methods.versions import current_versions

logger = logging.getLogger(__name__)

# Seconds for a scheduler to answer, and to come back after it is restarted.
PATIENCE = 60
# Seconds for a worker that fits to come, where all others are refused.
_GRACE = 5
_NO_PACKAGE = 'it lacks the package gluon_style: install it there'
# Seconds between two looks at who is there.
LOOK = 1.0


class Workers:
    """The workers that a Dask client has, looked at now and then."""

    def __init__(self, client: Any) -> None:
        self._client, self._name = client, uuid.uuid4().hex[:12]
        # Each worker's threads, and why it gets no job, by its address.
        self._threads: dict[str, int] = {}
        self._refused: dict[str, str] = {}
        # When weights were sent to a worker, or to one of a machine, by the
        # address of either and their hash.
        self._sent: dict[tuple[str, str], float] = {}
        self._next_look = 0.0
        # Since when no scheduler answers, or no worker fits.
        self._lost_at: float | None = None
        self._unfit_at: float | None = None

    @property
    def threads(self) -> int:
        """The number of jobs that can run at once."""
        return sum(self._threads[address] for address in self.fit)

    @property
    def allowed(self) -> frozenset[str] | None:
        """The workers that get jobs, or None for all."""
        return self.fit if self._refused else None

    @property
    def fit(self) -> frozenset[str]:
        """The addresses of the workers that may get jobs."""
        return frozenset(self._threads) - self._refused.keys()

    def are_gone(self, addresses: frozenset[str] | None) -> bool:
        """Return whether none of these is there any more."""
        return bool(addresses) and not addresses & self._threads.keys()

    def look(self) -> None:
        """Look who is there, now and then."""
        now = time.monotonic()
        if now < self._next_look:
            return
        is_first, self._next_look = not self._next_look, now + LOOK
        try:
            workers = dict(self._client.nthreads())
            unchecked = self._check(sorted(workers.keys() - self._threads))
        except Exception as error:
            if not is_lost(self._client, error):
                raise
            # It may be restarted just now.
            self._lost_at = self._lost_at or now
            is_closed = self._client.status == 'closed'
            if is_closed or now > self._lost_at + PATIENCE:
                raise no_answer(error) from None
            return
        self._lost_at = None
        if not workers and (self._threads or is_first):
            logger.warning('there is no worker: the jobs wait for one')
        self._threads = {
            address: count
            for address, count in workers.items()
            if address not in unchecked
        }
        self._require_fit(now)

    def _require_fit(self, now: float) -> None:
        """Raise GluonStyleError where all workers are refused for a while."""
        reasons = set(self._refused.values())
        self._refused = {
            address: reason
            for address, reason in self._refused.items()
            if address in self._threads
        }
        is_unfit = self._threads and len(self._refused) == len(self._threads)
        if not is_unfit:
            self._unfit_at = None
            return
        self._unfit_at = self._unfit_at or now
        if now >= self._unfit_at + _GRACE:
            raise GluonStyleError(
                'no worker can make these pictures: '
                + '; '.join(sorted(reasons))
            )

    def _check(self, addresses: list[str]) -> list[str]:
        """Refuse new workers without this package, or with another one.

        Returns those that did not answer.
        """
        if not addresses:
            return []
        found = self._client.run(
            _versions_asker(), workers=addresses, on_error='return'
        )
        silent: list[str] = []
        for address in addresses:
            versions = found.get(address, OSError())
            if isinstance(versions, OSError):
                silent.append(address)
            elif versions is None:
                self._refuse(address, _NO_PACKAGE)
            elif not isinstance(versions, dict):
                error = f'it cannot run this program ({versions})'
                self._refuse(address, error)
            elif (error := refusal(current_versions(), versions)) is not None:
                self._refuse(address, error)
        return silent

    def _refuse(self, address: str, error: str) -> None:
        """Send nothing to a worker any more, and say why."""
        if address not in self._refused:
            self._refused[address] = error
            logger.warning('worker %s is refused: %s', address, error)

    def make_fit(
        self, address: str, answer: Refused | Lacking | None, begun: float
    ) -> None:
        """Refuse a worker, or send it what a job lacked that had ``begun``."""
        if answer is None:
            self._refuse(address, _NO_PACKAGE)
        elif isinstance(answer, Refused):
            self._refuse(address, answer.error)
        elif begun < self._sent.get((_host(address), answer.net.sha256), 0):
            # They have come meanwhile, to this worker's machine.
            return
        elif (address, answer.net.sha256) in self._sent:
            error = 'it lacks the weights, also after they were sent'
            self._refuse(address, error)
        else:
            # Of two workers of one machine, each may have its own cache.
            self._send(address, answer.net)

    def _send(self, address: str, net: NetId) -> None:
        """Send weights to a worker's machine, or refuse the worker."""
        logger.warning('worker %s gets the weights from here', address)
        is_whole = False
        try:
            with open(net.weights.path, 'rb') as file:
                offset = 0
                while piece := file.read(PIECE_BYTES):
                    self._call(address, net, offset, piece)
                    offset += len(piece)
            is_whole = self._call(address, net, offset, b'')
        except (OSError, ValueError, asyncio.TimeoutError) as error:
            self._refuse(address, f'it cannot take the weights ({error})')
            return
        if not is_whole:
            self._refuse(address, 'it got the weights damaged')
        for place in (address, _host(address)):
            self._sent[place, net.sha256] = time.monotonic()

    def _call(
        self, address: str, net: NetId, offset: int, piece: bytes
    ) -> bool:
        arguments = net, offset, piece, self._name
        found = self._client.run(receive, *arguments, workers=[address])
        return bool(found.get(address))


def _host(address: str) -> str:
    return str(urlsplit(address).hostname)


def is_lost(client: Any, error: Exception) -> bool:
    """Return whether an error means that no scheduler answers a client."""
    return client.status != 'running' or isinstance(
        error, (OSError, asyncio.TimeoutError)
    )


def no_answer(error: Exception) -> GluonStyleError:
    return GluonStyleError(
        f'the scheduler does not answer ({error}): start it again, and give '
        'the same command to go on'
    )


def _versions_asker() -> Any:
    """Return a function for workers: it may lack this package."""

    def ask():
        try:
            from gluon_style.methods.versions import current_versions
        except ImportError:
            return None
        return current_versions()

    return ask
