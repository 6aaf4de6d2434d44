"""The report: what is in its page, in text and in a browser."""

import base64
import io
import json
import os
import shutil
import signal
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy
import pytest
from conftest import picture
from PIL import Image

from gluon_style import Result, cli, samples
from gluon_style.cli.signals import Interrupted
from gluon_style.files.ours import is_ours
from gluon_style.methods.gatys.presets import PRESETS
from gluon_style.methods.gatys.settings import Settings
from gluon_style.records.record import Epoch, PictureId, Record, WeightsId
from gluon_style.report import write_report

LOSSES = {
    'epoch': 1,
    'scale': [60, 40],
    **dict.fromkeys(('content', 'style', 'tv', 'total', 'seconds'), 1.0),
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder, and an empty current one beside it."""
    (tmp_path / 'here').mkdir()
    monkeypatch.chdir(tmp_path / 'here')
    (tmp_path / 'results').mkdir()
    return tmp_path / 'results'


def save(path, content, style, size=(60, 40), **changes):
    """Save a result of two pictures as if it had been computed."""
    losses = Epoch(2, size, content=2.5, style=1.25, tv=0.5, total=4.25)
    record = Record(
        method='gatys',
        settings=Settings(size=size, epochs=2).changed(changes).to_json(),
        pictures={
            'content': PictureId.of(content),
            'style': PictureId.of(style),
        },
        width=size[0],
        height=size[1],
        weights=WeightsId('oxford', 'vgg19.npz', 'ab' * 32, None),
        device='cpu(0)',
        tile=None,
        threads='2',
        versions={'gluon_style': '0.1.0', 'mxnet': '1.9.1'},
        epochs=2,
        losses=losses,
    )
    history = [
        replace(losses, epoch=1, style=125.0, seconds=0.5),
        replace(losses, seconds=75.0),
    ]
    result = Result(picture(*size, seed=3), history, record)
    result.save(path, force=True)


def without_record_within(path):
    """Leave only the record beside a PNG, as programs that reduce it do."""
    with Image.open(path) as img:
        img.save(path)


class Page(HTMLParser):
    """A page taken apart: its text, and its tags as (name, attributes)."""

    def __init__(self, path):
        super().__init__()
        self.tags, self.words = [], []
        self.feed(Path(path).read_text(encoding='utf-8'))
        self.text = ' '.join(' '.join(self.words).split())

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.words.append(data)

    def all(self, tag, **wanted):
        return [
            attributes
            for name, attributes in self.tags
            if name == tag and wanted.items() <= attributes.items()
        ]

    def image(self, id_):
        """Return the bytes of the picture of this id."""
        (img,) = self.all('img', id=id_)
        return base64.b64decode(img['src'].split('base64,')[1])


def opened(data):
    return Image.open(io.BytesIO(data))


def test_all_that_made_a_result_is_in_the_page(folder, pictures):
    save(folder / 'out.png', *pictures)
    path, count = write_report(folder, pictures=[Path(pictures[0]).parent])
    assert (path, count) == (folder / 'report.html', 1)
    assert is_ours(path)
    page = Page(path)
    for words in (
        'Stylized pictures in results One result.',
        'content 2.50 style 1.25 TV 0.50 total 4.25',
        'Picture 60\u00d740 pixels Epochs 2 of 2 Time 1.2 min',
        'Weights oxford abababababab Device cpu(0), threads: 2',
        'Versions gluon_style 0.1.0, mxnet 1.9.1',
        'All settings and hashes size 60\u00d740 epochs 2 lr 0.9',
        'style weight 10000 tv weight 10 network vgg19 content layers auto',
        'style layers conv1_1, conv2_1, conv3_1, conv4_1, conv5_1 style '
        'repeats 1',
        'bounded no guard no scales 1 first none tile auto stop at none',
        f'hash of content {PictureId.of(pictures[0]).sha256} hash of',
        f'hash of weights {"ab" * 32}',
        'Content content.png 60\u00d740 pixels',
        'Style style.jpg 50\u00d750 pixels',
    ):
        assert words in page.text
    assert 'not found' not in page.text
    assert len(page.all('details')) == len(page.all('svg')) == 1
    assert not page.all('nav')


def test_a_first_stage_is_in_words(folder, pictures):
    settings = dict(vars(PRESETS['chapter-v0.7']))
    settings.pop('size')
    save(folder / 'out.png', *pictures, size=(64, 64), **settings)
    page = Page(write_report(folder, pictures=[Path(pictures[0]).parent])[0])
    words = 'first scale 0.25, epochs 500, lr 0.01, lr decay epoch 200 tile'
    assert words in page.text


def test_the_pictures_of_a_result_are_in_the_page(folder, pictures):
    save(folder / 'out.png', *pictures, size=(48, 48))
    page = Page(write_report(folder, pictures=[Path(pictures[0]).parent])[0])
    assert page.image('r0-result') == (folder / 'out.png').read_bytes()
    # Under the slider the content picture has the result's proportions.
    content = opened(page.image('r0-content'))
    assert (content.format, content.size) == ('JPEG', (48, 48))
    whole = Image.open(pictures[0]).resize((48, 48), Image.Resampling.LANCZOS)
    difference = numpy.asarray(content).astype(int) - numpy.asarray(whole)
    assert abs(difference).mean() < 6
    assert opened(page.image('r0-style')).size == (50, 50)
    (slider,) = page.all('input', type='range')
    assert slider['aria-label'] == (
        'Compare content picture and result out.png'
    )
    assert all(img['alt'] for img in page.all('img'))


def test_a_style_of_many_results_is_in_the_page_once(folder, pictures):
    for name in 'abc':
        save(folder / f'{name}.png', *pictures)
    save(folder / 'd.png', pictures[0], samples.PAINTING)
    page = Page(write_report(folder, pictures=[Path(pictures[0]).parent])[0])
    styles = [
        button['data-large']
        for button in page.all('button')
        if button.get('data-large', '').endswith('-style')
    ]
    assert styles == ['r0-style'] * 3 + ['r3-style']
    ids = [img['id'] for img in page.all('img') if 'id' in img]
    assert [i for i in ids if i.endswith('-style')] == ['r0-style', 'r3-style']
    assert opened(page.image('r3-style')).size == (800, 533)


def test_nothing_comes_from_elsewhere(folder, pictures):
    for name in 'abcd':
        save(folder / f'{name}.png', *pictures)
    path, _ = write_report(folder, pictures=[Path(pictures[0]).parent])
    page = Page(path)
    addresses = [
        attributes[name]
        for _, attributes in page.tags
        for name in ('src', 'href', 'srcset', 'action', 'data')
        if name in attributes
    ]
    # In the contents, in each result, and a small content picture.
    assert len(addresses) == 4 * 2 + 4 * 4
    assert all(a.startswith(('data:image/', '#')) for a in addresses)
    text = path.read_text(encoding='utf-8')
    assert '://' not in text and 'url(' not in text and '@import' not in text
    (policy,) = page.all('meta', **{'http-equiv': 'Content-Security-Policy'})
    assert policy['content'].startswith("default-src 'none'; img-src data:;")


def test_names_and_titles_are_escaped(folder, pictures, tmp_path):
    odd = tmp_path / 'here' / '<i>&"c.png'
    shutil.copy(pictures[0], odd)
    save(folder / '<b>&"x.png', odd, pictures[1], weights='<u>')
    path, _ = write_report(folder, title='</title><script>"&amp;')
    page = Page(path)
    assert page.text.count('</title><script>"&amp;') == 2
    assert page.all('img', alt='Result <b>&"x.png')
    assert 'Content <i>&"c.png' in page.text and 'weights <u>' in page.text
    assert not any(page.all(tag) for tag in ('i', 'u'))
    # One is what the page needs itself.
    assert len(page.all('script')) == len(page.all('title')) == 1


def test_a_name_of_bytes_that_are_not_text_is_shown(folder, pictures):
    name = b'caf\xe9.png'.decode('utf-8', 'surrogateescape')
    try:
        save(folder / name, *pictures)
    except OSError:
        pytest.skip('this file system has names of text only')
    page = Page(write_report(folder)[0])
    assert 'caf?.png' in page.text


def test_results_stand_in_natural_order_with_what_differs(folder, pictures):
    (folder / 'a9').mkdir()
    (folder / '.hidden').mkdir()
    for name, seed in (('b10', 1), ('b9', 1), ('a9/x', 2), ('B1', 1)):
        save(folder / f'{name}.png', *pictures, seed=seed)
    save(folder / '.hidden' / 'no.png', *pictures)
    page = Page(write_report(folder)[0])
    assert '4 results. Settings that differ: seed.' in page.text
    names = [img['alt'] for img in page.all('img') if img['alt']]
    assert names == [
        f'Result {name}.png' for name in ('a9/x', 'B1', 'b9', 'b10')
    ]
    (nav,) = page.all('nav')
    assert nav['aria-label'] == 'Contents'
    assert [a['href'] for a in page.all('a')] == ['#r0', '#r1', '#r2', '#r3']
    assert 'a9/x.png total 4.25, seed 2' in page.text
    assert 'a9/x.png seed 2 Enlarge the result' in page.text


def test_missing_pictures_are_logged_once(folder, pictures, caplog):
    for name in 'ab':
        save(folder / f'{name}.png', *pictures)
    page = Page(write_report(folder)[0])
    assert not page.all('input')
    assert not page.all('img', id='r0-content')
    for role, file in (('content', 'content.png'), ('style', 'style.jpg')):
        sentence = (
            f'The {role} picture {file} was not found by its hash: name the '
            'folder it is in with --pictures to see it here.'
        )
        assert page.text.count(sentence) == 2
    assert caplog.messages == [
        "the content picture 'content.png' of 'a.png' and 1 more was not "
        'found: name its folder with --pictures',
        "the style picture 'style.jpg' of 'a.png' and 1 more was not found: "
        'name its folder with --pictures',
    ]


@pytest.mark.parametrize('where', ['results', 'results/in', 'here', 'named'])
def test_pictures_are_found_by_hash_whatever_their_names(
    folder, pictures, where, caplog
):
    save(folder / 'a.png', *pictures)
    save(folder / 'b.png', *pictures)
    place = folder.parent / where
    place.mkdir(exist_ok=True)
    shutil.copy(pictures[0], place / 'renamed.PNG')
    # Another picture of that name is not taken for it.
    shutil.copy(pictures[1], place / 'content.png')
    named = [place] if where == 'named' else []
    page = Page(write_report(folder, pictures=named)[0])
    assert len(page.all('input', type='range')) == 2
    assert 'not found' not in page.text
    assert caplog.messages == []


def test_the_samples_are_found(folder, caplog):
    save(folder / 'cat.png', samples.photograph(), samples.PAINTING)
    page = Page(write_report(folder)[0])
    assert len(page.all('input', type='range')) == 1
    assert 'Content from an array 451\u00d7300 pixels' in page.text
    assert 'Style painting.jpg 900\u00d7600 pixels' in page.text
    assert caplog.messages == []


def test_an_array_is_found_in_a_file_of_its_pixels(folder, caplog):
    content = picture(30, 20, seed=4)
    save(folder / 'a.png', content, samples.PAINTING)
    digest = PictureId.of(content).sha256
    page = Page(write_report(folder)[0])
    assert 'The content picture was not found by its hash' in page.text
    assert caplog.messages == [
        f"the content picture with the hash {digest[:12]} of 'a.png' was not "
        'found: name its folder with --pictures'
    ]
    Image.fromarray(content).save('later.png')
    page = Page(write_report(folder)[0])
    assert len(page.all('input', type='range')) == 1


def test_a_limited_number_of_files_is_compared(
    folder, pictures, monkeypatch, caplog
):
    save(folder / 'out.png', *pictures)
    shutil.copy(pictures[0], 'content.png')
    monkeypatch.setattr('gluon_style.records.find.MOST_FILES', 1)
    page = Page(write_report(folder)[0])
    # The one whose name fits is the first.
    assert len(page.all('input', type='range')) == 1
    assert caplog.messages[0] == (
        'of 3 pictures only 1 are compared with those of the record'
    )


def test_a_large_result_is_reduced_and_says_so(folder, pictures):
    save(folder / 'large.png', *pictures, size=(2000, 500))
    page = Page(write_report(folder)[0])
    result = opened(page.image('r0-result'))
    assert (result.format, result.size) == ('JPEG', (1600, 400))
    assert (
        'Shown here at 1600\u00d7400 pixels, as JPEG; the file has '
        '2000\u00d7500.'
    ) in page.text


def test_a_picture_file_of_many_bytes_is_not_shown_itself(folder, pictures):
    save(folder / 'out.png', *pictures)
    os.truncate(folder / 'out.png', 16 << 20)
    shown = Page(write_report(folder)[0]).image('r0-result')
    assert len(shown) == 16 << 20
    os.truncate(folder / 'out.png', (16 << 20) + 1)
    shown = opened(Page(write_report(folder)[0]).image('r0-result'))
    assert (shown.format, shown.size) == ('JPEG', (60, 40))


def test_how_a_run_ended_is_in_the_page(folder, pictures):
    save(folder / 'out.png', *pictures)
    beside = folder / 'out.json'
    record = json.loads(beside.read_text())
    record['losses']['scale'] = [30, 20]
    record['losses']['style'] = 123456.0
    record['history'][0]['scale'] = [30, 20]
    beside.write_text(json.dumps(record))
    without_record_within(folder / 'out.png')
    page = Page(write_report(folder)[0])
    for words in (
        'The run stopped at 30\u00d720 pixels; the result is enlarged',
        'style 1.23e+05 TV',
        'Epochs 1 of 2, and 1 at coarser scales',
    ):
        assert words in page.text
    beside.write_text(json.dumps({**record, 'history': []}))
    page = Page(write_report(folder)[0])
    assert 'The record has no epochs.' in page.text


@pytest.mark.parametrize('suffix', ['.jpg', '.webp', '.tif'])
def test_results_of_every_kind_are_in_the_page(folder, pictures, suffix):
    # A photograph with the result's name is not a result.
    shutil.copy(pictures[1], folder / 'out.jpeg')
    save(folder / f'out{suffix}', *pictures)
    path, count = write_report(folder, pictures=[Path(pictures[0]).parent])
    assert count == 1
    shown = Page(path).image('r0-result')
    if suffix == '.tif':
        assert (opened(shown).format, opened(shown).size) == ('JPEG', (60, 40))
    else:
        assert shown == (folder / f'out{suffix}').read_bytes()


def test_a_resized_result_says_what_the_run_made(folder, pictures):
    save(folder / 'small.png', *pictures)
    Result.load(folder / 'small.png').resized(90, 60).save(folder / 'out.png')
    for beside in ('.png', '.json'):
        (folder / f'small{beside}').unlink()
    page = Page(write_report(folder, pictures=[Path(pictures[0]).parent])[0])
    assert 'The run made 60\u00d740 pixels; the result is resized' in page.text
    assert 'Picture 90\u00d760 pixels' in page.text
    assert 'The run stopped at' not in page.text


def test_what_is_not_a_whole_result_is_left_out(folder, pictures, caplog):
    save(folder / 'good.png', *pictures)
    for name in ('cut', 'deep', 'huge', 'other', 'size', 'weights'):
        save(folder / f'{name}.png', *pictures)
    cut = (folder / 'cut.png').read_bytes()
    (folder / 'cut.png').write_bytes(cut[: len(cut) // 2])
    (folder / 'deep.json').write_text('[' * 200_000)
    os.truncate(folder / 'huge.json', 1 << 30)
    (folder / 'other.json').write_text('{"name": "an editor"}')
    record = json.loads((folder / 'good.json').read_text())
    (folder / 'size.json').write_text(json.dumps({**record, 'width': 61}))
    without_record_within(folder / 'size.png')
    (folder / 'weights.json').write_text(json.dumps({**record, 'weights': 1}))
    # These are not this package's, and are left out without a word.
    shutil.copy(pictures[0], folder / 'photo.png')
    (folder / 'text.png').write_text('no picture')
    (folder / 'notes.json').write_text('{}')
    (folder / 'folder.png').mkdir()
    (folder / 'huge.webp').touch()
    os.truncate(folder / 'huge.webp', 1 << 30)
    assert write_report(folder, pictures=[Path(pictures[0]).parent])[1] == 1
    reasons = [
        ('cut', "cut.png' is broken or incomplete"),
        ('deep', '(its JSON is more than 20 lists and objects'),
        ('huge', '(it has more than the 67108864 bytes of JSON'),
        ('other', "other.json' is not one of this package (settings is"),
        ('size', 'is 60x40 and its record says 61x40: make it anew'),
        ('weights', 'is not one of this package (weights is 1, not a table)'),
    ]
    assert len(caplog.messages) == len(reasons)
    for message, (name, reason) in zip(caplog.messages, reasons):
        assert message.startswith(f'{folder / name}.png is left out: ')
        assert reason in message


@pytest.mark.parametrize('suffix', ['.jpg', '.webp', '.tif'])
@pytest.mark.parametrize('part', [0.1, 0.5])
def test_a_cut_picture_of_any_kind_is_left_out_with_a_word(
    folder, pictures, capsys, suffix, part
):
    save(folder / 'good.png', *pictures)
    path = folder / f'cut{suffix}'
    save(path, *pictures)
    os.truncate(path, int(part * path.stat().st_size))
    # A photograph of its name is not it.
    shutil.copy(pictures[1], folder / 'cut.jpeg')
    place = str(Path(pictures[0]).parent)
    assert cli.main(['report', str(folder), '--pictures', place]) == 0
    out, err = capsys.readouterr()
    assert out.startswith(f'{folder}/report.html: 1 result, ')
    assert err.startswith(f'gluon-style: {path} is left out: picture ')
    assert err.count('\n') == 1


def test_a_pipe_is_not_waited_for(folder, pictures):
    save(folder / 'good.png', *pictures)
    for name in ('a.webp', 'b.png', 'b.json'):
        os.mkfifo(folder / name)
    assert write_report(folder)[1] == 1


@pytest.mark.parametrize(
    'change',
    [
        {'content': {'file': 'a.jpg', 'sha256': 'no hash'}},
        {'style': {'file': ['a.jpg'], 'sha256': 'ab'}},
        {'style': {'file': [], 'sha256': 'ab'}},
        {'style': {'file': None, 'sha256': {}}},
        {'settings': ['lr']},
        {'versions': None},
        {'versions': []},
        {'others': [1]},
        {'content': None},
        {'history': [{'scale': ['<script>', 1], 'epoch': 1}]},
        {'losses': {'scale': [1, 1], 'content': '<script>'}},
        {'history': [{**LOSSES, 'epoch': 10**400}]},
        {'losses': {**LOSSES, 'total': 10**400}},
        {'weights': {'source': ['<script>']}},
        {'threads': 2},
        {'resized_to': '<script>'},
    ],
)
def test_a_record_of_another_shape_is_left_out(
    folder, pictures, change, caplog
):
    save(folder / 'out.png', *pictures)
    record = json.loads((folder / 'out.json').read_text())
    (folder / 'out.json').write_text(json.dumps({**record, **change}))
    with pytest.raises(ValueError, match='has no result of this package'):
        write_report(folder)
    (message,) = caplog.messages
    record = folder / 'out.json'
    assert f'out.png is left out: record {str(record)!r} is not' in message


@pytest.mark.parametrize(
    'arguments, sentence',
    [
        (['none'], "folder 'none' does not exist"),
        (['.'], "folder '.' has no result of this package: make one with"),
        (['.', '--pictures', 'no'], "folder 'no' does not exist"),
        (['.', '-o', 'a.png'], "output 'a.png' must end in .html"),
        (['.', '-o', 'a'], "output 'a' must end in .html"),
        (['.', '-o', 'no/a.html'], "output folder 'no' does not exist: make"),
        (['.', '-o', 'in.html'], "output 'in.html' is a folder: name a file"),
    ],
)
def test_mistakes_get_one_sentence(folder, capsys, arguments, sentence):
    Path('in.html').mkdir()
    assert cli.main(['report', *arguments]) == 2
    out, err = capsys.readouterr()
    assert err.startswith(f'gluon-style: {sentence}') and err.count('\n') == 1
    assert out == ''
    assert [path.name for path in Path().iterdir()] == ['in.html']


def test_the_command_says_what_it_wrote(folder, pictures, capsys):
    save(folder / 'out.png', *pictures)
    place = str(Path(pictures[0]).parent)
    code = cli.main(['report', str(folder), '--pictures', place, place])
    assert code == 0
    size = (folder / 'report.html').stat().st_size / 1e6
    assert capsys.readouterr() == (
        f'{folder}/report.html: 1 result, {size:.1f} MB\n',
        '',
    )
    code = cli.main(['report', str(folder), '-o', 'a.html', '--title', 'Mine'])
    assert code == 0
    out, err = capsys.readouterr()
    assert out.startswith('a.html: 1 result, ')
    assert "gluon-style: the content picture 'content.png' of 'out.png'" in err
    assert 'Mine One result.' in Page('a.html').text


def test_settings_of_any_shape_are_shown_as_text(folder, pictures):
    save(folder / 'out.png', *pictures)
    beside = folder / 'out.json'
    record = json.loads(beside.read_text())
    settings = {'<i>': [{'<u>': None}, '"'], 'deep': {'<i>': {'a_b': [1, 2]}}}
    beside.write_text(json.dumps({**record, 'settings': settings}))
    without_record_within(folder / 'out.png')
    page = Page(write_report(folder)[0])
    assert 'deep <i> a b 1\u00d72' in page.text
    assert 'Epochs 2 Time' in page.text
    assert not any(page.all(tag) for tag in ('i', 'u'))


def test_epochs_without_seconds_have_no_time(folder, pictures):
    save(folder / 'out.png', *pictures)
    beside = folder / 'out.json'
    record = json.loads(beside.read_text())
    del record['history'][-1]['seconds']
    beside.write_text(json.dumps(record))
    page = Page(write_report(folder)[0])
    assert 'Epochs 2 of 2 Time unknown' in page.text


def test_a_found_file_that_is_not_a_picture_is_not_shown(
    folder, pictures, caplog
):
    text = folder / 'text.png'
    text.write_text('not a picture')
    save(folder / 'out.png', text, pictures[1])
    page = Page(write_report(folder)[0])
    assert 'The content picture text.png was not found' in page.text
    assert caplog.messages[0].startswith('a picture cannot be shown: ')


def test_a_page_is_written_whole_or_not_at_all(folder, pictures, monkeypatch):
    save(folder / 'out.png', *pictures)
    page = folder / 'report.html'
    page.write_text('the page before')
    before = sorted(folder.iterdir())

    def fail(*args):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr('os.fsync', fail)
    with pytest.raises(OSError, match='No space left'):
        write_report(folder, force=True)
    assert page.read_text() == 'the page before'
    assert sorted(folder.iterdir()) == before


def test_a_report_needs_no_mxnet(tmp_path, pictures, without_mxnet):
    save(tmp_path / 'out.png', *pictures)
    done = without_mxnet(
        'from gluon_style.cli import main;'
        f'assert main(["report", {str(tmp_path)!r}]) == 0'
    )
    assert done.startswith(f'{tmp_path}/report.html: 1 result')


PHONE = {
    'width': 375,
    'height': 812,
    'deviceScaleFactor': 2,
    'mobile': True,
}


@pytest.fixture
def shown(browser, folder, pictures):
    """The browser, with a page of four results, which says no error."""
    for name in ('a', 'b', 'c', '<d>&"'):
        save(folder / f'{name}.png', *pictures)
    save(folder / 'e.png', picture(9, 9), pictures[1], size=(1700, 40))
    place = Path(pictures[0]).parent
    path, _ = write_report(folder, folder / 'p #1?.html', pictures=[place])
    browser.execute_cdp_cmd('Emulation.clearDeviceMetricsOverride', {})
    browser.get_log('performance')
    browser.get(path.as_uri())
    yield browser
    assert browser.get_log('browser') == []


def clip(browser):
    """Return how much of the first content picture is cut off, in %."""
    shape = browser.execute_script(
        "return getComputedStyle(document.querySelector('.before')).clipPath"
    )
    return float(shape.split()[1].rstrip('%'))


def first(browser, selector):
    return browser.find_element('css selector', selector)


def test_in_a_browser_every_picture_is_shown(shown):
    widths = shown.execute_script(
        'return [...document.images].map(img => img.naturalWidth)'
    )
    assert len(widths) == 5 + 4 * 4 + 2
    assert all(width > 0 for width in widths)


def test_in_a_browser_nothing_is_fetched(shown):
    entries = [
        json.loads(entry['message'])['message']
        for entry in shown.get_log('performance')
    ]
    addresses = [
        entry['params']['request']['url']
        for entry in entries
        if entry['method'] == 'Network.requestWillBeSent'
    ]
    assert any(address.startswith('file:') for address in addresses)
    assert {a.split(':')[0] for a in addresses} <= {'file', 'data'}
    assert sum(a.startswith('file:') for a in addresses) == 1


def test_in_a_browser_the_slider_uncovers(shown):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    slider = first(shown, 'input[type=range]')
    assert clip(shown) == 50
    slider.send_keys(Keys.ARROW_RIGHT)
    assert clip(shown) == 49
    assert slider.get_attribute('aria-valuetext') == '51% content picture'
    slider.send_keys(Keys.HOME)
    assert clip(shown) == 100
    shown.execute_script(
        'const [slider] = arguments; slider.value = 75;'
        "slider.dispatchEvent(new Event('input'))",
        slider,
    )
    assert clip(shown) == 25
    quarter = -slider.size['width'] // 4
    mouse = ActionChains(shown).move_to_element_with_offset(slider, quarter, 0)
    mouse.click().perform()
    assert clip(shown) == pytest.approx(75, abs=2)
    # The others are as they were.
    assert (
        shown.execute_script(
            "return [...document.querySelectorAll('input')].map(i => i.value)"
        )[1:]
        == ['50'] * 3
    )


def test_in_a_browser_details_open(shown):
    details = first(shown, 'details')
    settings = details.find_element('tag name', 'dl')
    assert not settings.is_displayed()
    details.find_element('tag name', 'summary').send_keys('\n')
    assert settings.is_displayed()
    assert 'lr decay epoch' in settings.text


def test_in_a_browser_pictures_are_enlarged(shown):
    from selenium.webdriver.common.keys import Keys

    dialog = first(shown, 'dialog')
    for selector, words in (
        ('#r1 .plain', 'Result a.png'),
        ('#r1 .zoom[data-large=r1-content]', 'Content picture of a.png'),
        ('#r1 .zoom[data-large=r0-style]', 'Style picture of a.png'),
    ):
        assert not dialog.is_displayed()
        first(shown, selector).send_keys('\n')
        assert words in dialog.text
        assert len(dialog.find_elements('tag name', 'img')) == 1
        assert dialog.find_element('tag name', 'img').size['width'] > 300
        first(shown, 'dialog button').send_keys(Keys.ESCAPE)
    assert not dialog.is_displayed()


def test_in_a_browser_a_phone_needs_no_sideways_scrolling(shown):
    shown.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', PHONE)
    shown.refresh()
    shown.execute_script(
        "document.querySelectorAll('details').forEach(d => d.open = true)"
    )
    widths = shown.execute_script(
        'return [innerWidth, document.documentElement.scrollWidth]'
    )
    assert widths == [375, 375]


@pytest.mark.parametrize('scheme', ['light', 'dark'])
def test_in_a_browser_words_stand_out_by_day_and_by_night(shown, scheme):
    feature = {'name': 'prefers-color-scheme', 'value': scheme}
    shown.execute_cdp_cmd(
        'Emulation.setEmulatedMedia', {'features': [feature]}
    )

    def brightness(selector, name):
        color = first(shown, selector).value_of_css_property(name)
        red, green, blue = map(
            int, color[color.index('(') + 1 :].split(',')[:3]
        )
        return (red + green + blue) / 765

    back = brightness('article', 'background-color')
    assert (back > 0.9) == (scheme == 'light')
    assert (back < 0.2) == (scheme == 'dark')
    for selector in ('h2', 'figcaption', '.facts dt'):
        assert abs(brightness(selector, 'color') - back) > 0.4


def test_a_page_of_another_program_is_kept_unless_forced(folder, pictures):
    save(folder / 'out.png', *pictures)
    (folder / 'report.html').write_text('<p>gluon_style is nice</p>')
    with pytest.raises(ValueError, match='was not written by this program'):
        write_report(folder)
    assert (folder / 'report.html').read_text().endswith('nice</p>')
    assert write_report(folder, force=True)[1] == 1
    assert write_report(folder)[1] == 1


def test_a_picture_alone_is_shown_by_the_record_within(
    folder, pictures, caplog
):
    save(folder / 'alone.png', *pictures)
    (folder / 'alone.json').unlink()
    places = [Path(pictures[0]).parent]
    path, count = write_report(folder, pictures=places)
    assert (caplog.messages, count) == ([], 1)
    assert 'Epochs 2 of 2 Time unknown' in Page(path).text
    # Beside it, the record of another picture is not its own.
    save(folder / 'alone.jpg', *pictures[::-1], tv_weight=7.0)
    path, count = write_report(folder, pictures=places)
    assert (caplog.messages, count) == ([], 2)
    text = Page(path).text
    assert text.count('tv weight 10') == text.count('tv weight 7') > 0


def test_a_plot_beside_a_record_of_another_picture_is_left_out(
    folder, pictures, caplog
):
    save(folder / 'out.jpg', *pictures)
    Image.new('RGB', (60, 40)).save(folder / 'out.png')
    places = [Path(pictures[0]).parent]
    path, count = write_report(folder, pictures=places)
    assert (caplog.messages, count) == ([], 1)
    assert 'out.jpg' in Page(path).text


def test_a_watched_page_grows_with_its_results(
    tmp_path, pictures, monkeypatch, capsys
):
    wall, printed = tmp_path / 'wall', []

    def sleep(seconds):
        """Make a result while the command sleeps; at last, type Ctrl-C."""
        printed.append(len(capsys.readouterr().out.splitlines()))
        wall.mkdir(exist_ok=True)
        if len(printed) < 3:
            save(wall / f'result{len(printed)}.png', *pictures)
        if len(printed) == 4:
            raise Interrupted(signal.SIGINT)

    monkeypatch.setattr('time.sleep', sleep)
    words = ['report', str(wall), '--watch']
    words += ['--pictures', str(Path(pictures[0]).parent)]
    assert cli.main(words) == 130
    # Nothing is there, then one result, another one, and nothing new.
    assert printed == [0, 1, 1, 0]
    page = Page(wall / 'report.html')
    assert page.all('meta', content='5') == [
        {'http-equiv': 'refresh', 'content': '5'}
    ]
    assert 'result1' in page.text and 'result2' in page.text
    (tmp_path / 'file').touch()
    assert cli.main(['report', str(tmp_path / 'file'), '--watch']) == 2
    assert 'is a file: name the folder' in capsys.readouterr().err
