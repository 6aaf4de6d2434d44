"""The record of a run, as a type and as JSON, old, new and broken."""

import copy
import json
from dataclasses import replace
from pathlib import Path

import numpy
import pytest
from hypothesis import given, settings, strategies as st
from PIL import Image

from gluon_style.errors import GluonStyleError
from gluon_style.records.record import (
    Epoch,
    PictureId,
    Record,
    WeightsId,
    stages,
)
from gluon_style.records.result import read_record

# Version 0.1.0 wrote it; its history is cut to three epochs.
OLD = Path(__file__).with_name('data') / 'record-0.1.0.json'
SHA256 = 'da78b7b115efbd1b042c5bb31f3a63094cfb24105d4a8bd109ba3b7d3e000eca'
RECORD = Record(
    method='gatys',
    settings={'epochs': 9, 'lr': 0.5, 'style_layers': ['conv1_1:0.5']},
    pictures={
        'content': PictureId('cat.png', SHA256),
        'style': PictureId(None, SHA256[::-1]),
        'style 2': PictureId('b.png', SHA256),
        'mask': PictureId('mask.png', SHA256),
    },
    width=96,
    height=64,
    weights=WeightsId('file', 'vgg.npz', SHA256, 'the file asked for'),
    device='gpu(1)',
    tile=64,
    threads='2',
    versions={'mxnet': '1.9.1', 'numpy': '1.23.5'},
    epochs=9,
    losses=Epoch(7, (96, 64), 1.5, 2.25, 0.25, 4.0),
    stopped='interrupted',
    resized_to=(960, 640),
)


def through_json(table):
    return json.loads(json.dumps(table))


@pytest.mark.parametrize(
    'changes',
    [
        {},
        {'stopped': None, 'resized_to': None, 'tile': None, 'threads': None},
        {'method': 'another'},
        {
            'pictures': {
                'content': PictureId(None, None),
                'style': PictureId('a.png', SHA256),
            }
        },
        {'weights': WeightsId('oxford', None, None, None)},
        {'losses': Epoch(1, (4, 3), 0.0, 0.5, 0.25, 0.75, seconds=0.125)},
    ],
)
def test_json_gives_the_record_back(changes):
    record = replace(RECORD, **changes)
    assert Record.from_json(through_json(record.to_json())) == record


def test_json_has_what_a_record_has():
    table = RECORD.to_json()
    assert table['method'] == 'gatys'
    assert table['content'] == {'file': 'cat.png', 'sha256': SHA256}
    assert list(table['others']) == ['style 2', 'mask']
    assert table['losses'] == {
        'epoch': 7,
        'scale': [96, 64],
        'content': 1.5,
        'style': 2.25,
        'tv': 0.25,
        'total': 4.0,
    }
    assert table['stopped'] == 'interrupted'
    assert table['resized_to'] == [960, 640]
    ended = replace(RECORD, stopped=None, resized_to=None).to_json()
    assert not {'stopped', 'resized_to'} & set(ended)


def test_a_record_of_version_0_1_0_is_read():
    record, history = read_record(OLD)
    assert record.method == 'gatys'
    assert record.versions['gluon_style'] == '0.1.0'
    assert record.pictures['content'].file == 'cat.png'
    assert record.pictures['style'] == PictureId('painting.jpg', SHA256)
    assert record.shown == ['content', 'style']
    assert record.weights.source == 'oxford'
    assert record.weights.file == 'vgg19-oxford-bde7da0d.h5'
    assert (record.width, record.height, record.tile) == (96, 64, None)
    assert (record.epochs, record.stopped) == (160, None)
    assert record.settings['optimizer'] == 'lbfgs'
    assert record.losses.total == 77.45351839065552
    assert record.losses.seconds is None
    assert [entry.epoch for entry in history] == [1, 2, 3]
    assert history[1] == Epoch(
        epoch=2,
        scale=(96, 64),
        content=59.490482330322266,
        style=506182.3125,
        tv=11.57239055633545,
        total=506253.37537288666,
        seconds=0.608528318000026,
    )


def test_an_id_is_of_the_file_or_of_the_pixels(tmp_path):
    pixels = numpy.arange(60, dtype='uint8').reshape(4, 5, 3)
    path = tmp_path / 'a.png'
    Image.fromarray(pixels).save(path)
    of_file = PictureId.of(str(path))
    assert of_file == PictureId.of(path)
    assert of_file.file == 'a.png'
    of_array, of_image = PictureId.of(pixels), PictureId.of(Image.open(path))
    assert of_array == of_image
    assert of_array.file is None
    assert of_array.sha256 not in (None, of_file.sha256)
    assert PictureId.of(pixels[::-1]).sha256 != of_array.sha256


def test_a_history_has_a_part_for_each_scale():
    small, large = (
        [Epoch(i, scale, 0.0, 0.0, 0.0, 0.0) for i in (1, 2)]
        for scale in ((4, 3), (8, 6))
    )
    assert stages([*small, *large]) == [small, large]
    assert stages([]) == []


def test_a_resized_record_keeps_its_losses():
    resized = RECORD.resized(30, 20)
    assert (resized.width, resized.height) == (30, 20)
    assert resized.resized_to == (30, 20)
    assert resized.losses == RECORD.losses


@pytest.mark.parametrize(
    'path, value, words',
    [
        (['width'], '96', ('width', "'96'", 'a whole number')),
        (['width'], True, ('width', 'True', 'a whole number')),
        (['losses'], None, ('missing',)),
        (['losses', 'total'], float('nan'), ('total', 'nan', 'finite')),
        (['losses', 'style'], 10**400, ('style', 'too large', 'finite')),
        (['losses', 'scale'], [96], ('scale', '(width, height)')),
        (['content', 'sha256'], 'no hash', ('sha256 of content', 'no hash')),
        (['weights'], 'oxford', ('weights', "'oxford'", 'a table')),
        (['weights', 'source'], None, ('source of weights', 'missing')),
        (['versions', 'mxnet'], 2, ('version of mxnet', '2', 'text')),
        (['others'], [], ('others', 'list', 'a table')),
        (['others', 'mask'], 3, ('mask', '3', 'a table')),
        (['stopped'], 1, ('stopped', '1', 'text')),
        (['tile'], 6.5, ('tile', '6.5', 'a whole number')),
        (['resized_to'], 'x', ('resized_to', '(width, height)')),
    ],
)
def test_what_is_wrong_is_named(path, value, words):
    with pytest.raises(GluonStyleError) as error:
        Record.from_json(changed(RECORD.to_json(), path, value))
    for word in words:
        assert word in str(error.value)


def changed(table, path, value):
    """Return JSON with another value at a path of keys and indices."""
    if not path:
        return value
    table = copy.deepcopy(table)
    parent = table
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = value
    return table


def paths_of(table, path=()):
    """Yield the path of every value in JSON, and of the whole."""
    yield path
    pairs = {dict: lambda: table.items(), list: lambda: enumerate(table)}
    for key, value in pairs.get(type(table), list)():
        yield from paths_of(value, (*path, key))


any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda values: (
        st.lists(values, max_size=3)
        | st.dictionaries(st.text(), values, max_size=3)
    ),
    max_leaves=6,
)
# Odd, and near to what a record has.
ODD = [None, True, False, 10**400, -1, 0, 1.5, '', 'x\n' * 999, SHA256]
ODD += [[], [1, 2], [1, 2, 3], {}, {'a\nb': 1}, {'content': None}]
GOOD = [
    RECORD.to_json(),
    {
        name: value
        for name, value in json.loads(OLD.read_text()).items()
        if name != 'history'
    },
]


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.data())
def test_other_json_is_a_record_or_one_sentence(data):
    table = data.draw(st.sampled_from(GOOD))
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(list(paths_of(table))))
        table = changed(table, path, data.draw(any_json))
    assert_record_or_sentence(table)


@pytest.mark.parametrize('table', GOOD, ids=['new', 'old'])
def test_every_value_of_a_record_may_be_any_other(table):
    for path in paths_of(table):
        for value in ODD:
            assert_record_or_sentence(changed(table, path, value))


def assert_record_or_sentence(table):
    try:
        record = Record.from_json(table)
    except GluonStyleError as error:
        assert '\n' not in str(error)
        assert 0 < len(str(error)) < 200
    else:
        assert Record.from_json(record.to_json()) == record


@pytest.mark.parametrize('name', GOOD[0])
def test_a_record_without_a_part_is_one_sentence_or_has_its_default(name):
    table = {key: value for key, value in GOOD[0].items() if key != name}
    optional = {'method', 'others', 'tile', 'threads', 'stopped', 'resized_to'}
    if name in optional:
        assert Record.from_json(table).method == 'gatys'
    else:
        with pytest.raises(GluonStyleError, match='is missing'):
            Record.from_json(table)
