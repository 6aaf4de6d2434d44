import json

import pytest
from conftest import picture

from gluon_style import Result, stylize


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
    assert loaded.record['losses'] == result.record['losses']
    assert loaded.record == {
        **json.loads(json.dumps(result.record)),
        'losses': result.record['losses'],
    }


def test_a_failing_save_leaves_both_files_as_they_were(
    result, tmp_path, monkeypatch
):
    result.save(tmp_path / 'out.png')
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}

    def fail(*args):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr('gluon_style.results.save_image', fail)
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
    for broken in ('', '[]', '{}', text[:100], text.replace('scale', 'x')):
        beside.write_text(broken)
        with pytest.raises(ValueError, match='is not one of this package'):
            Result.load(path)
    beside.write_text(text.replace('"width": 32', '"width": 33'))
    with pytest.raises(ValueError, match='is 32x24 and its record says 33x24'):
        Result.load(path)
    beside.unlink()
    with pytest.raises(FileNotFoundError, match='belongs to the picture'):
        Result.load(path)


def test_reading_results_needs_no_mxnet(result, tmp_path, without_mxnet):
    result.save(tmp_path / 'out.png')
    done = without_mxnet(
        'from gluon_style.results import Result;'
        f'print(Result.load({str(tmp_path / "out.png")!r}).image.shape)'
    )
    assert done == '(24, 32, 3)'


def test_the_picture_of_an_array_has_a_hash(weights_file):
    a, b = (
        stylize(
            img, img, weights=weights_file, size=(32, 24), epochs=1
        ).record['content']
        for img in (picture(40, 30), picture(40, 30, seed=5))
    )
    assert a['file'] is None is b['file']
    assert a['sha256'] != b['sha256']
