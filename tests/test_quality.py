"""The measures of the quality benchmark, its curves and its bookkeeping."""

import json
import math
import sys

import numpy
import pytest
from benchmarks.quality import (
    __main__ as quality,
    make_own,
    measures,
    pairs,
    programs,
    report,
    results,
)
from benchmarks.quality.curves import VOTES, Table, compare, taken_at
from benchmarks.quality.downloads import CALIBRATION, OfflineError, member
from PIL import Image
from scipy.linalg import sqrtm


def features(*shape, seed=0):
    return numpy.random.RandomState(seed).normal(size=shape)


def test_what_is_the_same_is_kept_whole():
    x = features(3, 4, 5)
    assert measures.correlation(x, x) == pytest.approx(1)
    assert measures.correlation(x, -x) == pytest.approx(-1)
    # Each channel is centered, so that its brightness does not count.
    raised = x + numpy.array([5, -7, 100])[:, None, None]
    assert measures.correlation(raised, x) == pytest.approx(1)


def test_correlation_is_pearsons_for_one_channel():
    x, y = features(1, 4, 5), features(1, 4, 5, seed=1)
    expected = numpy.corrcoef(x.ravel(), y.ravel())[0, 1]
    assert measures.correlation(x, y) == pytest.approx(expected)


def test_correlation_of_two_channels_by_hand():
    x = numpy.array([[[0.0, 2.0]], [[0.0, 4.0]]])
    y = numpy.array([[[0.0, 2.0]], [[4.0, 0.0]]])
    # Centered: (-1, 1, -2, 2) and (-1, 1, 2, -2).
    assert measures.correlation(x, y) == pytest.approx((2 - 8) / 10)


def test_a_plain_feature_has_no_correlation():
    assert measures.correlation(numpy.ones((1, 2, 2)), features(1, 2, 2)) == 0


def test_neighbor_difference_by_hand():
    img = numpy.array([[[0], [10]], [[30], [10]]], 'uint8')
    assert measures.neighbor_difference(img) == (30 + 0 + 10 + 20) / 4


def test_edges_of_a_ramp_are_its_slope():
    ramp = numpy.tile(numpy.arange(30) * 4.0, (30, 1))
    img = numpy.repeat(ramp[:, :, None], 3, axis=2)
    edges = measures.edges(img)
    assert edges.shape == (1, 30, 30)
    numpy.testing.assert_allclose(edges[0, 8:-8, 8:-8], 4, rtol=1e-3)


def test_squares_are_all_of_a_picture():
    img = numpy.random.RandomState(0).randint(0, 256, (8, 9, 3))
    found = measures.squares(img)
    assert found.shape == (2 * 3, 7 * 7 * 3)
    values = found[5].reshape(3, 7, 7).transpose(1, 2, 0)
    numpy.testing.assert_allclose(values, img[1:8, 2:9] / 255, rtol=1e-6)
    assert len(measures.squares(img, 4)) == 1


def test_patch_distance_by_hand():
    style = numpy.array([[0, 0], [1, 0]], 'float32')
    own = numpy.array([[0, 0.5], [1, 0], [0.9, 0.3]], 'float32')
    distances = 0.5 / 2**0.5, 0, (0.1 / 2) ** 0.5
    found = measures.patch_distance(own, style)
    assert found == pytest.approx(sum(distances) / 3)
    # One after the other, or all at once.
    many = numpy.tile(own, (200, 1))
    assert measures.patch_distance(many, style) == pytest.approx(found)


def test_gram_by_hand():
    feature = numpy.array([[[1.0, 2.0]], [[3.0, 0.0]]])
    expected = [[2.5, 1.5], [1.5, 4.5]]
    numpy.testing.assert_allclose(measures.gram(feature), expected)


def test_gram_distance_is_relative_to_the_style():
    grams = [features(2, 2), features(3, 3)]
    assert measures.gram_distance(grams, grams) == 0
    tripled = [grams[0], 3 * grams[1]]
    assert measures.gram_distance(tripled, grams) == pytest.approx(1)


def test_frechet_of_numbers_by_hand():
    one, other = (
        (numpy.array([mean]), numpy.array([[variance]]))
        for mean, variance in ((2.0, 9.0), (5.0, 1.0))
    )
    assert measures.frechet(one, other) == pytest.approx(3**2 + (3 - 1) ** 2)


def test_frechet_of_equal_statistics_is_zero():
    statistics = measures.statistics(features(4, 3, 2))
    assert measures.frechet(statistics, statistics) == pytest.approx(
        0, abs=1e-9
    )


def test_frechet_is_its_formula_with_the_root_of_a_matrix():
    one, other = (
        measures.statistics(features(4, 6, 7, seed=seed) * (1 + seed))
        for seed in (0, 1)
    )
    root = sqrtm(one[1] @ other[1]).real
    expected = ((one[0] - other[0]) ** 2).sum() + numpy.trace(
        one[1] + other[1] - 2 * root
    )
    assert measures.frechet(one, other) == pytest.approx(expected)


def test_frechet_distance_is_in_the_styles_root_mean_square():
    # From nothing to the style the distance is the style itself.
    style = measures.statistics(features(3, 4, 5) + 1)
    nothing = numpy.zeros(3), numpy.zeros((3, 3))
    distance = measures.frechet_distance([nothing], [style])
    assert distance == pytest.approx(1)


def test_lpips_by_hand():
    a = [numpy.array([[[3.0]], [[4.0]]])]
    b = [numpy.array([[[4.0]], [[3.0]]])]
    heads = [numpy.array([1.0, 10.0])]
    # The features have unit length: (0.6, 0.8) and (0.8, 0.6).
    assert measures.lpips(a, b, heads) == pytest.approx(0.04 + 0.4)
    assert measures.lpips(a, a, heads) == 0


def test_dists_is_its_formula():
    x, y = (features(2, 3, 4, seed=seed) + 1 for seed in (0, 1))
    alpha, beta = numpy.array([0.1, 0.2]), numpy.array([0.3, 0.4])
    expected = 1
    for i in range(2):
        covariance = numpy.cov(x[i].ravel(), y[i].ravel(), bias=True)
        means = x[i].mean(), y[i].mean()
        expected -= (
            alpha[i]
            * (2 * means[0] * means[1] + 1e-6)
            / (means[0] ** 2 + means[1] ** 2 + 1e-6)
        )
        expected -= (
            beta[i]
            * (2 * covariance[0, 1] + 1e-6)
            / (covariance[0, 0] + covariance[1, 1] + 1e-6)
        )
    weights = [alpha], [beta]
    assert measures.dists([x], [y], weights) == pytest.approx(expected)
    assert measures.dists([x], [x], weights) == pytest.approx(0)


def test_texture_distance_by_hand():
    means, others = [numpy.array([1.0, 2.0])], [numpy.array([1.0, 0.0])]
    weights = [numpy.array([1.0, 3.0])]
    distance = measures.texture_distance(means, others, weights)
    assert distance == pytest.approx(0.75, abs=1e-6)
    assert measures.texture_distance(means, means, weights) == 0


@pytest.fixture(scope='module')
def eyes():
    """The networks, whose weights come from the package index."""
    try:
        return measures.default_eyes()
    except OfflineError as error:
        pytest.skip(f'needs the weights of the measures: {error}')


# LPIPS and DISTS by their authors' code, as pyiqa publishes them.
OFFICIAL = {
    'I03': (0.7237, 0.4742),
    'I04': (0.2572, 0.1424),
    'I06': (0.05079, 0.06825),
    'I08': (0.05205, 0.02867),
    'I19': (0.4253, 0.3123),
}


@pytest.mark.long
@pytest.mark.parametrize('name', OFFICIAL)
def test_lpips_and_dists_have_their_authors_values(name, eyes):
    folder = 'pyiqa-0.1.16/ResultsCalibra'
    try:
        paths = [
            member(CALIBRATION, f'{folder}/{kind}_dir/{name}.bmp')
            for kind in ('ref', 'dist')
        ]
    except OfflineError as error:
        pytest.skip(f'needs the pictures of pyiqa: {error}')
    one, other = (measures.Look(pairs.read(path), eyes) for path in paths)
    heads = eyes.alexnet.lpips_heads
    found = (
        measures.lpips(one.alexnet, other.alexnet, heads),
        measures.dists(one.dists, other.dists, eyes.dists_weights),
    )
    assert found == pytest.approx(OFFICIAL[name], abs=6e-5)


@pytest.mark.long
def test_the_content_keeps_all_and_the_style_takes_all(eyes):
    content, style = (
        numpy.random.RandomState(seed).randint(0, 256, (64, 96, 3)) // part
        for seed, part in ((0, 1), (1, 3))
    )
    judge = measures.Judge(content, style, eyes)
    untouched, whole = judge(content), judge(style)
    assert untouched.kept == pytest.approx(1)
    assert untouched.kept_alexnet == pytest.approx(1)
    assert untouched.kept_edges == pytest.approx(1)
    assert untouched.lpips == untouched.taken == 0
    assert untouched.patches == 1
    assert untouched.dists == pytest.approx(0, abs=1e-6)
    # The root of what rounding leaves.
    assert whole.taken == pytest.approx(1, abs=1e-3)
    assert whole.patches == pytest.approx(0, abs=1e-3)
    assert whole.grain == 1
    with pytest.raises(ValueError, match='content'):
        judge(content[:32])


def measured(kept, taken, **more):
    values = dict.fromkeys(measures.Measures.__dataclass_fields__, 0.0)
    return measures.Measures(
        **{**values, 'kept': kept, 'taken': taken, 'grain': 1.0, **more}
    )


def result(program, strength, pair, kept, taken, path=None, **more):
    found = measured(kept, taken, **more)
    return results.Result(program, strength, pair, path, 2, 1e9, found)


def made_table(path=None):
    knob = {'knob': 'strength', 'default': 1.0, 'strengths': (0.5, 1.0)}
    compared = [programs.Program(name, **knob) for name in ('ours', 'peer')]
    points = {
        ('ours', 0.5): (0.6, 0.4),
        ('ours', 1.0): (0.4, 0.6),
        ('peer', 0.5): (0.5, 0.3),
        ('peer', 1.0): (0.1, 0.7),
    }
    shift = {'coffee-poster': 0.0, 'coffee-painting': 0.1}
    found = [
        result(*key, pair, kept + more, taken + more, path)
        for key, (kept, taken) in points.items()
        for pair, more in shift.items()
    ]
    return Table(compared, found)


def test_style_is_interpolated_at_equal_content():
    curve = [0.5, 0.1], [0.3, 0.7]
    assert taken_at(curve, 0.3) == pytest.approx(0.5)
    assert taken_at(curve, 0.5) == pytest.approx(0.3)
    assert math.isnan(taken_at(curve, 0.6))
    assert math.isnan(taken_at(([], []), 0.6))


def test_a_peer_is_compared_where_the_reference_is():
    [other] = compare(made_table(), 'ours', VOTES[0])
    # Ours keeps 0.4 and 0.5 and takes 0.6 and 0.7. The peer keeps so much
    # three quarters on the way from its strong to its weak point.
    assert other.program == 'peer'
    assert other.kept == pytest.approx(0.45)
    assert other.reference == pytest.approx(0.65)
    assert other.taken == pytest.approx(0.45)
    assert (other.won, other.comparable) == (2, 2)


def test_only_common_pairs_are_averaged():
    table = made_table()
    table.at('peer', 0.5).pop('coffee-poster')
    assert table.curve_pairs() == ['coffee-painting']
    assert table.default_pairs() == ['coffee-painting', 'coffee-poster']


def test_the_report_names_what_needs_a_look(tmp_path, monkeypatch):
    monkeypatch.setattr(pairs, 'FOLDER', tmp_path / 'cache')
    path = tmp_path / 'picture.png'
    Image.new('RGB', (60, 40), 'teal').save(path)
    table = made_table(path)
    text = report.write(table, tmp_path / 'report', 'ours', 60)
    assert '| VGG-16 | peer | 0.450 | 0.650 | 0.450 | 2 of 2 |' in text
    assert '- ours: kept under 0.23: none.' in text
    assert 'kept under 0.23: coffee-painting 0.20, coffee-poster 0.10' in text
    assert (tmp_path / 'report' / 'report.md').read_text() == text
    assert '<svg' in (tmp_path / 'report' / 'curves.svg').read_text()
    with Image.open(tmp_path / 'report' / 'sheet-peer.png') as sheet:
        # A style in each column, a content in the row.
        assert sheet.size == (3 * 200, 2 * 214)
    # Only the short list's pair: its content, its style and its picture.
    with Image.open(tmp_path / 'report' / 'short-peer.jpg') as triple:
        assert triple.height == 206
        last = triple.getpixel((triple.width // 2 - 60, 100))
        assert numpy.abs(numpy.subtract(last, (0, 128, 128))).max() < 6


def test_a_report_without_defaults_compares_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(pairs, 'FOLDER', tmp_path / 'cache')
    table = made_table()
    table.at('ours', 1.0).clear()
    for pair in list(table.at('peer', 1.0)):
        table.at('peer', 1.0).pop(pair)
    text = report.write(table, tmp_path / 'report', 'ours', 60)
    assert 'At each strength, means of 2 pairs' in text
    assert '| ours | strength 0.5 | 0.650 |' in text
    assert 'At the defaults' not in text
    assert 'keeps at its default' not in text


def test_the_short_pairs_have_every_content_and_style():
    contents, styles = zip(*(name.split('-') for name in pairs.SHORT))
    assert sorted(contents) == sorted(pairs.CONTENTS)
    assert set(styles) == set(pairs.STYLES)
    assert set(pairs.SHORT) <= set(pairs.ALL)
    assert len(pairs.ALL) >= 48


def test_a_number_of_pairs_is_spread_over_contents_and_styles():
    names = quality.pairs_named(['8'])
    assert len(set(names)) == 8
    assert len({name.split('-')[0] for name in names}) == 8
    assert len({name.split('-')[1] for name in names}) == 6
    assert sorted(quality.pairs_named(['48'])) == sorted(pairs.ALL)
    with pytest.raises(ValueError, match="'dog-poster' is unknown"):
        quality.pairs_named(['dog-poster'])


def test_all_pairs_are_made_at_the_default_and_some_at_all_strengths():
    args = quality.parse(['--curve-pairs', 'cat-mosaic'])
    [program] = programs.chosen(['any-style'])
    tasks = quality.tasks_of(program, args)
    made = {}
    for task in tasks:
        made.setdefault(task.strength, []).append(task.pair)
    assert made.pop(1.0) == list(pairs.ALL)
    assert made == {s: ['cat-mosaic'] for s in (0.2, 0.4, 0.6, 0.8)}


def task_of(command):
    """Return what a command tells this package's script."""
    assert command[1].endswith('make_own.py')
    return json.loads(command[2])


def test_a_variant_changes_settings_of_a_preset():
    [program] = programs.chosen(
        [], ['calm=preset=quick,pooling=avg,style_weight=2e4']
    )
    assert (program.name, program.knob) == ('calm', 'style weight')
    pair = pairs.Pair('cat-mosaic', 'a.png', 'b.png')
    task = task_of(program.command(0.1, pair, 200, 'c.png'))
    assert task == {
        'content': 'a.png',
        'style': 'b.png',
        'output': 'c.png',
        'preset': 'quick',
        'changes': {'pooling': 'avg', 'style_weight': 2e3, 'size': 200},
    }


def test_a_strength_is_the_knob_where_there_is_one():
    variants = ['x=strength=0.6,pooling=avg', 'y=strength=0.6,style_weight=9']
    one, other = programs.chosen([], variants)
    assert (one.knob, one.default) == ('strength', 0.6)
    assert other.knob == 'style weight'
    pair = pairs.Pair('cat-mosaic', 'a.png', 'b.png')
    task = task_of(one.command(0.3, pair, 200, 'c.png'))
    assert task['changes'] == {'pooling': 'avg', 'strength': 0.3, 'size': 200}


def test_texts_become_values_of_settings():
    changes = {'antialias': 'True', 'scales': '2', 'strength': 0.3}
    expected = {'antialias': True, 'scales': 2, 'strength': 0.3}
    assert make_own.values(changes) == expected


@pytest.mark.parametrize(
    ('names', 'variants', 'word'),
    [
        (['best'], [], "'best' is unknown"),
        ([], ['x=pooling=avg,poling=max'], 'poling is unknown'),
        ([], ['x=preset=best'], 'best is unknown'),
    ],
)
def test_unknown_programs_and_settings_are_refused(names, variants, word):
    with pytest.raises(ValueError, match=word):
        programs.chosen(names, variants)


class Copier(programs.Program):
    """Copies the content, and counts how often in a file."""

    def command(self, strength, pair, size, output):
        code = (
            'import shutil, sys; _, source, target, count, *fails = sys.argv;'
            'shutil.copy(source, target); open(count, "a").write(".");'
            'sys.exit(" ".join(fails) or 0)'
        )
        count = str(results.FOLDER / 'count')
        fails = ['broken'] if strength > 1 else []
        words = [pair.content, str(output), count]
        return [sys.executable, '-c', code, *words, *fails]


def test_a_picture_is_made_once(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(pairs, 'FOLDER', tmp_path)
    monkeypatch.setattr(results, 'FOLDER', tmp_path)
    program = Copier('copier', 'strength', (0.5, 2.0), 0.5, {'a': '1'})
    task = results.Task(program, 0.5, 'coffee-poster', 60)
    for _ in range(2):
        assert results.make_all([task]) == []
    assert (tmp_path / 'count').read_text() == '.'
    assert task.path == tmp_path / '60/copier/0.5/coffee-poster.png'
    assert pairs.read(task.path).shape == (40, 60, 3)
    assert task.notes['seconds'] > 0
    assert task.notes['peak_bytes'] > 1e6
    results.make_all([task], again=True)
    other = Copier('copier', 'strength', (0.5, 2.0), 0.5, {'a': '2'})
    results.make_all([results.Task(other, 0.5, 'coffee-poster', 60)])
    assert (tmp_path / 'count').read_text() == '...'


def test_a_preset_that_was_tuned_makes_its_pictures_anew(monkeypatch):
    [before] = programs.chosen(['quick'])
    identity = before.identity
    assert programs.chosen(['quick'])[0].identity == identity
    tuned = programs.PRESETS['quick'].changed({'epochs': 41})
    monkeypatch.setitem(programs.PRESETS, 'quick', tuned)
    assert programs.chosen(['quick'])[0].identity != identity


def test_a_failure_is_told_and_the_others_are_made(tmp_path, monkeypatch):
    monkeypatch.setattr(pairs, 'FOLDER', tmp_path)
    monkeypatch.setattr(results, 'FOLDER', tmp_path)
    program = Copier('copier', 'strength', (0.5, 2.0), 0.5)
    tasks = [
        results.Task(program, strength, 'coffee-poster', 60)
        for strength in (2.0, 0.5)
    ]
    [sentence] = results.make_all(tasks, jobs=2)
    assert sentence.startswith(
        'copier made no picture of coffee-poster at 2: broken'
    )
    assert [task.path.is_file() for task in tasks] == [False, True]
