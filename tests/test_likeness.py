"""How like a picture is to another: by hand, and by NumPy alone."""

import numpy
import pytest
from conftest import picture

from gluon_style.figures.likeness import Likeness, likeness, reduced
from gluon_style.pictures.resize import resized


def test_the_same_picture_is_wholly_like():
    img = picture(40, 30)
    like = likeness(img, img)
    assert like == Likeness(pytest.approx(1), pytest.approx(1), 0)


def test_a_shift_is_seen_by_the_difference_alone():
    img = picture(40, 30) // 2
    like = likeness(img, img + numpy.uint8(7))
    assert like == Likeness(
        pytest.approx(1), pytest.approx(1), pytest.approx(7)
    )


def test_a_negative_is_the_opposite():
    img = picture(40, 30)
    like = likeness(img, 255 - img)
    assert (like.correlation, like.blurred) == pytest.approx((-1, -1))


def test_a_flat_picture_is_like_no_other():
    flat = numpy.full((30, 40, 3), 77, 'uint8')
    assert likeness(flat, flat) == Likeness(0, 0, 0)
    assert likeness(flat, picture(40, 30)).correlation == 0


def test_four_pixels_by_hand():
    # Luminances 0.299 * 10 and so on: red, green, blue, black.
    a = numpy.zeros((2, 2, 3), 'uint8')
    a[0, 0, 0] = a[0, 1, 1] = a[1, 0, 2] = 10
    b = numpy.zeros((2, 2, 3), 'uint8')
    b[0, 1] = 20
    like = likeness(a, b)
    # Differences: 10; 20, 10, 20; 10; none: 1100 over twelve numbers.
    assert like.rms == pytest.approx((1100 / 12) ** 0.5)
    # Deviations of a from its mean 2.5: 0.49, 3.37, -1.36, -2.5; of b from
    # its mean 5: -5, 15, -5, -5.
    deviations = 0.49**2 + 3.37**2 + 1.36**2 + 2.5**2
    expected = (-5 * (0.49 - 1.36 - 2.5) + 15 * 3.37) / (
        deviations * (3 * 25 + 225)
    ) ** 0.5
    assert like.correlation == pytest.approx(expected)


def blurred(gray):
    """Blur with a Gaussian of 2 pixels, edges mirrored, by NumPy alone."""
    x = numpy.arange(-8, 9)
    kernel = numpy.exp(-(x**2) / 8)
    kernel /= kernel.sum()
    for axis in (0, 1):
        around = [(8, 8) if axis == each else (0, 0) for each in (0, 1)]
        mirrored = numpy.pad(gray, around, mode='symmetric')
        gray = numpy.apply_along_axis(
            numpy.convolve, axis, mirrored, kernel, 'valid'
        )
    return gray


def test_blurred_as_numpy_blurs():
    rng = numpy.random.RandomState(0)
    a, b = rng.randint(0, 256, (2, 30, 40, 3)).astype('uint8')
    b = (b // 4 + a // 2 + picture(40, 30) // 4).astype('uint8')
    grays = [
        0.299 * img[..., 0] + 0.587 * img[..., 1] + 0.114 * img[..., 2]
        for img in (a, b)
    ]
    like = likeness(a, b)
    expected = numpy.corrcoef(grays[0].ravel(), grays[1].ravel())[0, 1]
    assert like.correlation == pytest.approx(expected)
    smooth = [blurred(gray).ravel() for gray in grays]
    expected = numpy.corrcoef(*smooth)[0, 1]
    assert like.blurred == pytest.approx(expected)
    assert abs(like.blurred - like.correlation) > 0.05


def test_reduced_is_antialiased_to_the_published_shape():
    img = picture(90, 60)
    small = reduced(img, picture(45, 31))
    assert small.shape == (31, 45, 3)
    assert (small == resized(img, (45, 31))).all()


def test_likeness_needs_no_mxnet(without_mxnet):
    without_mxnet(
        'import numpy;from gluon_style.figures.likeness import likeness;'
        "likeness(*numpy.zeros((2, 4, 4, 3), 'uint8'))"
    )
