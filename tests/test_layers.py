import math

import pytest

from gluon_style.layers import (
    CONTENT_LAYERS,
    CONV_SHAPES,
    LAYER_NAMES,
    NETWORKS,
    STYLE_LAYERS,
    block_of,
    get_network,
    layer_index,
    layer_indices,
    least_side,
    num_poolings,
    split_weight,
)


def test_the_chapters_indices():
    assert layer_indices(STYLE_LAYERS) == [0, 5, 10, 19, 28]
    assert layer_indices(CONTENT_LAYERS) == [25]


def test_table_has_every_layer_of_vgg19():
    assert len(LAYER_NAMES) == 16 + 16 + 5
    assert LAYER_NAMES[36] == 'pool5'
    assert len(CONV_SHAPES) == 16
    assert CONV_SHAPES['conv1_1'] == (64, 3, 3, 3)
    assert CONV_SHAPES['conv4_1'] == (512, 256, 3, 3)


@pytest.mark.parametrize('layer', ['conv4_2', 21, '21'])
def test_layer_index_takes_names_and_indices(layer):
    assert layer_index(layer) == 21


@pytest.mark.parametrize(
    'layer', ['conv9_9', 37, -1, '-1', 2.5, math.inf, None, '']
)
def test_layer_index_names_an_unknown_layer(layer):
    with pytest.raises(ValueError, match=r'not in VGG-19: give a name') as e:
        layer_index(layer)
    assert repr(layer) in str(e.value)


@pytest.mark.parametrize(
    'layers, least',
    [(['conv1_1'], 2), (['conv2_1'], 2), (['conv3_1'], 4), (['conv5_1'], 16)],
)
def test_least_side_halves_at_each_pooling(layers, least):
    assert least_side(layers) == least


def test_table_has_every_layer_of_vgg16():
    vgg16 = NETWORKS['vgg16']
    assert len(vgg16.layer_names) == 13 + 13 + 5
    assert vgg16.indices(STYLE_LAYERS) == [0, 5, 10, 17, 24]
    assert vgg16.content_layers == ('conv4_3',)
    assert vgg16.index('conv4_3') == 21
    assert vgg16.conv_shapes['conv5_1'] == (512, 512, 3, 3)
    assert layer_index('conv5_1', 'vgg16') == 24


def test_a_network_lacks_what_another_one_has():
    with pytest.raises(ValueError, match="'conv4_4' is not in VGG-16: give"):
        NETWORKS['vgg16'].index('conv4_4')
    with pytest.raises(ValueError, match="network 'vgg11' is unknown: choose"):
        get_network('vgg11')


def test_vgg16_lacks_a_convolution_in_each_of_three_blocks():
    # conv3_1 sees 2 + 1 + 4 + 2 + 4 pixels in both. Each of the blocks 3 and
    # 4 has a convolution less, of 4 and of 8 pixels.
    vgg16, vgg19 = NETWORKS['vgg16'], NETWORKS['vgg19']
    assert vgg16.halo('conv3_1') == vgg19.halo('conv3_1') == 16
    assert (vgg16.halo('conv5_1'), vgg19.halo('conv5_1')) == (80, 96)


@pytest.mark.parametrize(
    'layer, block, poolings',
    [('conv1_1', 1, 0), ('relu3_2', 3, 2), ('pool5', 5, 5), ('conv5_1', 5, 4)],
)
def test_a_name_tells_the_block_and_the_poolings(layer, block, poolings):
    assert block_of(layer) == block
    assert num_poolings(layer) == poolings


def test_a_layer_may_have_a_weight():
    assert split_weight('conv4_1:0.5') == ('conv4_1', 0.5)
    assert split_weight('conv4_1') == ('conv4_1', 1.0)
    assert split_weight(19) == ('19', 1.0)


@pytest.mark.parametrize('weight', ['0', '-1', 'nan', 'inf', 'x', ''])
def test_a_layers_weight_is_a_number_above_0(weight):
    with pytest.raises(ValueError, match=f"has the weight '{weight}': it m"):
        split_weight(f'conv4_1:{weight}')
