"""One pass as a user meets it: Python, styles in files, the command."""

import io
import json
import threading
from types import SimpleNamespace

import numpy
import pytest
from PIL import Image

from gluon_style import samples
from gluon_style.cli import main
from gluon_style.errors import GluonStyleError, OutOfMemoryError
from gluon_style.methods.feedforward import paint
from gluon_style.methods.feedforward.settings import Settings
from gluon_style.methods.feedforward.styles import Style, blended, numbered
from gluon_style.methods.feedforward.stylize import stylize
from gluon_style.methods.observers import Observer
from gluon_style.methods.table import METHODS, get_method, method_of
from gluon_style.records.record import Record
from gluon_style.records.result import Result


@pytest.fixture(scope='module')
def photo():
    rng = numpy.random.RandomState(0)
    blocks = rng.randint(0, 256, (6, 8, 3)).astype('uint8')
    return blocks.repeat(8, axis=0).repeat(8, axis=1)[:45, :63]


@pytest.fixture
def files(tmp_path, photo, monkeypatch):
    """Return a folder, the current one, with photo.png and painting.png."""
    Image.fromarray(photo).save(tmp_path / 'photo.png')
    Image.fromarray(photo[::-1, ::-1].copy()).save(tmp_path / 'painting.png')
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_numbered_style_paints_at_the_size_of_the_content(photo):
    result = stylize(photo, 'net:15')
    assert result.image.shape == photo.shape
    difference = numpy.abs(result.image.astype(int) - photo).mean()
    assert difference > 20
    record = result.record
    assert (record.method, record.epochs, record.losses) == (
        'feedforward',
        0,
        None,
    )
    assert record.pictures['style'].file == 'net:15'
    assert record.weights.file == 'styles26.npz'
    assert result.history == []


def test_strength_leads_from_the_content_to_the_painted_picture(photo):
    for style in ('net:3', photo[::-1] // 4):
        whole = stylize(photo, style).pixels
        amounts = []
        for strength in (0, 0.2, 0.6, 1):
            pixels = stylize(photo, style, strength=strength).pixels
            amounts.append(numpy.abs(pixels - photo / 255).mean())
        assert amounts[0] < 1e-6
        assert amounts == sorted(amounts)
        assert numpy.array_equal(pixels, whole)


def test_half_of_a_numbered_style_is_the_mean_of_the_pixels(photo):
    whole = stylize(photo, 'net:3').pixels
    half = stylize(photo, 'net:3', strength=0.5).pixels
    assert numpy.allclose(half, (whole + photo / 255) / 2, atol=1e-6)


def test_styles_blend_by_their_vectors():
    first, second = numbered(1), numbered(2)
    mixed = blended([first, second], (3, 1))
    expected = 0.75 * first.vector + 0.25 * second.vector
    assert numpy.allclose(mixed.vector, expected, atol=1e-6)
    assert blended([first]) is first
    with pytest.raises(GluonStyleError, match='the number of styles is 2'):
        blended([first, second], (1, 2, 3))


def test_all_of_one_style_in_a_blend_is_that_style(photo):
    alone = stylize(photo, 'net:4')
    both = stylize(photo, ['net:4', 'net:9'], style_blend=(1, 0))
    assert numpy.array_equal(alone.image, both.image)


def test_a_small_net_size_is_enlarged_to_the_result(photo):
    result = stylize(photo, 'net:3', net_size=32)
    assert result.image.shape == photo.shape
    small = stylize(photo, 'net:3', size=32)
    assert small.image.shape == (23, 32, 3)
    assert stylize(photo, 'net:3', size=(50, 40)).image.shape == (40, 50, 3)


def test_luminance_keeps_the_colors_of_the_content(photo):
    from skimage.color import rgb2yiq

    gray = numpy.full((32, 40, 3), 128, 'uint8')
    gray[8:20, 10:30] = 60
    pixels = stylize(gray, 'net:3', color='luminance').pixels
    assert numpy.abs(rgb2yiq(pixels)[..., 1:]).max() < 0.02
    painted = stylize(gray, 'net:3').pixels
    assert numpy.abs(rgb2yiq(painted)[..., 1:]).max() > 0.1


@pytest.mark.parametrize('color', ['match', 'histogram', 'transfer'])
def test_colors_may_move_before_the_net_paints(photo, color):
    plain = stylize(photo, photo[::-1] // 2)
    moved = stylize(photo, photo[::-1] // 2, color=color)
    assert moved.image.shape == plain.image.shape
    assert not numpy.array_equal(moved.image, plain.image)


def test_observers_see_the_plan_and_the_result(photo):
    seen = []

    class Seeing(Observer):
        def begin(self, plan):
            seen.append((plan.image_shape, plan.output_shape))

        def end(self, result):
            seen.append(result)

        def close(self):
            seen.append('closed')

    result = stylize(photo, 'net:0', net_size=32, observers=[Seeing()])
    assert seen == [((32, 23), (63, 45)), result, 'closed']


def test_one_pass_needs_no_mode_of_the_caller(photo):
    from mxnet import util

    result, modes = [], []

    def work():
        result.append(stylize(photo, photo[::-1]))
        modes.append((util.is_np_array(), util.is_np_shape()))

    # A new thread has MXNet's old mode.
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert modes == [(False, False)]
    expected = stylize(photo, photo[::-1])
    assert numpy.array_equal(result[0].image, expected.image)


def test_a_result_is_saved_and_loaded(photo, tmp_path):
    result = stylize(photo, 'net:7', strength=0.5)
    result.save(tmp_path / 'out.png')
    loaded = Result.load(tmp_path / 'out.png')
    assert loaded.record == result.record
    assert numpy.array_equal(loaded.image, result.image)


def test_a_record_with_epochs_must_have_losses(photo):
    table = stylize(photo, 'net:7').record.to_json()
    assert 'losses' not in table
    table['epochs'] = 3
    with pytest.raises(GluonStyleError, match='losses is missing'):
        Record.from_json(table)


def test_a_picture_too_large_for_the_memory_is_refused(photo, monkeypatch):
    monkeypatch.setattr(paint, '_BYTES_PER_PIXEL', {'styles26': 10**12})
    with pytest.raises(OutOfMemoryError, match='choose a net_size of'):
        stylize(photo, 'net:7')


@pytest.mark.parametrize(
    'changes, problem',
    [
        ({'size': 10}, 'picture of 10x7 pixels: the net needs at least 16'),
        ({'size': (8, 400)}, 'picture of 8x400 pixels'),
        ({'size': 10**5}, 'at most 67108863'),
        ({'net_size': 17}, 'picture of 17x12 pixels'),
        ({'net_size': 3}, 'net_size is 3'),
        ({'strength': 1.5}, 'strength is 1.5'),
        ({'color': 'match'}, "the style 'net:3' is not a picture"),
        ({'style_blend': (1, 2)}, 'style_blend has 2 parts'),
        ({'strengh': 1}, "did you mean 'strength'"),
    ],
)
def test_what_cannot_work_is_one_sentence(photo, changes, problem):
    with pytest.raises(GluonStyleError, match=problem) as caught:
        stylize(photo, 'net:3', **changes)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    'style, problem',
    [
        ('net:26', 'choose from net:0 to net:25'),
        ('net:', "style 'net:' is unknown"),
        ('net:-1', "style 'net:-1' is unknown"),
        ([], 'no style is given'),
        (None, 'no style is given'),
    ],
)
def test_a_style_that_is_none_is_refused(photo, style, problem):
    with pytest.raises(GluonStyleError, match=problem):
        stylize(photo, style)


def test_styles_of_different_nets_do_not_blend(photo):
    with pytest.raises(GluonStyleError, match='only styles of the same net'):
        stylize(photo, ['net:3', photo])


def test_the_settings_of_another_method_are_refused(photo):
    with pytest.raises(GluonStyleError, match='settings is'):
        stylize(photo, 'net:3', get_method('gatys').settings())


def test_the_table_has_a_line_for_each_method():
    assert list(METHODS) == ['gatys', 'feedforward', 'adain', 'diffusion']
    for name, method in METHODS.items():
        assert method_of(method.settings()).name == name
    with pytest.raises(GluonStyleError, match="did you mean 'gatys'"):
        get_method('gaty')


def test_a_style_is_kept_in_a_file(tmp_path):
    record = {'iterations': 3, 'painting': {'file': 'a.jpg'}}
    style = Style('styles26', numbered(5).vector, record)
    style.save(tmp_path / 'mine.style')
    loaded = Style.load(tmp_path / 'mine.style')
    assert loaded.trunk == 'styles26' and loaded.record == record
    assert numpy.array_equal(loaded.vector, style.vector)
    assert (tmp_path / 'mine.style').stat().st_size < 10_000


def test_a_style_file_paints_as_its_numbers_do(photo, tmp_path):
    path = tmp_path / 'five.style'
    numbered(5).save(path)
    from_file = stylize(photo, str(path))
    assert numpy.array_equal(from_file.image, stylize(photo, 'net:5').image)
    assert from_file.record.pictures['style'].file == 'five.style'
    assert 'style' not in from_file.record.shown


def write_style(path, vector, about):
    text = numpy.frombuffer(json.dumps(about).encode(), 'uint8')
    with open(path, 'wb') as file:
        numpy.savez(file, about=text, vector=vector)


ABOUT = {
    'format': 'gluon_style style',
    'version': 1,
    'net': 'styles26',
    'record': {},
}


@pytest.mark.parametrize(
    'vector, about, problem',
    [
        (numpy.ones(990, 'f4'), [], 'does not say that it is a style'),
        (numpy.ones(990, 'f4'), {**ABOUT, 'version': 9}, 'another version'),
        (numpy.ones(990, 'f4'), {**ABOUT, 'net': 'b'}, "of the net 'b'"),
        (numpy.ones(990, 'f4'), {**ABOUT, 'record': 3}, 'not a table'),
        (numpy.ones(694, 'f4'), ABOUT, r'shape \(694,\), not \(990,\)'),
        (numpy.full(990, numpy.nan, 'f4'), ABOUT, 'infinite'),
        (numpy.full(990, 1e9, 'f4'), ABOUT, 'infinite or beyond'),
        (numpy.ones(990), ABOUT, 'lacks its vector'),
    ],
)
def test_a_style_file_that_is_unfit_is_one_sentence(
    tmp_path, vector, about, problem
):
    path = tmp_path / 'a.style'
    write_style(path, vector, about)
    with pytest.raises(GluonStyleError, match=problem) as caught:
        Style.load(path)
    assert len(str(caught.value).splitlines()) == 1
    assert 'gluon-style learn' in str(caught.value)


def test_a_cut_or_huge_style_file_is_refused(tmp_path):
    path = tmp_path / 'a.style'
    numbered(0).save(path)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(GluonStyleError, match='it is not a whole archive'):
        Style.load(path)
    with open(path, 'wb') as file:
        file.truncate((4 << 20) + 1)
    with pytest.raises(GluonStyleError, match='more than 4194304 bytes'):
        Style.load(path)


def run(*words):
    return main([*map(str, words), '--quiet'])


def test_the_command_paints_and_repeats_from_its_record(files):
    words = 'run', 'photo.png', 'painting.png', '--method', 'feedforward'
    assert run(*words, '--strength', 0.7, '-o', 'out.png') == 0
    record = Result.load('out.png').record
    assert record.method == 'feedforward'
    assert record.settings['strength'] == 0.7
    assert run('run', '--config', 'out.json', '-o', 'again.png') == 0
    for suffix in ('.png', '.json'):
        first, again = (files / f'{n}{suffix}' for n in ('out', 'again'))
        assert first.read_bytes() == again.read_bytes()


def test_a_record_of_a_numbered_style_repeats(files):
    words = 'run', 'photo.png', 'net:2', 'net:3', '--style-blend', '2:1'
    assert run(*words, '--method', 'feedforward', '-o', 'out.png') == 0
    assert run('run', '--config', 'out.json', '-o', 'again.png') == 0
    assert (files / 'out.png').read_bytes() == (
        files / 'again.png'
    ).read_bytes()


def test_a_folder_of_pictures_gets_a_folder(files):
    (files / 'in').mkdir()
    for name in ('a.png', 'b.jpg', 'b.png'):
        Image.open('photo.png').save(files / 'in' / name)
    (files / 'in' / 'words.txt').write_text('no picture')
    words = 'run', 'in', 'net:8', '--method', 'feedforward', '-o', 'out'
    assert run(*words) == 0
    names = sorted(path.name for path in (files / 'out').iterdir())
    assert names == [
        *('a.json', 'a.png', 'b.jpg.json', 'b.jpg.png'),
        *('b.png.json', 'b.png.png'),
    ]


def test_a_broken_picture_of_a_folder_does_not_end_the_others(files, capsys):
    (files / 'in').mkdir()
    for name in ('a.png', 'b.png', 'c.png'):
        Image.open('photo.png').save(files / 'in' / name)
    whole = (files / 'in' / 'b.png').read_bytes()
    (files / 'in' / 'b.png').write_bytes(whole[: len(whole) // 2])
    words = 'run', 'in', 'net:8', '--method', 'feedforward', '-o', 'out'
    assert run(*words) == 2
    first, last = capsys.readouterr().err.splitlines()
    assert first.startswith("gluon-style: picture 'in/b.png' is broken")
    assert last == 'gluon-style: 1 of 3 failed: b.png'
    names = sorted(path.name for path in (files / 'out').iterdir())
    assert names == ['a.json', 'a.png', 'c.json', 'c.png']


def test_without_a_name_the_picture_and_the_style_give_one(files):
    words = 'run', 'photo.png', 'net:8', '--method', 'feedforward'
    assert run(*words) == run(*words) == 0
    assert (files / 'photo-net_8.png').exists()
    assert (files / 'photo-net_8-2.png').exists()


def test_one_pass_takes_a_pipe_and_gives_one(files, monkeypatch):
    words = 'run', 'photo.png', 'net:8', '--method', 'feedforward'
    assert run(*words, '-o', 'plain.png') == 0
    data = (files / 'photo.png').read_bytes()
    given, made = SimpleNamespace(), SimpleNamespace()
    given.buffer, made.buffer = io.BytesIO(data), io.BytesIO()
    made.flush = lambda: None
    monkeypatch.setattr('sys.stdin', given)
    monkeypatch.setattr('sys.stdout', made)
    assert run('run', '-', *words[2:], '-o', '-') == 0
    img = Image.open(io.BytesIO(made.buffer.getvalue()))
    assert numpy.array_equal(img, Result.load('plain.png').image)


@pytest.mark.parametrize(
    'words, problem',
    [
        ('phto.png net:1', "is not a file: did you mean 'photo.png'?"),
        ('in net:1 -o -', "'in' is not a file"),
        ('photo.png net:99', "style 'net:99' is unknown"),
        ('photo.png no.style', "style 'no.style' is not a file"),
        ('photo.png no.png', "picture 'no.png' is not a file"),
        ('no.png net:1', "picture 'no.png' is not a file"),
        ('photo.png net:1 --epochs 3', 'option --epochs means nothing'),
        ('photo.png net:1 --mask a.png', 'option --mask means nothing'),
        ('photo.png net:1 --preset fast', 'option --preset means nothing'),
        ('photo.png net:1 --resume', 'option --resume means nothing'),
        ('photo.png', 'no style is given'),
        ('photo.png net:1 --size 9', 'picture of 9x6 pixels'),
    ],
)
def test_a_mistake_writes_nothing(files, capsys, words, problem):
    code = run(
        'run', *words.split(), '--method', 'feedforward', '-o', 'out.png'
    )
    assert code == 2
    message = capsys.readouterr().err
    assert problem in message and len(message.splitlines()) == 1
    assert not (files / 'out.png').exists()


def test_a_setting_of_one_pass_means_nothing_to_the_other(files, capsys):
    words = 'run', 'photo.png', 'painting.png', '--net-size', 50
    assert run(*words, '-o', 'out.png') == 2
    expected = 'option --net-size means nothing to the method gatys'
    assert expected in capsys.readouterr().err


def test_a_method_that_does_not_exist_is_answered_with_the_nearest(capsys):
    with pytest.raises(SystemExit):
        run('run', 'a.png', 'b.png', '--method', 'feedforwad')
    assert 'did you mean feedforward?' in capsys.readouterr().err


def test_a_sweep_goes_over_styles_and_strengths(files, capsys):
    words = 'sweep', 'photo.png', '--style', 'net:1', 'painting.png'
    words = *words, '--method', 'feedforward', '--strength', '0.5,1'
    assert main([*words, '-o', 'out']) == 0
    out = capsys.readouterr().out
    assert '4/4 photo--painting--strength-1' in out
    lines = (files / 'out' / 'manifest.jsonl').read_text().splitlines()
    assert [json.loads(line)['state'] for line in lines] == ['done'] * 4
    assert not (files / 'out' / 'preview.png').exists()
    made = (files / 'out' / 'photo--net_1--strength-1.png').stat().st_mtime_ns
    # A finished one is not made again; one of another style is.
    assert main([*words, '-o', 'out', '--quiet']) == 0
    path = files / 'out' / 'photo--net_1--strength-1.png'
    assert path.stat().st_mtime_ns == made


def test_a_sweep_makes_a_style_of_another_number_again(files):
    for number in (1, 2):
        from gluon_style.many.jobs import Job, run as run_job

        job = Job('same', 'photo.png', f'net:{number}', Settings())
        result = run_job(job, 'out')
        assert result.record.pictures['style'].file == f'net:{number}'


def test_the_report_has_results_of_both_kinds(files):
    words = 'run', 'photo.png', 'net:6', '--method', 'feedforward'
    assert run(*words, '-o', 'out.png') == 0
    assert main(['report', '.']) == 0
    page = (files / 'report.html').read_text()
    assert 'feedforward, style net:6' in page
    assert 'Epochs' not in page


def test_the_sheet_of_styles_is_written(files):
    assert run('styles', 'photo.png', '-o', 'sheet.png') == 0
    width, height = Image.open('sheet.png').size
    assert width > height > 500
    assert run('styles', 'photo.png', '-o', 'photo.png') == 2


def test_the_sample_photograph_gets_a_sheet_by_default():
    from gluon_style.cli.parser import parse_arguments

    args = parse_arguments(['styles'])
    assert (args.content, args.output) == (None, 'styles.png')
    assert samples.photograph().shape == (300, 451, 3)
