import json
import math

import numpy
import pytest
from conftest import picture
from PIL import Image

from gluon_style import Result, cli
from gluon_style.figures import RECIPES, Options, draw
from gluon_style.figures.comparisons import _check_optimizers, first_at
from gluon_style.figures.editions import (
    BOOK_PICTURES,
    PUBLISHED,
    chapter,
    read_reference,
)
from gluon_style.figures.panels import power
from gluon_style.figures.studio import Check, Eye, Studio, falling
from gluon_style.files.atomic import claim
from gluon_style.files.ours import is_ours
from gluon_style.methods.gatys.presets import PRESETS


@pytest.mark.long
@pytest.mark.parametrize('name', RECIPES)
def test_every_recipe_quick_shows_what_it_is_to_show(name, oxford, tmp_path):
    path, checks = draw(name, tmp_path, Options(quick=True, weights='oxford'))
    assert [check.text for check in checks if check.good is False] == []
    assert any(check.good for check in checks)
    assert path == tmp_path / f'{name}.png'
    assert is_ours(path) and is_ours(path.with_suffix('.checks.json'))
    with Image.open(path) as img:
        assert img.width > 500
        # A figure, not a white sheet.
        assert numpy.asarray(img.convert('L')).std() > 20
    numbers = json.loads(path.with_suffix('.checks.json').read_text())
    assert len(numbers['checks']) == len(checks)
    assert numbers['options']['quick'] is True
    assert numbers['options']['content']['sha256']
    for run in numbers['runs']:
        saved = Result.load(tmp_path / name / f'{run}.png')
        assert saved.record['weights']['source'] == 'oxford'


def test_a_figure_is_not_computed_twice(pictures, weights_file, tmp_path):
    options = Options(*pictures, size=32, quick=True, weights=weights_file)
    watched = []

    def watch(job):
        watched.append(job.name)
        raise InterruptedError

    with pytest.raises(InterruptedError):
        draw('chapter', tmp_path, options, watch=watch)
    draw('chapter', tmp_path, options)
    draw('chapter', tmp_path, options, watch=watch)
    assert watched == ['chapter']


def test_an_unknown_figure_is_one_sentence():
    with pytest.raises(ValueError, match="'mona' is unknown: choose chapter,"):
        draw('mona')


class Frame:
    """A studio whose run is given."""

    def __init__(self, name, result, reference=None):
        self.name = name
        self.result = result
        self.options = Options(reference=reference)

    def run(self, *args, **kwargs):
        return self.result

    def pick(self, full, quick):
        return full


def published_run(name, factor=1.0, **changes):
    """Return a run as published, its last losses times ``factor``."""
    history = []
    for i, losses in enumerate(PUBLISHED[name]):
        values = dict(zip(('content', 'style', 'tv'), losses))
        for j, scale in enumerate((100, factor)):
            entry = {key: scale * value for key, value in values.items()}
            entry.update(
                total=sum(entry.values()),
                epoch=2 * i + j + 1,
                scale=(10 * (i + 1), 10),
                seconds=1.0,
            )
            history.append(entry)
    settings = {**vars(PRESETS[name]), **changes}
    record = {
        'settings': settings,
        **{key: {'sha256': value} for key, value in BOOK_PICTURES.items()},
    }
    return Result(picture(30, 20), history, record)


@pytest.mark.parametrize('name', PUBLISHED)
@pytest.mark.parametrize(
    'factor, good', [(1, True), (1.19, True), (0.81, True), (1.21, False)]
)
def test_editions_are_compared_with_the_published_losses(name, factor, good):
    _, checks = chapter(Frame(name, published_run(name, factor)))
    compared = [check for check in checks if 'published' in check.text]
    assert len(compared) == 3 * len(PUBLISHED[name])
    assert {check.good for check in compared} == {good}
    if name == 'chapter' and factor == 1.19:
        assert compared[0].text == (
            '10x10: content loss 10.53, published 8.85: +19% (tolerance 20%)'
        )


def test_other_pictures_or_settings_are_not_compared():
    for changes in ({'size': 300}, {'epochs': 50}):
        _, checks = chapter(
            Frame('chapter', published_run('chapter', **changes))
        )
        assert [check.good for check in checks] == [True, None]
    result = published_run('chapter')
    result.record['style'] = {'sha256': 'another'}
    _, checks = chapter(Frame('chapter', result))
    assert checks[-1] == Check(
        "the published losses are of the book's two pictures, 450 pixels "
        'wide, 500 epochs',
        None,
    )


def test_a_run_that_does_not_descend_is_out():
    _, checks = chapter(Frame('chapter', published_run('chapter', 60)))
    assert checks[0].good is False


def test_published_curves_are_drawn_behind(tmp_path):
    path = tmp_path / 'curves.json'
    curve = {'epoch': [10, 20], 'loss': [9.5, 8.5]}
    path.write_text(
        json.dumps(
            {'curves': dict.fromkeys(('content', 'style', 'tv'), curve)}
        )
    )
    figure, _ = chapter(Frame('chapter', published_run('chapter'), str(path)))
    lines = figure.axes[0].get_lines()
    assert len(lines) == 6
    for ours, theirs in zip(lines[:3], lines[3:]):
        assert list(theirs.get_xdata()) == [10, 20]
        assert list(theirs.get_ydata()) == [9.5, 8.5]
        assert theirs.get_color() == ours.get_color()
        assert theirs.get_linewidth() < ours.get_linewidth()
        assert theirs.get_zorder() < ours.get_zorder()


@pytest.mark.parametrize(
    'text',
    [
        '',
        '[]',
        pytest.param('[' * 200_000, id='deep'),
        '{"curves": {"content": {"epoch": [1], "loss": [2]}}}',
        json.dumps(
            {
                'curves': dict.fromkeys(
                    ('content', 'style', 'tv'), {'epoch': [1], 'loss': []}
                )
            }
        ),
        json.dumps(
            {
                'curves': dict.fromkeys(
                    ('content', 'style', 'tv'),
                    {'epoch': [1], 'loss': [10**400]},
                )
            }
        ),
        json.dumps(
            {
                'curves': dict.fromkeys(
                    ('content', 'style', 'tv'),
                    {'epoch': [1], 'loss': [math.nan]},
                )
            }
        ),
    ],
)
def test_a_reference_without_curves_is_one_sentence(tmp_path, text):
    path = tmp_path / 'curves.json'
    path.write_text(text)
    with pytest.raises(ValueError, match='has no curves: it must be JSON'):
        read_reference(path)


def test_a_huge_reference_is_one_sentence(tmp_path, monkeypatch):
    path = tmp_path / 'curves.json'
    curves = dict.fromkeys(
        ('content', 'style', 'tv'), {'epoch': [1], 'loss': [2.5]}
    )
    text = json.dumps({'curves': curves})
    path.write_text(text)
    monkeypatch.setattr('gluon_style.files.reading.MOST_JSON_BYTES', len(text))
    assert read_reference(path)['tv'] == ([1], [2.5])
    monkeypatch.setattr(
        'gluon_style.files.reading.MOST_JSON_BYTES', len(text) - 1
    )
    with pytest.raises(ValueError) as error:
        read_reference(path)
    assert str(error.value) == (
        f'reference {str(path)!r} has no curves: it must be JSON, of at most '
        '64 MiB, with the epochs and losses of content, style and tv'
    )


def test_the_books_own_reference_is_read(shared):
    curves = read_reference(shared / 'reference' / 'chapter-mxnet-1e4.json')
    final = tuple(curves[name][1][-1] for name in ('content', 'style', 'tv'))
    assert final == pytest.approx(PUBLISHED['chapter'][0], abs=0.006)


def test_distances_of_the_eye(weights_file):
    from mxnet import cpu

    content, style = picture(48, 32, seed=1), picture(50, 40, seed=2)
    eye = Eye(weights_file, cpu(), content, style)
    assert eye.ssim(content) == pytest.approx(1)
    assert eye.content_distance(content, 'conv4_2') == 0
    assert eye.style_distance(content, kind='content') == 0
    resized = eye.target('style', content)
    assert resized.shape == content.shape
    assert eye.style_distance(resized) < 1e-3
    assert eye.style_distance(content) > 10 * eye.style_distance(resized)
    assert eye.ssim(content, 'style') < 0.9
    # Mean squares of the difference, in the content's shape.
    (Y,), (Y_hat,) = (
        eye.features(img, ['conv2_1'], (48, 32)) for img in (content, style)
    )
    expected = ((Y_hat.asnumpy() - Y.asnumpy()) ** 2).mean()
    found = eye.feature_distance('conv2_1', 48)
    assert found == pytest.approx(expected, rel=1e-5)
    relative = eye.content_distance(resized, 'conv2_1')
    expected /= (Y.asnumpy() ** 2).mean()
    assert relative == pytest.approx(expected, rel=0.05)


def compared(totals):
    """Return the checks of runs whose totals, an epoch each, are given."""
    results = {
        name: Result(
            None,
            [
                {'scale': (2, 2), 'total': t, 'epoch': i, 'seconds': i / 2}
                for i, t in enumerate(values, start=1)
            ],
            {},
        )
        for name, values in zip(('adam', 'lbfgs', 'scales'), totals)
    }
    return list(_check_optimizers(results))


def test_optimizers_are_compared_where_adam_ends():
    adam = [9.0, 5.0, 3.0, 2.0]
    one, two = compared([adam, [9.0, 2.0, 1.0], [9.0, 8.0, 7.0, 6.0, 2.0]])
    assert one == Check(
        "L-BFGS, one scale: at Adam's end, 2.02, after 2 epochs in place of "
        '4: 2.0 times fewer, 2.0 times less time',
        True,
    )
    assert two.good is False
    never, _ = compared([adam, [9.0, 3.0], adam])
    expected = "L-BFGS, one scale: never at Adam's end, 2.02"
    assert never == Check(expected, False)


def test_small_helpers():
    assert falling([3, 2, 1]) and not falling([3, 3, 1])
    assert power(1e-4) == '$10^{-4}$' and power(0.25) == '0.25'
    entries = [
        {'scale': (1, 1), 'total': 1.0},
        {'scale': (2, 2), 'total': 5.0},
        {'scale': (2, 2), 'total': 2.0},
    ]
    assert first_at(entries, 3) is entries[2]
    assert first_at(entries, 1) is None


def test_the_users_size_and_pictures_are_taken(weights_file, tmp_path):
    img = picture(40, 20, seed=3)
    options = Options(img, img, size=32, weights=weights_file)
    studio = Studio('figure', tmp_path, options)
    settings = PRESETS['chapter']
    result = studio.run('one', settings, size=(300, 96), epochs=(2, 1))
    assert result.image.shape == (16, 32, 3)
    assert result.record['settings']['epochs'] == 2


def test_list_names_each_figure(capsys):
    assert cli.main(['figure', '--list']) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(RECIPES)


def test_a_second_run_of_a_figure_is_refused(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr('gluon_style.figures.draw', None)
    path = tmp_path / 'out' / 'gram.png'
    with claim(path):
        assert cli.main(['figure', 'gram', '-o', str(path.parent)]) == 2
    assert capsys.readouterr() == (
        '',
        f'gluon-style: output {str(path)!r} is being written by another run: '
        'give this one another name\n',
    )
    assert not path.parent.exists()


def test_a_figure_is_claimed_while_it_is_drawn(monkeypatch, tmp_path):
    path = tmp_path / 'gram.png'

    def drawn(*args, **kwargs):
        with pytest.raises(ValueError, match='by another run'), claim(path):
            pass
        return path, []

    monkeypatch.setattr('gluon_style.figures.draw', drawn)
    assert cli.main(['figure', 'gram', '-o', str(tmp_path)]) == 0
    with claim(path):
        pass


@pytest.mark.parametrize('good, code', [(True, 0), (False, 1), (None, 0)])
def test_exit_code_says_whether_it_is_out(monkeypatch, capsys, good, code):
    def drawn(name, folder, options, watch):
        assert (name, folder, options.size) == ('gram', 'there', 64)
        return 'there/gram.png', [Check('so it is', good)]

    monkeypatch.setattr('gluon_style.figures.draw', drawn)
    argv = ['figure', 'gram', '-o', 'there', '--size', '64']
    assert cli.main(argv) == code
    word = {True: 'good', False: 'OUT ', None: 'open'}[good]
    assert capsys.readouterr().out == f'{word} so it is\nthere/gram.png\n'


@pytest.mark.parametrize(
    'argv, sentence',
    [
        ([], 'no figure is named: choose chapter, chapter-v0.17, '),
        (['mona'], "figure 'mona' is unknown: choose chapter"),
        (['chapter', '--reference', 'no.json'], "'no.json'"),
        (['chapter', '--size', '8'], 'size gives a picture of 8x5 pixels'),
        (['chapter', '--content', 'no.png'], "'no.png' is not a file"),
    ],
)
def test_mistakes_are_one_sentence(argv, sentence, tmp_path, capsys):
    assert cli.main(['figure', '-o', str(tmp_path / 'out'), *argv]) == 2
    err = capsys.readouterr().err
    assert sentence in err and err.count('\n') == 1
    assert not (tmp_path / 'out').exists()
