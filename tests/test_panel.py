"""The panel, by the events of its widgets, and in a browser."""

import base64
import datetime
import io
import json
import logging
import re
import threading

import numpy
import pytest
from conftest import picture
from PIL import Image

from gluon_style import GluonStyleError, panel, samples, stylize
from gluon_style.records.record import Record
from gluon_style.widgets import work
from gluon_style.widgets.work import Worker

CONTENT, STYLE = picture(40, 30, seed=1), picture(36, 36, seed=2)


def shown(widget):
    with Image.open(io.BytesIO(widget.value)) as img:
        return numpy.asarray(img.convert('RGB'), float)


@pytest.fixture(scope='module')
def made():
    """One panel for all tests: a preview takes a second."""
    made = panel(CONTENT, STYLE)
    assert made.wait(60)
    return made


@pytest.fixture
def board(made):
    """The panel as it is at first."""
    made.content.chosen.value = 'the given photograph'
    made.style.chosen.value = 'the given painting'
    made.method.value = 'feedforward'
    made.strength.value, made.size.value = 1, 40
    assert made.wait(60)
    return made


def difference(a, b):
    return numpy.abs(a - b).mean()


def test_the_slider_answers_with_one_pass(board):
    for strength in (1, 0.4, 0):
        board.strength.value = strength
        assert board.wait(60)
        expected = stylize(
            CONTENT, STYLE, method='feedforward', strength=strength
        )
        # It is shown as a JPEG.
        assert difference(shown(board.picture), expected.image) < 6
        assert re.fullmatch(r'one pass, \d+\.\d s', board.status.value)


def test_another_photograph_is_shown_small_and_painted(board):
    board.content.chosen.value = 'a cup of coffee'
    assert board.wait(60)
    assert shown(board.content.thumbnail).shape == (107, 160, 3)
    assert shown(board.picture).shape == (267, 400, 3)


def test_what_is_painted_can_be_downloaded(board):
    board.strength.value = 0.5
    board.paint.click()
    assert board.wait(60)
    expected = stylize(
        CONTENT, STYLE, method='feedforward', strength=0.5, size=40
    )
    assert numpy.array_equal(board.result.image, expected.image)
    files = dict(
        re.findall(
            r'download="([^"]+)" href="data:[^;]+;base64,([^"]+)"',
            board.download.value,
        )
    )
    assert set(files) == {'painted.png', 'painted.json'}
    png, text = (
        base64.b64decode(files[name])
        for name in ('painted.png', 'painted.json')
    )
    with Image.open(io.BytesIO(png)) as img:
        assert numpy.array_equal(numpy.asarray(img), expected.image)
    record = Record.from_json(json.loads(text), 'the record')
    assert record.method == 'feedforward' and record.settings['size'] == 40
    assert not board.paint.disabled and board.stop.disabled


def test_an_optimization_is_shown_as_it_goes_and_stops(
    board, monkeypatch, weights_file
):
    from gluon_style.widgets import panel as module

    monkeypatch.setattr(module, '_LIVE_EVERY', 0)
    monkeypatch.setattr(
        module,
        'stylize',
        lambda *pictures, strength, **options: stylize(
            *pictures, 'chapter', weights=weights_file, **options
        ),
    )
    pictures, statuses = [], []

    def watch(change):
        pictures.append(change.new)
        statuses.append(board.status.value)
        if len(pictures) == 3:
            board.stop.click()

    board.method.value = 'gatys'
    board.picture.observe(watch, 'value')
    board.paint.click()
    assert board.paint.disabled and board.strength.disabled
    assert not board.stop.disabled
    assert board.wait(120)
    board.picture.unobserve(watch, 'value')
    assert re.fullmatch(r'step 3 of 500, loss \d+\.\d\d', statuses[2])
    # The step in which it was asked to stop is the last one.
    assert len(board.result.history) in (3, 4)
    assert board.result.record.stopped == 'panel'
    assert board.status.value.startswith('gatys, 40x30 pixels, ')
    assert not board.paint.disabled and not board.strength.disabled


def upload(name, content):
    file = {
        'name': name,
        'type': 'image/png',
        'size': len(content),
        'content': memoryview(content),
        'last_modified': datetime.datetime(2026, 1, 1),
    }
    return (file,)


def test_an_uploaded_picture_is_chosen_and_named_in_the_record(board):
    file = io.BytesIO()
    Image.fromarray(CONTENT[::-1]).save(file, 'PNG')
    board.content.upload.value = upload('../mine.png', file.getvalue())
    assert board.wait(60)
    assert board.content.chosen.value == 'mine.png'
    board.paint.click()
    assert board.wait(60)
    assert board.result.record.pictures['content'].file == 'mine.png'
    expected = stylize(
        CONTENT[::-1].copy(), STYLE, method='feedforward', size=40
    )
    assert numpy.array_equal(board.result.image, expected.image)


def test_an_upload_that_is_not_a_picture_is_one_sentence(board):
    before = board.content.chosen.value
    board.content.upload.value = upload('mine.png', b'no picture')
    assert board.content.problem.value.startswith("picture 'mine.png'")
    assert board.content.chosen.value == before


def test_what_cannot_be_painted_is_one_sentence(board):
    small = Image.fromarray(CONTENT[:9, :9])
    file = io.BytesIO()
    small.save(file, 'PNG')
    board.content.upload.value = upload('small.png', file.getvalue())
    assert board.wait(60)
    assert 'the net needs at least 16 either way' in board.status.value


def test_what_is_given_must_be_a_picture():
    with pytest.raises(FileNotFoundError, match="picture 'no.jpg' is not"):
        panel('no.jpg')
    with pytest.raises(GluonStyleError, match='picture is a list'):
        panel(samples.PAINTING, [1])


def test_only_the_newest_wish_is_done():
    worker, gate, done = Worker(), threading.Event(), []
    began = threading.Event()

    def first():
        began.set()
        gate.wait(10)
        done.append('first')

    worker.do(first)
    assert began.wait(10)
    for k in range(5):
        worker.do(lambda k=k: done.append(k))
    assert not worker.wait(0)
    gate.set()
    assert worker.wait(10)
    assert done == ['first', 4]


def test_a_bug_is_logged_and_the_next_wish_is_done(caplog):
    worker, done = Worker(), []
    with caplog.at_level(logging.ERROR, work.__name__):
        worker.do(lambda: 1 / 0)
        assert worker.wait(10)
    assert 'ZeroDivisionError' in caplog.text
    worker.do(lambda: done.append(1))
    assert worker.wait(10) and done == [1]
