import io
import struct

import numpy
import pytest
from conftest import engraving, picture
from mxnet import image, np
from PIL import Image, ImageCms, ImageFile

from gluon_style.chapter.images import (
    RGB_MEAN,
    RGB_STD,
    postprocess,
    preprocess,
    preprocess_antialiased,
    read_image,
)


def test_preprocess_standardizes_by_hand():
    img = np.full((4, 6, 3), 255, dtype='uint8')
    X = preprocess(img, (3, 2))
    assert X.shape == (1, 3, 2, 3)
    expected = (1 - numpy.array([0.485, 0.456, 0.406])) / [0.229, 0.224, 0.225]
    numpy.testing.assert_allclose(X.asnumpy()[0, :, 1, 2], expected, rtol=1e-6)


def test_preprocess_resizes_as_the_chapter_does():
    img = np.array(picture(40, 30), dtype='uint8')
    resized = image.imresize(img, 20, 10).asnumpy() / 255
    expected = (resized - RGB_MEAN.asnumpy()) / RGB_STD.asnumpy()
    X = preprocess(img, (20, 10)).asnumpy()
    numpy.testing.assert_allclose(X[0].transpose(1, 2, 0), expected, atol=1e-5)


def test_preprocess_resizes_no_picture_of_its_size():
    img = numpy.random.RandomState(0).randint(0, 256, (30, 40, 3), 'uint8')
    expected = (img / 255 - RGB_MEAN.asnumpy()) / RGB_STD.asnumpy()
    X = preprocess(np.array(img, dtype='uint8'), (40, 30)).asnumpy()
    numpy.testing.assert_allclose(X[0].transpose(1, 2, 0), expected, atol=1e-6)


def test_antialiased_pixels_are_those_of_all_the_picture():
    img = engraving(1500, 1000)
    small = Image.fromarray(img).resize((150, 100), Image.Resampling.LANCZOS)
    expected = preprocess(np.array(small, dtype='uint8'), (150, 100))
    for given in (img, np.array(img, dtype='uint8')):
        X = preprocess_antialiased(given, (150, 100))
        assert (X.asnumpy() == expected.asnumpy()).all()
    stripes = preprocess(np.array(img, dtype='uint8'), (150, 100))
    assert float(stripes.std()) > 5 * float(expected.std())


def test_postprocess_undoes_preprocess_and_clips():
    img = np.array(picture(20, 10), dtype='uint8')
    X = preprocess(img, (20, 10))
    numpy.testing.assert_allclose(
        postprocess(X).asnumpy() * 255, img.asnumpy(), atol=1e-3
    )
    assert float(postprocess(X + 100).min()) == 1
    assert float(postprocess(X - 100).max()) == 0


def saved(tmp_path, img, name='picture.png', **options):
    path = tmp_path / name
    img.save(path, **options)
    return read_image(path).asnumpy()


def test_rgb_png_is_read_as_it_is(tmp_path):
    pixels = picture(7, 5)
    assert (saved(tmp_path, Image.fromarray(pixels)) == pixels).all()


def test_jpeg_is_read_like_mxnet_reads_it(tmp_path):
    path = tmp_path / 'picture.jpg'
    Image.fromarray(picture(64, 48)).save(path, quality=90)
    difference = read_image(path).asnumpy().astype(int) - image.imread(
        str(path)
    ).asnumpy().astype(int)
    assert abs(difference).max() <= 4


def test_exif_orientation_is_applied(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise to see it upright
    pixels = picture(8, 4)
    actual = saved(tmp_path, Image.fromarray(pixels), exif=exif)
    assert (actual == numpy.rot90(pixels, -1)).all()


def test_transparency_is_laid_on_white(tmp_path):
    pixels = numpy.zeros((1, 3, 4), dtype='uint8')
    pixels[0, :, 3] = 0, 255, 51
    actual = saved(tmp_path, Image.fromarray(pixels))
    assert actual[0, :, 0].tolist() == [255, 0, 204]


def test_grey_with_transparency(tmp_path):
    img = Image.merge('LA', [Image.new('L', (2, 2), v) for v in (100, 0)])
    assert (saved(tmp_path, img) == 255).all()


def test_palette_with_a_transparent_color(tmp_path):
    img = Image.new('P', (2, 1))
    img.putpalette([10, 20, 30, 40, 50, 60])
    img.putdata([0, 1])
    actual = saved(tmp_path, img, transparency=1)
    assert actual[0].tolist() == [[10, 20, 30], [255, 255, 255]]


def test_sixteen_bits_become_eight(tmp_path):
    values = numpy.array([[0, 257 * 100, 65535]], dtype='uint16')
    actual = saved(tmp_path, Image.fromarray(values))
    assert actual[0, :, 1].tolist() == [0, 100, 255]


def test_float_tiff_of_zero_to_one(tmp_path):
    values = numpy.array([[0, 0.2, 1]], dtype='float32')
    actual = saved(tmp_path, Image.fromarray(values), 'picture.tiff')
    assert actual[0, :, 2].tolist() == [0, 51, 255]


@pytest.mark.parametrize(
    'mode, value, actual',
    [
        ('L', 77, (77, 77, 77)),
        ('1', 1, (255, 255, 255)),
    ],
)
def test_grey_becomes_rgb(tmp_path, mode, value, actual):
    pixels = saved(tmp_path, Image.new(mode, (3, 2), value))
    assert pixels.shape == (2, 3, 3)
    assert tuple(pixels[1, 2]) == actual


def test_cmyk_becomes_rgb(tmp_path):
    img = Image.new('CMYK', (16, 16), (0, 255, 255, 0))
    red, green, blue = saved(tmp_path, img, 'a.jpg', quality=95)[8, 8]
    assert red > 220 and green < 60 and blue < 60


def test_color_profile_is_applied(tmp_path):
    # An sRGB profile changes nothing. One with two primaries swapped must
    # change the colors.
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile('sRGB')).tobytes()
    pixels = picture(6, 4)
    same = saved(tmp_path, Image.fromarray(pixels), icc_profile=srgb)
    assert abs(same.astype(int) - pixels).max() <= 1
    swapped = swap_red_and_green(srgb)
    actual = saved(tmp_path, Image.fromarray(pixels), icc_profile=swapped)
    assert abs(actual.astype(int) - pixels[..., [1, 0, 2]]).max() <= 1


def swap_red_and_green(profile):
    """Return a matrix profile with its red and green primaries swapped."""
    swapped = bytearray(profile)
    count = int.from_bytes(profile[128:132], 'big')
    for i in range(count):
        at = 132 + 12 * i
        tag = profile[at : at + 4]
        new = {b'rXYZ': b'gXYZ', b'gXYZ': b'rXYZ'}.get(tag, tag)
        swapped[at : at + 4] = new
    return bytes(swapped)


def test_broken_color_profile_is_said_and_ignored(tmp_path, caplog):
    pixels = picture(6, 4)
    with caplog.at_level('WARNING', 'gluon_style'):
        actual = saved(
            tmp_path, Image.fromarray(pixels), icc_profile=b'x' * 200
        )
    assert (actual == pixels).all()
    assert 'color profile is ignored' in caplog.text


def test_pillow_images_and_arrays_are_taken():
    pixels = picture(6, 4)
    assert (read_image(Image.fromarray(pixels)).asnumpy() == pixels).all()
    assert (read_image(pixels).asnumpy() == pixels).all()
    array = np.array(pixels, dtype='uint8')
    assert (read_image(array).asnumpy() == pixels).all()


@pytest.mark.parametrize(
    'array',
    [
        numpy.zeros((4, 4), 'uint8'),
        numpy.zeros((4, 4, 4), 'uint8'),
        numpy.zeros((4, 4, 3), 'float32'),
        numpy.zeros((0, 4, 3), 'uint8'),
    ],
)
def test_other_arrays_are_refused(array):
    with pytest.raises(ValueError, match='it must be uint8, shape'):
        read_image(array)


def test_broken_exif_costs_no_picture(tmp_path, caplog):
    # The orientation has a type that is not allowed for it.
    exif = b'Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x05\0\0\0\x01\0\0\0\x1a'
    exif += bytes(4) + b'\0\0\0\x06\0\0\0\0'
    path = tmp_path / 'picture.jpg'
    Image.fromarray(picture(16, 8)).save(path, exif=exif)
    assert read_image(path).shape == (8, 16, 3)


def test_exif_that_cannot_be_applied_is_said(monkeypatch, caplog):
    def fail(img, in_place):
        raise struct.error('required argument is not an integer')

    monkeypatch.setattr('PIL.ImageOps.exif_transpose', fail)
    with caplog.at_level('WARNING', 'gluon_style'):
        pixels = picture(6, 4)
        assert (read_image(Image.fromarray(pixels)).asnumpy() == pixels).all()
    assert 'EXIF orientation is ignored' in caplog.text


def test_truncated_pillow_image_is_refused_too():
    file = io.BytesIO()
    Image.fromarray(picture(64, 48)).save(file, 'PNG')
    img = Image.open(io.BytesIO(file.getvalue()[:-200]))
    with pytest.raises(ValueError, match='picture is broken or incomplete'):
        read_image(img)


def test_what_is_no_picture_at_all_is_refused():
    with pytest.raises(ValueError, match='picture is a NoneType: give a pat'):
        read_image(None)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="none.png' is not a file"):
        read_image(tmp_path / 'none.png')
    with pytest.raises(FileNotFoundError, match='is not a file'):
        read_image(tmp_path)


def test_text_is_no_picture(tmp_path):
    path = tmp_path / 'a.jpg'
    path.write_text('hello')
    with pytest.raises(ValueError, match='is not in a format that Pillow'):
        read_image(path)


@pytest.mark.parametrize('suffix', ['.jpg', '.png', '.tiff'])
def test_truncated_file_is_refused(tmp_path, suffix):
    assert not ImageFile.LOAD_TRUNCATED_IMAGES
    file = io.BytesIO()
    noise = numpy.random.RandomState(0).randint(0, 256, (40, 50, 3))
    Image.fromarray(noise.astype('uint8')).save(
        file, {'.jpg': 'JPEG', '.png': 'PNG', '.tiff': 'TIFF'}[suffix]
    )
    path = tmp_path / f'cut{suffix}'
    path.write_bytes(file.getvalue()[: len(file.getvalue()) // 2])
    with pytest.raises(ValueError, match='broken or incomplete|not in a form'):
        read_image(path)


@pytest.mark.parametrize('limit', [30, 50])
def test_too_many_pixels_are_refused(tmp_path, monkeypatch, limit):
    # Pillow warns above its limit and refuses above twice the limit.
    path = tmp_path / 'large.png'
    Image.fromarray(picture(10, 9)).save(path)
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', limit)
    with pytest.raises(ValueError, match=f'many pixels: at most {limit} are'):
        read_image(path)
