"""One call of a worker: a task that travels as bytes, and its answer."""

from __future__ import annotations

import asyncio
import pickle
import uuid
from collections.abc import Iterable
from typing import Any

from gluon_style.many.workers import PATIENCE, no_answer


def submit(client: Any, task: Any, workers: Iterable[str] | None) -> Any:
    """Send a task, and return the future of its worker's answer.

    ``task.answer()`` is called by one of the workers, or by any for None.
    Raises GluonStyleError where the scheduler is gone for good.
    """
    from distributed.client import ClosedClientError

    try:
        return client.submit(
            _caller(),
            pickle.dumps(task, protocol=pickle.HIGHEST_PROTOCOL),
            key=f'gluon_style-{uuid.uuid4().hex}',
            pure=False,
            workers=None if workers is None else sorted(workers),
        )
    except ClosedClientError as error:
        raise no_answer(error) from None


def _caller() -> Any:
    """Return a function for workers, which may lack this package.

    Since it is within another one it travels as code, and not as a name. It
    returns the worker's address, and what that answers to a task, or None.
    """

    def call(data: bytes) -> tuple[str, Any]:
        import pickle

        from distributed import get_worker

        address = get_worker().address
        try:
            import gluon_style  # noqa: F401
        except ImportError:
            return address, None
        return address, pickle.loads(data).answer()

    return call


def answer_of(future: Any) -> Any:
    """Return a worker's address and its answer, or None where it is lost.

    KilledWorker, where workers were killed for it, is returned, too.
    """
    from distributed import CancelledError, KilledWorker

    try:
        return future.result(timeout=PATIENCE)
    except KilledWorker as error:
        return error
    except (CancelledError, OSError, asyncio.TimeoutError):
        return None
    finally:
        future.release()
