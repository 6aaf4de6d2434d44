"""The curves of the losses: where their points are, and their axes."""

import math
import re
from dataclasses import replace

import pytest

from gluon_style.records.record import Epoch
from gluon_style.report.curves import (
    BOTTOM,
    LEFT,
    MOST_POINTS,
    RIGHT,
    TOP,
    WIDTH,
    loss_curves as draw,
)


def entry(epoch, content, style, tv=1.0, scale=(60, 40)):
    total = content + style + tv
    return Epoch(epoch, scale, content, style, tv, total, 0.1 * epoch)


def points(svg, name):
    """Return the points of a curve, a list for each unbroken piece."""
    # The other path of this class is the legend's.
    path = re.search(f'<path class="{name}" d="([^"]*)"', svg).group(1)
    return [
        [tuple(map(float, point.split())) for point in piece.split('L')]
        for piece in path.split('M')[1:]
        if 'h' not in piece
    ]


def labels(svg):
    return re.findall('<text[^>]*>([^<]*)</text>', svg)


def test_losses_alike_stand_on_a_linear_axis_from_zero():
    svg = draw([entry(1, 10, 4), entry(2, 5, 4), entry(3, 2.5, 4)])
    # The axis ends at 1.05 times the greatest loss, 10.5.
    height = BOTTOM - TOP
    (piece,) = points(svg, 'content')
    expected = [
        (LEFT, BOTTOM - height / 1.05),
        ((LEFT + RIGHT) / 2, BOTTOM - height / 2.1),
        (RIGHT, BOTTOM - height / 4.2),
    ]
    assert len(piece) == 3
    for found, wanted in zip(piece, expected):
        assert found == pytest.approx(wanted, abs=0.06)
    assert labels(svg)[:6] == ['0', '5', '10', '1', '2', '3']
    assert 'weighted loss' in labels(svg)


def test_losses_far_apart_stand_on_a_logarithmic_axis():
    svg = draw([entry(1, 1, 1000), entry(3, 10, 100)])
    # From 1 / 1.2 to 1.2 * 1000.
    decades = 3 + 2 * math.log10(1.2)
    (piece,) = points(svg, 'style')
    height = BOTTOM - TOP
    top = TOP + height * math.log10(1.2) / decades
    assert piece[0] == pytest.approx((LEFT, top), abs=0.06)
    assert piece[1] == pytest.approx((RIGHT, top + height / decades), abs=0.06)
    assert labels(svg)[:4] == ['1', '10', '100', '1000']
    assert 'weighted loss, logarithmic' in labels(svg)


def test_a_content_loss_of_almost_nothing_does_not_squeeze_the_rest():
    svg = draw([entry(1, 1e-11, 9000), entry(2, 20, 700)])
    assert labels(svg)[:5] == ['0.1', '1', '10', '100', '1000']
    assert points(svg, 'content')[0][0] == (LEFT, BOTTOM)


def test_there_is_a_gap_where_the_scale_changes():
    history = [entry(i, 2, 3, scale=(30, 20)) for i in range(1, 11)]
    history += [entry(i, 2, 3) for i in range(11, 21)]
    svg = draw(history)
    assert [len(piece) for piece in points(svg, 'tv')] == [10, 10]
    assert svg.count('class="scale"') == 1
    assert '30\u00d720' in labels(svg) and '60\u00d740' in labels(svg)
    alone = draw(history[:10])
    assert 'class="scale"' not in alone
    assert '30\u00d720' not in labels(alone)


def test_a_long_history_is_short_and_keeps_its_peaks():
    history = [entry(i, 2 + 1 / i, 3) for i in range(1, 20001)]
    history[7777] = replace(history[7777], style=9.0)
    svg = draw(history)
    assert len(svg) < 15000
    (piece,) = points(svg, 'style')
    assert len(piece) <= MOST_POINTS + 2
    peak = min(y for _, y in piece)
    assert peak == pytest.approx(BOTTOM - (BOTTOM - TOP) / 1.05, abs=0.06)


def test_what_is_no_number_or_nothing_is_left_out():
    history = [entry(i, 2, 100) for i in range(1, 5)]
    history[1] = replace(history[1], content=math.nan)
    history[2] = replace(history[2], content=0)
    (piece,) = points(draw(history), 'content')
    assert [x for x, _ in piece] == [LEFT, RIGHT]
    for name in ('content', 'style', 'tv'):
        history = [replace(each, **{name: 0.0}) for each in history]
    assert points(draw(history), 'style')[0][0] == (LEFT, BOTTOM)


def test_a_single_epoch_is_a_dot():
    svg = draw([entry(1, 2, 3)])
    height = BOTTOM - TOP
    y = re.search(f'class="style" d="M{LEFT} ([0-9.]+)h0"', svg).group(1)
    assert float(y) == pytest.approx(BOTTOM - height / 1.05, abs=0.06)


def test_the_curves_have_a_description():
    svg = draw([entry(1, 2, 300), entry(2, 1, 3)])
    assert (
        'aria-label="Losses of epochs 1 to 2: content from 2 to 1, '
        'style from 300 to 3, TV from 1 to 1"'
    ) in svg


@pytest.mark.parametrize('epochs', [5, 500, 20_000])
def test_no_label_is_cut_off(epochs):
    svg = draw([entry(1, 1, 4), entry(epochs, 2, 3)])
    pattern = r'<text x="([^"]*)"[^>]*anchor="middle">([^<]*)</text>'
    found = re.findall(pattern, svg)
    assert found
    for x, label in found:
        # A digit is about 7 pixels wide.
        assert float(x) + 7 * len(label) / 2 <= WIDTH
