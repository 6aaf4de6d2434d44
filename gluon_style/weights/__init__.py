"""Load a network's weights, fit for the chapter's pixels and hyperparameters.

Weights are never random and never unchecked, and every result records which
file was used. ``choice`` chooses a file, ``sources`` fetches it, ``formats``
reads and writes it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy

from gluon_style.files.reading import file_digest
from gluon_style.layers import NETWORKS, RGB_MEAN, RGB_STD
from gluon_style.weights.choice import WeightsFile, find_weights
from gluon_style.weights.formats import Layers, read_layers
from gluon_style.weights.scaling import (
    oxford_scales,
    oxford_scaling,
    rescale,
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Weights:
    """The loaded layers, and where they come from.

    ``network`` is a name of ``NETWORKS``. ``layers`` maps a name to (weight,
    bias). ``reason`` says why this source or file was chosen, ``scaling``
    which factors the filters have, or None.
    """

    source: str
    network: str
    path: str
    sha256: str
    reason: str
    layers: Layers = field(repr=False)
    scaling: str | None = None


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
    arrays, convention = read_layers(found.path, layers, found.network)
    scaling = None
    if convention == 'bgr':
        arrays = rescale(fold_bgr(arrays), oxford_scales(found.network))
        scaling = oxford_scaling()
    sha256 = file_digest(found.path)
    logger.info(
        'weights %s (%s) of %s: %s',
        found.source,
        found.reason,
        NETWORKS[found.network].title,
        found.path,
    )
    return Weights(
        found.source,
        found.network,
        str(found.path),
        sha256,
        found.reason,
        arrays,
        scaling,
    )


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
