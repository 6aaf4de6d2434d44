"""Factors of filters change the features by themselves, and nothing else."""

import sys
from pathlib import Path

import numpy
import pytest
from conftest import random_layers
from mxnet import np

from gluon_style.chapter.vgg import build_net, extract_features
from gluon_style.layers import CONV_SHAPES
from gluon_style.weights import load_weights
from gluon_style.weights.formats import write_layers
from gluon_style.weights.scaling import oxford_scales, rescale

NAMES = list(CONV_SHAPES)[:7]
TOOLS = str(Path(__file__).resolve().parents[1] / 'tools')


@pytest.fixture
def tools(monkeypatch):
    monkeypatch.syspath_prepend(TOOLS)
    yield
    for name in ('calibrate', 'gradient_match'):
        sys.modules.pop(name, None)


def picture(height=24, width=32, seed=2):
    pixels = numpy.random.RandomState(seed).normal(size=(1, 3, height, width))
    return np.array(pixels, dtype='float32')


def features(path, layers, pooling):
    write_layers(path, layers)
    net = build_net((), NAMES, weights=str(path), pooling=pooling)
    _, found = extract_features(net, picture(), (), NAMES)
    return [Y.asnumpy() for Y in found]


@pytest.mark.parametrize('pooling', ['max', 'avg'])
def test_each_filter_has_its_own_factor(tmp_path, pooling):
    layers = random_layers(NAMES)
    rng = numpy.random.RandomState(1)
    scales = {
        name: 10 ** rng.uniform(-2, 2, CONV_SHAPES[name][0]) for name in NAMES
    }
    scales['conv2_2'] = 3.0
    before = features(tmp_path / 'before.npz', layers, pooling)
    scaled = rescale(layers, scales)
    after = features(tmp_path / 'after.npz', scaled, pooling)
    for name, old, new in zip(NAMES, before, after):
        factors = numpy.broadcast_to(scales[name], old.shape[1:2])
        expected = old * factors[:, None, None]
        # Sums cancel, so that a part of the largest summand may be lost.
        limit = 1e-5 * abs(expected).max(axis=(0, 2, 3), keepdims=True)
        assert (abs(new - expected) < limit).all(), name


def test_oxford_has_a_positive_factor_for_each_filter():
    scales = oxford_scales()
    assert list(scales) == list(CONV_SHAPES)
    for name, factors in scales.items():
        assert factors.shape == CONV_SHAPES[name][:1]
        assert (factors > 0).all() and numpy.isfinite(factors).all()


def test_another_network_has_factors_of_layers():
    for name, factors in oxford_scales('vgg16').items():
        assert set(factors) == {numpy.median(oxford_scales()[name])}


def test_8_bits_have_the_same_factors():
    names = ['conv1_1', 'conv1_2', 'conv2_1']
    exact = load_weights('oxford', names)
    rounded = load_weights('oxford-8bit', names)
    assert exact.scaling == rounded.scaling
    # Biases are not rounded. The first also adapts to other pixels.
    for name in names[1:]:
        numpy.testing.assert_array_equal(
            exact.layers[name][1], rounded.layers[name][1]
        )


def test_matched_gradients_find_known_factors(tools):
    from gradient_match import State, match_gradients

    rng = numpy.random.RandomState(4)
    weight = np.array(rng.normal(size=(6, 3, 1, 1)), dtype='float32')
    factors = np.array(rng.uniform(0.5, 2, 6), dtype='float32')

    def layer(X):
        Y = (X[:, None] * weight).sum(axis=2)
        return np.maximum(Y, 0.1 * Y)

    def scaled(X):
        return layer(X) * factors[:, None, None]

    states = [
        State(picture(32, 32, seed).asnumpy(), 2 * picture(32, 32).asnumpy())
        for seed in (5, 6, 7)
    ]
    found = match_gradients(layer, scaled, states, 200, ridge=0)
    numpy.testing.assert_allclose(found, factors.asnumpy(), rtol=0.02)
