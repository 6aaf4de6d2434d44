import pytest

from gluon_style.settings import PRESETS, Settings, preset


def test_defaults_are_the_chapters():
    settings = Settings()
    assert (settings.epochs, settings.lr, settings.lr_decay_epoch) == (
        500,
        0.9,
        50,
    )
    assert settings.content_weight == 1
    assert settings.style_weight == 1e4
    assert settings.tv_weight == 10
    assert settings.content_layers == ('conv4_4',)
    assert settings == PRESETS['chapter']
    assert settings.image_shape(3000, 2000) == (450, 300)


def test_layers_become_names():
    settings = Settings(content_layers=21, style_layers=['0', 'conv2_1', 10])
    assert settings.content_layers == ('conv4_2',)
    assert settings.style_layers == ('conv1_1', 'conv2_1', 'conv3_1')


@pytest.mark.parametrize(
    'size, shape',
    [(100, (100, 50)), ((80, 60), (80, 60)), ([48, 32], (48, 32))],
)
def test_image_shape_keeps_proportions_or_takes_both_sides(size, shape):
    assert Settings(size=size).image_shape(2000, 1000) == shape


@pytest.mark.parametrize(
    'changes, sentence',
    [
        ({'epochs': 0}, 'epochs is 0: it must be a whole number of at least'),
        ({'epochs': -3}, 'epochs is -3: it must be a whole number'),
        ({'epochs': 1.5}, 'epochs is 1.5: it must be a whole number'),
        ({'epochs': True}, 'epochs is True: it must be a whole number'),
        ({'lr_decay_epoch': 0}, 'lr_decay_epoch is 0: it must be a whole'),
        ({'seed': -1}, 'seed is -1: it must be a whole number from 0 to'),
        ({'seed': 2**32}, 'seed is 4294967296: it must be a whole number'),
        ({'lr': 0}, 'lr is 0: it must be a finite number from 1e-30 to'),
        ({'lr': float('nan')}, 'lr is nan: it must be a finite number'),
        ({'tv_weight': -1}, 'tv_weight is -1: it must be a finite number'),
        ({'style_weight': 'x'}, "style_weight is 'x': it must be a finite"),
        ({'init': 'style'}, "init is 'style': it must be content or noise"),
        ({'size': 0}, 'size is 0: it must be a whole number of at least 1'),
        ({'size': (0, 9)}, 'size is 0: it must be a whole number of at least'),
        ({'size': (9, 9, 9)}, 'give (width, height) or the longest side'),
        ({'size': (64, 15)}, 'size gives a picture of 64x15 pixels: the '),
        ({'size': (64, 15)}, 'need at least 16 either way'),
        ({'content_layers': 'conv6_1'}, "layer 'conv6_1' is not in VGG-19"),
        ({'style_layers': ()}, 'style_layers is empty: name at least one'),
        ({'style_layers': (0, 'conv1_1')}, 'name each layer once'),
        ({'lrate': 1}, "setting 'lrate' is unknown: choose from size, epochs"),
    ],
)
def test_each_mistake_is_one_sentence(changes, sentence):
    with pytest.raises(ValueError) as error:
        Settings().changed(changes)
    assert sentence in str(error.value)
    assert '\n' not in str(error.value)


def test_a_side_too_small_after_scaling_is_named():
    with pytest.raises(ValueError, match='a picture of 450x10 pixels'):
        Settings().image_shape(4500, 100)


def test_shallow_layers_allow_smaller_pictures():
    settings = Settings(content_layers='conv1_1', style_layers='conv2_1')
    assert settings.changed({'size': (3, 2)}).image_shape(30, 20) == (3, 2)


def test_unknown_preset_is_named():
    with pytest.raises(ValueError, match="preset 'fats' is unknown: choose"):
        preset('fats')
