"""The networks of several jobs, each loaded once, or named for workers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gluon_style.files.reading import file_digest
from gluon_style.many.jobs import Job
from gluon_style.many.parcels import NetId
from gluon_style.methods.table import DEFAULT_METHOD, method_of
from gluon_style.weights.choice import WeightsFile, find_weights


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


class NetIds:
    """What tells workers the networks of jobs, each file read once."""

    def __init__(self) -> None:
        self._weights: dict[Any, tuple[WeightsFile, str]] = {}

    def of(self, settings: Any, weights: Any = None) -> NetId | None:
        """Return the network of a job's method, or None.

        ``weights`` are those of the job. Raises WeightsError where they
        cannot be had.
        """
        method = method_of(settings)
        if method.name == 'adain':
            from gluon_style.methods.adain.decoder import SHIPPED, read_decoder

            losses, choice = None, (read_decoder(SHIPPED).encoder, 'auto', ())
        elif method.has_epochs:
            losses = getattr(settings, 'guide', lambda: settings)()
            layers = tuple(losses.named_layers)
            choice = weights or losses.weights, losses.network, layers
        else:
            return None
        if choice not in self._weights:
            found = find_weights(*choice)
            self._weights[choice] = found, file_digest(found.path)
        found, sha256 = self._weights[choice]
        if losses is None:
            return NetId(found, sha256)
        losses = losses.changed({'network': found.network})
        layers = {**losses.content_factors, **losses.style_factors}
        return NetId(found, sha256, tuple(layers), losses.pooling)
