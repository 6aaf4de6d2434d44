"""Load VGG-19's weights, adapted to the chapter's pixels and hyperparameters.

Weights are never random and never unchecked, and every result records which
file was used. ``sources`` fetches files, ``formats`` reads and writes them.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy

from gluon_style.errors import WeightsError
from gluon_style.files.reading import file_digest
from gluon_style.layers import NETWORKS, RGB_MEAN, RGB_STD
from gluon_style.weights.formats import Layers, read_layers
from gluon_style.weights.sources import SOURCES, fetch, is_intact

logger = logging.getLogger(__name__)

# The factor of each layer's activations that fits standardized pixels.
# tools/calibrate.py computes them, and prints them with the reasons.
OXFORD_SCALES = {
    'conv1_1': 0.04948,
    'conv1_2': 0.04948,
    'conv2_1': 0.03971,
    'conv2_2': 0.03971,
    'conv3_1': 0.01531,
    'conv3_2': 0.01531,
    'conv3_3': 0.01531,
    'conv3_4': 0.01531,
    'conv4_1': 0.007224,
    'conv4_2': 0.006642,
    'conv4_3': 0.006642,
    'conv4_4': 0.006642,
    'conv5_1': 0.03962,
    'conv5_2': 0.03962,
    'conv5_3': 0.03962,
    'conv5_4': 0.03962,
}


@dataclass(frozen=True)
class Weights:
    """The loaded layers, and where they come from.

    ``network`` is a name of ``NETWORKS``. ``layers`` maps a name to (weight,
    bias). ``reason`` says why this source or file was chosen.
    """

    source: str
    network: str
    path: str
    sha256: str
    reason: str
    layers: Layers = field(repr=False)


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

    ``weights`` is 'auto', the name of a source, or the path of a .params,
    .npz, .h5, .pth or .safetensors file. 'auto' takes what is in the cache;
    otherwise the model zoo's file if its host answers within seconds;
    otherwise 'oxford'. Raises WeightsError if the weights cannot be had.
    """
    if isinstance(weights, WeightsFile):
        return weights
    name, path, reason = _find(weights)
    return WeightsFile(name, 'vgg19', path, reason)


def load_weights(
    weights: str | os.PathLike[str] | WeightsFile = 'auto',
    layers: Iterable[str] | None = None,
    network: str = 'vgg19',
) -> Weights:
    """Return ``layers`` of a network that fit the chapter's ``preprocess``.

    ``weights`` and ``network`` are as for ``find_weights``, or ``weights`` is
    what that returned. None means all layers. Raises WeightsError if the
    weights cannot be had: they are never made up.
    """
    found = find_weights(weights, network, layers or ())
    layers = layers or tuple(NETWORKS[found.network].conv_shapes)
    arrays, convention = read_layers(found.path, layers)
    if convention == 'bgr':
        arrays = rescale(fold_bgr(arrays), OXFORD_SCALES)
    sha256 = file_digest(found.path)
    logger.info('weights %s (%s): %s', found.source, found.reason, found.path)
    return Weights(
        found.source,
        found.network,
        str(found.path),
        sha256,
        found.reason,
        arrays,
    )


def _find(weights: str | os.PathLike[str]) -> tuple[str, Path, str]:
    """Return the source's name, the file's path, and why it was chosen."""
    if isinstance(weights, str) and weights in SOURCES:
        return weights, fetch(weights), 'the source asked for'
    if weights != 'auto':
        if not Path(weights).is_file():
            raise WeightsError(
                f'weights {str(weights)!r} are unknown: choose auto, '
                f'{", ".join(SOURCES)}, or a file that exists'
            )
        return 'file', Path(weights), 'the file asked for'
    for name, source in SOURCES.items():
        if is_intact(source):
            return name, source.path, 'found in the cache'
        if source.path.exists():
            logger.warning('%s is broken and passed over', source.path)
    try:
        return 'zoo', fetch('zoo'), 'fetched from the model zoo'
    except WeightsError as error:
        reason = f'the model zoo failed: {error}'
    return 'oxford', fetch('oxford'), reason


def fold_bgr(layers: Layers) -> Layers:
    """Make the first layer of Oxford's weights take the chapter's pixels.

    That layer expects BGR from 0 to 255 minus the mean color; ``preprocess``
    gives RGB, (x / 255 - mean) / std. The result is exact inside the
    picture. At the border the zero padding means another color: it differs
    by less than half a grey level.
    """
    mean, std = (
        255 * numpy.array(a, 'float32').astype('float64')[:, None, None]
        for a in (RGB_MEAN, RGB_STD)
    )
    oxford_mean = numpy.array([123.68, 116.779, 103.939])[:, None, None]
    weight, bias = layers['conv1_1']
    weight = weight[:, ::-1].astype('float64')
    bias = bias + (weight * (mean - oxford_mean)).sum(axis=(1, 2, 3))
    folded = ((weight * std).astype('float32'), bias.astype('float32'))
    return {**layers, 'conv1_1': folded}


def rescale(layers: Layers, scales: Mapping[str, float]) -> Layers:
    """Multiply the activations of each convolution by its scale.

    This is exact, since ReLU and max pooling commute with a positive factor.
    The weight of a layer is multiplied by its own scale over the scale of
    the layer before, and its bias by its own scale. ``layers`` must be in
    order, from conv1_1 on.
    """
    scaled, before = {}, 1.0
    for layer, (weight, bias) in layers.items():
        scale = scales[layer]
        scaled[layer] = (
            (weight * (scale / before)).astype('float32'),
            (bias * scale).astype('float32'),
        )
        before = scale
    return scaled
