import os
import subprocess
import sys
from pathlib import Path

import numpy
from conftest import random_layers
from mxnet import np

import gluon_style
from gluon_style.chapter.images import preprocess
from gluon_style.chapter.vgg import pretrained_vgg
from gluon_style.weights import Weights, fold_bgr, load_weights
from gluon_style.weights.formats import read_layers
from gluon_style.weights.scaling import oxford_scales, oxford_scaling, rescale
from gluon_style.weights.sources import fetch

NAMES = ('conv1_1', 'conv1_2', 'conv2_1')


def features(layers, X, count):
    weights = Weights('test', 'vgg19', '', '', '', layers)
    outputs = []
    for layer in pretrained_vgg(weights).features[:count]:
        X = layer(X)
        outputs.append(X.asnumpy())
    return outputs


def test_fold_bgr_gives_what_the_caffe_network_gave():
    layers = random_layers(['conv1_1'])
    pixels = numpy.random.RandomState(1).randint(0, 256, (20, 30, 3))
    img = np.array(pixels, dtype='uint8')
    bgr = pixels[..., ::-1] - numpy.array([103.939, 116.779, 123.68])
    X = np.array(bgr.transpose(2, 0, 1)[None], dtype='float32')
    [expected] = features(layers, X, 1)
    [folded] = features(fold_bgr(layers), preprocess(img, (30, 20)), 1)
    # The padding means another grey, which reaches one pixel inside.
    inside = (slice(None), slice(None), slice(1, -1), slice(1, -1))
    numpy.testing.assert_allclose(
        folded[inside], expected[inside], rtol=1e-4, atol=1e-2
    )


def test_eight_bits_are_close_to_the_exact_weights():
    exact, _ = read_layers(fetch('oxford'), NAMES)
    quantized, _ = read_layers(fetch('oxford-8bit'), NAMES)
    for name, (weight, bias) in quantized.items():
        error = abs(weight - exact[name][0]).max()
        assert 0 < error < 0.05 * abs(exact[name][0]).max()
        assert (bias == exact[name][1]).all()


def test_a_file_of_keras_is_folded_and_scaled(tmp_path):
    import h5py

    path = tmp_path / 'keras.h5'
    layers = random_layers(['conv1_1'])
    weight, bias = layers['conv1_1']
    with h5py.File(path, 'w') as file:
        file['block1_conv1/kernel:0'] = weight.transpose(2, 3, 1, 0)
        file['block1_conv1/bias:0'] = bias
    loaded = load_weights(str(path), ('conv1_1',))
    expected = rescale(fold_bgr(layers), oxford_scales())['conv1_1'][0]
    assert loaded.scaling == oxford_scaling()
    assert loaded.source == 'file' and loaded.reason == 'the file asked for'
    numpy.testing.assert_allclose(loaded.layers['conv1_1'][0], expected)


def test_only_the_layers_asked_for_are_kept(weights_file):
    assert list(load_weights(weights_file, NAMES).layers) == list(NAMES)


BOOK = """
import gluon_style.book
from mxnet.gluon.model_zoo import vision
from gluon_style.layers import NETWORKS
from gluon_style.weights import load_weights

for name in ('vgg19', 'vgg16'):
    net = getattr(vision, name)(pretrained=True)
    weights = load_weights(network=name)
    assert net.weights.network == name == weights.network
    for layer, arrays in weights.layers.items():
        convolution = net.features[NETWORKS[name].index(layer)]
        parameters = (convolution.weight, convolution.bias)
        for parameter, array in zip(parameters, arrays):
            assert (parameter.data().asnumpy() == array).all()
print(len(NETWORKS['vgg16'].conv_shapes))
"""


def test_the_books_functions_have_the_weights_of_both_networks():
    root = str(Path(gluon_style.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, '-c', BOOK],
        env={**os.environ, 'PYTHONPATH': root},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, '13\n'), done.stderr
