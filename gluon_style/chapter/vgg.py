"""The truncated VGG and its features (chapter: Pretrained VGG-19)."""

from dataclasses import replace

from mxnet import cpu, gluon, np
from mxnet.gluon import nn

from gluon_style._mxnet import numpy_mode, of_mxnet, reset_device
from gluon_style.chapter.images import preprocess
from gluon_style.errors import GluonStyleError
from gluon_style.layers import (
    CHANNELS,
    CONTENT_LAYERS,
    NETWORKS,
    STYLE_LAYERS,
    get_network,
)
from gluon_style.weights import find_weights, load_weights

# Average pooling multiplies its averages by these, so that activations keep
# the root mean square that maximum pooling gives them. tools/calibrate.py
# measured them: the mean over two photographs and two paintings of 300x200
# pixels. Each picture is within a seventh of the mean (pool5: a quarter).
# Smaller pictures have more detail in a pixel, and larger ratios.
AVERAGE_SCALES = {
    'vgg19': {
        'pool1': 1.18,
        'pool2': 1.62,
        'pool3': 1.31,
        'pool4': 1.82,
        'pool5': 1.79,
    },
    'vgg16': {
        'pool1': 1.56,
        'pool2': 1.57,
        'pool3': 1.72,
        'pool4': 1.81,
        'pool5': 1.79,
    },
}


@numpy_mode()
def build_net(
    content_layers=None,
    style_layers=STYLE_LAYERS,
    *,
    network='vgg19',
    weights='auto',
    device=None,
    pooling='max',
):
    """Return the model zoo's pretrained VGG, up to the last layer used.

    ``network`` is 'vgg19', the chapter's, 'vgg16' or 'auto'. Layers are names
    ('conv4_4') or indices (25); None means the network's own content layer.
    ``network`` and ``weights`` are arguments of ``find_weights``, or
    ``weights`` is what that returned; ``net.weights`` says which weights the
    net has. The ``device`` is the CPU by default. With ``pooling='avg'``,
    pooling takes averages instead of maxima, multiplied by
    ``AVERAGE_SCALES``. The parameters are frozen. Raises GluonStyleError for
    an unknown layer, network or pooling, and WeightsError if the weights
    cannot be loaded.
    """
    if pooling not in ('max', 'avg'):
        raise GluonStyleError(f'pooling is {pooling!r}: it must be max or avg')
    layers = [*(content_layers or []), *style_layers]
    if content_layers is not None and not layers:
        raise GluonStyleError('no layer is given: name at least one')
    if network != 'auto':
        # Before the weights are fetched.
        get_network(network).indices(layers)
    found = find_weights(weights, network, layers)
    table = NETWORKS[found.network]
    if content_layers is None:
        layers += table.content_layers
    last = max(table.indices(layers))
    names = table.layer_names[: last + 1]
    used = [name for name in names if name in table.conv_shapes]
    pretrained_net = pretrained_vgg(load_weights(found, used))
    net = nn.Sequential()
    for layer, name in zip(pretrained_net.features, names):
        if pooling == 'avg' and name.startswith('pool'):
            layer = _average_pooling(AVERAGE_SCALES[table.name][name])
        net.add(layer)
    net.weights, net.pooling = pretrained_net.weights, pooling
    freeze(net)
    if device is not None:
        reset_device(net, device)
    return net


def _average_pooling(scale):
    """Return a layer that averages 2x2 positions, times ``scale``."""
    layer = nn.HybridSequential()
    layer.scale = scale
    layer.add(
        nn.AvgPool2D(pool_size=2, strides=2),
        # MXNet 1.9.1 passes its array module first, MXNet 2.x does not.
        nn.HybridLambda(lambda *args: args[-1] * scale),
    )
    return layer


@numpy_mode()
def pretrained_vgg(weights, device=None, **kwargs):
    """Return the VGG of the model zoo that the given ``weights`` are for.

    Layers that ``weights`` lacks stay uninitialized and take no memory.
    ``weights`` of the net says where they came from, without the arrays:
    they would take memory twice. ``kwargs`` are arguments of the model zoo's
    network.
    """
    table = NETWORKS[weights.network]
    net = gluon.model_zoo.vision.VGG(
        layers=list(table.num_convs), filters=list(CHANNELS), **kwargs
    )
    for layer, arrays in weights.layers.items():
        convolution = net.features[table.index(layer)]
        parameters = (convolution.weight, convolution.bias)
        for parameter, array in zip(parameters, arrays):
            parameter.shape = array.shape
            parameter.initialize(ctx=device or cpu())
            parameter.set_data(np.array(array))
    net.weights = replace(weights, layers={})
    return net


def network_of(net):
    """Return the ``Network`` that ``net`` is: VGG-19 unless it says more."""
    return NETWORKS[
        net.weights.network if hasattr(net, 'weights') else 'vgg19'
    ]


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
            f'layer {network_of(net).layer_names[last]!r} is beyond the '
            f'{len(net)} layers of '
            'net: name that layer in build_net'
        )


@of_mxnet
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
    content_indices = network_of(net).indices(content_layers)
    style_indices = network_of(net).indices(style_layers)
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
