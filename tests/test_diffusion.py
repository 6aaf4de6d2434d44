"""Diffusion over patches as a user meets it: Python and the command line."""

import json
import os
import signal
from pathlib import Path

import numpy
import pytest
from conftest import picture
from PIL import Image

from gluon_style import samples
from gluon_style.chapter.vgg import build_net
from gluon_style.cli import main
from gluon_style.errors import GluonStyleError, OutOfMemoryError
from gluon_style.layers import STYLE_LAYERS
from gluon_style.methods.diffusion import forecast, prior
from gluon_style.methods.diffusion.prior import growth
from gluon_style.methods.diffusion.settings import Settings
from gluon_style.methods.diffusion.stylize import stylize
from gluon_style.methods.gatys.checkpoint import Checkpoint
from gluon_style.methods.observers import Observer
from gluon_style.records.result import Result

SIZE = (48, 36)


@pytest.fixture(scope='module')
def paint(weights_file):
    """Paint tiny pictures with a network of random weights."""
    net = build_net(
        ['conv4_4'], list(STYLE_LAYERS), weights=weights_file, pooling='avg'
    )
    content = picture(60, 45, seed=1)
    style = numpy.asarray(
        Image.open(samples.PAINTING).convert('RGB').resize((60, 45))
    )

    def call(content=content, style=style, **changes):
        changes = {'size': SIZE, 'steps': 3, 'net': net, **changes}
        return stylize(content, style, weights=weights_file, **changes)

    return call


@pytest.fixture(scope='module')
def plain(paint):
    return paint()


def distance(first, second):
    return numpy.abs(first.pixels - second.pixels).mean()


def test_a_result_has_the_losses_of_each_level(plain):
    assert plain.image.shape == (36, 48, 3)
    assert plain.record.method == 'diffusion'
    assert plain.record.epochs == len(plain.history) == 3
    assert plain.record.settings['network'] == 'vgg19'
    last = plain.history[-1]
    assert last.content > 0 and last.style > 0
    assert plain.record.losses.total == last.total


def test_the_same_seed_gives_the_same_bytes(paint, plain):
    assert paint().image.tobytes() == plain.image.tobytes()
    assert paint(seed=1).image.tobytes() != plain.image.tobytes()


@pytest.mark.parametrize(
    'changes',
    [
        {'patch': 3},
        {'patch': 7},
        {'color': 'style'},
        {'color': 'luminance'},
        {'steps': 4},
        {'style_scale': 0.7},
        {'noise': 0.0},
    ],
)
def test_no_setting_is_without_effect(paint, plain, changes):
    assert distance(paint(**changes), plain) > 0.003


def test_strength_leads_away_from_the_content(paint):
    content = paint(strength=0, style=picture(60, 45, seed=1))
    amounts = [
        distance(paint(strength=strength), content)
        for strength in (0.1, 0.5, 0.9)
    ]
    assert amounts == sorted(amounts)


@pytest.mark.parametrize(
    ('sides', 'times'), [([200], 1.0), ([320], 1.0), ([320, 960], 2.83)]
)
def test_the_content_counts_less_in_large_pictures(sides, times):
    styles = [numpy.zeros((3, 60, side)) for side in sides]
    assert growth(styles) == pytest.approx(times, abs=0.01)


def test_a_large_style_has_its_way_against_the_content(monkeypatch):
    rng = numpy.random.RandomState(0)
    style, content, noisy = rng.uniform(-1, 1, (3, 3, 48, 640)).astype('f4')
    far = []
    for power in (prior._GROWTH, 0):
        monkeypatch.setattr(prior, '_GROWTH', power)
        denoise = prior.Prior([style], Settings(), content)
        far.append(numpy.abs(denoise(noisy, 0.5, stride=2) - content).mean())
    assert far[0] > 1.05 * far[1]


def test_the_guide_lowers_the_loss_of_the_content(paint, plain, monkeypatch):
    from gluon_style.methods.diffusion import coarse_to_fine

    real = coarse_to_fine.guided

    def unguided(objective, clean, length, device):
        return clean, real(objective, clean, length, device)[1]

    monkeypatch.setattr(coarse_to_fine, 'guided', unguided)
    assert plain.history[-1].total < paint().history[-1].total


def nearest(img, style, side=5):
    """Return the distance of each patch to the style's nearest, and which."""
    windows = numpy.lib.stride_tricks.sliding_window_view
    found = [
        windows(each / 255, (side, side), axis=(0, 1)).reshape(-1, 3 * side**2)
        for each in (img, style)
    ]
    squares = ((found[0][:, None] - found[1]) ** 2).mean(axis=2)
    return squares.min(axis=1) ** 0.5, squares.argmin(axis=1)


@pytest.fixture(scope='module')
def small_style():
    from gluon_style.pictures.resize import resized

    img = numpy.asarray(Image.open(samples.PAINTING).convert('RGB'))
    return resized(img, (48, 32))


def test_the_picture_is_nearer_to_the_patches_than_an_optimized_one(
    paint, small_style, weights_file
):
    from gluon_style import stylize as optimize

    content = picture(60, 45, seed=1)
    patches = paint(content, small_style)
    pixels = optimize(
        content, small_style, size=SIZE, epochs=30, weights=weights_file
    )
    ours, _ = nearest(patches.image, small_style)
    others, _ = nearest(pixels.image, small_style)
    assert ours.mean() < 0.8 * others.mean()


def test_patches_are_not_copied_side_by_side(paint, small_style):
    """A verbatim copy has coherence 1: neighbors come from neighbors."""
    image = paint(picture(60, 45, seed=1), small_style).image
    _, index = nearest(image, small_style)
    # 48 - 5 + 1 places in each row of the picture, and of the style.
    index = index.reshape(32, 44)
    beside = (numpy.diff(index, axis=1) == 1).mean()
    below = (numpy.diff(index, axis=0) == 44).mean()
    assert (beside + below) / 2 < 0.5
    _, own = nearest(small_style, small_style)
    assert (numpy.diff(own.reshape(28, 44), axis=1) == 1).mean() > 0.9


def test_a_mask_keeps_the_style_to_its_region(paint, plain):
    mask = numpy.zeros((36, 48), 'uint8')
    mask[:, :24] = 255
    content = paint(strength=0, style=picture(60, 45, seed=1))
    masked = paint(mask=mask, feather=0)
    change = numpy.abs(masked.pixels - content.pixels).mean(axis=(0, 2))
    # The guide moves both sides, the patches one.
    assert change[:20].mean() > 2 * change[28:].mean()


def test_several_styles_lend_their_patches(paint, plain):
    black = numpy.zeros((45, 60, 3), 'uint8')
    black[::7] = 40
    other = picture(60, 45, seed=9)
    styles = [samples_painting(), other]
    only = paint(style=styles, style_blend=(1, 0), color='style')
    assert distance(only, paint(color='style')) < 0.15
    mixed = paint(style=styles, style_blend=(1, 1))
    assert distance(mixed, plain) > 0.003


def samples_painting():
    img = Image.open(samples.PAINTING).convert('RGB')
    return numpy.asarray(img.resize((60, 45)))


class StopAfter(Observer):
    def __init__(self, epochs):
        self.left = epochs

    def stop(self):
        self.left -= 1
        return 'enough' if self.left == 0 else None


class Press(Observer):
    """Press Ctrl-C at the first level."""

    def epoch(self, history, picture):
        if len(history) == 1:
            os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_leaves_the_picture_so_far(paint):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt, match='levels: the') as error:
            paint(observers=[Press()])
    finally:
        signal.signal(signal.SIGINT, before)
    result = error.value.result
    assert result.record.stopped == 'SIGINT'
    assert 1 <= len(result.history) < 3
    assert str(error.value).startswith(f'after {len(result.history)} levels')


@pytest.mark.parametrize('epochs', [1, 2, 3, 4])
def test_a_resumed_picture_is_the_uninterrupted_one(paint, tmp_path, epochs):
    size = 102, 96
    whole = paint(size=size)
    assert [entry.scale for entry in whole.history] == (
        3 * [(68, 64)] + 3 * [size]
    )
    folder = tmp_path / 'checkpoint'
    observers = [Checkpoint(folder), StopAfter(epochs)]
    stopped = paint(size=size, observers=observers)
    assert stopped.record.stopped == 'enough'
    assert stopped.image.shape == (96, 102, 3)
    resumed = paint(size=size, observers=[Checkpoint(folder, resume=True)])
    assert resumed.image.tobytes() == whole.image.tobytes()
    assert [e.total for e in resumed.history] == [
        e.total for e in whole.history
    ]
    with pytest.raises(GluonStyleError, match='was made with seed 0, not 1'):
        paint(size=size, seed=1, observers=[Checkpoint(folder, resume=True)])


def test_observers_see_the_plan_and_each_level(paint):
    seen = []

    class Seeing(Observer):
        def begin(self, plan):
            seen.append(plan)

        def epoch(self, history, picture):
            seen.append(picture().shape)

    paint(size=(102, 96), observers=[Seeing()])
    plan, *shapes = seen
    assert plan.steps == [((68, 64), 3), ((102, 96), 3)]
    assert shapes == 6 * [(96, 102, 3)]
    measured = plan.forecast()
    assert measured.seconds > 0
    assert measured.within(measured.seconds / 4) == (51, 48)


def test_a_texture_needs_no_network(monkeypatch):
    def none(*arguments):
        raise AssertionError('a texture asked for weights')

    monkeypatch.setattr(
        'gluon_style.methods.diffusion.stylize.find_weights', none
    )
    style = samples_painting()
    made = stylize(None, style, size=(40, 36), steps=8)
    assert made.image.shape == (36, 40, 3)
    assert made.record.weights.source == 'none'
    distances, _ = nearest(made.image, style)
    rng = numpy.random.RandomState(0)
    others, _ = nearest(
        rng.permutation(style.reshape(-1, 3)).reshape(style.shape), style
    )
    assert distances.mean() < 0.6 * others.mean()
    other = stylize(None, style, size=(40, 36), steps=8, seed=1)
    assert distance(made, other) > 0.05


def seam(image):
    """Return how much opposite edges differ, beside neighbors within."""
    pixels = image.astype(float)
    within = numpy.abs(numpy.diff(pixels, axis=1)).mean()
    return numpy.abs(pixels[:, 0] - pixels[:, -1]).mean() / within


def test_a_tileable_texture_has_no_seam():
    style = samples_painting()
    options = {'size': (48, 40), 'steps': 4}
    plain = stylize(None, style, **options)
    tile = stylize(None, style, tileable=True, **options)
    assert seam(tile.image) < 1.6 < seam(plain.image)


@pytest.mark.parametrize(
    'changes, problem',
    [
        ({'style': numpy.zeros((4, 9, 3), 'uint8')}, '9x4 pixels is smaller'),
        ({'style': numpy.full((40, 40, 3), 9, 'uint8')}, 'has one color only'),
        ({'size': 31}, 'a picture of 31x23 pixels: patches need at least 32'),
        ({'size': (400, 20)}, 'a picture of 400x20 pixels'),
        ({'patch': 4}, 'patch is 4: it must be 3, 5 or 7'),
        ({'patch': 9}, 'patch is 9'),
        ({'steps': 1}, 'steps is 1'),
        ({'strength': 1.5}, 'strength is 1.5'),
        ({'tileable': True}, 'give none, for a texture'),
        ({'style': None}, 'no style picture is given'),
        ({'style': []}, 'no style picture is given'),
        ({'style_blend': (1, 2)}, 'the number of styles is 1'),
        ({'strengh': 1}, "did you mean 'strength'"),
    ],
)
def test_what_cannot_work_is_one_sentence(paint, changes, problem):
    with pytest.raises(GluonStyleError, match=problem) as caught:
        paint(**changes)
    assert len(str(caught.value).splitlines()) == 1


def test_too_little_memory_is_a_sentence_with_a_size(paint, monkeypatch):
    monkeypatch.setattr(forecast, 'free_memory', lambda device: 2.5e9)
    with pytest.raises(OutOfMemoryError, match='choose a size of') as caught:
        paint(size=4000)
    longest = int(str(caught.value).split()[-3])
    assert 100 < longest < 4000
    height = round(longest * 0.75)
    settings = Settings()
    for tile in forecast.TILES:
        needed = forecast.bytes_needed(
            (longest, height), settings, settings.guide(), tile
        )
        if needed <= 0.8 * 2.5e9:
            return
    raise AssertionError('the size does not fit')


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Return a folder, the current one, with photo.png and painting.png."""
    Image.fromarray(picture(60, 45, seed=1)).save(tmp_path / 'photo.png')
    Image.fromarray(samples_painting()).save(tmp_path / 'painting.png')
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(files, weights_file):
    def call(*words, weights=True):
        own = ['--weights', weights_file] if weights else []
        options = ['--method', 'diffusion', '--size', '48x36', '--steps', '3']
        words = [*words, *options, *own, '--quiet']
        return main([str(word) for word in words])

    return call


def test_the_command_paints_as_python_does(files, run, paint):
    words = 'run', 'photo.png', 'painting.png', '-o', 'out.png'
    assert run(*words, '--patch', 3, '--seed', 4) == 0
    made = Result.load('out.png')
    expected = paint('photo.png', 'painting.png', patch=3, seed=4)
    assert made.image.tobytes() == expected.image.tobytes()
    assert main(['run', '--config', 'out.json', '-o', 'b.png', '--quiet']) == 0
    assert Path('out.png').read_bytes() == Path('b.png').read_bytes()
    history = json.loads(Path('out.json').read_text())['history']
    assert len(history) == 3


def test_the_command_draws_and_animates(files, run):
    words = 'run', 'photo.png', 'painting.png', '-o', 'out.png'
    more = '--animation', 'a.gif', '--plot', 'p.svg', '--save-every', 2
    assert run(*words, *more) == 0
    assert Image.open('a.gif').n_frames > 1
    assert Path('p.svg').stat().st_size > 1000
    assert Path('out-00002.png').is_file()
    assert main(['report', '.']) == 0
    assert 'diffusion' in Path('report.html').read_text()


def test_variations_are_seeds_on_one_sheet(files, run):
    words = 'run', 'photo.png', 'painting.png', '-o', 'out'
    assert run(*words, '--variations', 2, '--seed', 7) == 0
    names = sorted(path.name for path in Path('out').glob('*.png'))
    assert names == [
        'contact.png',
        'photo--painting--seed-7.png',
        'photo--painting--seed-8.png',
    ]
    first, second = (Result.load(Path('out', name)) for name in names[1:])
    assert first.image.tobytes() != second.image.tobytes()


def test_a_sweep_goes_over_patches_with_a_preview(files, weights_file):
    words = ['sweep', 'photo.png', '--style', 'painting.png', '-o', 'out']
    words += ['--method', 'diffusion', '--patch', '3,5', '--steps', '2']
    words += ['--size', '40x32', '--preview', '48', '--quiet']
    assert main([*words, '--weights', weights_file]) == 0
    names = {str(p.relative_to('out')) for p in Path('out').rglob('*.png')}
    assert names == {
        *('contact.png', 'preview.png'),
        *(f'photo--painting--patch-{side}.png' for side in (3, 5)),
        *(f'preview/photo--painting--patch-{side}.png' for side in (3, 5)),
    }


def test_the_command_makes_a_texture(files, run):
    words = 'texture', 'painting.png', '-o', 'out.png', '--tileable'
    assert run(*words, weights=False) == 0
    record = Result.load('out.png').record
    assert (record.width, record.height) == (48, 36)
    again = 'texture', '--config', 'out.json', '-o', 'b.png', '--quiet'
    assert main(list(again)) == 0
    assert Path('out.png').read_bytes() == Path('b.png').read_bytes()
    assert main(['run', *again[1:], '--force']) == 2


@pytest.mark.parametrize(
    'words, problem',
    [
        ('run photo.png', 'no style picture is given'),
        ('run photo.png no.png', "picture 'no.png' is not a file"),
        ('run photo.png painting.png --epochs 3', 'option --epochs means'),
        ('run photo.png painting.png --preset fast', 'option --preset means'),
        ('run photo.png painting.png --tileable', 'option --tileable means'),
        ('texture painting.png --network vgg16', 'option --network means'),
        ('run photo.png painting.png --patch 6', 'patch is 6'),
        ('run photo.png painting.png --resume', 'without a checkpoint'),
        (
            'run photo.png painting.png --variations 2 --mask photo.png',
            '--mask is for one picture and --variations makes several',
        ),
        ('texture', 'no style picture is given'),
    ],
)
def test_a_mistake_writes_nothing(files, run, capsys, words, problem):
    weights = words.startswith('run')
    assert run(*words.split(), '-o', 'out.png', weights=weights) == 2
    message = capsys.readouterr().err
    assert problem in message and len(message.splitlines()) == 1
    assert not Path('out.png').exists()


def test_the_noise_is_no_option(files, capsys):
    words = ['run', 'photo.png', 'painting.png', '--noise', '0']
    with pytest.raises(SystemExit):
        main([*words, '--method', 'diffusion', '-o', 'out.png'])
    assert "option '--noise' is unknown" in capsys.readouterr().err


def test_variations_mean_nothing_to_other_methods(files, capsys):
    words = ['run', 'photo.png', 'painting.png', '--variations', '2']
    assert main([*words, '-o', 'out']) == 2
    assert 'option --variations means nothing' in capsys.readouterr().err
