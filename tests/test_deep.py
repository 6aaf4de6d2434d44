"""Pictures of many bits, pages or pixels: read right, or refused."""

import numpy
import pytest
import tifffile
from conftest import picture
from PIL import Image, ImageCms

from gluon_style.errors import GluonStyleError, MissingPackageError
from gluon_style.methods.gatys.inputs import Inputs
from gluon_style.methods.gatys.settings import Settings
from gluon_style.pictures.masks import read_mask
from gluon_style.pictures.read import read_picture

GREY = picture(60, 40)[..., 0].astype('float64') / 255
COLOR = picture(60, 40).astype('float64') / 255


def tiff(tmp_path, values, photometric='minisblack', **options):
    path = tmp_path / 'deep.tif'
    if values.ndim == 3:
        photometric = 'rgb'
    tifffile.imwrite(path, values, photometric=photometric, **options)
    return path


def require_same(path, values, most=1):
    """Require that a file is read as these values of 0 to 1."""
    if values.ndim == 2:
        values = values[..., None].repeat(3, axis=2)
    error = read_picture(path).astype(int) - 255 * values.clip(0, 1)
    assert abs(error).max() <= most


@pytest.mark.parametrize('values', [GREY, COLOR], ids=['grey', 'color'])
@pytest.mark.parametrize(
    'white, kind',
    [
        (1, 'float32'),
        (1, 'float64'),
        (255, 'float32'),
        (65535, 'uint16'),
        (4095, 'uint16'),
        (1023, 'uint16'),
        (255, 'int32'),
        (4095, 'int32'),
        (65535, 'uint32'),
    ],
)
def test_the_white_of_many_bits_is_found(tmp_path, values, white, kind):
    scaled = values * white
    if kind[0] != 'f':
        scaled = scaled.round()
    require_same(tiff(tmp_path, scaled.astype(kind)), values)


@pytest.mark.parametrize('values', [GREY, COLOR], ids=['grey', 'color'])
@pytest.mark.parametrize('white', [1, 255])
def test_overshoot_is_clipped(tmp_path, values, white):
    over = 1.04 * values - 0.02
    path = tiff(tmp_path, (white * over).astype('float32'))
    require_same(path, over)


def test_highlights_of_hdr_are_clipped(tmp_path):
    bright = COLOR.copy()
    bright[:2, :8] = 40
    require_same(tiff(tmp_path, bright.astype('float32')), bright)


@pytest.mark.parametrize(
    'values',
    [
        # No number says where their white is.
        40 * COLOR + 0.1,
        1e4 * GREY + 0.1,
        2 * COLOR - 1,
        COLOR * numpy.nan,
        (1e6 * GREY).astype('int32'),
    ],
    ids=['hdr', 'large', 'signed', 'nan', 'int32'],
)
def test_a_white_that_is_not_clear_is_refused(tmp_path, values):
    kind = values.dtype if values.dtype.kind == 'i' else 'float32'
    path = tiff(tmp_path, values.astype(kind))
    with pytest.raises(GluonStyleError, match='save it with') as error:
        read_picture(path)
    assert repr(str(path)) in str(error.value)


def test_fewer_bits_than_the_file_has_are_said(tmp_path, caplog):
    read_picture(tiff(tmp_path, (4000 * GREY).astype('uint16')))
    (message,) = caplog.messages
    assert 'is taken as one of 12 bits' in message


@pytest.mark.parametrize('kind', ['uint8', 'uint16', 'float32'])
def test_white_is_zero_at_any_depth(tmp_path, kind):
    white = {'uint8': 255, 'uint16': 65535, 'float32': 1}[kind]
    values = (white * (1 - GREY)).astype(kind)
    require_same(tiff(tmp_path, values, 'miniswhite'), GREY)
    # Compressed, it is read by Pillow.
    path = tiff(tmp_path, values, 'miniswhite', compression='zlib')
    require_same(path, GREY)


def test_compressed_color_of_16_bits_is_read(tmp_path):
    values = (65535 * COLOR).astype('uint16')
    require_same(tiff(tmp_path, values, compression='zlib'), COLOR)


@pytest.mark.parametrize('form', ['PNG', 'TIFF'])
def test_pillows_integers_are_bytes_or_16_bits(tmp_path, form):
    path = tmp_path / 'a'
    for white in (255, 65535):
        img = Image.fromarray((white * GREY).round().astype('int32'))
        require_same(img, GREY)
        if form == 'TIFF':
            img.save(path, form)
            require_same(path, GREY)
    Image.fromarray((4095 * GREY).round().astype('uint16')).save(path, form)
    require_same(path, GREY)


def test_deep_pictures_are_turned_and_keep_their_profile(tmp_path):
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile('sRGB')).tobytes()
    tags = [(274, 'H', 1, 6, True), (34675, 'B', len(srgb), srgb, True)]
    values = COLOR.astype('float32')
    path = tiff(tmp_path, values, extratags=tags)
    require_same(path, numpy.rot90(COLOR, -1))


def test_deep_transparency_is_laid_on_white(tmp_path):
    values = numpy.zeros((4, 5, 4), 'float32')
    values[:, 2:, 3] = 1
    actual = read_picture(tiff(tmp_path, values, extrasamples=['unassalpha']))
    assert (actual[:, :2] == 255).all() and (actual[:, 2:] == 0).all()


@pytest.mark.parametrize('form', ['GIF', 'PNG', 'TIFF', 'WEBP'])
def test_which_of_several_frames_is_taken_is_said(tmp_path, caplog, form):
    path = tmp_path / 'a'
    first, second = (Image.new('RGB', (20, 10), c) for c in ('black', 'red'))
    first.save(path, form, save_all=True, append_images=[second])
    assert read_picture(path).max() <= 8
    (message,) = caplog.messages
    assert message == (
        f'picture {str(path)!r} has several frames or pages: the first is '
        'taken'
    )
    caplog.clear()
    first.save(path, form)
    read_picture(path)
    assert caplog.messages == []


def test_a_picture_of_almost_one_value_is_said(caplog):
    from mxnet import cpu

    dark = numpy.zeros((40, 60, 3), 'uint8')
    dark[0, 0] = 255
    settings = Settings(size=32)
    Inputs(dark, picture(50, 50), settings, cpu())
    Inputs(picture(60, 40), dark, settings, cpu())
    assert caplog.messages == [
        f'{role} picture is almost of one value (0 to 0 of 255): is it the '
        'right file?'
        for role in ('content', 'style')
    ]


def test_a_large_jpeg_is_read_at_a_part_of_its_size(
    tmp_path, monkeypatch, caplog
):
    path = tmp_path / 'large.jpg'
    pixels = picture(160, 120)
    Image.fromarray(pixels).save(path, quality=95)
    whole = read_picture(path)
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 5000)
    small = read_picture(path)
    assert small.shape == (60, 80, 3)
    means = whole.reshape(60, 2, 80, 2, 3).mean(axis=(1, 3))
    assert abs(small - means).max() < 6
    (message,) = caplog.messages
    assert message.endswith(' million pixels: it is read at 80x60')


def test_a_progressive_jpeg_has_a_limit_of_its_own(tmp_path, monkeypatch):
    path = tmp_path / 'large.jpg'
    Image.fromarray(picture(160, 120)).save(path, progressive=True)
    monkeypatch.setattr(
        'gluon_style.pictures.opening._MOST_PROGRESSIVE', 10_000
    )
    with pytest.raises(GluonStyleError, match='save it as a plain one'):
        read_picture(path)


def test_too_many_pixels_of_others_name_the_way_out(tmp_path, monkeypatch):
    path = tmp_path / 'large.png'
    Image.fromarray(picture(10, 9)).save(path)
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 50)
    with pytest.raises(GluonStyleError, match='at most 50 are read, so save'):
        read_picture(path)


def test_a_heic_names_its_reader(tmp_path, monkeypatch):
    path = tmp_path / 'a.heic'
    path.write_bytes(b'\0\0\0\x18ftypheic\0\0\0\0mif1heic')
    monkeypatch.setitem(__import__('sys').modules, 'pillow_heif', None)
    with pytest.raises(MissingPackageError, match=r'gluon_style\[heic\]'):
        read_picture(path)


def test_a_heic_is_read(tmp_path):
    heif = pytest.importorskip('pillow_heif')
    path = tmp_path / 'a.heic'
    heif.from_pillow(Image.fromarray(picture(64, 48))).save(path, quality=95)
    error = read_picture(path).astype(int) - picture(64, 48)
    assert abs(error).mean() < 4


@pytest.mark.parametrize('values', [(0, 1), (1, 2), (0, 128)])
@pytest.mark.parametrize('in_file', [True, False])
def test_a_mask_of_two_values_is_black_and_white(tmp_path, values, in_file):
    mask = numpy.full((4, 6), values[0], 'uint8')
    mask[:, 3:] = values[1]
    if in_file:
        Image.fromarray(mask).save(tmp_path / 'mask.png')
    actual = read_mask(tmp_path / 'mask.png' if in_file else mask)
    assert (actual[:, :3] == 0).all() and (actual[:, 3:] == 255).all()


def test_a_mask_of_labels_is_refused():
    mask = numpy.arange(6, dtype='uint8').reshape(2, 3)
    with pytest.raises(GluonStyleError) as error:
        read_mask(mask)
    assert 'mask has only the values 0, 1, 2, 3, ... of 255' in str(
        error.value
    )


def test_half_a_mask_of_floats_stays_half():
    mask = numpy.zeros((2, 4))
    mask[:, 2:] = 0.5
    assert sorted(set(read_mask(mask).ravel())) == [0, 128]
