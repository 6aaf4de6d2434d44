"""The networks of several jobs, each loaded once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gluon_style.many.jobs import Job
from gluon_style.methods.table import DEFAULT_METHOD, method_of


class SharedNets:
    """The networks of several jobs, each built when it is first needed.

    Jobs with the same network, weights, pooling and device share one, which
    reaches the deepest layer of all jobs.
    """

    def __init__(self, jobs: Iterable[Job]) -> None:
        self._layers: dict[tuple[str, ...], set[str]] = {}
        for job in jobs:
            if method_of(job.settings).name != DEFAULT_METHOD:
                # It shares its nets by itself.
                continue
            layers = self._layers.setdefault(_net_key(job.settings), set())
            layers.update(job.settings.named_layers)
        self._nets: dict[tuple[str, ...], Any] = {}

    def net(self, settings: Any) -> Any:
        """Return the network for a run with these settings."""
        key = _net_key(settings)
        if key not in self._nets:
            from gluon_style.chapter.devices import get_device
            from gluon_style.chapter.vgg import build_net

            self._nets[key] = build_net(
                None,
                sorted(self._layers[key]),
                network=settings.network,
                weights=settings.weights,
                pooling=settings.pooling,
                device=get_device(settings.device),
            )
        return self._nets[key]


def _net_key(settings: Any) -> tuple[str, ...]:
    """Return what two runs must have in common to share a network."""
    return (
        settings.network,
        settings.weights,
        settings.pooling,
        settings.device,
    )
