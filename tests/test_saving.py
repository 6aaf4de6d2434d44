import io
import json
import tracemalloc

import numpy
import pytest
import tifffile
from conftest import picture
from PIL import Image, ImageCms
from skimage.metrics import peak_signal_noise_ratio

from gluon_style.files.ours import is_ours
from gluon_style.pictures.read import read_picture
from gluon_style.pictures.write import (
    SUFFIXES,
    check_output,
    read_words,
    record_of,
    save_image,
    srgb_profile,
)

RECORD = {'lr': 0.9, 'style': 'Öl.jpg'}


def test_save_image_rounds_and_carries_settings(tmp_path):
    path = tmp_path / 'out.png'
    img = numpy.array([[[0.0, 0.5, 1.0], [0.001, 0.003, 2.0]]])
    save_image(img, path, RECORD)
    with Image.open(path) as saved_img:
        assert numpy.asarray(saved_img).tolist() == [
            [[0, 128, 255], [0, 1, 255]]
        ]
        text = saved_img.text['gluon_style']
    assert json.loads(text) == RECORD


def test_mxnet_arrays_are_saved(tmp_path):
    from mxnet import np

    img = np.array([[[0.0, 0.5, 1.0]]])
    for suffix in ('.png', '.tif'):
        save_image(img, tmp_path / f'out{suffix}')
        actual = read_picture(tmp_path / f'out{suffix}')
        assert actual.tolist() == [[[0, 128, 255]]]


@pytest.mark.parametrize('suffix', SUFFIXES)
def test_every_kind_is_read_back_with_its_record(tmp_path, suffix):
    path = tmp_path / f'out{suffix}'
    pixels = picture(64, 48)
    save_image(pixels, path, RECORD)
    actual = read_picture(path)
    if suffix in ('.png', '.tif', '.tiff'):
        assert (actual == pixels).all()
    else:
        assert actual.shape == pixels.shape
        assert peak_signal_noise_ratio(pixels, actual) > 34
    assert record_of(path) == RECORD
    assert is_ours(path)
    save_image(pixels, path)
    assert record_of(path) is None
    assert is_ours(path)


@pytest.mark.parametrize('suffix', SUFFIXES)
def test_every_kind_says_what_it_is(tmp_path, suffix):
    path = tmp_path / f'out{suffix.upper()}'
    save_image(picture(64, 48), path, RECORD)
    kinds = {'.JPG': 'JPEG', '.TIF': 'TIFF'}
    kind = kinds.get(path.suffix, path.suffix[1:])
    with Image.open(path) as file:
        assert file.format == kind
        assert file.info['icc_profile'] == srgb_profile()
        exif = file.getexif()
        software = file.info.get('Software', exif.get(0x0131))
        assert software == 'gluon_style'
        assert exif.get(0x0112, 1) == 1
        if kind == 'JPEG':
            # The colors are sampled as densely as the luminance.
            assert {layer[1:3] for layer in file.layer} == {(1, 1)}
            # The first entry of the table of quality 95 is 2.
            assert file.quantization[0][0] == 2


@pytest.mark.parametrize('suffix', SUFFIXES)
def test_the_same_picture_gives_the_same_bytes_at_any_time(
    tmp_path, monkeypatch, suffix
):
    paths = [tmp_path / f'{name}{suffix}' for name in 'ab']
    for path, second in zip(paths, (b'\x01', b'\x02')):
        srgb_profile.cache_clear()

        class Profile(ImageCms.ImageCmsProfile):
            def tobytes(self, second=second):
                profile = super().tobytes()
                return profile[:35] + second + profile[36:]

        monkeypatch.setattr(ImageCms, 'ImageCmsProfile', Profile)
        save_image(picture(16, 12), path, RECORD)
    srgb_profile.cache_clear()
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_the_profile_is_srgbs():
    profile = ImageCms.getOpenProfile(io.BytesIO(srgb_profile()))
    assert 'sRGB' in ImageCms.getProfileDescription(profile)
    img = Image.fromarray(picture(30, 20))
    srgb = ImageCms.createProfile('sRGB')
    actual = ImageCms.profileToProfile(img, profile, srgb)
    assert abs(numpy.int16(actual) - numpy.int16(img)).max() <= 1


def test_tiff_has_sixteen_bits(tmp_path):
    path = tmp_path / 'out.tiff'
    img = numpy.linspace(-0.1, 1.1, 60).reshape(4, 5, 3).astype('float32')
    save_image(img, path)
    words = read_words(path)
    assert words.dtype == 'float32'
    error = abs(words - img.clip(0, 1)).max()
    assert error <= 0.51 / 65535
    save_image(picture(5, 4), path)
    expected = (picture(5, 4) / 255).astype('float32')
    assert (read_words(path) == expected).all()


def test_what_has_no_sixteen_bits_has_no_words(tmp_path):
    path = tmp_path / 'a.tif'
    assert read_words(path) is None
    Image.fromarray(picture(5, 4)).save(path)
    assert read_words(path) is None
    path.write_text('no picture')
    assert read_words(path) is None
    save_image(picture(5, 4), tmp_path / 'a.png')
    assert read_words(tmp_path / 'a.png') is None


def test_other_pages_of_a_tiff_take_no_memory(tmp_path):
    path = tmp_path / 'a.tif'
    page = numpy.arange(64 * 48 * 3, dtype='uint16').reshape(48, 64, 3)
    for _ in range(100):
        tifffile.imwrite(
            path, page, append=path.exists(), photometric='rgb', metadata=None
        )
    read_words(path)
    tracemalloc.start()
    try:
        words = read_words(path, (48, 64, 3))
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (words == (page / 65535).astype('float32')).all()
    # One page in float64 fits in; all pages take ten times as much.
    assert most < 10 * page.nbytes
    assert read_words(path, (48, 65, 3)) is None


def test_a_description_sends_nobody_to_other_shapes_or_files(tmp_path):
    page, other = (numpy.full((4, 5, 3), i, 'uint16') for i in (1, 2))
    tifffile.imwrite(tmp_path / 'b.tif', other, photometric='rgb')
    ome = (
        '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/'
        'Schemas/OME/2016-06"><Image ID="Image:0"><Pixels ID="Pixels:0" '
        'DimensionOrder="XYCZT" Type="uint16" SizeX="5" SizeY="4" SizeC="3" '
        'SizeZ="1" SizeT="1"><Channel ID="Channel:0" SamplesPerPixel="3"/>'
        '<TiffData IFD="0" PlaneCount="1"><UUID FileName="b.tif">urn:uuid:1'
        '</UUID></TiffData></Pixels></Image></OME>'
    )
    shape = '{"shape": [4000, 5000, 3]}'
    path = tmp_path / 'a.tif'
    for description in (ome, shape):
        tifffile.imwrite(
            path,
            page,
            photometric='rgb',
            description=description,
            metadata=None,
        )
        words = read_words(path, (4, 5, 3))
        assert words.shape == (4, 5, 3) and (words == words[0, 0, 0]).all()
        assert words[0, 0, 0] == pytest.approx(1 / 65535)


def test_a_compressed_tiff_has_no_words(tmp_path):
    path = tmp_path / 'a.tif'
    page = numpy.zeros((64, 64, 3), 'uint16')
    tifffile.imwrite(path, page, photometric='rgb', compression='zlib')
    assert read_words(path) is None


def test_other_suffixes_are_refused(tmp_path):
    for name in ('a.gif', 'a', 'a.png.txt'):
        with pytest.raises(ValueError) as error:
            save_image(picture(4, 4), tmp_path / name)
        assert str(error.value) == (
            f'output {str(tmp_path / name)!r} must end in .png, .jpg, .jpeg, '
            '.webp, .tif or .tiff'
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    'name, shape',
    [('a.jpg', (65501, 2)), ('a.JPEG', (2, 65501)), ('a.webp', (16384, 1))],
)
def test_too_long_a_side_is_one_sentence(tmp_path, name, shape):
    img = numpy.zeros((*shape[::-1], 3), 'uint8')
    with pytest.raises(ValueError) as error:
        save_image(img, tmp_path / name)
    assert f'{shape[0]}x{shape[1]} pixels: a side of a' in str(error.value)
    assert f'has at most {max(shape) - 1}, so name a' in str(error.value)
    assert list(tmp_path.iterdir()) == []
    within = [min(side, max(shape) - 1) for side in shape]
    check_output(name, within)
    check_output('a.png', shape)


def test_the_longest_side_is_written(tmp_path):
    for name, side in (('a.jpg', 65500), ('a.webp', 16383)):
        save_image(numpy.zeros((1, side, 3), 'uint8'), tmp_path / name)
        assert read_picture(tmp_path / name).shape == (1, side, 3)


def test_save_image_leaves_nothing_half_written(tmp_path, monkeypatch):
    path = tmp_path / 'out.png'
    save_image(picture(4, 4), path)
    before = path.read_bytes()

    def fail(self, file, **options):
        file.write_bytes(b'half')
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(Image.Image, 'save', fail)
    with pytest.raises(OSError, match='No space left'):
        save_image(picture(4, 4, seed=3), path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ['out.png']


def test_foreign_and_broken_files_have_no_record(tmp_path):
    path = tmp_path / 'a.jpg'
    assert record_of(path) is None
    assert record_of(tmp_path) is None
    path.write_text('no picture')
    assert record_of(path) is None
    exif = Image.Exif()
    exif[0x010E] = '{"of": "a camera"}'
    Image.fromarray(picture(8, 6)).save(path, exif=exif)
    assert record_of(path) is None
    save_image(picture(8, 6), path, RECORD)
    path.write_bytes(path.read_bytes()[:40])
    assert record_of(path) is None


def test_no_record_of_a_cut_tiff_is_no_warning(tmp_path, recwarn):
    path = tmp_path / 'a.tif'
    save_image(picture(60, 40), path, RECORD)
    whole = path.read_bytes()
    for size in range(0, 1000, 100):
        path.write_bytes(whole[:size])
        record_of(path)
    assert len(recwarn) == 0


def test_a_picture_of_many_pixels_has_its_record(tmp_path, monkeypatch):
    path = tmp_path / 'a.png'
    save_image(picture(10, 9), path, RECORD)
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 50)
    assert record_of(path) == RECORD


def test_saving_needs_no_mxnet(without_mxnet):
    assert without_mxnet('import gluon_style.pictures.write;print(1)') == '1'
