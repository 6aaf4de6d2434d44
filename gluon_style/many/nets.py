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
        self._layers: dict[tuple[Any, ...], set[str]] = {}
        for job in jobs:
            if method_of(job.settings).name != DEFAULT_METHOD:
                # It shares its nets by itself.
                continue
            layers = self._layers.setdefault(_net_key(job), set())
            layers.update(job.settings.named_layers)
        self._nets: dict[tuple[Any, ...], Any] = {}

    def net(self, job: Job) -> Any:
        """Return the network for a job's run."""
        settings, key = job.settings, _net_key(job)
        if key not in self._nets:
            from gluon_style.chapter.devices import get_device
            from gluon_style.chapter.vgg import build_net

            weights: Any = job.weights or settings.weights
            self._nets[key] = build_net(
                None,
                sorted(self._layers[key]),
                network=settings.network,
                weights=weights,
                pooling=settings.pooling,
                device=get_device(settings.device),
            )
        return self._nets[key]


def _net_key(job: Job) -> tuple[Any, ...]:
    """Return what two runs must have in common to share a network."""
    settings = job.settings
    return (
        settings.network,
        job.weights or settings.weights,
        settings.pooling,
        settings.device,
    )
