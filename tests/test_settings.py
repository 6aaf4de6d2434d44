import json
from dataclasses import asdict

import numpy
import pytest

from gluon_style.errors import GluonStyleError
from gluon_style.methods.gatys.presets import (
    PRESETS,
    preset,
    reconstruction,
    texturing,
)
from gluon_style.methods.gatys.settings import Settings, Stage

FIRST = {'scale': 0.25, 'epochs': 5, 'lr': 0.01, 'lr_decay_epoch': 2}


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
    assert settings.network == 'vgg19'
    assert settings.content_factors == {'conv4_4': 1}
    assert settings == PRESETS['chapter']
    assert settings.image_shape(3000, 2000) == (450, 300)


def test_older_editions_are_presets():
    # The objective of 0.17 is today's; a tenth of the style loss is plotted.
    old = PRESETS['chapter-v0.17']
    assert old.style_weight * old.style_repeats == Settings().style_weight
    assert old.changed({'style_weight': 1e4, 'style_repeats': 1}) == Settings()
    older = PRESETS['chapter-v0.7']
    assert older.image_shape(3000, 2000) == (900, 600)
    assert (older.style_weight, older.style_repeats) == (1e3, 1)
    assert (older.epochs, older.first.epochs) == (300, 500)


def test_all_but_the_chapter_antialiases():
    chapters = {name for name in PRESETS if not PRESETS[name].antialias}
    assert chapters == {name for name in PRESETS if 'chapter' in name}
    assert len(chapters) == 4
    for name, settings in PRESETS.items():
        for derived in (texturing(name), reconstruction(name)):
            assert derived.antialias == settings.antialias


def test_a_preset_has_more_epochs_from_noise():
    for derive in (texturing, reconstruction):
        assert derive('fast').epochs == derive(PRESETS['fast']).epochs == 80
        assert derive('quick').epochs == 40
        assert derive('chapter').epochs == 500
        # A number of the user's own stays.
        assert derive(PRESETS['fast'].changed({'epochs': 7})).epochs == 7


def test_a_record_gives_the_settings_back():
    for settings in PRESETS.values():
        record = json.loads(json.dumps(asdict(settings)))
        assert Settings(**record) == settings
    assert Settings(first=FIRST).first == Stage(**FIRST)


def test_layers_become_names():
    settings = Settings(content_layers=21, style_layers=['0', 'conv2_1', 10])
    assert settings.content_layers == ('conv4_2',)
    assert settings.style_layers == ('conv1_1', 'conv2_1', 'conv3_1')
    settings = Settings(style_layers=['conv2_1:1.0', '10:0.25'])
    assert settings.style_layers == ('conv2_1', 'conv3_1:0.25')


def test_layers_are_the_networks():
    settings = Settings(network='vgg16', style_layers=[0, 17, '24:2'])
    assert settings.style_layers == ('conv1_1', 'conv4_1', 'conv5_1:2.0')
    assert settings.content_factors == {'conv4_3': 1}
    assert settings.layers == ['conv1_1', 'conv4_1', 'conv4_3', 'conv5_1']
    # What is not named is left to the network.
    assert settings.changed({'network': 'vgg19'}).layers[2] == 'conv4_4'
    assert settings.named_layers == ['conv1_1', 'conv4_1', 'conv5_1']


def test_layers_and_their_weights_may_be_a_dictionary():
    settings = Settings(style_layers={'conv1_1': 0.5, 5: 1, '10': 2})
    assert settings.style_layers == ('conv1_1:0.5', 'conv2_1', 'conv3_1:2.0')


def test_a_blend_may_be_the_command_lines_text():
    assert Settings(style_blend='2: 0.5').style_blend == (2, 0.5)


def test_numpys_numbers_become_pythons():
    given = {
        'size': numpy.array([48, 32]),
        'epochs': numpy.int64(3),
        'lr': numpy.float32(0.5),
        'style_weight': numpy.float64(1e3),
        'style_blend': (numpy.float32(2), numpy.int8(1)),
        'style_layers': numpy.array([0, 5]),
        'content_layers': {'conv2_1': numpy.float32(0.25)},
        'tile': numpy.int64(64),
        'bounded': numpy.bool_(True),
        'first': Stage(numpy.float32(0.25), numpy.int64(5), 0.5, 2),
    }
    plain = {
        'size': [48, 32],
        'epochs': 3,
        'lr': 0.5,
        'style_weight': 1e3,
        'style_blend': [2, 1],
        'style_layers': ['conv1_1', 'conv2_1'],
        'content_layers': ['conv2_1:0.25'],
        'tile': 64,
        'bounded': True,
        'first': {'scale': 0.25, 'epochs': 5, 'lr': 0.5, 'lr_decay_epoch': 2},
    }
    record = json.loads(json.dumps(asdict(Settings(**given))))
    assert {name: record[name] for name in plain} == plain
    assert Settings(size=numpy.int64(90)).image_shape(3, 2) == (90, 60)


def test_a_tileable_picture_of_a_longest_side_is_rounded_to_its_steps():
    settings = Settings(size=450, tileable=True)
    assert settings.image_shape(1, 1) == (448, 448)
    assert settings.image_shape(3000, 2000) == (448, 304)
    # At least one step.
    assert settings.image_shape(4500, 10) == (448, 16)
    shallow = {'content_layers': 'conv2_1', 'style_layers': 'conv2_1'}
    assert settings.changed(shallow).image_shape(3, 2) == (450, 300)


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
        ({'stop_after': 0}, 'stop_after is 0: it must be a whole number of'),
        ({'restarts': 40}, 'restarts is 40: it must be a list of epochs'),
        ({'restarts': [0]}, 'restarts is 0: it must be a whole number'),
        ({'seed': -1}, 'seed is -1: it must be a whole number from 0 to'),
        ({'seed': 2**32}, 'seed is 4294967296: it must be a whole number'),
        ({'lr': 0}, 'lr is 0: it must be a finite number from 1e-30 to'),
        ({'lr': float('nan')}, 'lr is nan: it must be a finite number'),
        ({'tv_weight': -1}, 'tv_weight is -1: it must be a finite number'),
        ({'style_weight': 'x'}, "style_weight is 'x': it must be a finite"),
        ({'init': 'blend:2'}, "init is 'blend:2': the part of noise must be"),
        ({'init': 'blend:x'}, "init is 'blend:x': the part of noise must be"),
        ({'pooling': 'min'}, "pooling is 'min': it must be max or avg"),
        ({'style_loss': 'l2'}, "style_loss is 'l2': it must be gram or "),
        ({'tv_norm': 'l0'}, "tv_norm is 'l0': it must be l1 or l2"),
        ({'color': 'red'}, "color is 'red': it must be style or transfer"),
        ({'feather': 2}, 'feather is 2: it must be a finite number from 0'),
        ({'tileable': 'x'}, "tileable is 'x': it must be True or False"),
        ({'style_scale': 0}, 'style_scale is 0: it must be a finite number'),
        (
            {'style_blend': (0, 0)},
            'it must be numbers, one above 0, as in 2:1',
        ),
        ({'style_blend': (1, -1)}, 'style_blend is -1: it must be a finite'),
        ({'style_blend': 2}, 'style_blend is 2: it must be a number for each'),
        ({'style_blend': '2:x'}, "style_blend is '2:x': it must be a number"),
        ({'style_layers': 2.5}, 'style_layers is 2.5: it must be names'),
        ({'style_layers': None}, 'style_layers is None: it must be names'),
        ({'style_layers': {'conv1_1': 0}}, "has the weight '0': it must be a"),
        ({'epochs': numpy.int64(0)}, 'epochs is 0: it must be a whole number'),
        ({'seed': numpy.bool_(True)}, 'seed is True: it must be a whole'),
        ({'style_layers': 'conv1_1:0'}, "has the weight '0': it must be"),
        ({'style_layers': 'conv1_1:x'}, "has the weight 'x': it must be"),
        (
            {'style_layers': ('0', 'conv1_1:2')},
            'style_layers has conv1_1 twice',
        ),
        ({'size': (100, 50), 'tileable': True}, 'such as 96x48'),
        ({'lr_decay': 1.5}, 'lr_decay is 1.5: it must be a finite number'),
        ({'style_repeats': 0}, 'style_repeats is 0: it must be a whole'),
        ({'first': 3}, 'first is 3: it must be a Stage or None'),
        ({'first': FIRST, 'scales': 2}, 'must be 1 with a first stage'),
        ({'first': {**FIRST, 'scale': 2}}, 'scale is 2: it must be a finite'),
        ({'first': {**FIRST, 'epochs': 0}}, 'epochs is 0: it must be a whole'),
        ({'size': 0}, 'size is 0: it must be a whole number of at least 1'),
        ({'size': (0, 9)}, 'size is 0: it must be a whole number of at least'),
        (
            {'size': (9, 9, 9)},
            'it must be (width, height) or the longest side',
        ),
        ({'size': (64, 15)}, 'size gives a picture of 64x15 pixels: the '),
        ({'size': (64, 15)}, 'need at least 16 either way'),
        ({'content_layers': 'conv6_1'}, "layer 'conv6_1' is not in VGG-19"),
        ({'style_layers': ()}, 'style_layers is empty: name at least one'),
        ({'network': 'vgg16', 'content_layers': 'conv4_4'}, 'not in VGG-16'),
        ({'network': 'vgg11'}, "network is 'vgg11': it must be auto or vgg19"),
        ({'style_layers': (0, 'conv1_1')}, 'name each layer once'),
        ({'lrate': 1}, "setting 'lrate' is unknown: "),
        ({'style_wieght': 1}, "did you mean 'style_weight'?"),
    ],
)
def test_each_mistake_is_one_sentence(changes, sentence):
    with pytest.raises(GluonStyleError) as error:
        Settings().changed(changes)
    assert sentence in str(error.value)
    assert '\n' not in str(error.value)


def test_a_side_too_small_after_scaling_is_named():
    with pytest.raises(ValueError, match='a picture of 450x10 pixels'):
        Settings().image_shape(4500, 100)


def test_shallow_layers_allow_smaller_pictures():
    settings = Settings(content_layers='conv1_1', style_layers='conv2_1')
    assert settings.changed({'size': (3, 2)}).image_shape(30, 20) == (3, 2)


def test_an_unknown_preset_suggests_the_nearest():
    with pytest.raises(GluonStyleError) as error:
        preset('fats')
    for words in ("preset 'fats'", "did you mean 'fast'?", 'chapter-v0.17'):
        assert words in str(error.value)
