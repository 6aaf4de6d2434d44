"""Figures: their recipes, their checks, the published curves."""

import json
import math
from dataclasses import replace

import numpy
import pytest
from conftest import engraving, picture, random_layers
from PIL import Image

from gluon_style import Result, Settings, cli, stylize
from gluon_style.figures import RECIPES, Options, draw
from gluon_style.figures.comparison import Comparison
from gluon_style.figures.editions import BOOK_PICTURES, PUBLISHED, chapter
from gluon_style.figures.likeness import likeness, reduced
from gluon_style.figures.optimizers import first_at, optimizers
from gluon_style.figures.recipe import (
    DEFAULT_NETWORK,
    FAST,
    SINGLE,
    FigureRuns,
    RunSpec,
    as_power,
)
from gluon_style.figures.reference import read_reference
from gluon_style.figures.verdict import Check, is_falling
from gluon_style.files.atomic import claim
from gluon_style.files.ours import is_ours
from gluon_style.layers import NETWORKS
from gluon_style.methods.gatys.presets import PRESETS
from gluon_style.methods.observers import Observer
from gluon_style.pictures.read import read_picture
from gluon_style.pictures.resize import resized
from gluon_style.records.record import Epoch, PictureId, Record, WeightsId
from gluon_style.weights.formats import write_layers


@pytest.mark.long
@pytest.mark.parametrize('name', RECIPES)
def test_every_recipe_quick_shows_what_it_is_to_show(
    name, oxford, torchvision, tmp_path
):
    # The weights that a recipe takes where the zoo's cannot be had.
    free = RECIPES[name].network == DEFAULT_NETWORK
    weights = 'torchvision' if free else 'oxford'
    path, checks = draw(name, tmp_path, Options(quick=True, weights=weights))
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
        if saved.record.method == 'gatys':
            assert saved.record.weights.source == weights
        assert saved.record.to_json() == numbers['runs'][run]


def test_a_figure_is_not_computed_twice(pictures, weights_file, tmp_path):
    options = Options(*pictures, size=32, quick=True, weights=weights_file)
    observed = []

    class Interrupt(Observer):
        def begin(self, plan):
            raise InterruptedError

    def observe(job):
        observed.append(job.name)
        return [Interrupt()]

    with pytest.raises(InterruptedError):
        draw('chapter', tmp_path, options, observe=observe)
    draw('chapter', tmp_path, options)
    draw('chapter', tmp_path, options, observe=observe)
    assert observed == ['chapter']


@pytest.fixture(scope='module')
def vgg16_file(tmp_path_factory):
    """Random weights of VGG-16 up to conv5_2, as a file."""
    names = list(NETWORKS['vgg16'].conv_shapes)[:12]
    path = tmp_path_factory.mktemp('weights') / 'random.npz'
    write_layers(path, random_layers(names), 'vgg16')
    return str(path)


@pytest.mark.parametrize('network', [None, 'auto', 'vgg16'])
def test_a_figure_has_one_network(network, pictures, vgg16_file, tmp_path):
    options = Options(
        *pictures, size=32, quick=True, network=network, weights=vgg16_file
    )
    path, checks = draw('alpha-beta', tmp_path, options)
    assert 'comes nearer, at conv4_3 of VGG-16: ' in checks[0].text
    numbers = json.loads(path.with_suffix('.checks.json').read_text())
    settings = [run['settings'] for run in numbers['runs'].values()]
    assert [each['network'] for each in settings] == ['vgg16'] * 4

    # Finished runs are found again, also where the network was free.
    def observe(job):
        raise InterruptedError

    assert draw('alpha-beta', tmp_path, options, observe=observe)[1] == checks


def test_the_weight_of_a_layer_is_that_of_the_networks_own(
    pictures, vgg16_file, tmp_path
):
    options = Options(*pictures, size=32, quick=True, weights=vgg16_file)
    path, _ = draw('content-layer', tmp_path, options)
    runs = json.loads(path.with_suffix('.checks.json').read_text())['runs']
    comparison = Comparison(vgg16_file, 'cpu', *pictures)
    assert comparison.network is NETWORKS['vgg16']
    own, *costs = (
        comparison.target_distance(layer, Settings(size=32))
        for layer in ('conv4_3', 'conv2_2', 'conv4_2')
    )
    for layer, cost in zip(('conv2_2', 'conv4_2'), costs):
        settings = runs[layer]['settings']
        assert settings['content_layers'] == [layer]
        assert settings['content_weight'] == pytest.approx(own / cost)


def test_the_chapters_figure_is_of_vgg19(pictures, vgg16_file, tmp_path):
    options = Options(*pictures, size=32, weights=vgg16_file)
    with pytest.raises(ValueError, match="are VGG-16's and network is vgg19"):
        draw('chapter', tmp_path, options)
    options = replace(options, quick=True, network='vgg16')
    _, checks = draw('chapter', tmp_path, options)
    assert checks[-1].good is None


def test_a_run_has_the_pooling_of_its_settings(
    pictures, weights_file, tmp_path
):
    runs = FigureRuns(
        'figure', tmp_path, Options(*pictures, 32, weights=weights_file)
    )
    for pooling in ('max', 'avg'):
        settings = Settings(pooling=pooling, weights=weights_file)
        spec = RunSpec(settings, full=(32, 2), quick=(32, 2))
        [result] = runs.results([runs.job(pooling, spec)])
        alone = stylize(*pictures, settings, size=32, epochs=2)
        assert (result.image == alone.image).all()


def test_an_unknown_figure_is_one_sentence():
    with pytest.raises(
        ValueError, match="'mona' is unknown: choose from chapter,"
    ):
        draw('mona')


class GivenRuns:
    """The runs of a figure, whose results are given by name."""

    def __init__(self, name, results, reference=None):
        self.name = name
        self.given = results
        self.options = Options(reference=reference)

    def job(self, name, spec, **changes):
        return name

    def results(self, jobs):
        return [self.given[name] for name in jobs]


def chapter_checks(name, result):
    """Return the checks of an edition's figure of a given result."""
    _, checks = chapter(GivenRuns(name, {name: result}))
    return checks


def run_of(history, pictures, settings, image=None, weights='zoo'):
    """Return a result as if it had been computed."""
    record = Record(
        method='gatys',
        settings=settings,
        pictures={
            role: PictureId(f'{role}.jpg', digest)
            for role, digest in pictures.items()
        },
        width=30,
        height=20,
        weights=WeightsId(weights, None, None, None),
        device='cpu(0)',
        tile=None,
        threads=None,
        versions={},
        epochs=len(history),
        losses=history[-1],
    )
    image = picture(30, 20) if image is None else image
    return Result(image, history, record)


def published_run(
    name,
    factor=1.0,
    pictures=BOOK_PICTURES,
    image=None,
    weights='zoo',
    **changes,
):
    """Return a run as published, its last losses times ``factor``."""
    history = []
    for i, losses in enumerate(PUBLISHED[name]):
        for j, scale in enumerate((100, factor)):
            values = [scale * loss for loss in losses]
            epoch, image_shape = 2 * i + j + 1, (10 * (i + 1), 10)
            history.append(
                Epoch(epoch, image_shape, *values, sum(values), 1.0)
            )
    settings = {**PRESETS[name].to_json(), **changes}
    return run_of(history, pictures, settings, image, weights)


@pytest.mark.parametrize('name', PUBLISHED)
@pytest.mark.parametrize(
    'factor, good', [(1, True), (1.19, True), (0.81, True), (1.21, False)]
)
def test_editions_are_compared_with_the_published_losses(name, factor, good):
    checks = chapter_checks(name, published_run(name, factor))
    compared = [check for check in checks if 'published' in check.text]
    assert len(compared) == 3 * len(PUBLISHED[name])
    assert {check.good for check in compared} == {good}
    if name == 'chapter' and factor == 1.19:
        assert compared[0].text == (
            '10x10: content loss 10.53, published 8.85: +19% (tolerance 20%)'
        )


def test_other_pictures_or_settings_are_not_compared():
    for changes in ({'size': 300}, {'epochs': 50}):
        checks = chapter_checks('chapter', published_run('chapter', **changes))
        assert [check.good for check in checks] == [True, None]
    pictures = {**BOOK_PICTURES, 'style': 'another'}
    checks = chapter_checks('chapter', published_run('chapter', 1.0, pictures))
    assert checks[-1] == Check(
        "what is published is of the book's two pictures, 450 pixels wide, "
        '500 epochs',
        None,
    )


@pytest.mark.parametrize(
    'weights, factor, good',
    [
        ('oxford', 1.34, True),
        ('oxford', 1.36, False),
        ('oxford-8bit', 0.66, True),
        ('oxford-8bit', 0.64, False),
        ('zoo', 1.21, False),
        ('file', 0.79, False),
    ],
)
def test_rescaled_weights_have_a_wider_tolerance(weights, factor, good):
    run = published_run('chapter', factor, weights=weights)
    compared = chapter_checks('chapter', run)[1:]
    assert [check.good for check in compared] == [good] * 3


def test_no_fit_is_claimed_for_another_network():
    run = published_run('chapter', weights='torchvision', network='vgg16')
    checks = chapter_checks('chapter', run)
    assert [check.good for check in checks] == [True, None, None, None]
    assert checks[1].text == (
        '10x10: content loss 8.85, published 8.85: +0% '
        "(VGG-19's losses, not VGG-16's: no limit)"
    )


def test_a_run_that_does_not_descend_is_out():
    checks = chapter_checks('chapter', published_run('chapter', 60))
    assert checks[0].good is False


def write_reference(folder, image=None):
    """Write curves, and a picture beside them; return the curves' path."""
    path = folder / 'curves.json'
    curve = {'epoch': [10, 20], 'loss': [9.5, 8.5]}
    curves = dict.fromkeys(('content', 'style', 'tv'), curve)
    path.write_text(json.dumps({'curves': curves}))
    if image is not None:
        Image.fromarray(image).save(folder / 'curves-image.png')
    return str(path)


def test_published_curves_are_drawn_behind(tmp_path):
    path = write_reference(tmp_path)
    runs = {'chapter': published_run('chapter')}
    figure, _ = chapter(GivenRuns('chapter', runs, path))
    assert len(figure.axes) == 2
    lines = figure.axes[0].get_lines()
    assert len(lines) == 6
    for ours, theirs in zip(lines[:3], lines[3:]):
        assert list(theirs.get_xdata()) == [10, 20]
        assert list(theirs.get_ydata()) == [9.5, 8.5]
        assert theirs.get_color() == ours.get_color()
        assert theirs.get_linewidth() < ours.get_linewidth()
        assert theirs.get_zorder() < ours.get_zorder()


def compared(folder, image, published, name='chapter', **run):
    """Return the figure and the checks of a run beside a published one."""
    path = write_reference(folder, published)
    runs = {name: published_run(name, image=image, **run)}
    figure, checks = chapter(GivenRuns(name, runs, path))
    return figure, [c for c in checks if c.text.startswith('published ')]


@pytest.mark.parametrize(
    'changes, title',
    [
        ({}, 'this run, VGG-19 (zoo)'),
        (
            {'network': 'vgg16', 'weights': 'torchvision'},
            'this run, VGG-16 (torchvision)',
        ),
    ],
)
def test_pictures_are_shown_side_by_side_at_one_size(changes, title, tmp_path):
    image = picture(90, 60)
    published = resized(image, (45, 30))
    figure, checks = compared(tmp_path, image, published, **changes)
    curves, ours, theirs = figure.axes
    assert (theirs.get_images()[0].get_array() == published).all()
    assert (ours.get_images()[0].get_array() == published).all()
    assert (theirs.get_title(), ours.get_title()) == ('as published', title)
    for ax in (theirs, ours):
        ax.apply_aspect()
    places = [ax.get_position() for ax in (curves, theirs, ours)]
    assert places[0].x1 < places[1].x0 < places[1].x1 < places[2].x0
    assert places[1].size == pytest.approx(places[2].size)
    assert [(check.text, check.good) for check in checks] == [
        (
            'published picture: luminance correlation 1.000 (at least 0.88)',
            True,
        ),
        (
            'published picture: the same, blurred by 2 pixels, 1.000 (at '
            'least 0.985)',
            True,
        ),
        (
            'published picture: root mean square difference of RGB 0.0 (at '
            'most 50)',
            True,
        ),
    ]


@pytest.mark.parametrize(
    'weights, shift, good',
    [
        ('zoo', 50, True),
        ('zoo', 51, False),
        ('torchvision', 51, False),
        ('oxford', 60, True),
        ('oxford-8bit', 61, False),
        ('file', 61, None),
    ],
)
def test_limits_are_those_of_the_weights(weights, shift, good, tmp_path):
    published = picture(30, 20) // 2
    image = published + numpy.uint8(shift)
    _, checks = compared(tmp_path, image, published, weights=weights)
    assert [check.good for check in checks] == [
        *[None if good is None else True] * 2,
        good,
    ]
    _, checks = compared(tmp_path, 255 - image, published, weights=weights)
    expected = None if good is None else False
    assert [check.good for check in checks] == [expected] * 3


@pytest.mark.parametrize(
    'name, changes',
    [
        ('chapter', {'size': 300}),
        ('chapter', {'pictures': {**BOOK_PICTURES, 'content': 'another'}}),
        ('chapter-v0.7', {}),
    ],
)
def test_another_run_has_no_limits(name, changes, tmp_path):
    image = picture(30, 20)
    _, checks = compared(tmp_path, image, 255 - image, name, **changes)
    assert [check.good for check in checks] == [None] * 3
    assert checks[0].text == (
        'published picture: luminance correlation -1.000 (no limit)'
    )


def test_a_broken_published_picture_is_one_sentence(tmp_path):
    path = write_reference(tmp_path)
    (tmp_path / 'curves-image.png').write_bytes(b'no picture')
    with pytest.raises(ValueError, match='curves-image.png.* is not in a for'):
        read_reference(path)


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
    with pytest.raises(ValueError, match='has no curves .*: it must be JSON'):
        read_reference(path)


def test_a_huge_reference_is_one_sentence(tmp_path, monkeypatch):
    path = tmp_path / 'curves.json'
    curves = dict.fromkeys(
        ('content', 'style', 'tv'), {'epoch': [1], 'loss': [2.5]}
    )
    text = json.dumps({'curves': curves})
    path.write_text(text)
    monkeypatch.setattr('gluon_style.files.reading.MOST_JSON_BYTES', len(text))
    assert read_reference(path).curves['tv'] == ([1], [2.5])
    monkeypatch.setattr(
        'gluon_style.files.reading.MOST_JSON_BYTES', len(text) - 1
    )
    with pytest.raises(ValueError) as error:
        read_reference(path)
    message = str(error.value)
    assert message.startswith(f'reference {str(path)!r} has no curves (')
    assert f'more than the {len(text) - 1} bytes' in message
    assert message.endswith(
        'it must be JSON, of at most 64 MiB, with the epochs and losses of '
        'content, style and tv'
    )


def test_the_books_own_reference_is_read(shared):
    folder = shared / 'reference'
    reference = read_reference(folder / 'chapter-mxnet-1e4.json')
    curves = reference.curves
    final = tuple(curves[name][1][-1] for name in ('content', 'style', 'tv'))
    assert final == pytest.approx(PUBLISHED['chapter'][0], abs=0.006)
    assert reference.picture.shape == (165, 247, 3)
    photograph = read_picture(shared / 'img' / 'rainier.jpg')
    small = reduced(photograph, reference.picture)
    like = likeness(small, reference.picture)
    assert like.correlation == pytest.approx(0.955, abs=5e-4)
    assert like.blurred == pytest.approx(0.993, abs=5e-4)
    assert like.rms == pytest.approx(43, abs=0.5)


def test_distances_of_pictures(weights_file):
    content, style = picture(48, 32, seed=1), picture(50, 40, seed=2)
    comparison = Comparison(weights_file, 'cpu', content, style)
    assert comparison.ssim(content) == pytest.approx(1)
    assert comparison.content_distance(content, 'conv4_2') == 0
    assert comparison.style_distance(content, target='content') == 0
    resized = comparison.target('style', content)
    assert resized.shape == content.shape
    near = comparison.style_distance(resized)
    assert near < 1e-3
    assert comparison.style_distance(content) > 10 * near
    assert comparison.ssim(content, 'style') < 0.9
    # Mean squares of the difference, in the content's shape.
    (Y,), (Y_hat,) = (
        comparison.features(img, ['conv2_1'], (48, 32))
        for img in (content, style)
    )
    expected = ((Y_hat - Y) ** 2).mean()
    distance = comparison.target_distance('conv2_1', Settings(size=48))
    assert distance == pytest.approx(expected, rel=1e-5)
    relative = comparison.content_distance(resized, 'conv2_1')
    expected /= (Y**2).mean()
    assert relative == pytest.approx(expected, rel=0.05)


def test_targets_are_antialiased_as_the_runs_are(weights_file):
    content, style = picture(48, 32), engraving(480, 320)
    comparison = Comparison(weights_file, 'cpu', content, style)
    small = Image.fromarray(style).resize((48, 32), Image.Resampling.LANCZOS)
    assert (comparison.target('style', content) == small).all()
    (Y,), (Y_hat,) = (
        comparison.features(img, ['conv1_2'], shape)
        for img, shape in ((style, (48, 32)), (numpy.array(small), None))
    )
    assert (Y == Y_hat).all()
    # A figure whose runs differ from its targets would compare two things.
    for settings in (SINGLE, FAST.settings):
        assert settings.antialias


def optimizer_checks(*totals):
    """Return the checks of runs whose totals, an epoch each, are given."""
    results = {
        name: run_of(
            [
                Epoch(i, (30, 20), 0.0, total, 0.0, total, i / 2)
                for i, total in enumerate(values, start=1)
            ],
            BOOK_PICTURES,
            {},
        )
        for name, values in zip(('adam', 'l-bfgs', 'l-bfgs-scales'), totals)
    }
    figure, checks = optimizers(GivenRuns('optimizers', results))
    lines = figure.axes[0].get_lines()
    assert [list(line.get_ydata()) for line in lines] == list(totals)
    return checks


def test_optimizers_are_compared_where_adam_ends():
    adam = [9.0, 5.0, 3.0, 2.0]
    one, two = optimizer_checks(
        adam, [9.0, 2.0, 1.0], [9.0, 8.0, 7.0, 6.0, 2.0]
    )
    assert one == Check(
        "L-BFGS, one scale: at Adam's end, 2.02, after 2 epochs in place of "
        '4: 2.0 times fewer, 2.0 times less time',
        True,
    )
    assert two.good is False
    never, _ = optimizer_checks(adam, [9.0, 3.0], adam)
    expected = "L-BFGS, one scale: never at Adam's end, 2.02"
    assert never == Check(expected, False)


def test_small_helpers():
    assert is_falling([3, 2, 1]) and not is_falling([3, 3, 1])
    assert as_power(1e-4) == '$10^{-4}$' and as_power(0.25) == '0.25'
    entries = [
        Epoch(i, scale, 0.0, total, 0.0, total)
        for i, (scale, total) in enumerate(
            [((1, 1), 1.0), ((2, 2), 5.0), ((2, 2), 2.0)], start=1
        )
    ]
    assert first_at(entries, 3) is entries[2]
    assert first_at(entries, 1) is None


def test_the_users_size_and_pictures_are_taken(weights_file, tmp_path):
    img = picture(40, 20, seed=3)
    options = Options(img, img, size=32, weights=weights_file)
    runs = FigureRuns('figure', tmp_path, options)
    spec = RunSpec(PRESETS['chapter'], full=(300, 2), quick=(96, 1))
    [result] = runs.results([runs.job('one', spec)])
    assert result.image.shape == (16, 32, 3)
    assert result.record.settings['epochs'] == 2
    quick = spec.chosen(Options(quick=True, device='cpu'))
    assert (quick.size, quick.epochs, quick.device) == (96, 1, 'cpu')


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


def test_an_unknown_network_is_one_sentence(command):
    code, out, err = command('figure', 'gram', '--network', 'vgg11')
    assert (code, out) == (2, '')
    assert err == (
        "gluon-style figure: 'vgg11' is unknown: did you mean vgg19?\n"
    )


@pytest.mark.parametrize(
    'argv, sentence',
    [
        (
            ['gram', '--workers', '0'],
            'workers is 0: it must be a whole number',
        ),
        (
            ['video', '--workers', '2', '--scheduler', 'tcp://a:1'],
            'workers and scheduler name two places: leave out one of them',
        ),
        (
            ['gram', '--scheduler', 'tcp://a:1', '--tls-key', 'no.pem'],
            "'no.pem' is not a file",
        ),
        (['mona', '--workers', '2'], "figure 'mona' is unknown"),
        (['gram', '--workers', '2', '--size', '8'], 'a picture of 8x5 pixels'),
    ],
)
def test_mistakes_are_errors_before_processes_are_started(
    argv, sentence, command, tmp_path, monkeypatch
):
    monkeypatch.setattr('gluon_style.many.connect._local_cluster', None)
    folder = tmp_path / 'out'
    code, out, err = command('figure', *argv, '-o', str(folder))
    assert (code, out) == (2, '')
    assert sentence in err and err.count('\n') == 1
    assert not folder.exists()


@pytest.mark.long
def test_a_figure_without_runs_starts_no_processes(
    command, pictures, weights_file, tmp_path, monkeypatch
):
    monkeypatch.setattr('gluon_style.many.connect._local_cluster', None)
    content, style = pictures
    words = ['figure', 'video', '--quick', '--size', '48', '--workers', '2']
    words += ['--content', content, '--style', style, '-o', str(tmp_path)]
    code, out, _ = command(*words, '--weights', weights_file)
    assert code in (0, 1)
    path = tmp_path / 'video.png'
    assert path.is_file() and out.endswith(f'{path}\n')


@pytest.mark.parametrize('good, code', [(True, 0), (False, 1), (None, 0)])
def test_exit_code_says_whether_it_is_out(monkeypatch, capsys, good, code):
    def drawn(name, folder, options, observe, executor):
        # The runs are made in this process.
        assert executor is None
        assert (name, folder, options.size) == ('gram', 'there', 64)
        assert options.network == 'vgg16'
        return 'there/gram.png', [Check('so it is', good)]

    monkeypatch.setattr('gluon_style.figures.draw', drawn)
    argv = ['figure', 'gram', '-o', 'there', '--size', '64']
    argv += ['--network', 'vgg16']
    assert cli.main(argv) == code
    word = {True: 'good', False: 'OUT ', None: 'open'}[good]
    assert capsys.readouterr().out == f'{word} so it is\nthere/gram.png\n'


@pytest.mark.parametrize(
    'argv, sentence',
    [
        ([], 'no figure is named: choose chapter, chapter-v0.17, '),
        (['mona'], "figure 'mona' is unknown: choose from chapter"),
        (['chapter', '--reference', 'no.json'], "'no.json'"),
        (['chapter', '--size', '8'], 'size gives a picture of 8x5 pixels'),
        (['chapter', '--content', 'no.png'], "'no.png' is not a file"),
        (['inits', '--content', 'no.png'], "'no.png' is not a file"),
    ],
)
def test_mistakes_are_one_sentence(
    argv, sentence, tmp_path, capsys, monkeypatch
):
    # Mistakes are errors before weights are fetched.
    monkeypatch.setattr('gluon_style.figures.recipe.find_weights', None)
    assert cli.main(['figure', '-o', str(tmp_path / 'out'), *argv]) == 2
    err = capsys.readouterr().err
    assert sentence in err and err.count('\n') == 1
    assert not (tmp_path / 'out').exists()
