import contextlib
import resource
import sys

import numpy
import pytest
from conftest import picture
from PIL import Image

from gluon_style.errors import GluonStyleError, MissingPackageError
from gluon_style.files.ours import is_ours
from gluon_style.pictures.animation import (
    LAST_SECONDS,
    MOST_FRAMES,
    Animation,
    check_animation,
)
from gluon_style.pictures.mp4 import write_mp4

SUFFIXES = ['.gif', '.mp4']


def color(epoch):
    """Return a color that tells an epoch of up to 1000 from the others."""
    return 250 - epoch // 4, 40, epoch // 4


def plain(shape, epoch):
    return numpy.full((shape[1], shape[0], 3), color(epoch), 'uint8')


def read_gif(path):
    """Return the frames, and for how many milliseconds each is shown."""
    frames, durations = [], []
    with Image.open(path) as file:
        for i in range(file.n_frames):
            file.seek(i)
            frames.append(numpy.asarray(file.convert('RGB')))
            durations.append(file.info['duration'])
    return frames, durations


def read_mp4(path):
    import av

    with av.open(str(path)) as container:
        rate = container.streams.video[0].average_rate
        frames = [
            frame.to_ndarray(format='rgb24')
            for frame in container.decode(video=0)
        ]
    return frames, [1000 / rate] * len(frames)


READERS = {'.gif': read_gif, '.mp4': read_mp4}


def assert_near(frame, expected, tolerance=4):
    difference = abs(numpy.int16(frame) - numpy.int16(expected))
    assert difference.mean() < tolerance


@pytest.mark.parametrize('suffix', SUFFIXES)
def test_frames_are_written_in_order_and_size(tmp_path, suffix):
    path = tmp_path / f'run{suffix}'
    animation = Animation(path, (40, 30))
    epochs = [100, 400, 600, 900]
    for epoch in epochs:
        # The first frames are half as large.
        shape = (20, 15) if epoch < 500 else (40, 30)
        animation.add(plain(shape, epoch), epoch)
    assert list(tmp_path.iterdir()) == []
    animation.save()
    assert list(tmp_path.iterdir()) == [path] and is_ours(path)
    frames, durations = READERS[suffix](path)
    held = 0 if suffix == '.gif' else 19
    assert len(frames) == 4 + held
    for frame, epoch in zip(frames, epochs + held * [900]):
        assert_near(frame, plain((40, 30), epoch))
    assert durations[0] == 100
    assert sum(durations) == 300 + 1000 * LAST_SECONDS


@pytest.mark.parametrize('suffix', SUFFIXES)
def test_first_and_last_picture_look_as_they_are(tmp_path, suffix):
    path = tmp_path / f'run{suffix}'
    first, last = picture(160, 120, seed=1), picture(160, 120, seed=2)
    from_first_to_last(path, first, last).save()
    frames, _ = READERS[suffix](path)
    # A GIF has 256 colors: on an even grid they would be off by 10.
    tolerance = 10 if suffix == '.gif' else 6
    assert_near(frames[0], first, tolerance)
    assert_near(frames[-1], last, tolerance)


def from_first_to_last(path, first, last):
    """Return an animation that fades from one picture to another."""
    animation = Animation(path, (160, 120))
    for i in range(9):
        mixed = first * (1 - i / 8) + last * (i / 8)
        animation.add(mixed.round().astype('uint8'), i)
    return animation


def test_the_same_frames_give_the_same_gif(tmp_path):
    pair = picture(160, 120, seed=1), picture(160, 120, seed=2)
    paths = tmp_path / 'a.gif', tmp_path / 'b.gif'
    for path in paths:
        from_first_to_last(path, *pair).save()
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.parametrize('count', [119, 120, 121, 500, 1000])
@pytest.mark.parametrize('step', [1, 10])
def test_a_run_of_any_length_has_so_many_frames(tmp_path, count, step):
    path = tmp_path / 'run.gif'
    animation = Animation(path, (8, 6))
    for epoch in range(step, step * count + 1, step):
        animation.add(plain((8, 6), 1000 * epoch // (step * count)), epoch)
    description, packed = animation.packed()
    kept = [epoch for epoch, _ in description['lengths']]
    assert sum(length for _, length in description['lengths']) == packed.size
    assert MOST_FRAMES / 2 - 2 <= len(kept) < MOST_FRAMES
    # After the first frame, the others are evenly spaced.
    assert kept[0] == step
    assert all(epoch % description['every'] == 0 for epoch in kept[1:])
    assert len(set(numpy.diff(kept[1:]))) == 1
    animation.save()
    frames, durations = read_gif(path)
    assert_near(frames[0], plain((8, 6), 1000 // count))
    assert_near(frames[-1], plain((8, 6), 1000))
    # Equal frames are written as one, which is shown longer.
    written = len({*kept, step * count})
    assert sum(durations) == 100 * (written - 1) + 1000 * LAST_SECONDS


@pytest.mark.parametrize('every', [1, 10])
def test_restored_frames_are_those_that_were_packed(tmp_path, every):
    whole, half, rest = (
        Animation(tmp_path / f'{name}.gif', (8, 6), every)
        for name in ('whole', 'half', 'rest')
    )
    for epoch in range(1, 151):
        img = plain((8, 6), 6 * epoch)
        whole.add(img, epoch)
        half.add(img, epoch)
        if epoch == 130:
            rest.restore(*half.packed())
            half = rest
    for animation in (whole, rest):
        animation.save()
    assert whole.packed()[0] == rest.packed()[0]
    whole, rest = (tmp_path / f'{name}.gif' for name in ('whole', 'rest'))
    assert whole.read_bytes() == rest.read_bytes()


def test_other_frames_than_packed_are_refused(tmp_path):
    animation = Animation(tmp_path / 'run.gif', (8, 6))
    animation.add(plain((8, 6), 3), 3)
    description, packed = animation.packed()
    other = Animation(tmp_path / 'run.gif', (9, 6))
    with pytest.raises(GluonStyleError, match='frame 3 is not a JPEG of 9x6'):
        other.restore(description, packed)
    with pytest.raises(GluonStyleError, match='frame 3 is not a JPEG of 8x6'):
        animation.restore(description, packed[:-30])
    assert (animation.packed()[1] == packed).all()


def test_only_every_so_many_epochs_are_kept_and_the_last(tmp_path):
    path = tmp_path / 'run.gif'
    animation = Animation(path, (8, 6), every=100)
    due = []
    for epoch in range(1, 251):
        if animation.due(epoch):
            due.append(epoch)
        animation.add(plain((8, 6), 4 * epoch), epoch)
    assert due == [1, 100, 200]
    # A frame of the same number replaces the last one.
    animation.add(plain((8, 6), 1000), 250)
    animation.save()
    frames, _ = read_gif(path)
    assert len(frames) == 4
    for frame, epoch in zip(frames, (4, 400, 800, 1000)):
        assert_near(frame, plain((8, 6), epoch))


def test_an_array_may_be_used_again(tmp_path):
    animation = Animation(tmp_path / 'run.gif', (8, 6), every=10)
    img = plain((8, 6), 0)
    for epoch in (1, 2):
        img[:] = color(400 * epoch)
        animation.add(img, epoch)
    img[:] = 0
    animation.save()
    frames, _ = read_gif(tmp_path / 'run.gif')
    assert_near(frames[1], plain((8, 6), 800))


def test_a_gif_is_of_a_limited_size(tmp_path):
    path = tmp_path / 'run.gif'
    animation = Animation(path, (900, 1200))
    for epoch in (100, 900):
        animation.add(plain((90, 120), epoch), epoch)
    animation.save()
    assert read_gif(path)[0][0].shape == (600, 450, 3)


def test_a_gif_does_not_flicker(tmp_path):
    path = tmp_path / 'run.gif'
    img = picture(120, 90)
    animation = Animation(path, (120, 90))
    for epoch in (1, 2, 3):
        changed = img.copy()
        changed[:10, :10] = 255 * (epoch % 2)
        animation.add(changed, epoch)
    animation.save()
    frames, _ = read_gif(path)
    assert (frames[0][24:, 24:] == frames[1][24:, 24:]).all()
    assert (frames[0][24:, 24:] == frames[2][24:, 24:]).all()


@pytest.mark.parametrize('encoder', ['libx264', 'mpeg4'])
def test_odd_sides_of_a_video_have_a_pixel_more(
    tmp_path, monkeypatch, encoder
):
    import av

    monkeypatch.setattr(av, 'codecs_available', {encoder, 'mpeg4'})
    path = tmp_path / 'run.mp4'
    animation = Animation(path, (41, 31))
    img = picture(41, 31)
    animation.add(img, 1)
    animation.save()
    frames, _ = read_mp4(path)
    assert len(frames) == 20 and frames[0].shape == (32, 42, 3)
    assert_near(frames[-1][:31, :41], img, 8)
    assert_near(frames[-1][31], frames[-1][30], 8)
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        assert context.pix_fmt == 'yuv420p'
        assert context.name == {'libx264': 'h264'}.get(encoder, encoder)
        assert container.metadata['comment'] == 'gluon_style'


def test_the_same_frames_are_the_same_video(tmp_path):
    generator = numpy.random.default_rng(5)
    frames = [
        picture(140, 90, seed)[step : step + 64, 2 * step : 2 * step + 96]
        + generator.integers(0, 20, (64, 96, 3), 'uint8')
        for seed in (1, 7)
        for step in range(6)
    ]
    path, files = tmp_path / 'run.mp4', set()
    for number in range(8):
        # Memory that was used before must not matter.
        used = generator.integers(0, 255, (30, 1000 * (number + 5)), 'uint8')
        del used
        write_mp4(path, iter(frames), 25)
        read_mp4(path)
        files.add(path.read_bytes())
    assert len(files) == 1


def test_other_suffixes_are_refused_first(tmp_path):
    for refuse in (check_animation, lambda path: Animation(path, (8, 6))):
        with pytest.raises(ValueError) as error:
            refuse('run.avi')
        assert str(error.value) == (
            "animation 'run.avi' must end in .gif or .mp4"
        )
    check_animation('run.GIF')
    check_animation('run.mp4')


def test_a_video_without_its_package_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, 'av', None)
    with pytest.raises(MissingPackageError) as error:
        check_animation('run.mp4')
    assert "pip install 'gluon_style[video]'" in str(error.value)
    assert '.mp4' in str(error.value) and '.gif' in str(error.value)
    check_animation('run.gif')


@pytest.mark.parametrize('suffix', SUFFIXES)
def test_an_animation_without_frames_is_refused(tmp_path, suffix):
    path = tmp_path / f'run{suffix}'
    with pytest.raises(GluonStyleError, match='has no frame'):
        Animation(path, (8, 6)).save()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize('suffix', SUFFIXES)
def test_a_failure_leaves_what_was_there(tmp_path, suffix):
    path = tmp_path / f'run{suffix}'
    path.write_text('old')
    animation = Animation(path, (160, 120))
    noise = numpy.random.RandomState(0).randint(0, 256, (120, 160, 3))
    animation.add(noise.astype('uint8'), 1)
    with file_size_limit(1000), pytest.raises(OSError, match='File too large'):
        animation.save()
    assert path.read_text() == 'old'
    assert list(tmp_path.iterdir()) == [path]


@contextlib.contextmanager
def file_size_limit(most_bytes):
    """Make longer writes of this process fail, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_video_is_written_from_frames_that_come_one_by_one(tmp_path):
    path = tmp_path / 'video.mp4'
    write_mp4(path, (plain((40, 30), i) for i in (0, 500, 1000)), 25)
    frames, durations = read_mp4(path)
    assert len(frames) == 3 and durations[0] == 40
    for frame, i in zip(frames, (0, 500, 1000)):
        assert_near(frame, plain((40, 30), i))
    with pytest.raises(GluonStyleError, match='has no frame'):
        write_mp4(path, iter([]), 25)


def test_animations_need_no_mxnet(without_mxnet):
    assert (
        without_mxnet('import gluon_style.pictures.animation;print(1)') == '1'
    )
