import numpy
import pytest
from conftest import picture
from PIL import Image
from skimage.color import rgb2yiq

from gluon_style import samples
from gluon_style.pictures.color import (
    keep_color,
    match_color,
    match_histogram,
    matched,
    transfer_map,
)


def mild(seed, width=60, height=40):
    """Return a picture whose colors stay far from black and white."""
    soft = picture(width, height, seed=seed) * 0.25
    shift = numpy.random.RandomState(seed).randint(70, 110, size=3)
    return (soft + shift).round().astype('uint8')


def moments(img):
    pixels = img.reshape(-1, 3).astype('float64')
    return pixels.mean(axis=0), numpy.cov(pixels.T, bias=True)


def test_matched_colors_have_the_contents_mean_and_covariance():
    style, content = mild(1, 50, 50), mild(2)
    exact = matched(style / 255, content / 255)
    for actual, expected in zip(moments(exact), moments(content / 255)):
        numpy.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-12)
    # Rounding to bytes adds 1/12 to each variance.
    img = match_color(style, content)
    assert img.shape == style.shape and img.dtype == 'uint8'
    assert 0 < img.min() and img.max() < 255
    for actual, expected in zip(moments(img), moments(content)):
        numpy.testing.assert_allclose(actual, expected, atol=0.6)


def test_matching_is_by_the_symmetric_roots():
    # The covariances are diagonal, so each channel is scaled on its own.
    style = numpy.array([[[90, 100, 100], [110, 100, 100]]] * 2, 'uint8')
    style = numpy.concatenate([style, style[..., [1, 0, 2]]])
    style = numpy.concatenate([style, style[..., [2, 1, 0]][:2]])
    content = ((style.astype(int) - 100) * [3, 2, 1] + 100).astype('uint8')
    img = match_color(style, content)
    assert abs(img.astype(int) - content).max() <= 1


def test_a_picture_matched_to_itself_stays():
    assert (match_color(mild(1), mild(1)) == mild(1)).all()


def test_degenerate_colors_give_no_noise():
    content = mild(2)
    plain = numpy.full((5, 4, 3), 77, 'uint8')
    mean = moments(content)[0].round()
    assert (match_color(plain, content) == mean).all()
    assert (match_color(content, plain) == 77).all()
    # A grey style varies along one line, whatever colors the content has.
    grey = mild(1)[..., [0, 0, 0]]
    grey[::2, ::3, 0] += 1
    values = numpy.linalg.eigvalsh(moments(match_color(grey, content))[1])
    assert values[2] > 50 and values[1] < 1


def test_noise_on_one_hue_gives_no_confetti(photograph):
    light = photograph.mean(axis=2, keepdims=True)
    noise = numpy.random.RandomState(0).normal(0, 1.3, photograph.shape)
    painting = numpy.asarray(Image.open(samples.PAINTING))
    for hue in ([1, 1, 1], [0.9, 0.77, 0.54], [0.2, 0.5, 1]):
        style = (hue * light + noise).round().clip(0, 255).astype('uint8')
        exact = matched(style / 255, painting / 255)
        values = numpy.linalg.eigvalsh(moments(255 * exact)[1])
        # Only one direction has color. The variances are of levels, 0 to 255.
        assert values[2] ** 0.5 > 50 and values[1] < 1e-9


def test_photographs_and_paintings_are_matched_exactly(photograph):
    painting = numpy.asarray(Image.open(samples.PAINTING))
    both = photograph / 255, painting / 255
    for style, content in (both, both[::-1]):
        actual = moments(matched(style, content))
        for value, expected in zip(actual, moments(content)):
            numpy.testing.assert_allclose(value, expected, rtol=1e-6)


@pytest.fixture(scope='module')
def photograph():
    return samples.photograph()


def test_grey_content_gives_a_grey_style():
    grey = mild(2)[..., [1, 1, 1]]
    img = match_color(mild(1), grey).astype(int)
    assert abs(img - img[..., :1]).max() <= 1 and img.std() > 5
    img = match_histogram(mild(1), grey).astype(int)
    numpy.testing.assert_allclose(moments(img)[0], moments(grey)[0], atol=1)


def test_histograms_of_as_many_values_are_equal():
    rng = numpy.random.RandomState(0)
    style, content = (
        numpy.stack([rng.permutation(256) for _ in range(3)], axis=-1)
        .reshape(16, 16, 3)
        .astype('uint8')
        for _ in range(2)
    )
    content //= 2
    img = match_histogram(style, content)
    assert img.dtype == 'uint8'
    rank = style.astype(int)
    assert abs(img - rank / 2).max() <= 1


def test_histograms_have_the_contents_distribution():
    style, content = mild(1, 64, 48), picture(60, 40, seed=2)
    img = match_histogram(style, content)
    for channel in range(3):
        before, actual, expected = (
            numpy.bincount(each[..., channel].ravel(), minlength=256)
            / each[..., 0].size
            for each in (style, img, content)
        )
        # Pixels of one level all get the same level, so a small rest stays.
        most = max(before.max(), expected.max())
        assert abs(before.cumsum() - expected.cumsum()).max() > 5 * most
        assert abs(actual.cumsum() - expected.cumsum()).max() < most


def test_kept_color_has_the_luminance_of_one_and_the_chroma_of_the_other():
    img, content = mild(1), mild(2)
    kept = keep_color(img, content)
    assert kept.dtype == 'uint8'
    yiq = rgb2yiq(kept)
    step = 1 / 255
    assert abs(yiq[..., 0] - rgb2yiq(img)[..., 0]).max() < step
    assert abs(yiq[..., 1:] - rgb2yiq(content)[..., 1:]).max() < step
    # Without rounding both are exact, and the dtype stays.
    floats = (img / 255).astype('float32')
    kept = keep_color(floats, content)
    assert kept.dtype == 'float32'
    yiq = rgb2yiq(kept.astype('float64'))
    expected = rgb2yiq(floats.astype('float64'))[..., 0]
    numpy.testing.assert_allclose(yiq[..., 0], expected, atol=1e-6)
    expected = rgb2yiq(content)[..., 1:]
    numpy.testing.assert_allclose(yiq[..., 1:], expected, atol=1e-6)


def test_content_of_another_size_is_resized():
    img, content = mild(1, 30, 20), mild(2)
    small = Image.fromarray(content).resize((30, 20), Image.Resampling.LANCZOS)
    expected = keep_color(img, numpy.asarray(small))
    assert (keep_color(img, content) == expected).all()


def test_grey_content_gives_a_grey_picture():
    kept = keep_color(picture(60, 40), mild(2)[..., [1, 1, 1]]).astype(int)
    assert abs(kept - kept[..., :1]).max() <= 1 and kept.std() > 20


@pytest.mark.parametrize('dtype, top', [('uint8', 255), ('float32', 1)])
def test_kept_color_is_clipped_to_what_a_screen_shows(dtype, top):
    white = numpy.full((2, 2, 3), top, dtype)
    red = numpy.zeros((2, 2, 3), 'uint8')
    red[..., 0] = 255
    kept = keep_color(white, red)
    assert kept.max() == top and kept.dtype == dtype
    assert 0 <= kept.min() < top


def transferred(content, styles, parts=(1,)):
    """Return the content's colors after the map, as floats."""
    matrix, offset = transfer_map(content, styles, parts)
    return (content / 255) @ matrix.T + offset


def test_transferred_colors_have_the_styles_mean_and_covariance():
    content, style = mild(1, 50, 50), mild(2)
    moved = transferred(content, [style])
    for actual, expected in zip(moments(moved), moments(style / 255)):
        numpy.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-12)


def test_a_transfer_moves_no_color_further_than_another_map_would():
    content, style = mild(1, 50, 50), mild(2)
    moved = transferred(content, [style])
    # This map leads to the same mean and covariance.
    other = matched(content / 255, style / 255)
    distances = [((x - content / 255) ** 2).mean() for x in (moved, other)]
    assert distances[0] < distances[1]
    matrix, _ = transfer_map(content, [style], [1])
    numpy.testing.assert_allclose(matrix, matrix.T, atol=1e-12)
    assert (numpy.linalg.eigvalsh(matrix) > 0).all()


def test_several_styles_are_one_palette():
    content, styles = mild(1, 50, 50), [mild(2), mild(3)]
    # As many pixels of either: the pixels of both side by side.
    both = numpy.concatenate(styles)
    numpy.testing.assert_allclose(
        transferred(content, styles, (2, 2)), transferred(content, [both])
    )
    numpy.testing.assert_allclose(
        transferred(content, styles, (0, 1)), transferred(content, styles[1:])
    )


def test_a_transfer_stretches_no_noise():
    # A grey ramp with two steps of noise, and a style of many colors.
    ramp = numpy.linspace(60, 200, 40 * 40).reshape(40, 40, 1)
    noise = numpy.random.RandomState(0).normal(0, 3, (40, 40, 3))
    content = (ramp + noise).round().astype('uint8')
    matrix, _ = transfer_map(content, [picture(40, 40, seed=5)], [1])
    assert numpy.linalg.eigvalsh(matrix).max() <= 4 + 1e-9
    # A uniform picture has no direction, and takes the style's mean.
    uniform = numpy.full((8, 8, 3), 90, 'uint8')
    style = mild(2)
    numpy.testing.assert_allclose(
        transferred(uniform, [style])[0, 0], style.mean(axis=(0, 1)) / 255
    )


def test_colors_need_no_mxnet(without_mxnet):
    assert (
        without_mxnet('import gluon_style.pictures.color as c;print(1)') == '1'
    )
