"""Sweeps: their names, their runs, their manifest, their contact sheet."""

import json
import signal
from dataclasses import replace
from types import SimpleNamespace

import numpy
import pytest
from PIL import Image

from gluon_style import Result, Settings, cli
from gluon_style.files.atomic import claim
from gluon_style.files.ours import is_ours
from gluon_style.many.executors import InThisProcess
from gluon_style.many.names import value_in_name
from gluon_style.many.sweep import (
    combinations,
    contact_sheet,
    previewed,
    sweep as run_sweep,
)
from gluon_style.methods.observers import Observer


@pytest.fixture
def settings(weights_file):
    return Settings(size=48, epochs=2, weights=weights_file)


@pytest.fixture
def sweep(pictures, weights_file, tmp_path, capsys):
    content, style = pictures

    def run(*options, contents=(content,), styles=(style,)):
        code = cli.main(
            [
                *('sweep', *contents, '--style', *styles),
                *('-o', str(tmp_path / 'out'), '--weights', weights_file),
                *('--size', '48', '--epochs', '2', *options),
            ]
        )
        run.out, run.err = capsys.readouterr()
        return code

    run.folder = tmp_path / 'out'
    return run


def manifest(folder):
    lines = (folder / 'manifest.jsonl').read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_every_combination_has_its_name_and_settings(settings):
    cells = combinations(
        ['a/cat.jpg', 'dog.png'],
        ['oil.png', 'b/oil.png'],
        settings,
        {'style_weight': [1e3, 20.0], 'init': ['content', 'noise']},
    )
    assert len(cells) == 16
    assert [cell.job.name for cell in cells[:3]] == [
        'cat--oil-1--style_weight-1e3--init-content',
        'cat--oil-1--style_weight-1e3--init-noise',
        'cat--oil-1--style_weight-20--init-content',
    ]
    assert cells[-1].job.style == 'b/oil.png'
    assert cells[-1].pair == ('dog', 'oil-2')
    assert cells[-1].job.settings.init == 'noise'
    assert cells[-1].job.settings.style_weight == 20
    assert len({cell.job.name for cell in cells}) == 16


def test_names_are_fit_for_files_and_unique(settings):
    contents = ['my cat.png', 'b/my_cat.png', 'c/My:Cat.jpg', 'dog.png']
    cells = combinations(contents, ['oil.png'], settings, {})
    assert [cell.job.name for cell in cells] == [
        'my_cat-1--oil',
        'my_cat-2--oil',
        'My_Cat-3--oil',
        'dog--oil',
    ]


def test_no_two_cells_have_one_name(settings):
    cells = combinations(
        # The first two get numbers, and one of these is the third's name.
        ['a.png', 'b/A.png', 'a-1.png', 'x--s.png', 'x.png'],
        ['s.png', 's--s.png'],
        settings,
        {'init': ['x/1.png', 'x_1.png', 'noise']},
    )
    names = [cell.job.name for cell in cells]
    assert len({name.lower() for name in names}) == len(names) == 30
    assert names[:3] == [
        'a-1-1--s--init-x_1.png-1',
        'a-1-1--s--init-x_1.png-2',
        'a-1-1--s--init-noise',
    ]
    pairs = list(dict.fromkeys(cell.pair for cell in cells))
    assert pairs[:5:2] == [('a-1-1', 's'), ('A-2', 's'), ('a-1-3', 's')]
    # x--s with s, and x with s--s.
    assert names[18] == 'x--s--s--init-x_1.png-1-19'
    assert names[27] == 'x--s--s--init-x_1.png-1-28'


@pytest.mark.parametrize(
    'name, value, text',
    [
        ('style_weight', 1e4, '1e4'),
        ('tv_weight', 2.5e-5, '2.5e-5'),
        ('lr', 0.9, '0.9'),
        ('lr', 10.0, '10'),
        ('epochs', 1000, '1000'),
        ('size', 1000, '1000'),
        ('size', (300, 200), '300x200'),
        ('content_layers', ('conv2_2', 'conv4_2'), 'conv2_2+conv4_2'),
        ('content_layers', ('21', '25'), '21+25'),
        ('init', 'noise', 'noise'),
        ('stop_at', None, 'none'),
    ],
)
def test_values_in_the_names_of_files(name, value, text):
    assert value_in_name(name, value) == text


def test_mistakes_are_found_before_any_run(settings):
    with pytest.raises(ValueError, match="style 'a.png' is given twice"):
        combinations(['c.png'], ['a.png', 'a.png'], settings, {})
    with pytest.raises(ValueError, match="lr '0.1' is given twice"):
        combinations(['c.png'], ['a.png'], settings, {'lr': [0.1, 0.10]})
    with pytest.raises(ValueError, match='lr is -1: it must be'):
        combinations(['c.png'], ['a.png'], settings, {'lr': [1, -1]})


def test_a_preview_has_each_combination_once_and_is_small(settings):
    cells = combinations(
        ['c.png'],
        ['a.png'],
        settings.changed({'epochs': 500}),
        {'size': [300, 600], 'tv_weight': [1.0, 10.0]},
    )
    small = previewed(cells, 100)
    assert [cell.values for cell in small] == [
        {'tv_weight': 1},
        {'tv_weight': 10},
    ]
    assert {cell.job.settings.size for cell in small} == {100}
    assert {cell.job.settings.epochs for cell in small} == {40}


def test_sweep_makes_pictures_sheets_and_manifest(sweep):
    assert sweep('--style-weight', '1e3,1e5', '--preview', '32') == 0
    names = [f'content--style--style_weight-{w}' for w in ('1e3', '1e5')]
    for folder, side in ((sweep.folder, 48), (sweep.folder / 'preview', 32)):
        lines = manifest(folder)
        assert [line['state'] for line in lines] == ['done', 'done']
        assert [line['settings']['style_weight'] for line in lines] == [
            1e3,
            1e5,
        ]
        for name, line in zip(names, lines):
            assert line['file'] == f'{name}.png'
            with Image.open(folder / line['file']) as img:
                assert img.size == (side, round(side * 2 / 3))
            record = json.loads((folder / f'{name}.json').read_text())
            assert record['losses'] == line['losses']
    for sheet in ('contact.png', 'preview.png'):
        with Image.open(sweep.folder / sheet) as img:
            assert img.width > img.height > 100
    assert '1/2 content--style--style_weight-1e3: total ' in sweep.out


def test_what_is_done_is_not_done_again(sweep):
    sweep('--tv-weight', '1,2', '--preview', '0')
    assert not (sweep.folder / 'preview').exists()
    path = sweep.folder / 'content--style--tv_weight-1.png'
    before = path.stat().st_mtime_ns
    # A further value, and one of the former is lost.
    (sweep.folder / 'content--style--tv_weight-2.png').unlink()
    assert sweep('--tv-weight', '1,2,3', '--preview', '0') == 0
    assert path.stat().st_mtime_ns == before
    lines = manifest(sweep.folder)
    assert [line['settings']['tv_weight'] for line in lines] == [1, 2, 3]
    assert {line['state'] for line in lines} == {'done'}


def test_each_run_has_its_observers(settings, pictures, tmp_path):
    class Names(Observer):
        def __init__(self, name):
            self.name = name

        def begin(self, plan):
            begun.append(self.name)

    begun = []
    content, style = pictures
    cells = combinations([content], [style], settings, {'lr': [0.1, 0.2]})

    def observe(job):
        return [Names(job.name)]

    done = list(run_sweep(cells, tmp_path, InThisProcess(observe)))
    assert begun == [cell.job.name for cell in done]
    assert all(cell.record is not None for cell in done)
    # What is finished is not observed.
    again = list(run_sweep(cells, tmp_path, InThisProcess(observe)))
    assert len(begun) == 2
    assert [a.record for a in again] == [d.record for d in done]


def test_runs_with_the_same_weights_share_a_net(
    settings, pictures, tmp_path, monkeypatch
):
    from gluon_style.chapter import vgg

    built, build_net = [], vgg.build_net

    def counted(*layers, **options):
        built.append(options['pooling'])
        return build_net(*layers, **options)

    monkeypatch.setattr(vgg, 'build_net', counted)
    content, style = pictures
    varied = {'pooling': ['max', 'avg'], 'content_layers': [20, 25]}
    cells = combinations([content], [style], settings, varied)
    assert all(cell.record for cell in run_sweep(cells, tmp_path))
    assert built == ['max', 'avg']


def test_a_finished_sweep_needs_no_mxnet(
    settings, pictures, tmp_path, without_mxnet
):
    content, style = pictures
    cells = combinations([content], [style], settings, {})
    (done,) = run_sweep(cells, tmp_path)
    again = without_mxnet(
        'from gluon_style import Settings;'
        'from gluon_style.many.sweep import combinations, sweep;'
        f'settings = Settings(**{vars(settings)!r});'
        f'cells = combinations([{content!r}], [{style!r}], settings, {{}});'
        f'(cell,) = sweep(cells, {str(tmp_path)!r});'
        'print(cell.record.losses.total)'
    )
    assert float(again) == done.record.losses.total


def test_interrupted_it_says_how_to_go_on(sweep, monkeypatch):
    import gluon_style.many.executors as module

    real, calls = module.run, []

    def interrupted(job, folder, *rest):
        calls.append(job.name)
        if len(calls) == 2:
            signal.raise_signal(signal.SIGINT)
        return real(job, folder, *rest)

    monkeypatch.setattr(module, 'run', interrupted)
    assert sweep('--tv-weight', '1,2,3', '--preview', '0') == 130
    assert 'the same command goes on from here' in sweep.err
    states = [line['state'] for line in manifest(sweep.folder)]
    assert states == ['done', 'waiting', 'waiting']
    monkeypatch.undo()
    assert sweep('--tv-weight', '1,2,3', '--preview', '0') == 0
    states = [line['state'] for line in manifest(sweep.folder)]
    assert states == ['done'] * 3


@pytest.mark.parametrize('place', ['.', 'preview'])
def test_a_second_sweep_of_a_folder_is_refused(sweep, place):
    path = sweep.folder / place / 'manifest.jsonl'
    with claim(path):
        assert sweep() == 2
        assert sweep.err == (
            f'gluon-style: output {str(path)!r} is being written by another '
            'run: give this one another name\n'
        )
        assert not sweep.folder.exists()


def test_a_folder_is_claimed_for_the_whole_sweep(sweep, monkeypatch):
    import gluon_style.many.executors as runs
    import gluon_style.many.sweep as module

    claimed = []

    def refused(name, *others):
        for path in ('manifest.jsonl', 'preview/manifest.jsonl'):
            with pytest.raises(ValueError), claim(sweep.folder / path):
                pass
        claimed.append(name)

    run, sheet = runs.run, module.contact_sheet
    monkeypatch.setattr(
        runs, 'run', lambda *args: (refused('run'), run(*args))[1]
    )
    monkeypatch.setattr(
        module, 'contact_sheet', lambda *args: (refused('sheet'), sheet(*args))
    )
    assert sweep('--preview', '32') == 0
    assert claimed == ['run', 'sheet'] * 2
    with claim(sweep.folder / 'manifest.jsonl'):
        pass


def test_a_run_that_fails_is_noted_and_the_others_go_on(sweep):
    options = ('--optimizer', 'adam', '--lr', '1e30,0.1', '--preview', '0')
    assert sweep(*options, '--no-bounded', '--no-guard', '--epochs', '4') == 3
    failed, done = manifest(sweep.folder)
    assert failed['state'] == 'failed'
    assert 'the loss is not finite at epoch' in failed['error']
    assert done['state'] == 'done'
    assert 'the loss is not finite' in sweep.err
    assert (sweep.folder / 'contact.png').is_file()


def test_layers_are_repeated_options(sweep):
    assert (
        sweep(
            *('--content-layers', 'conv2_2', '--content-layers', '21,25'),
            *('--preview', '0'),
        )
        == 0
    )
    layers = [
        line['settings']['content_layers'] for line in manifest(sweep.folder)
    ]
    assert layers == [['conv2_2'], ['21', '25']]
    record = json.loads(
        (
            sweep.folder / 'content--style--content_layers-21+25.json'
        ).read_text()
    )
    assert record['settings']['content_layers'] == ['conv4_2', 'conv4_4']


@pytest.mark.parametrize(
    'options, sentence',
    [
        (['--style-weight', '1e3,x'], "'x' is not a number"),
        (['--lr', '0'], 'lr is 0.0: it must be a finite number'),
        (['--preset', 'slow'], "preset 'slow' is unknown"),
        (['--preview', '5'], 'size gives a picture of 5x3 pixels'),
    ],
)
def test_mistakes_are_one_sentence(sweep, capsys, options, sentence):
    try:
        code, err = sweep(*options), sweep.err
    except SystemExit as end:
        # The parser's own mistakes end the process.
        code, err = end.code, capsys.readouterr().err
    assert code == 2
    assert sentence in err and err.count('\n') == 1
    assert err.startswith('gluon-style')


def test_a_missing_picture_is_one_sentence(sweep):
    assert sweep(contents=('none.png',)) == 2
    assert sweep.err == "gluon-style: picture 'none.png' is not a file\n"
    assert not sweep.folder.exists()


def test_contact_sheet_has_the_pictures_where_its_edges_say(
    settings, tmp_path
):
    cells = combinations(
        ['c.png'],
        ['s.png'],
        settings,
        {'lr': [0.1, 0.2], 'tv_weight': [1.0, 2.0, 3.0]},
    )
    colors = numpy.array(
        [[250, 0, 0], [0, 250, 0], [0, 0, 250], [250, 250, 0], [0, 250, 250]]
    )
    shown = []
    for cell, color in zip(cells, colors):
        img = Image.fromarray(numpy.full((20, 30, 3), color, 'uint8'))
        img.save(cell.job.path(tmp_path))
        record = SimpleNamespace(width=30, height=20)
        shown.append(replace(cell, record=record))
    path = tmp_path / 'sheet.png'
    contact_sheet([*shown, replace(cells[5], error='no')], tmp_path, path)
    assert is_ours(path)
    sheet = numpy.asarray(Image.open(path).convert('RGB')).astype(int)
    centers = []
    for color in colors:
        y, x = numpy.nonzero(numpy.abs(sheet - color).sum(axis=2) < 30)
        centers.append((y.mean(), x.mean()))
    rows = [center[0] for center in centers]
    columns = [center[1] for center in centers]
    assert numpy.ptp(rows[:3]) < 2 and rows[3] > rows[0] + 100
    assert columns[0] < columns[1] < columns[2]
    assert abs(columns[3] - columns[0]) < 2
    assert abs(columns[4] - columns[1]) < 2


def test_a_sheet_or_manifest_of_another_program_is_kept(sweep):
    sweep.folder.mkdir()
    for name in ('contact.png', 'preview.png', 'manifest.jsonl'):
        path = sweep.folder / name
        path.write_text('mine')
        code = sweep()
        assert code == 2
        assert path.read_text() == 'mine'
        assert [each.name for each in sweep.folder.iterdir()] == [name]
        path.unlink()


@pytest.fixture
def photos(tmp_path, pictures):
    """A folder of two pictures, a broken one between them, and other files."""
    folder = tmp_path / 'photos'
    (folder / 'more').mkdir(parents=True)
    for name in ('a.png', 'c.JPG'):
        Image.open(pictures[0]).convert('RGB').save(folder / name)
    whole = (folder / 'c.JPG').read_bytes()
    (folder / 'b.jpg').write_bytes(whole[: len(whole) // 2])
    (folder / 'notes.txt').write_text('no picture')
    (folder / '.hidden.png').write_bytes(whole)
    return folder


def test_a_broken_picture_is_named_first_and_the_others_are_made(
    sweep, photos
):
    styles = [str(photos / 'a.png')]
    words = ['--quiet', '--preview', '32']
    code = sweep(*words, contents=[str(photos)], styles=styles)
    assert code == 2
    first, last = sweep.err.splitlines()
    assert first.startswith(f"gluon-style: picture '{photos}/b.jpg' is broken")
    assert last == 'gluon-style: 1 of 3 failed: b--a'
    lines = manifest(sweep.folder)
    assert [line['state'] for line in lines] == ['done', 'failed', 'done']
    assert [line['name'] for line in lines] == ['a--a', 'b--a', 'c--a']
    assert 'is broken or incomplete' in lines[1]['error']
    assert (sweep.folder / 'contact.png').exists()
    # The same command makes nothing again.
    before = (sweep.folder / 'a--a.png').stat().st_mtime_ns
    assert sweep('--quiet', contents=[str(photos)], styles=styles) == 2
    assert (sweep.folder / 'a--a.png').stat().st_mtime_ns == before


def test_run_takes_a_folder(command, photos, pictures, weights_file, tmp_path):
    (photos / 'b.jpg').unlink()
    options = ['--size', '48', '--epochs', '1', '--weights', weights_file]
    words = ['run', photos, pictures[1], *options, '--quiet']
    output = tmp_path / 'out'
    assert command(*words, '-o', output) == (0, '', '')
    assert [line['name'] for line in manifest(output)] == [
        'a--style',
        'c--style',
    ]
    assert Result.load(output / 'c--style.png').image.shape == (32, 48, 3)
    assert not (output / 'preview').exists()
    for more, sentence in (
        ([], 'no output is given: name a folder for the results with -o'),
        (['-o', photos], 'is also the folder of the pictures'),
        (['-o', output, '--plot', 'a.svg'], '--plot is for one picture and'),
        (['-o', output, '--style', photos / 'a.png'], 'is 2: name one STYLE'),
    ):
        code, _, err = command(*words, *more)
        assert code == 2 and sentence in err and err.count('\n') == 1


@pytest.mark.parametrize('content', ['empty', 'small'])
def test_a_folder_without_use_is_one_sentence(sweep, photos, content):
    if content == 'empty':
        assert sweep(contents=[str(photos / 'more')]) == 2
        assert 'has no pictures: name one with files that end' in sweep.err
    else:
        (photos / 'b.jpg').unlink()
        assert sweep('--size', '2', contents=[str(photos)]) == 2
        assert 'size gives a picture of 2x1 pixels' in sweep.err
    assert sweep.err.count('\n') == 1 and not sweep.folder.exists()


def test_a_folder_of_styles_is_every_style(settings, photos):
    from gluon_style.many.folders import expanded

    assert expanded(['x.png', str(photos)]) == [
        'x.png',
        *(str(photos / name) for name in ('a.png', 'b.jpg', 'c.JPG')),
    ]
