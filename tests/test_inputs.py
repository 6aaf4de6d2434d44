import hashlib
import logging
from pathlib import Path

import numpy
import pytest
from conftest import engraving, picture
from mxnet import cpu, np
from PIL import Image

from gluon_style import Settings
from gluon_style.chapter.images import postprocess, preprocess, read_image
from gluon_style.errors import GluonStyleError
from gluon_style.layers import RGB_MEAN, RGB_STD
from gluon_style.methods.gatys.inputs import Inputs
from gluon_style.pictures.resize import resized
from gluon_style.records.record import PictureId

CONTENT, STYLE = picture(60, 40, seed=1), picture(50, 50, seed=2)
SHAPE = (48, 32)


def inputs(content=CONTENT, styles=STYLE, mask=None, **changes):
    return Inputs(content, styles, Settings(**changes), cpu(), mask)


def pixels(img, image_shape=SHAPE):
    return preprocess(read_image(img), image_shape).asnumpy()


def noise(seed=0):
    rng = numpy.random.RandomState(seed)
    return rng.normal(size=(1, 3, *SHAPE[::-1])).astype('float32')


def test_starts(tmp_path):
    other = picture(20, 20, seed=3)
    Image.fromarray(other).save(tmp_path / 'other.png')
    path = str(tmp_path / 'other.png')
    for init, expected in (
        ('content', pixels(CONTENT)),
        ('style', pixels(STYLE)),
        ('noise', noise()),
        ('blend:0', pixels(CONTENT)),
        ('blend:1', noise()),
        ('blend:0.25', 0.25 * noise() + 0.75 * pixels(CONTENT)),
        (path, pixels(other)),
    ):
        start = inputs(init=init).start(SHAPE).asnumpy()
        assert numpy.allclose(start, expected, atol=1e-6), init
    start = inputs(init='noise', seed=7).start(SHAPE).asnumpy()
    assert (start == noise(7)).all()


def test_style_is_squashed_or_keeps_its_proportions():
    def shape(**changes):
        (X,) = inputs(**changes).styles(SHAPE)
        return X.shape[3], X.shape[2]

    assert shape() == SHAPE
    assert shape(style_scale=1) == (48, 48)
    assert shape(style_scale=0.5) == (24, 24)
    # The deepest style layer needs 16 pixels.
    assert shape(style_scale=0.1) == (16, 16)


def test_pictures_are_antialiased_at_every_scale(tmp_path):
    img = engraving(1500, 1000)
    Image.fromarray(img).save(tmp_path / 'lines.png')
    path = str(tmp_path / 'lines.png')
    made = inputs(img, [CONTENT, img], antialias=True)
    for shape in ((150, 100), (100, 67)):
        expected = pixels(resized(img, shape), shape)
        for X in (
            made.content(shape),
            made.styles(shape)[1],
            made.start(shape),
            inputs(antialias=True, init=path).start(shape),
            inputs(styles=img, antialias=True, init='style').start(shape),
            # A second time, as for the start of a finer scale.
            made.start_picture(shape),
        ):
            assert (X.asnumpy() == expected).all()
        # The chapter's way gives stripes.
        stripes = inputs(img).content(shape).asnumpy()
        assert (stripes == pixels(img, shape)).all()
        assert stripes.std() > 5 * expected.std()
    (X,) = inputs(styles=img, antialias=True, style_scale=0.5).styles(SHAPE)
    assert (X.asnumpy() == pixels(resized(img, (24, 16)), (24, 16))).all()


def test_a_small_mask_is_antialiased():
    mask = numpy.zeros((4, 6), 'bool')
    mask[:, :3] = True
    stairs, slope = (
        inputs(mask=mask, feather=0, antialias=antialias).mask(SHAPE)
        for antialias in (False, True)
    )
    assert set(stairs[0]) == {0, 1}
    assert (slope[:, :20] == 1).all() and (slope[:, 28:] == 0).all()
    assert numpy.allclose(numpy.diff(slope[:, 20:28]), -1 / 8, atol=1 / 255)


def test_several_styles_keep_their_order():
    styles = inputs(styles=[STYLE, CONTENT]).styles(SHAPE)
    for X, img in zip(styles, (STYLE, CONTENT)):
        assert (X.asnumpy() == pixels(img)).all()


def test_colors_are_given_to_the_style_beforehand():
    content_mean = CONTENT.mean(axis=(0, 1))
    assert abs(STYLE.mean(axis=(0, 1)) - content_mean).max() > 20
    for color, most in (('match', 6), ('histogram', 2)):
        (X,) = inputs(color=color).styles((50, 50))
        img = 255 * (X[0].asnumpy().transpose(1, 2, 0) * STD + MEAN)
        assert abs(img.mean(axis=(0, 1)) - content_mean).max() < most


MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def test_luminance_is_kept_and_the_colors_are_the_contents():
    made = inputs(color='luminance')
    X = made.styles((60, 40))[0]
    image = made.finished(X)
    weights = numpy.array([0.299, 0.587, 0.114])
    wanted = inputs().finished(X) @ weights
    content = CONTENT / 255
    # Where nothing is clipped.
    inside = (image > 0.001).all(axis=2) & (image < 0.999).all(axis=2)
    assert inside.mean() > 0.3
    assert abs(image @ weights - wanted)[inside].max() < 1e-3
    chroma = image - (image @ weights)[..., None]
    expected = content - (content @ weights)[..., None]
    assert abs(chroma - expected)[inside].max() < 1e-2


def test_mask_is_resized_and_feathered():
    mask = numpy.zeros((40, 60, 3), 'uint8')
    mask[:, :30] = 255
    hard = inputs(mask=mask, feather=0).mask(SHAPE)
    assert hard.shape == SHAPE[::-1]
    assert (hard[:, :24] == 1).all() and (hard[:, 24:] == 0).all()
    soft = inputs(mask=mask, feather=0.25).mask(SHAPE)
    edge = soft[16]
    assert (numpy.diff(edge) <= 0).all()
    # A quarter of 48 pixels, half to each side.
    assert edge[24 - 9] > 0.98 and edge[24 + 8] < 0.02
    assert 0.1 < edge[21] < 0.95 and 0.05 < edge[26] < 0.9
    assert inputs().mask(SHAPE) is None


def test_a_mask_may_be_grey_bool_or_floats():
    left = numpy.zeros((40, 60), 'bool')
    left[:, :30] = True
    grey = (left * 255).astype('uint8')
    wanted = inputs(mask=grey[..., None].repeat(3, axis=2))
    for mask in (
        left,
        grey,
        left.astype('float32'),
        np.array(grey, dtype='uint8'),
    ):
        made = inputs(mask=mask)
        assert (made.mask(SHAPE) == wanted.mask(SHAPE)).all()
        assert made.pictures == wanted.pictures
    soft = inputs(mask=left * 0.4, feather=0).mask(SHAPE)
    assert (soft[:, :24] == 0.4).all() and (soft[:, 24:] == 0).all()


@pytest.mark.parametrize(
    'mask, sentence',
    [
        (
            numpy.ones((40, 60), 'int64'),
            'mask is an array of int64, shape (40',
        ),
        (numpy.ones((40, 60, 4), 'uint8'), 'mask is an array of uint8, shape'),
        (numpy.ones((0, 60), 'uint8'), 'mask is an array of uint8, shape (0,'),
        (numpy.ones((40, 60)) * 255, 'mask has floats from 255 to 255: they'),
        (numpy.full((4, 6), numpy.nan), 'mask has floats from nan to nan: th'),
        ([[1, 0]], 'mask is a list: give a path, a Pillow image or an array'),
    ],
)
def test_an_array_that_is_not_a_mask_is_refused(mask, sentence):
    with pytest.raises((ValueError, TypeError)) as error:
        inputs(mask=mask)
    assert sentence in str(error.value)


def test_what_is_transparent_in_a_mask_is_black(tmp_path):
    img = Image.new('RGBA', (60, 40), (255, 255, 255, 0))
    img.paste((255, 255, 255, 255), (0, 0, 30, 40))
    img.save(tmp_path / 'mask.png')
    for mask in (img, str(tmp_path / 'mask.png')):
        region = inputs(mask=mask, feather=0).mask(SHAPE)
        assert (region[:, :24] == 1).all() and (region[:, 24:] == 0).all()
    # In another picture, it is white.
    other = inputs(content=img).content_img.asnumpy()
    assert (other == 255).all()


def test_a_mask_that_separates_nothing_is_a_warning(caplog):
    half = numpy.zeros((40, 60), 'bool')
    half[:20] = True
    with caplog.at_level(logging.WARNING, 'gluon_style'):
        inputs(mask=half, size=90)
        # As the content is, and as the result is.
        inputs(mask=half, size=(48, 48))
        inputs(mask=half[:, :40], size=(48, 48))
        assert caplog.text == ''
        inputs(mask=half | True, size=90)
        inputs(mask=half & False, size=90)
        inputs(mask=half[:, :56], size=90)
    assert [entry.getMessage() for entry in caplog.records] == [
        'the mask is white everywhere, and so the first style goes everywhere',
        'the mask is black everywhere, and so the first style goes nowhere',
        'the mask is 56x40 pixels: it is stretched to the proportions of '
        '90x60',
    ]


def colors(X):
    """Return the mean of preprocessed pixels as a color, from 0 to 1."""
    return (X.asnumpy()[0].mean(axis=(1, 2)) * RGB_STD) + RGB_MEAN


def test_the_content_takes_the_styles_colors():
    # Grey noise and orange noise, neither near black or white.
    noise = numpy.random.RandomState(0).normal(0, 12, (40, 60, 3))
    content = (noise + 120).round().astype('uint8')
    style = (noise[:, :, ::-1] / 2 + (200, 140, 60)).round().astype('uint8')
    expected = style.mean(axis=(0, 1)) / 255
    whole = inputs(content, style, color='transfer')
    for X in (whole.content(SHAPE), whole.start(SHAPE)):
        assert colors(X) == pytest.approx(expected, abs=2e-3)
    # Half of the way, at a quarter of the strength.
    half = inputs(content, style, color='transfer', strength=0.25)
    between = (expected + content.mean(axis=(0, 1)) / 255) / 2
    assert colors(half.content(SHAPE)) == pytest.approx(between, abs=2e-3)
    # The pictures themselves keep their colors, as those alone do.
    assert (whole.content_img.asnumpy() == content).all()
    for alone in (
        inputs(content, None, color='transfer').content(SHAPE),
        inputs(content, style).content(SHAPE),
    ):
        assert (alone.asnumpy() == pixels(content)).all()


def test_each_region_takes_the_colors_of_its_style():
    half = numpy.zeros((32, 48), 'bool')
    half[:, :24] = True
    # One color without structure each: every pixel becomes it.
    styles = [numpy.full((8, 8, 3), c, 'uint8') for c in (60, 200)]
    options = {'mask': half, 'feather': 0, 'color': 'transfer'}
    X = inputs(CONTENT, styles, **options).content(SHAPE)
    image = postprocess(X).asnumpy()
    assert image[:, :24] == pytest.approx(60 / 255, abs=1e-3)
    assert image[:, 24:] == pytest.approx(200 / 255, abs=1e-3)
    X = inputs(CONTENT, styles[:1], **options).content(SHAPE)
    kept = pixels(CONTENT)[..., 24:]
    assert X.asnumpy()[..., 24:] == pytest.approx(kept, abs=1e-6)


def test_a_style_that_is_much_too_small_is_a_warning(caplog):
    with caplog.at_level(logging.WARNING, 'gluon_style'):
        inputs(size=100).warn_of_small_styles()
        inputs(size=400, style_scale=0.25).warn_of_small_styles()
        assert caplog.text == ''
        inputs(size=400, style_scale=1).warn_of_small_styles()
    assert caplog.messages == [
        'a style picture of 50x50 pixels is enlarged 8.0 times: the result '
        'will have soft, blurred strokes in place of fine ones; give a larger '
        'picture, or a style_scale of 0.12 for smaller strokes'
    ]


def test_an_empty_list_of_styles_means_none():
    for styles in ([], ()):
        made = inputs(styles=styles)
        assert made.styles(SHAPE) is None
        assert made.pictures == inputs(styles=None).pictures


def test_without_content_the_size_is_a_square():
    made = inputs(content=None, init='noise', size=96)
    assert made.image_shape() == (96, 96)
    assert made.content(SHAPE) is None
    made = inputs(content=None, init='noise', size=(96, 64))
    assert made.image_shape() == (96, 64)
    assert inputs(styles=None).styles(SHAPE) is None


def test_record_names_every_picture(tmp_path):
    paths = {}
    for i, name in enumerate(('content', 'a', 'b', 'mask', 'init')):
        paths[name] = str(tmp_path / f'{name}.png')
        Image.fromarray(picture(40, 40, seed=i)).save(paths[name])
    made = inputs(
        paths['content'],
        [paths['a'], paths['b']],
        paths['mask'],
        init=paths['init'],
    )
    assert {role: each.file for role, each in made.pictures.items()} == {
        'content': 'content.png',
        'style': 'a.png',
        'style 2': 'b.png',
        'mask': 'mask.png',
        'init': 'init.png',
    }
    assert len({each.sha256 for each in made.pictures.values()}) == 5
    for name, role in (('content', 'content'), ('b', 'style 2')):
        digest = hashlib.sha256(Path(paths[name]).read_bytes()).hexdigest()
        assert made.pictures[role].sha256 == digest
    alone = inputs(content=None, init='noise').pictures
    assert set(alone) == {'content', 'style'}
    assert alone['content'] == PictureId(None, None)
    assert alone['style'].sha256 == hashlib.sha256(STYLE.tobytes()).hexdigest()


@pytest.mark.parametrize(
    'options, words',
    [
        ({'init': 'blank'}, ("init is 'blank'", 'content, style, noise')),
        ({'content': None}, ("init is 'content'", 'not given', 'noise')),
        (
            {'content': None, 'init': 'blend:0.5'},
            ("init is 'blend:0.5'", 'not given', 'noise'),
        ),
        (
            {'styles': None, 'init': 'style'},
            ("init is 'style'", 'not given', 'noise'),
        ),
        (
            {'styles': [], 'init': 'style'},
            ("init is 'style'", 'not given', 'noise'),
        ),
        (
            {'content': None, 'styles': [], 'init': 'noise'},
            ('no picture is given: give a content picture, a style or both',),
        ),
        (
            {'content': None, 'init': 'noise', 'original_size': True},
            ('original_size is True', 'no content picture', 'leave it out'),
        ),
        (
            {'content': None, 'init': 'noise', 'color': 'luminance'},
            ("color is 'luminance'", 'no content picture', 'choose style'),
        ),
        (
            {'content': None, 'init': 'noise', 'color': 'match'},
            ("color is 'match'", 'no content picture', 'choose style'),
        ),
        (
            {'styles': None, 'color': 'histogram'},
            (
                "color is 'histogram'",
                'no style picture',
                'choose style or luminance',
            ),
        ),
        (
            {'style_blend': (2, 1)},
            ('style_blend is 2:1', 'number of styles is 1', 'a number for'),
        ),
        (
            {'styles': [STYLE] * 3, 'mask': CONTENT},
            ('number of styles is 3', 'mask', 'must be 1 or 2'),
        ),
        (
            {'styles': [STYLE] * 2, 'style_blend': (2, 1), 'mask': CONTENT},
            ('style_blend', 'mask', 'leave out one of'),
        ),
    ],
)
def test_mistakes_are_sentences(options, words):
    with pytest.raises(GluonStyleError) as error:
        inputs(**options)
    for word in words:
        assert word in str(error.value)
    assert '\n' not in str(error.value)
