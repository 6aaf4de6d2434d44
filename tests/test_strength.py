"""The strength: one number for the balance of content and style."""

import numpy
import pytest
from conftest import picture
from skimage import data

from gluon_style import Settings, samples, stylize
from gluon_style._mxnet import numpy_mode
from gluon_style.chapter.images import preprocess, read_image
from gluon_style.chapter.vgg import build_net
from gluon_style.errors import GluonStyleError
from gluon_style.methods.gatys.objective import Objective
from gluon_style.methods.gatys.scales import COARSE_CONTENT, plan
from gluon_style.methods.gatys.strength import (
    RATIO,
    color_amount,
    weaker,
    weight_ratio,
)
from gluon_style.pictures.read import read_picture

SHALLOW = {'content_layers': 'conv2_2', 'style_layers': ('conv1_1', 'conv2_1')}


def test_the_ratio_by_hand():
    assert weight_ratio(0) == 0
    assert weight_ratio(0.5) == RATIO
    # 0.8 / 0.2 is 4, and 4 ** 1.5 is 8.
    assert weight_ratio(0.8) == pytest.approx(8 * RATIO)
    assert weight_ratio(0.2) == pytest.approx(RATIO / 8)
    # Finite, and the largest.
    assert weight_ratio(0.95) < weight_ratio(1) < 1e3 * RATIO


@pytest.mark.parametrize('strength', [0, 0.1, 0.5, 0.9])
def test_a_weaker_strength_has_a_part_of_the_ratio(strength):
    ratio = weight_ratio(weaker(strength, 20))
    assert ratio == pytest.approx(weight_ratio(strength) / 20)


def test_colors_come_before_strokes():
    assert [color_amount(s) for s in (0, 0.25, 0.5, 1)] == [0, 0.5, 1, 1]


def test_a_strength_and_the_weights_it_sets():
    strong = Settings(strength=0.7)
    # A weight of the user's own takes its place.
    assert strong.changed({'style_weight': 5e3}).strength is None
    assert strong.changed({'content_weight': 2}).strength is None
    assert strong.changed({'tv_weight': 1}).strength == 0.7
    both = {'strength': 0.3, 'style_weight': 5e3}
    for make in (strong.changed, lambda given: Settings(**given)):
        with pytest.raises(GluonStyleError) as error:
            make(both)
        assert str(error.value) == (
            'strength is 0.3 and style_weight is 5000: a strength sets that '
            'weight, so leave out one of the two'
        )
    for wrong in (-0.1, 1.5, 'much', float('nan')):
        with pytest.raises(GluonStyleError, match='strength is .*from 0 to 1'):
            Settings(strength=wrong)


def test_coarse_scales_have_less_of_it():
    steps = plan(Settings(strength=0.5, scales=2), (300, 200))
    coarse, last = (weight_ratio(step.strength) for _, step in steps)
    assert coarse * COARSE_CONTENT == pytest.approx(last)


@numpy_mode()
def style_weight(net, content, style, strength):
    """Return the style weight of a strength, from the weighted losses."""
    shape = content.shape[1::-1]
    content_X, style_X = (
        preprocess(read_image(img), shape) for img in (content, style)
    )
    X = style_X.copy()
    losses = {}
    for name, options in (('plain', {}), ('strong', {'strength': strength})):
        objective = Objective(net, content_X, style_X, **SHALLOW, **options)
        X = content_X[:, :, ::-1].copy()
        X.attach_grad('add')
        losses[name] = float(objective(X)[1])
    return losses['strong'] / losses['plain'] * Settings().style_weight


@numpy_mode()
def test_the_weight_is_that_of_the_formula(weights_file):
    net = build_net(['conv2_2'], ['conv2_1'], weights=weights_file)
    content, style = picture(40, 32, seed=1), picture(40, 32, seed=2)
    # The oracle: NumPy, from the features.
    X, style_X = (
        preprocess(read_image(img), (40, 32)) for img in (content, style)
    )
    features = {}
    for name, Y in (('content', X), ('style', style_X)):
        for i in range(len(net)):
            Y = net[i](Y)
            features[name, i] = Y[0].asnumpy().reshape(Y.shape[1], -1)
    distance = 0
    for i in (0, 5):
        grams = [
            F @ F.T / F.size
            for F in (features[k, i] for k in ('content', 'style'))
        ]
        distance += ((grams[0] - grams[1]) ** 2).mean()
    centered = features['content', 7]
    centered = centered - centered.mean(axis=1, keepdims=True)
    expected = weight_ratio(0.3) * (centered**2).mean() / distance
    actual = style_weight(net, content, style, 0.3)
    assert actual == pytest.approx(expected, rel=1e-4)


def test_a_style_like_the_content_has_a_finite_weight(weights_file):
    net = build_net(['conv2_2'], ['conv2_1'], weights=weights_file)
    same = picture(40, 32, seed=1)
    weight = style_weight(net, same, same, 0.5)
    assert 0 < weight < 100 * style_weight(net, same, same[::-1], 0.5) < 1e12


PAIRS = [
    ('astronaut', 'painting'),
    ('chelsea', 'dark'),
    ('coffee', 'pale'),
    ('rocket', 'painting'),
    ('astronaut', 'pale'),
    ('coffee', 'dark'),
]


def style_picture(name):
    painting = read_picture(samples.PAINTING)
    pale, dark = 190 + painting // 4, painting // 4
    return {'painting': painting, 'pale': pale, 'dark': dark}[name]


def kept(image, content):
    """Return the correlation of two pictures' centered conv4_3 features."""
    net = build_net(['conv4_3'], [], network='vgg16', weights='torchvision')
    with numpy_mode():
        features = []
        for img in (image, content):
            Y = preprocess(read_image(img), image.shape[1::-1])
            for i in range(len(net)):
                Y = net[i](Y)
            Y = Y[0].asnumpy()
            features.append(Y - Y.mean(axis=(1, 2), keepdims=True))
    a, b = (feature.ravel() for feature in features)
    return float(a @ b / numpy.sqrt((a @ a) * (b @ b)))


@pytest.mark.long
@pytest.mark.parametrize('content, style', PAIRS)
def test_a_greater_strength_keeps_less_of_the_content(
    torchvision, content, style
):
    photograph = getattr(data, content)()
    at_half = []
    for size in (96, 144):
        results = [
            stylize(
                photograph,
                style_picture(style),
                network='vgg16',
                weights='torchvision',
                size=size,
                # As on every processor.
                precision='float32',
                strength=strength,
            )
            for strength in (0.2, 0.5, 0.8)
        ]
        values = [kept(result.image, photograph) for result in results]
        assert values[0] > values[1] + 0.1 > values[2] + 0.15
        at_half.append(values[1])
    # It means the same at both sizes.
    assert at_half[0] == pytest.approx(at_half[1], abs=0.12)
