"""The weights of VGG-19, made to fit the chapter's pixels and hyperparameters.

Weights are never random and never unchecked, and every result records which
file was used.
"""

import logging
from dataclasses import dataclass, field
from pathlib import Path

import numpy

from gluon_style.errors import WeightsError
from gluon_style.files.reading import file_digest
from gluon_style.layers import CONV_SHAPES, RGB_MEAN, RGB_STD
from gluon_style.weights.formats import read_layers
from gluon_style.weights.sources import SOURCES, fetch, is_intact

logger = logging.getLogger(__name__)

# How much of each layer's activations is kept when pixels are standardized.
# Found by gluon_style.calibrate, which prints them and the reasons.
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
    """Loaded layers (name: (weight, bias)) and where they came from."""

    source: str
    path: str
    sha256: str
    reason: str
    layers: dict = field(repr=False)


def load_weights(weights='auto', layers=tuple(CONV_SHAPES)):
    """Return the ``layers`` of VGG-19 behind the chapter's ``preprocess``.

    ``weights`` is 'auto', the name of a source, or the path of a .params,
    .npz, .h5, .pth or .safetensors file. 'auto' takes what is in the cache,
    else the model zoo's file if its host answers within seconds, else
    'oxford'. Raises WeightsError in one sentence; nothing is made up.
    """
    name, path, reason = _find(weights)
    found, convention = read_layers(path, layers)
    if convention == 'bgr':
        found = rescale(fold_bgr(found), OXFORD_SCALES)
    sha256 = file_digest(path)
    logger.info('weights %s (%s): %s', name, reason, path)
    return Weights(name, str(path), sha256, reason, found)


def _find(weights):
    """Return the source's name, the file's path, and why it was taken."""
    if weights in SOURCES:
        return weights, fetch(weights), 'the source asked for'
    if weights != 'auto':
        if not Path(weights).is_file():
            raise WeightsError(
                f'weights {weights!r} are unknown: choose auto, '
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


def fold_bgr(layers):
    """Have Oxford's first layer take the chapter's pixels; exact inside.

    It expects BGR of 0 to 255 less the mean color; ``preprocess`` gives RGB,
    (x / 255 - mean) / std. Only the zero padding at the border differs, by
    under half a grey level.
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


def rescale(layers, scales):
    """Multiply the activations of each convolution by its scale.

    Exact, since ReLU and max pooling commute with a positive factor: a
    layer's weights take its own scale over that of the layer before, its
    biases its own. ``layers`` must begin with conv1_1, in order.
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
