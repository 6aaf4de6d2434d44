"""The truncated VGG-19 and its features (chapter: Pretrained VGG-19)."""

from dataclasses import replace

from mxnet import cpu, gluon, np
from mxnet.gluon import nn

from gluon_style._mxnet import numpy_mode, reset_device
from gluon_style.chapter.images import preprocess
from gluon_style.errors import GluonStyleError
from gluon_style.layers import (
    CONTENT_LAYERS,
    CONV_SHAPES,
    LAYER_NAMES,
    STYLE_LAYERS,
    layer_indices,
)
from gluon_style.weights import load_weights

# Average pooling multiplies its averages by these, so that activations keep
# the root mean square that maximum pooling gives them. tools/calibrate.py
# measured them: the mean over two photographs and two paintings of 300x200
# pixels. Each picture is within a tenth of the mean (pool5: a fifth). Smaller
# pictures have more detail in a pixel, and larger ratios.
AVERAGE_SCALES = {
    'pool1': 1.18,
    'pool2': 1.62,
    'pool3': 1.31,
    'pool4': 1.82,
    'pool5': 1.79,
}


@numpy_mode()
def build_net(
    content_layers=CONTENT_LAYERS,
    style_layers=STYLE_LAYERS,
    *,
    weights='auto',
    device=None,
    pooling='max',
):
    """Return the model zoo's pretrained VGG-19, up to the last layer used.

    Layers are names ('conv4_4') or indices (25). ``weights`` is the argument
    of ``load_weights``; ``net.weights`` says which weights the net has. The
    ``device`` is the CPU by default. With ``pooling='avg'``, pooling takes
    averages instead of maxima, multiplied by ``AVERAGE_SCALES``. The
    parameters are frozen. Raises GluonStyleError for an unknown layer or
    pooling, and WeightsError if the weights cannot be loaded.
    """
    if pooling not in ('max', 'avg'):
        raise GluonStyleError(f'pooling is {pooling!r}: it must be max or avg')
    last = max(layer_indices([*content_layers, *style_layers]), default=-1)
    if last < 0:
        raise GluonStyleError('no layer is given: name at least one')
    used = [name for name in LAYER_NAMES[: last + 1] if name in CONV_SHAPES]
    pretrained_net = pretrained_vgg19(load_weights(weights, used))
    net = nn.Sequential()
    for i in range(last + 1):
        layer = pretrained_net.features[i]
        if pooling == 'avg' and LAYER_NAMES[i] in AVERAGE_SCALES:
            layer = _average_pooling(AVERAGE_SCALES[LAYER_NAMES[i]])
        net.add(layer)
    net.weights = pretrained_net.weights
    freeze(net)
    if device is not None:
        reset_device(net, device)
    return net


def _average_pooling(scale):
    """Return a layer that averages 2x2 positions, times ``scale``."""
    layer = nn.HybridSequential()
    layer.add(
        nn.AvgPool2D(pool_size=2, strides=2),
        # MXNet 1.9.1 passes its array module first, MXNet 2.x does not.
        nn.HybridLambda(lambda *args: args[-1] * scale),
    )
    return layer


@numpy_mode()
def pretrained_vgg19(weights, device=None, **kwargs):
    """Return the VGG-19 of the model zoo with the given ``weights``.

    Layers that ``weights`` lacks stay uninitialized and take no memory.
    ``weights`` of the net says where they came from, without the arrays:
    they would take memory twice. ``kwargs`` are arguments of the model zoo's
    network.
    """
    net = gluon.model_zoo.vision.VGG(
        layers=[2, 2, 4, 4, 4], filters=[64, 128, 256, 512, 512], **kwargs
    )
    for layer, arrays in weights.layers.items():
        convolution = net.features[LAYER_NAMES.index(layer)]
        parameters = (convolution.weight, convolution.bias)
        for parameter, array in zip(parameters, arrays):
            parameter.shape = array.shape
            parameter.initialize(ctx=device or cpu())
            parameter.set_data(np.array(array))
    net.weights = replace(weights, layers={})
    return net


def freeze(net):
    """Compute no gradients for the parameters of ``net``.

    The chapter computes them and never uses them. That takes a third of each
    epoch's time and does not change the result.
    """
    for parameter in net.collect_params().values():
        parameter.grad_req = 'null'


def check_depth(net, layers):
    """Raise GluonStyleError for a layer's index beyond the end of ``net``."""
    last = max(layers, default=0)
    if last >= len(net):
        raise GluonStyleError(
            f'layer {LAYER_NAMES[last]!r} is beyond the {len(net)} layers of '
            'net: name that layer in build_net'
        )


@numpy_mode()
def extract_features(
    net, X, content_layers=CONTENT_LAYERS, style_layers=STYLE_LAYERS
):
    """Return the content features and the style features of ``X``, as lists.

    ``X`` is (batch, 3, height, width). Each list is in the net's order. A
    feature map after p poolings is (batch, channels, height / 2**p,
    width / 2**p), taken before its ReLU. Raises GluonStyleError for a layer
    beyond the end of ``net``.
    """
    content_indices = layer_indices(content_layers)
    style_indices = layer_indices(style_layers)
    check_depth(net, content_indices + style_indices)
    contents = []
    styles = []
    for i in range(len(net)):
        X = net[i](X)
        if i in style_indices:
            styles.append(X)
        if i in content_indices:
            contents.append(X)
    return contents, styles


@numpy_mode()
def get_contents(
    net,
    content_img,
    image_shape,
    device,
    *,
    content_layers=CONTENT_LAYERS,
    style_layers=STYLE_LAYERS,
):
    """Return the preprocessed content picture and its content features.

    ``image_shape`` is (width, height).
    """
    content_X = preprocess(content_img, image_shape).copyto(device)
    contents_Y, _ = extract_features(
        net, content_X, content_layers, style_layers
    )
    return content_X, contents_Y


@numpy_mode()
def get_styles(
    net,
    style_img,
    image_shape,
    device,
    *,
    content_layers=CONTENT_LAYERS,
    style_layers=STYLE_LAYERS,
):
    """Return the preprocessed style picture and its style features.

    ``image_shape`` is (width, height).
    """
    style_X = preprocess(style_img, image_shape).copyto(device)
    _, styles_Y = extract_features(net, style_X, content_layers, style_layers)
    return style_X, styles_Y
