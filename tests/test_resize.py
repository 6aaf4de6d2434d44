"""Pictures and masks resized: antialiased, within their range, by bytes."""

import tracemalloc

import numpy
import pytest
from conftest import engraving, picture
from PIL import Image

from gluon_style.pictures.read import read_picture
from gluon_style.pictures.resize import resized


def lanczos(length, new_length):
    """Return the weights of a side's pixels in its new ones, as a matrix.

    By definition: sinc(x) sinc(x / 3), with x in new pixels where they are
    larger than the old ones, normalized to a sum of 1.
    """
    step = length / new_length
    places = (numpy.arange(new_length) + 0.5)[:, None] * step
    x = (numpy.arange(length) + 0.5 - places) / max(step, 1)
    weights = numpy.sinc(x) * numpy.sinc(x / 3) * (abs(x) < 3)
    return weights / weights.sum(axis=1, keepdims=True)


@pytest.mark.parametrize('shape', [(17, 11), (60, 7), (90, 75), (25, 80)])
def test_a_picture_is_resized_by_lanczos(shape):
    img = picture(60, 40).astype('float64')
    across, down = lanczos(60, shape[0]), lanczos(40, shape[1])
    expected = numpy.einsum('yh,xw,hwc->yxc', down, across, img)
    expected = expected.clip(0, 255)
    found = resized(img.astype('uint8'), shape)
    assert found.dtype == 'uint8' and found.shape == (*shape[::-1], 3)
    # Pillow rounds after each direction.
    assert abs(found - expected).max() < 2
    floats = resized(img / 255, shape)
    assert floats.dtype == 'float32'
    numpy.testing.assert_allclose(floats, expected / 255, atol=1e-5)


def test_a_channel_is_as_in_pillows_own_picture():
    img = numpy.random.RandomState(0).randint(0, 256, (50, 70, 3), 'uint8')
    for shape in ((31, 20), (99, 80), (35, 100)):
        own = Image.fromarray(img).resize(shape, Image.Resampling.LANCZOS)
        assert (resized(img, shape) == numpy.asarray(own)).all()


@pytest.mark.parametrize('top, dtype', [(255, 'uint8'), (1, 'float32')])
def test_an_overshoot_is_clipped(top, dtype):
    img = numpy.zeros((30, 30, 3), dtype)
    img[:, 15:] = top
    for shape in ((13, 13), (100, 100)):
        found = resized(img, shape)
        assert (found.min(), found.max()) == (0, top)


def test_the_same_size_is_a_copy():
    for img in (picture(9, 7), picture(9, 7) / numpy.float32(255)):
        found = resized(img, (9, 7))
        assert found.tobytes() == img.tobytes()
        assert not numpy.shares_memory(found, img)


def deviation(img):
    return img.astype(float).mean(axis=2).std()


def check_deviation(img, shape):
    """Check the lines of an engraving against Pillow's own picture."""
    small = Image.fromarray(img).resize(shape, Image.Resampling.LANCZOS)
    expected = deviation(numpy.asarray(small))
    assert deviation(resized(img, shape)) == pytest.approx(expected, rel=0.1)
    return expected


def test_the_lines_of_an_engraving_become_grey():
    img = engraving(1500, 1000)
    assert deviation(img) > 120
    assert check_deviation(img, (150, 100)) < 4


def test_a_large_engraving_becomes_grey(shared):
    path = shared / 'cases' / 'engraving_3000.png'
    if not path.is_file():
        pytest.skip('needs the engraving in ../shared')
    assert check_deviation(read_picture(path), (300, 200)) < 3


def test_a_mask_is_the_mean_where_it_shrinks():
    mask = (picture(60, 40)[..., 0] > 120).astype('float64')
    expected = mask.reshape(10, 4, 12, 5).mean(axis=(1, 3))
    numpy.testing.assert_allclose(resized(mask, (12, 10)), expected, atol=1e-6)


def test_a_mask_is_a_slope_where_it_grows():
    mask = numpy.repeat([[0.0, 1.0]], 3, axis=0)
    # The middles of the old pixels lie at 2 and 6 of the new 8.
    slope = numpy.array([0, 0, 1, 3, 5, 7, 8, 8]) / 8
    found = resized(mask, (8, 3))
    numpy.testing.assert_allclose(found, [slope] * 3, atol=1e-6)


@pytest.mark.parametrize('shape', [(23, 17), (131, 90), (23, 90)])
def test_a_mask_stays_within_0_and_1_and_whole_inside(shape):
    mask = numpy.zeros((40, 60), 'float32')
    mask[:, 30:] = 1
    found = resized(mask, shape)
    assert found.dtype == 'float32' and found.shape == shape[::-1]
    assert 0 <= found.min() and found.max() <= 1
    # No ringing: all but the edge is 0 or 1, and the edge only rises.
    edge = -(-shape[0] // 30)
    assert (found[:, : shape[0] // 2 - edge] == 0).all()
    assert (found[:, shape[0] // 2 + edge + 1 :] == 1).all()
    assert (numpy.diff(found) >= 0).all()


def test_a_photograph_is_resized_as_bytes():
    img = picture(3000, 2000)
    tracemalloc.start()
    resized(img, (300, 200))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # Floats would take four or eight times as much as the picture.
    assert peak < img.nbytes / 2


def test_resizing_needs_no_mxnet(without_mxnet):
    code = 'import gluon_style.pictures.resize as r;print(r.resized.__name__)'
    assert without_mxnet(code) == 'resized'
