"""Scale a network's activations filter by filter; it computes the same.

Oxford's VGG-19 was trained on pixels of 0 to 255, and its activations are
about a hundred times as large as those of the networks that the chapter's
hyperparameters fit. Within a layer a few filters outweigh the others. Each
filter therefore has a factor. tools/calibrate.py computes the factors, and
says how.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy

from gluon_style.weights.formats import Layers

# One array (output channels,) for each convolution, from conv1_1 on.
OXFORD_SCALES = Path(__file__).with_name('oxford_scales.npz')


@functools.cache
def oxford_scales(network: str = 'vgg19') -> dict[str, numpy.ndarray]:
    """Return the factors of the filters of Oxford's network, by layer.

    They were found for VGG-19. The filters of VGG-16, which Keras has, too,
    are others: each of its layers takes the median of VGG-19's layer.
    """
    with numpy.load(OXFORD_SCALES) as arrays:
        scales = {layer: arrays[layer].astype('float32') for layer in arrays}
    if network == 'vgg19':
        return scales
    return {
        layer: numpy.full_like(of_filters, numpy.median(of_filters))
        for layer, of_filters in scales.items()
    }


@functools.cache
def oxford_scaling() -> str:
    """Return what tells these factors from others in a record."""
    digest = hashlib.sha256()
    for layer, scales in oxford_scales().items():
        digest.update(layer.encode() + scales.astype('<f4').tobytes())
    return f'filter by filter, {digest.hexdigest()[:12]}'


def rescale(
    layers: Layers, scales: Mapping[str, float | numpy.ndarray]
) -> Layers:
    """Multiply the activations of each convolution's filters by their scales.

    A layer's ``scales`` are positive: an array (output channels,), or one
    number for all of them. This is exact, since ReLU and pooling commute
    with a positive factor for each channel. The weight of a layer is
    multiplied by the scales of its outputs and divided by those of its
    inputs, its bias by the scales of its outputs. ``layers`` must be in
    order, from conv1_1 on.
    """
    scaled: Layers = {}
    before = numpy.ones(1)
    for layer, (weight, bias) in layers.items():
        after = numpy.broadcast_to(
            numpy.asarray(scales[layer], 'float64'), bias.shape
        )
        factors = after[:, None] / before
        scaled[layer] = (
            (weight * factors[:, :, None, None]).astype('float32'),
            (bias * after).astype('float32'),
        )
        before = after
    return scaled
