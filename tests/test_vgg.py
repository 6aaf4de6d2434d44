import numpy
import pytest
from mxnet import cpu, gluon, np
from mxnet.gluon import nn

from gluon_style.chapter.vgg import (
    build_net,
    extract_features,
    get_contents,
    get_styles,
)
from gluon_style.errors import GluonStyleError
from gluon_style.layers import CONV_SHAPES, LAYER_NAMES
from gluon_style.weights import load_weights


def test_the_chapters_net_has_29_layers_and_is_frozen(weights_file):
    net = build_net(weights=weights_file, device=cpu())
    assert isinstance(net, nn.Sequential)
    assert len(net) == 29
    assert net.weights.source == 'file'
    grad_reqs = {p.grad_req for p in net.collect_params().values()}
    assert grad_reqs == {'null'}
    assert len(net.collect_params().values()) == 2 * 13


def test_net_is_no_longer_than_needed(weights_file):
    net = build_net(['conv2_2'], [0, 'conv2_1'], weights=weights_file)
    assert len(net) == LAYER_NAMES.index('conv2_2') + 1
    assert len(net.collect_params().values()) == 2 * 4
    # The net does not hold its weights twice.
    assert net.weights.layers == {}


def test_net_is_the_model_zoos(weights_file, tmp_path):
    net = build_net(weights=weights_file)
    zoo = gluon.model_zoo.vision.vgg19()
    zoo.initialize()
    layers = load_weights(weights_file, list(CONV_SHAPES)[:13]).layers
    X = np.array(numpy.random.RandomState(0).normal(size=(1, 3, 32, 32)))
    X = X.astype('float32')
    for i, layer in enumerate(zoo.features[:29]):
        if isinstance(layer, nn.Conv2D):
            weight, bias = layers[LAYER_NAMES[i]]
            layer.weight.shape = weight.shape
            layer.weight.set_data(np.array(weight))
            layer.bias.set_data(np.array(bias))
    expected = X
    for layer in zoo.features[:29]:
        expected = layer(expected)
    assert (net(X).asnumpy() == expected.asnumpy()).all()


def test_features_come_in_order_with_their_shapes(weights_file):
    net = build_net(weights=weights_file)
    contents, styles = extract_features(net, np.ones((1, 3, 32, 48)))
    assert [Y.shape for Y in contents] == [(1, 512, 4, 6)]
    assert [Y.shape for Y in styles] == [
        (1, 64, 32, 48),
        (1, 128, 16, 24),
        (1, 256, 8, 12),
        (1, 512, 4, 6),
        (1, 512, 2, 3),
    ]
    from_indices = extract_features(
        net, np.ones((1, 3, 32, 48)), [25], [0, 5, 10, 19, 28]
    )
    for a, b in zip(contents + styles, from_indices[0] + from_indices[1]):
        assert (a.asnumpy() == b.asnumpy()).all()


def test_get_contents_and_get_styles(weights_file):
    net = build_net(weights=weights_file)
    img = np.ones((40, 60, 3), dtype='uint8')
    X, contents_Y = get_contents(net, img, (48, 32), cpu())
    assert X.shape == (1, 3, 32, 48) and len(contents_Y) == 1
    X, styles_Y = get_styles(net, img, (48, 32), cpu())
    assert X.shape == (1, 3, 32, 48) and len(styles_Y) == 5


def test_layer_beyond_the_net_is_named(weights_file):
    net = build_net(['conv1_2'], ['conv1_1'], weights=weights_file)
    with pytest.raises(ValueError, match="'conv5_1' is beyond the 3 layers"):
        extract_features(net, np.ones((1, 3, 8, 8)), ['conv1_1'], ['conv5_1'])


def test_unknown_layer_is_named_before_weights_are_read():
    with pytest.raises(ValueError, match="layer 'conv7_1' is not in VGG-19"):
        build_net(['conv7_1'], weights='no such weights')


def test_unknown_pooling_and_no_layers_are_mistakes(weights_file):
    with pytest.raises(GluonStyleError, match="^pooling is 'mean': .* avg"):
        build_net(weights=weights_file, pooling='mean')
    with pytest.raises(GluonStyleError, match='^no layer is given'):
        build_net([], [], weights=weights_file)


@pytest.mark.parametrize(
    'network, weights', [('vgg19', 'oxford'), ('vgg16', 'torchvision')]
)
def test_average_pooling_keeps_magnitudes(request, network, weights):
    from gluon_style import samples
    from gluon_style.chapter.images import preprocess, read_image
    from gluon_style.chapter.vgg import AVERAGE_SCALES

    request.getfixturevalue(weights)
    pools = list(AVERAGE_SCALES[network])[:4]
    for source in (samples.photograph(), samples.PAINTING):
        X = preprocess(read_image(source), (300, 200))
        sizes = []
        for pooling in ('max', 'avg'):
            net = build_net(
                pools, [], network=network, weights=weights, pooling=pooling
            )
            contents, _ = extract_features(net, X, pools, [])
            sizes.append([float((Y * Y).mean()) ** 0.5 for Y in contents])
        for most, average in zip(*sizes):
            assert average == pytest.approx(most, rel=0.15)


def test_average_pooling_by_hand(weights_file):
    from gluon_style.chapter.vgg import AVERAGE_SCALES

    X = np.random.normal(size=(1, 3, 6, 8))
    net = build_net(['pool1'], [], weights=weights_file, pooling='avg')
    before = net[:4](X).asnumpy()
    expected = before.reshape(1, 64, 3, 2, 4, 2).mean(axis=(3, 5))
    expected = expected * AVERAGE_SCALES['vgg19']['pool1']
    assert numpy.allclose(net(X).asnumpy(), expected, atol=1e-5)
    frozen = net.collect_params().values()
    assert {parameter.grad_req for parameter in frozen} == {'null'}
