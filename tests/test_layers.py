import math

import pytest

from gluon_style.layers import (
    CONTENT_LAYERS,
    CONV_SHAPES,
    LAYER_NAMES,
    STYLE_LAYERS,
    layer_index,
    layer_indices,
    least_side,
    names_of,
    weighted,
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


def test_a_layer_may_have_a_weight():
    assert weighted('conv4_1:0.5') == ('conv4_1', 0.5)
    assert weighted('19:2') == ('conv4_1', 2.0)
    assert weighted('conv4_1') == weighted(19) == ('conv4_1', 1.0)
    assert names_of(['conv1_1:3', 5]) == ['conv1_1', 'conv2_1']


@pytest.mark.parametrize('weight', ['0', '-1', 'nan', 'inf', 'x', ''])
def test_a_layers_weight_is_a_number_above_0(weight):
    with pytest.raises(ValueError, match=f"has the weight '{weight}': it m"):
        weighted(f'conv4_1:{weight}')
