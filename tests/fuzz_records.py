"""Records and deep pictures for the fuzzer: results, curves, manifests, TIFF.

A result is a picture with its record within, and JSON of the record and the
history beside it; each of the two is mutated beside the other one.
"""

import json
import shutil
import tempfile
from pathlib import Path

import numpy
import tifffile
from conftest import picture

from gluon_style.figures.reference import LOSSES, read_reference
from gluon_style.files.ours import is_ours
from gluon_style.methods.gatys.settings import Settings
from gluon_style.pictures.read import read_transparent
from gluon_style.pictures.write import record_of
from gluon_style.records.record import Epoch, PictureId, Record, WeightsId
from gluon_style.records.result import Result
from gluon_style.report.collect import results_among

_SUFFIXES = ('.png', '.jpg', '.webp', '.tif')


def _result():
    """Return a small result of two epochs."""
    content, style = picture(16, 12, seed=1), picture(16, 12, seed=2)
    pixels = picture(16, 12).astype('float32') / 255
    history = [
        Epoch(i, (16, 12), 1.0, 0.25, 0.25, 1.5, float(i)) for i in (1, 2)
    ]
    record = Record(
        method='gatys',
        settings=Settings(weights='oxford', epochs=2).to_json(),
        pictures={
            'content': PictureId.of(content),
            'style': PictureId.of(style),
        },
        width=16,
        height=12,
        weights=WeightsId('oxford', None, 'bde7', None),
        device='cpu(0)',
        tile=None,
        threads='2',
        versions={'numpy': '1.23.5'},
        epochs=2,
        losses=history[-1],
    )
    return Result(picture(16, 12), history, record, pixels)


def make_records(folder):
    """Write results, the JSON beside them, curves and manifests."""
    result = _result()
    for suffix in _SUFFIXES:
        with tempfile.TemporaryDirectory() as place:
            path = Path(place, f'out{suffix}')
            result.save(path)
            shutil.copy(path, folder)
            beside = path.with_suffix('.json').read_text()
        (folder / f'beside{suffix[1:]}.json').write_text(beside)
    rng = numpy.random.RandomState(0)
    for i in range(3):
        curve = {'epoch': [1, 2, 3], 'loss': list(rng.rand(3))}
        curves = {'curves': {name: curve for name in LOSSES}}
        (folder / f'{i}.curves').write_text(json.dumps(curves))
        cell = {'name': f'a{i}', 'file': 'a.png', 'settings': {'lr': i}}
        line = json.dumps({**cell, 'state': 'done'}) + '\n'
        (folder / f'{i}.jsonl').write_text(line * (i + 1))


def read_a_record(path):
    """Read a result, curves or a manifest; any of the right types is right."""
    with tempfile.TemporaryDirectory() as place:
        beside = Path(place, 'out.json')
        if path.suffix == '.curves':
            shutil.copy(path, beside)
            curves = read_reference(beside).curves
            assert set(curves) == set(LOSSES)
        elif path.suffix == '.jsonl':
            assert is_ours(path) in (True, False)
        else:
            _read_a_result(path, Path(place))


def _read_a_result(path, place):
    """Read a mutated picture, or mutated JSON, of a result."""
    out = place / 'out.png'
    _result().save(out)
    if path.suffix == '.json':
        shutil.copy(path, place / 'out.json')
    else:
        out.unlink()
        out = out.with_suffix(path.suffix)
        shutil.copy(path, out)
    assert isinstance(record_of(out), (dict, type(None)))
    for _, found in results_among([out]):
        _require_result(found)
    _require_result(Result.load(out))


def _require_result(result):
    assert result.image.dtype == 'uint8' and result.image.ndim == 3
    assert isinstance(result.record, Record)
    assert all(isinstance(entry, Epoch) for entry in result.history)


def make_deep(folder):
    """Write TIFF of many bits: grey, color, alpha, compressed, of pages."""
    values = picture(13, 9).astype('float64') / 255
    for kind, white in (
        ('uint16', 65535),
        ('uint32', 65535),
        ('int32', 4095),
        ('float16', 1),
        ('float32', 1),
        ('float64', 1),
    ):
        for name, part in (('grey', values[..., 0]), ('color', values)):
            array = (part * white).astype(kind)
            _tiff(folder / f'{name}-{kind}.tif', array)
    words = (values * 65535).astype('uint16')
    _tiff(folder / 'zlib.tif', words, compression='zlib')
    _tiff(folder / 'tiled.tif', words, tile=(16, 16))
    _tiff(folder / 'planes.tif', words, planarconfig='separate')
    alpha = numpy.dstack([words, words[..., :1]])
    _tiff(folder / 'alpha.tif', alpha, extrasamples=['unassalpha'])
    white = {'photometric': 'miniswhite'}
    tifffile.imwrite(folder / 'white.tif', words[..., 0], **white)
    tifffile.imwrite(folder / 'big.tif', words, bigtiff=True)
    tifffile.imwrite(folder / 'motorola.tif', words, byteorder='>')
    with tifffile.TiffWriter(folder / 'pages.tif') as file:
        for _ in range(2):
            file.write(words, photometric='rgb')


def _tiff(path, array, **options):
    photometric = 'rgb' if array.ndim == 3 else 'minisblack'
    if options.get('planarconfig'):
        array = numpy.moveaxis(array, 2, 0)
    tifffile.imwrite(path, array, photometric=photometric, **options)


def read_deep(path):
    """Read a deep picture; bytes, with alpha or without, are right."""
    img, alpha = read_transparent(path)
    assert img.dtype == 'uint8' and img.ndim == 3 and img.shape[2] == 3
    assert alpha is None or alpha.shape == img.shape[:2]
