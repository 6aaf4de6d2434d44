"""What run, texture and reconstruct make of their options, as files."""

import json
import os
import shutil
import signal
from pathlib import Path

import numpy
import pytest
from conftest import picture
from PIL import Image, ImageSequence

from gluon_style.cli.parser import parse_arguments
from gluon_style.cli.request import Request, read_request
from gluon_style.errors import GluonStyleError
from gluon_style.pictures.read import read_picture
from gluon_style.pictures.write import read_words


@pytest.fixture
def make(command, pictures, weights_file, tmp_path, monkeypatch):
    """Run a command in a folder of pictures; returns its code and stderr."""
    monkeypatch.chdir(tmp_path)
    for name, source in zip(('content.png', 'style.png'), pictures):
        Image.fromarray(read_picture(source)).save(name)
    Image.fromarray(picture(50, 40, seed=3)).save('other.png')

    def call(*words, size='32x24'):
        tiny = ['--weights', weights_file, '--size', size, '--epochs', '3']
        code, _, err = command(*words, *tiny, '--scales', '1')
        return code, err

    return call


STEPS = ['out-00001.png', 'out-00002.png', 'out-00003.png']


def made(path='out.png'):
    return read_picture(path).astype(int)


def record(path='out.json'):
    return json.loads(Path(path).read_text())


def test_style_may_stand_after_options(make):
    assert make('run', 'content.png', 'style.png', '-o', 'a.png')[0] == 0
    split = ['run', 'content.png', '-o', 'b.png', 'style.png', '--quiet']
    assert make(*split) == (0, '')
    assert (made('a.png') == made('b.png')).all()
    code, err = make('run', 'content.png', 'style.png', 'x', '-o', 'c.png')
    assert code == 2 and "picture 'x' is not a file" in err


@pytest.mark.parametrize(
    'words, styles',
    [
        ('b --style c', 'bc'),
        ('--style c b', 'cb'),
        ('--style=c b', 'cb'),
        ('--style=c --seed 3 b', 'cb'),
        ('--seed 3 b --style c', 'bc'),
        ('--seed 3 b --style=c', 'bc'),
        ('--style c --seed 3 b --style d', 'cbd'),
        ('b --style c d', 'bcd'),
        ('b --seed 3 c', 'bc'),
        ('--style c -- b d', 'cbd'),
        ('--seed 3 -- b', 'b'),
    ],
)
def test_styles_have_their_order_on_the_command_line(words, styles):
    args = parse_arguments(['run', 'a', *words.split()])
    assert args.content == 'a'
    assert args.styles == list(styles)


def test_styles_may_come_last_behind_two_dashes():
    words = ['run', '-o', 'x.png', '--style', 'c', '--', 'a', '-b']
    args = parse_arguments(words)
    assert (args.content, args.styles) == ('a', ['c', '-b'])


def test_a_style_whose_place_is_not_clear_is_refused(make):
    run = ['run', 'content.png', '-o', 'out.png', '--mask', 'style.png']
    styles = ['--style', 'other.png', 'style.png']
    code, err = make(*run, *styles)
    assert code == 2 and err.count('\n') == 1
    assert "'style.png'" in err and '--style alone' in err
    args = parse_arguments(['run', 'b', 'b', '--style', 'c', '--mask', 'b'])
    assert args.styles == ['b', 'c']


def test_the_first_style_is_recorded_as_such(make):
    both = ['run', 'content.png', '--style', 'other.png', 'style.png']
    assert make(*both, '-o', 'out.png', '--quiet') == (0, '')
    assert record()['style']['file'] == 'other.png'
    assert record()['others']['style 2']['file'] == 'style.png'


def test_a_texture_takes_styles_after_options(make):
    args = parse_arguments(['texture', 'a', '-o', 'x.png', 'b', 'c'])
    assert args.styles == ['a', 'b', 'c'] and args.output == 'x.png'
    code, err = make('texture', 'a', '-o', 'x.png', '--wide', '3')
    assert code == 2 and "option '--wide' is unknown" in err


def test_layers_of_a_repeated_option_add_up():
    words = ['--style-layers', 'conv1_1,conv2_1', '--style-layers', '10']
    args = parse_arguments(['run', 'a', 'b', *words])
    assert args.style_layers == ['conv1_1', 'conv2_1', '10']


def test_an_option_given_again_replaces_the_first(make):
    args = parse_arguments(['run', 'a', 'b', '--lr', '1', '--lr', '2'])
    assert args.lr == 2


def test_an_option_may_be_shortened():
    words = ['--style-w', '5', '--no-bound', '--anim', 'x.gif']
    args = parse_arguments(['run', 'a', 'b', *words])
    assert (args.style_weight, args.bounded) == (5, False)
    assert args.animation == 'x.gif'


def test_help_tells_the_commands_own_defaults(command):
    def help_of(name):
        return ' '.join(command(name, '--help')[1].split())

    run, texture = help_of('run'), help_of('texture')
    reconstruct = help_of('reconstruct')
    assert 'variation loss (fast: 0.6)' in run
    assert 'variation loss (fast: 5)' in texture
    assert 'variation loss (fast: 2)' in reconstruct
    assert '(fast: content)' in run
    assert '(fast: noise)' in texture and '(fast: noise)' in reconstruct
    assert "the network's own (fast: conv4_2)" in reconstruct
    assert "the network's own (fast: auto)" in run


def test_several_styles_are_blended(make):
    both = ['--style', 'style.png', '--style', 'other.png']
    names = {'a': both, 'b': [*both, '--style-blend', '0:1']}
    names['c'] = ['--style', 'other.png']
    for name, options in names.items():
        output = ['-o', f'{name}.png', '--quiet', '--color', 'style']
        assert make('run', 'content.png', *output, *options) == (0, '')
    # None of the first one's is the second one alone.
    assert abs(made('b.png') - made('c.png')).max() <= 1
    assert abs(made('a.png') - made('c.png')).max() > 5
    assert record('a.json')['style']['file'] == 'style.png'
    assert record('a.json')['others']['style 2']['file'] == 'other.png'


def test_a_mask_keeps_the_style_to_a_region(make, tmp_path):
    mask = numpy.zeros((24, 200, 3), 'uint8')
    mask[:, :60] = 255
    Image.fromarray(mask).save('mask.png')
    options = ['--quiet', '--content-weight', '0', '--tv-weight', '0']
    options += ['--feather', '0', '--style-layers', 'conv1_1,conv2_1']
    options += ['--style-scale', '0.5', '--color', 'style']
    run = ['run', 'content.png', 'style.png', '-o', 'out.png', *options]
    assert make(*run, '--mask', 'mask.png', size='200x24') == (0, '')
    start = ['run', 'content.png', 'style.png', '-o', 'start.png', *options]
    make(*start, '--style-weight', '0', size='200x24')
    changed = abs(made() - made('start.png')).max(axis=2)
    assert changed[:, :60].mean() > 5
    # The network sees some pixels across the edge, not more.
    assert changed[:, 80:].max() <= 1
    assert record()['others']['mask']['file'] == 'mask.png'


def test_luminance_keeps_the_contents_colors(make):
    run = ['run', 'content.png', 'style.png', '--quiet', '-o']
    assert make(*run, 'a.png') == (0, '')
    assert make(*run, 'b.png', '--color', 'luminance') == (0, '')
    with Image.open('content.png') as file:
        content = numpy.asarray(file.resize((32, 24))).astype(int)

    def chroma(img):
        return img[..., 0] - img[..., 2]

    wanted = chroma(content)
    kept = abs(chroma(made('b.png')) - wanted).mean()
    assert kept < abs(chroma(made('a.png')) - wanted).mean() / 2


def test_texture_and_reconstruct(make):
    texture = ['texture', 'style.png', '-o', 'out.png', '--quiet']
    assert make(*texture, '--tileable', size='48') == (0, '')
    assert made().shape == (48, 48, 3)
    assert record()['content'] == {'file': None, 'sha256': None}
    assert record()['settings']['tileable'] is True
    rebuild = ['reconstruct', 'content.png', '--layer', 'conv2_1', '--quiet']
    assert make(*rebuild, '-o', 'b.png', size='30') == (0, '')
    assert made('b.png').shape == (20, 30, 3)
    assert record('b.json')['settings']['content_layers'] == ['conv2_1']
    assert record('b.json')['style']['sha256'] is None


def test_a_config_says_all_and_options_come_first(make, tmp_path):
    Path('run.toml').write_text(
        "content = 'content.png'\nstyle = 'style.png'\noutput = 'out.png'\n"
        "preset = 'chapter'\nlr = 0.25\nseed = 4\n"
    )
    assert make('run', '--config', 'run.toml', '--seed', '5')[0] == 0
    settings = record()['settings']
    assert (settings['lr'], settings['seed']) == (0.25, 5)
    assert settings['optimizer'] == 'adam'


def test_a_record_repeats_its_run_to_the_byte(make, command):
    options = ['--init', 'blend:0.4', '--seed', '3', '--quiet']
    options += ['--color', 'histogram', '--style-layers', 'conv1_1:2,conv2_1']
    run = ['run', 'content.png', 'style.png', '-o', 'out.png', *options]
    assert make(*run) == (0, '')
    Path('content.png').rename('moved.png')
    again = ['run', '--config', 'out.json', '-o', 'again.png', '--quiet']
    assert command(*again) == (0, '', '')
    assert (made() == made('again.png')).all()
    first, second = record(), record('again.json')
    for each in (first, second):
        # What 'auto' had chosen is said now, and time is another.
        for name in ('tile', 'device'):
            each['settings'].pop(name)
        each['content'].pop('file')
        for entry in each['history']:
            entry.pop('seconds')
    assert first == second


@pytest.mark.parametrize(
    'options',
    [
        # L-BFGS begins anew at each checkpoint.
        ['--checkpoint', 'kept', '--checkpoint-every', '1'],
        # Time would tell otherwise.
        ['--time-limit', '1e-3', '--save-every', '2'],
        ['--stop-after', '2', '--preset', 'chapter'],
        ['--mask', 'style.png', '--original-size'],
    ],
)
def test_a_record_repeats_what_ended_otherwise(make, command, options):
    run = ['run', 'content.png', 'other.png', '--quiet', '-o']
    assert make(*run, 'out.png', *options)[0] == 0
    again = ['run', '--config', 'out.json', '-o', 'b.png', '--quiet']
    # A mask that is stretched is a warning.
    assert command(*again)[0] == 0
    assert (made() == made('b.png')).all()
    assert len(record()['history']) == len(record('b.json')['history'])
    assert record()['losses'] == record('b.json')['losses']
    assert make(*run, 'plain.png')[0] == 0
    assert made().shape != made('plain.png').shape or (
        (made() != made('plain.png')).any()
    )


def test_a_texture_is_repeated_by_its_record(make, command):
    texture = ['texture', 'style.png', '-o', 'out.png', '--quiet']
    assert make(*texture, size='48') == (0, '')
    again = ['texture', '--config', 'out.json', '-o', 'b.png', '--quiet']
    assert command(*again) == (0, '', '')
    assert (made() == made('b.png')).all()


def requested(*words):
    return read_request(parse_arguments([*words, '-o', 'again.png']))


def test_a_layer_given_comes_before_the_configs(make):
    rebuild = ['reconstruct', 'content.png', '--layer', 'conv2_1', '--quiet']
    assert make(*rebuild, '-o', 'out.png') == (0, '')
    again = ['reconstruct', '--config', 'out.json']
    settings = requested(*again).settings
    assert settings.content_layers == ('conv2_1',)
    settings = requested(*again, '--layer', 'conv3_1').settings
    assert settings.content_layers == ('conv3_1',)
    assert settings.style_layers == ('conv3_1',)
    settings = requested('reconstruct', 'content.png').settings
    assert settings.content_layers == ('conv4_2',)


def test_a_record_is_for_its_command_and_has_all_settings(make):
    run = ['run', 'content.png', 'style.png']
    texture, rebuild = ['texture', 'style.png'], ['reconstruct', 'content.png']
    for words in (run, texture, rebuild):
        output = ['-o', f'{words[0]}.png', '--quiet']
        assert make(*words, *output, size='48') == (0, '')
    for made in ('run', 'texture', 'reconstruct'):
        for name in ('run', 'texture', 'reconstruct'):
            words = [name, '--config', f'{made}.json']
            if name == made:
                assert isinstance(requested(*words), Request)
                continue
            with pytest.raises(GluonStyleError) as error:
                requested(*words)
            assert str(error.value) == (
                f"config '{made}.json' is a record for {made}, not for "
                f'{name}: use gluon-style {made} --config'
            )
    with pytest.raises(GluonStyleError) as error:
        requested('run', '--config', 'run.json', '--preset', 'chapter')
    assert str(error.value) == (
        "preset is 'chapter' and config 'run.json' is a record, which has all "
        'settings: leave out one of them'
    )


def test_one_toml_may_be_for_all_commands(make):
    Path('all.toml').write_text(
        "content = 'content.png'\nstyle = ['style.png', 'other.png']\n"
        "preset = 'quick'\nseed = 4\ncolor = 'match'\nstyle_blend = [2, 1]\n"
        'style-weight = 5e3\ncontent-weight = 2\n'
    )
    styles = [str(Path('style.png')), str(Path('other.png'))]
    both, texture, rebuild = (
        requested(name, '--config', 'all.toml')
        for name in ('run', 'texture', 'reconstruct')
    )
    assert (both.content, both.styles) == ('content.png', styles)
    assert (texture.content, texture.styles) == (None, styles)
    assert (rebuild.content, rebuild.styles) == ('content.png', [])
    for request in (both, texture, rebuild):
        assert (request.settings.seed, request.settings.size) == (4, 300)
    weights = [
        (each.settings.content_weight, each.settings.style_weight)
        for each in (both, texture, rebuild)
    ]
    assert weights == [(2, 5e3), (0, 5e3), (2, 0)]
    assert both.settings.color == 'match'
    assert texture.settings.color == rebuild.settings.color == 'style'
    assert texture.settings.style_blend == (2, 1)
    assert rebuild.settings.style_blend is None
    # A preset given replaces the TOML's, and the settings still apply.
    words = ['run', '--config', 'all.toml', '--preset', 'chapter']
    settings = requested(*words).settings
    assert (settings.optimizer, settings.seed) == ('adam', 4)
    with pytest.raises(
        GluonStyleError, match='no picture is given: name STYLE'
    ):
        Path('few.toml').write_text("content = 'content.png'")
        requested('texture', '--config', 'few.toml')


@pytest.mark.parametrize('suffix', ['.jpg', '.webp', '.tif'])
def test_other_formats_carry_the_record(make, suffix):
    from gluon_style import Result
    from gluon_style.pictures.write import record_of

    run = ['run', 'content.png', 'style.png', '--quiet', '-o', f'out{suffix}']
    assert make(*run) == (0, '')
    path = f'out{suffix}'
    assert record_of(path) == {
        k: v for k, v in record().items() if k != 'history'
    }
    assert Result.load(path).image.shape == (24, 32, 3)
    if suffix == '.tif':
        words = read_words(path) * 65535
        # More than bytes scaled up.
        assert (words.round() % 257 != 0).mean() > 0.5


def test_original_size_is_the_contents(make, command):
    run = ['run', 'content.png', 'style.png', '--quiet', '-o', 'out.png']
    assert make(*run, '--original-size') == (0, '')
    assert made().shape == (40, 60, 3)
    assert record()['losses']['scale'] == [32, 24]
    assert record()['resized_to'] == [60, 40]
    # The record repeats that, too.
    assert command('run', '--config', 'out.json', '-o', 'b.png')[0] == 0
    assert (made() == made('b.png')).all()


def test_pictures_on_the_way_have_the_original_size(make):
    run = ['run', 'content.png', 'style.png', '--quiet', '-o', 'out.tif']
    assert make(*run, '--original-size', '--save-every', '3') == (0, '')
    words = read_words('out-00003.tif') * 65535
    assert words.shape == (40, 60, 3)
    assert (words.round() % 257 != 0).mean() > 0.5


def test_pictures_on_the_way(make, tmp_path):
    run = ['run', 'content.png', 'style.png', '--quiet', '-o', 'out.png']
    options = ['--save-every', '2', '--animation', 'a.gif']
    assert make(*run, *options) == (0, '')
    names = sorted(path.name for path in tmp_path.glob('out*'))
    assert names == ['out-00002.png', 'out.json', 'out.png']
    with Image.open('a.gif') as gif:
        frames = [
            numpy.asarray(frame.convert('RGB')).astype(int)
            for frame in ImageSequence.Iterator(gif)
        ]
    assert len(frames) == 3 and frames[0].shape == (24, 32, 3)
    # The last one is the result, in 256 colors.
    assert abs(frames[-1] - made()).mean() < 8
    assert make(*run, '--animation', 'a.mp4') == (0, '')
    assert Path('a.mp4').stat().st_size > 500


def test_only_own_files_are_overwritten_unless_forced(make, tmp_path):
    run = ['run', 'content.png', 'style.png', '--quiet', '-o', 'out.png']
    Image.fromarray(picture(9, 9)).save('out.png')
    before = Path('out.png').read_bytes()
    code, err = make(*run)
    assert code == 2 and err.count('\n') == 1
    assert "'out.png' exists and was not written by this program" in err
    assert Path('out.png').read_bytes() == before
    assert make(*run, '--force') == (0, '')
    # Now it is the program's own.
    assert make(*run) == (0, '')
    for name, option in (
        ('out.json', []),
        ('plot.svg', ['--plot', 'plot.svg']),
        ('a.gif', ['--animation', 'a.gif']),
        ('out-00002.png', ['--save-every', '2']),
    ):
        Path(name).write_text('{"mine": 1}')
        code, err = make(*run, *option)
        assert code == 2 and f'{name!r} exists and was not' in err, name
        assert Path(name).read_text() == '{"mine": 1}'
        Path(name).unlink()


def test_two_runs_of_one_output(make):
    from gluon_style.files.atomic import claim

    run = ['run', 'content.png', 'style.png', '--quiet', '-o', 'out.png']
    # The record's name is that of the other picture's, too.
    for output, claimed in (('out.png', 'out.png'), ('out.jpg', 'out.json')):
        run[-1] = output
        with claim(claimed):
            code, err = make(*run)
        assert code == 2
        assert f'output {claimed!r} is being written by another run' in err
        assert not Path(output).exists()
    with claim('a.svg'):
        assert make(*run, '--plot', 'a.svg')[0] == 2
    assert make(*run) == (0, '')


def test_a_record_is_of_one_picture(make):
    run = ['run', 'content.png', 'style.png', '--quiet', '-o']
    assert make(*run, 'out.png') == (0, '')
    before = Path('out.json').read_bytes()
    code, err = make(*run, 'out.jpg')
    assert code == 2 and err.count('\n') == 1
    assert "the record of 'out.png' has the name of the one to" in err
    assert Path('out.json').read_bytes() == before
    assert make(*run, 'out.jpg', '--force') == (0, '')


@pytest.mark.parametrize('name', ['a.png', 'a[1].png'])
def test_pictures_on_the_way_take_no_other_file(make, name):
    stem = Path(name).stem
    run = ['run', 'content.png', 'style.png', '--quiet', '-o', name]
    step = f'{stem}-00002.png'
    Image.fromarray(picture(9, 9)).save(step)
    before = Path(step).read_bytes()
    code, err = make(*run, '--save-every', '2')
    assert code == 2 and f'{step!r} exists and was not written by' in err
    assert Path(step).read_bytes() == before
    for options in (
        ['--init', step],
        ['--style', step],
        ['--plot', step],
    ):
        code, err = make(*run, '--save-every', '3', '--force', *options)
        assert code == 2 and err.count('\n') == 1
        assert f'{step!r} has the name of a picture that --save-every' in err
        assert Path(step).read_bytes() == before


def test_a_picture_on_the_way_that_fails_is_a_warning(make, during_run):
    # A folder cannot be written over, nor can those of later epochs.
    during_run(begin=lambda: [Path(name).mkdir() for name in STEPS])
    run = ['run', 'content.png', 'style.png', '--quiet', '-o', 'out.png']
    code, err = make(*run, '--save-every', '1')
    assert code == 0 and err.count('\n') == 1
    assert 'the picture of epoch 1 was not saved: ' in err
    assert record()['epochs'] == 3


def test_a_picture_on_the_way_that_became_anothers_is_kept(make, during_run):
    during_run(begin=lambda: Path('out-00002.png').write_bytes(b'mine'))
    run = ['run', 'content.png', 'style.png', '--quiet', '-o', 'out.png']
    code, err = make(*run, '--save-every', '2')
    assert code == 0 and 'of epoch 2 was not saved' in err
    assert Path('out-00002.png').read_bytes() == b'mine'


@pytest.mark.parametrize('moment', ['begin', 'end'])
def test_a_picture_without_its_place_goes_elsewhere(make, during_run, moment):
    during_run(**{moment: lambda: Path('out.png').write_bytes(b'mine')})
    run = ['run', 'content.png', 'style.png', '--quiet', '-o', 'out.png']
    code, err = make(*run, '--plot', 'a.svg')
    assert code == 2 and err.count('\n') == 1
    assert "output 'out.png' was not written ('out.png' exists and" in err
    assert Path('out.png').read_bytes() == b'mine'
    rescued = Path(err.split("the picture is in '")[1].split("'")[0])
    assert made(rescued).shape == (24, 32, 3)
    assert record(rescued.with_suffix('.json'))['epochs'] == 3
    shutil.rmtree(rescued.parent)


def test_the_picture_does_not_depend_on_the_others(make, monkeypatch):
    from gluon_style.chapter.plots import Animator

    def full(*args):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(Animator, 'save', full)
    run = ['run', 'content.png', 'style.png', '--quiet', '-o', 'out.png']
    code, err = make(*run, '--plot', 'a.svg')
    assert code == 2 and 'No space left on device' in err
    assert made().shape == (24, 32, 3) and record()['epochs'] == 3
    code, err = make(*run, '--plot', 'a.svg', '--animation', 'a.gif')
    assert code == 2 and err.count('\n') == 1
    assert Path('a.gif').exists()


def test_a_plot_may_have_the_name_of_the_picture(make):
    run = ['run', 'content.png', 'style.png', '--quiet', '-o', 'out.jpg']
    for _ in range(2):
        assert make(*run, '--plot', 'out.png') == (0, '')


def test_a_config_is_not_overwritten(make, command):
    run = ['run', 'content.png', 'style.png', '--quiet', '-o', 'out.png']
    assert make(*run) == (0, '')
    before = Path('out.json').read_bytes()
    words = ['run', '--config', 'out.json', '-o', 'out.jpg']
    assert command(*words)[0] == 2
    assert Path('out.json').read_bytes() == before


def test_too_long_a_side_is_found_before_the_run(make):
    run = ['run', 'content.png', 'style.png', '-o', 'out.webp']
    layers = ['--content-layers', 'conv1_1', '--style-layers', 'conv1_1']
    code, err = make(*run, *layers, size='17000x16')
    assert code == 2 and err.count('\n') == 1
    assert 'a side of a WebP has at most 16383' in err
    assert 'content' not in err.split('WebP')[0].split('%')[-1]


def test_checkpoints_options_need_its_folder(make):
    run = ['run', 'content.png', 'style.png', '-o', 'out.png', '--quiet']
    code, err = make(*run, '--checkpoint-every', '5')
    assert code == 2 and '--checkpoint-every is given without a' in err
    code, err = make(*run, '--checkpoint', 'out.png')
    assert code == 2 and 'is also another file of this run' in err


@pytest.mark.parametrize(
    'arguments, sentence',
    [
        (['run', '-o', 'out.png'], 'no picture is given: name CONTENT'),
        (['run', 'content.png', '-o', 'a.png'], 'no style picture is given'),
        (
            ['run', 'content.png', 'style.png', 'style.png', '-o', '.'],
            'several pictures are given and the output is a folder: run tak',
        ),
        (['run', '--style', 'style.png', '-o', 'a.png'], 'no content pictu'),
        (['texture', 'no.png', '-o', 'a.png'], "picture 'no.png' is not a"),
        (
            ['reconstruct', 'content.png', '-o', 'a.png', '--layer', 'x'],
            "layer 'x' is not in VGG-19",
        ),
        (
            ['texture', 'style.png', '-o', 'a.png', '--init', 'content'],
            "init is 'content' and that picture is not given",
        ),
    ],
)
def test_mistakes_are_sentences(make, arguments, sentence, tmp_path):
    before = sorted(tmp_path.iterdir())
    code, err = make(*arguments, '--quiet')
    assert (code, err.count('\n')) == (2, 1)
    assert sentence in err
    assert sorted(tmp_path.iterdir()) == before


def test_without_a_name_the_pictures_give_one(make):
    run = ['run', 'content.png', 'style.png', '--quiet']
    assert make(*run) == make(*run) == (0, '')
    assert Path('content-style.png').exists()
    assert Path('content-style-2.json').exists()
    Path('style-texture.png').touch()
    assert make('texture', 'style.png', '--quiet') == (0, '')
    assert Path('style-texture.png').read_bytes() == b''
    assert Path('style-texture-2.png').exists()


def test_an_interrupted_run_without_a_name_keeps_the_one_it_got(
    make, during_run
):
    def stop(epoch):
        if epoch == 2:
            os.kill(os.getpid(), signal.SIGINT)

    during_run(epoch=stop)
    code, err = make('run', 'content.png', 'style.png', '--quiet')
    assert code == 130 and ' --output=content-style.png ' in err


def test_several_styles_are_said_to_be_one(make):
    run = ['run', 'content.png', 'style.png', 'content.png', '-o', 'out.png']
    code, err = make(*run)
    assert code == 0
    assert (
        'one content picture, content.png, and the mean of 2 styles: for '
        'several contents use gluon-style sweep'
    ) in err
    assert 'several' not in make(*run, '--style-blend', '1:2')[1]
