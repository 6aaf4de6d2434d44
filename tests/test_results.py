"""Results: saved, loaded, resized, and refused where they are broken."""

import io
import os
from dataclasses import replace

import numpy
import pytest
import tifffile
from conftest import picture
from PIL import Image

from gluon_style import Result, stylize
from gluon_style.files.ours import is_ours
from gluon_style.pictures.read import as_bytes
from gluon_style.pictures.write import SUFFIXES, record_of


@pytest.fixture
def result(pictures, weights_file):
    return stylize(*pictures, weights=weights_file, size=(32, 24), epochs=2)


def test_what_was_saved_is_loaded(result, tmp_path):
    result.save(tmp_path / 'out.png')
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        'out.json',
        'out.png',
    ]
    loaded = Result.load(tmp_path / 'out.png')
    assert (loaded.image == result.image).all()
    assert loaded.history == result.history
    assert loaded.record == result.record
    assert loaded.record.losses.total == result.record.losses.total > 0


def test_two_results_can_be_compared(result):
    assert result == result
    assert result != replace(result) and result in [replace(result), result]


@pytest.mark.parametrize('suffix', SUFFIXES)
def test_every_kind_of_picture_is_loaded(result, tmp_path, suffix):
    path = tmp_path / f'out{suffix}'
    result.save(path)
    loaded = Result.load(path)
    assert loaded.image.shape == result.image.shape
    assert loaded.history == result.history
    assert loaded.record == result.record
    assert record_of(path) == result.record.to_json()
    assert is_ours(path) and is_ours(tmp_path / 'out.json')
    if suffix in ('.png', '.tif', '.tiff'):
        assert (loaded.image == result.image).all()


def test_a_tiff_has_the_pixels_before_they_were_rounded(result, tmp_path):
    pixels = numpy.random.RandomState(0).rand(24, 32, 3).astype('float32')
    deep = replace(result, image=as_bytes(pixels), pixels=pixels)
    for suffix in ('.tif', '.png'):
        deep.save(tmp_path / f'out{suffix}')
        loaded = Result.load(tmp_path / f'out{suffix}')
        assert (loaded.image == deep.image).all()
        if suffix == '.png':
            assert loaded.pixels is None
        else:
            assert loaded.pixels.dtype == 'float32'
            assert abs(loaded.pixels - pixels).max() < 0.51 / 65535
    assert 'pixels' not in repr(deep)


def test_another_suffix_writes_nothing(result, tmp_path):
    with pytest.raises(ValueError, match='must end in .png, .jpg'):
        result.save(tmp_path / 'out.bmp')
    assert list(tmp_path.iterdir()) == []


def test_of_a_tiff_of_many_pages_the_first_is_loaded(result, tmp_path):
    path = tmp_path / 'out.tif'
    result.save(path)
    pages = numpy.zeros((3, 24, 32, 3), 'uint16')
    tifffile.imwrite(path, pages, append=True, photometric='rgb')
    with tifffile.TiffFile(path) as file:
        assert len(file.pages) == 4
    loaded = Result.load(path)
    assert (loaded.image == result.image).all()
    assert loaded.pixels.shape == (24, 32, 3)


@pytest.mark.parametrize('deep', [False, True])
def test_a_resized_result_is_saved_and_loaded(result, tmp_path, deep):
    pixels = picture(32, 24).astype('float32') / 255 if deep else None
    image = as_bytes(pixels) if deep else result.image
    result = replace(result, image=image, pixels=pixels)
    larger = result.resized(80, 60)
    expected = Image.fromarray(image).resize(
        (80, 60), Image.Resampling.LANCZOS
    )
    difference = numpy.int16(larger.image) - numpy.int16(expected)
    assert abs(difference).max() <= (1 if deep else 0)
    assert larger.record.resized_to == (80, 60)
    assert (larger.record.width, larger.record.height) == (80, 60)
    assert larger.record.losses.scale == (32, 24)
    assert result.record.resized_to is None
    if deep:
        assert larger.pixels.shape == (60, 80, 3)
        assert 0 <= larger.pixels.min() and larger.pixels.max() <= 1
        assert (as_bytes(larger.pixels) == larger.image).all()
    larger.save(tmp_path / 'out.tif')
    loaded = Result.load(tmp_path / 'out.tif')
    assert (loaded.image == larger.image).all()
    assert loaded.record == larger.record
    assert result.resized(16, 12).image.shape == (12, 16, 3)


def test_a_failing_save_leaves_both_files_as_they_were(
    result, tmp_path, monkeypatch
):
    result.save(tmp_path / 'out.png')
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}

    def fail(*args):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr('gluon_style.records.result.save_image', fail)
    with pytest.raises(OSError, match='No space left'):
        result.save(tmp_path / 'out.png')
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_loading_what_is_not_a_result_is_one_sentence(result, tmp_path):
    path = tmp_path / 'out.png'
    with pytest.raises(FileNotFoundError, match="out.png' is not a file"):
        Result.load(path)
    result.save(path)
    beside = tmp_path / 'out.json'
    text = beside.read_text()
    deep = '[' * 200_000
    scales = text.replace('scale', 'x')
    for broken in ('', '[]', '{}', text[:100], scales, deep, '\ud800'):
        beside.write_text(broken, errors='surrogatepass')
        with pytest.raises(ValueError, match='is not one of this package'):
            Result.load(path)
    beside.write_text(text)
    os.truncate(beside, (64 << 20) + 1)
    with pytest.raises(ValueError) as error:
        Result.load(path)
    assert str(error.value).startswith(
        f'record {str(beside)!r} is not one of this package (it has more than '
        'the 67108864 bytes of JSON that are read): '
    )
    beside.write_text(text.replace('"width": 32', '"width": 33'))
    with pytest.raises(ValueError, match='is 32x24 and its record says 33x24'):
        Result.load(path)
    beside.unlink()
    with pytest.raises(FileNotFoundError, match='belongs to the picture'):
        Result.load(path)


def test_a_picture_beside_the_record_of_another_run_is_not_loaded(
    result, tmp_path
):
    path, beside = tmp_path / 'out.png', tmp_path / 'out.json'
    other = replace(
        result, record=replace(result.record, versions={'mxnet': '0'})
    )
    other.save(path)
    former = beside.read_text()
    result.save(path)
    beside.write_text(former)
    with pytest.raises(ValueError) as error:
        Result.load(path)
    assert str(error.value) == (
        f'picture {str(path)!r} and the .json beside it are of two runs: '
        'make the picture anew'
    )


def test_reading_results_needs_no_mxnet(result, tmp_path, without_mxnet):
    result.save(tmp_path / 'out.png')
    done = without_mxnet(
        'from gluon_style.records.result import Result;'
        f'print(Result.load({str(tmp_path / "out.png")!r}).image.shape)'
    )
    assert done == '(24, 32, 3)'


def test_the_picture_of_an_array_has_a_hash(weights_file):
    a, b = (
        stylize(
            img, img, weights=weights_file, size=(32, 24), epochs=1
        ).record.pictures['content']
        for img in (picture(40, 30), picture(40, 30, seed=5))
    )
    assert a.file is None is b.file
    assert a.sha256 != b.sha256


def transparent_content(tmp_path):
    """Return the file of a logo: opaque at its right half only."""
    pixels = numpy.dstack([picture(64, 48), numpy.zeros((48, 64), 'uint8')])
    pixels[:, 32:, 3] = 255
    Image.fromarray(pixels).save(tmp_path / 'logo.png')
    return tmp_path / 'logo.png'


@pytest.mark.parametrize('suffix', ['.png', '.webp', '.tif'])
def test_transparency_is_kept_on_request(
    pictures, weights_file, tmp_path, suffix
):
    content = transparent_content(tmp_path)
    options = {'weights': weights_file, 'size': 32, 'epochs': 1, 'lr': 0.1}
    white = stylize(content, pictures[1], **options)
    kept = stylize(content, pictures[1], alpha='keep', **options)
    assert white.alpha is None
    assert (white.image == kept.image).all()
    # At half the size the edge lies between two pixels.
    assert (kept.alpha[:, :16] == 0).all()
    assert (kept.alpha[:, 16:] == 255).all()
    path = tmp_path / f'out{suffix}'
    kept.resized(64, 48).save(path)
    loaded = Result.load(path)
    assert (loaded.alpha[:, :31] == 0).all()
    assert (loaded.alpha[:, 33:] == 255).all()
    if suffix != '.webp':
        assert (loaded.image == kept.resized(64, 48).image).all()
    with Image.open(io.BytesIO(kept._repr_png_())) as shown:
        assert shown.mode == 'RGBA'


def test_transparency_that_is_lost_is_said(
    pictures, weights_file, tmp_path, caplog
):
    content = transparent_content(tmp_path)
    caplog.set_level('INFO', 'gluon_style')
    options = {'weights': weights_file, 'size': 32, 'epochs': 1}
    stylize(content, pictures[1], **options)
    assert 'are laid on white: alpha=keep (--alpha keep)' in caplog.text
    caplog.clear()
    kept = stylize(content, pictures[1], alpha='keep', **options)
    assert 'laid on white' not in caplog.text
    kept.save(tmp_path / 'out.jpg')
    assert 'is a JPEG, which has no transparency' in caplog.text
    assert Result.load(tmp_path / 'out.jpg').alpha is None
