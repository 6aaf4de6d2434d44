"""Clips that the tests make, read, painted and written."""

import contextlib
import errno
import signal
import struct
import threading
from fractions import Fraction

import numpy
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter, zoom

from gluon_style import samples
from gluon_style.cli import main
from gluon_style.errors import GluonStyleError
from gluon_style.methods.table import get_method
from gluon_style.video import flow, read, write
from gluon_style.video.consistency import Moved, link, sharpened
from gluon_style.video.flow import Motion, filled, motion, steadied, warped
from gluon_style.video.frames import chosen_frames
from gluon_style.video.painters import Painting
from gluon_style.video.read import open_clip
from gluon_style.video.settings import VideoSettings
from gluon_style.video.stylize import stylize_video

av = pytest.importorskip('av')
WIDTH, HEIGHT = 96, 64


def scene(seed=0, height=200, width=260):
    """Return a large picture with structure of several sizes."""
    rng = numpy.random.RandomState(seed)
    layers = [
        zoom(rng.uniform(size=(height // s, width // s, 3)), (s, s, 1))
        for s in (4, 20)
    ]
    img = sum(
        layer[: height - height % 20, : width - width % 20] for layer in layers
    )
    img = gaussian_filter(img, (1, 1, 0))
    img = (img - img.min()) / (img.max() - img.min())
    return (255 * img).astype('uint8')


def path_over(img, number, step=(1, 2), noise=0):
    """Return frames of a camera that moves over a picture."""
    rng = numpy.random.RandomState(1)
    frames = []
    for k in range(number):
        top, left = 10 + step[0] * k, 10 + step[1] * k
        frame = img[top : top + HEIGHT, left : left + WIDTH]
        frame = frame + rng.normal(0, noise, frame.shape) if noise else frame
        frames.append(frame.clip(0, 255).astype('uint8'))
    return frames


def write_clip(path, frames, rate=10, times=None, sound=False, **options):
    """Write a video with PyAV; ``times`` are in hundredths of a second."""
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('libx264', rate=rate)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = options.get('pix_fmt', 'yuv420p')
        stream.options = {'crf': '5'}
        if times is not None:
            stream.codec_context.time_base = Fraction(1, 100)
        voice = container.add_stream('aac', rate=8000) if sound else None
        for k, frame in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(frame)
            if times is not None:
                picture.pts = times[k]
                picture.time_base = Fraction(1, 100)
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
        if voice is not None:
            tone = numpy.sin(numpy.arange(8000 * len(frames) // rate) / 5)
            for begin in range(0, len(tone) - 1023, 1024):
                part = tone[None, begin : begin + 1024].astype('float32')
                block = av.AudioFrame.from_ndarray(part, 'fltp', 'mono')
                block.rate, block.pts = 8000, begin
                container.mux(voice.encode(block))
            container.mux(voice.encode())
    return path


def read_clip(path):
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    return (
        [frame.to_ndarray(format='rgb24') for frame in frames],
        [float(frame.time) for frame in frames],
    )


@pytest.fixture
def painted(tmp_path):
    """Return a function that paints a clip, and its frames and times."""

    def paint(source, name='out.mp4', **options):
        options = {'style': 'net:15', 'size': WIDTH, **options}
        result = stylize_video(source, output=tmp_path / name, **options)
        return result, *read_clip(result.path)

    return paint


# Flow


@pytest.fixture(params=['DIS', 'ILK'])
def flows(request, monkeypatch):
    """Every test here runs with OpenCV and without."""
    if request.param == 'ILK':
        monkeypatch.setattr(flow, 'opencv', lambda: None)
    elif flow.opencv() is None:
        pytest.skip('OpenCV is not installed')


def test_the_flow_is_the_cameras_path(flows):
    before, frame = path_over(scene(), 2, step=(2, 3))
    found = motion(frame, before)
    inner = found.back[8:-8, 8:-8]
    assert numpy.abs(numpy.median(inner, axis=(0, 1)) - (2, 3)).max() < 0.3
    assert found.sure[8:-8, 8:-8].mean() > 0.9
    # What came in at the edges was not there before.
    assert found.sure[-1].mean() < 0.2 and found.sure[:, -2:].mean() < 0.2
    moved = warped(before.astype('float32'), found.back)
    error = numpy.abs(moved - frame)[8:-8, 8:-8].mean()
    assert error < 0.2 * numpy.abs(1.0 * before - frame)[8:-8, 8:-8].mean()


def test_what_was_hidden_is_not_sure(flows):
    behind, front = scene(1), scene(2)[:30, :30]
    frames = []
    for left in (30, 36):
        frame = behind[:HEIGHT, :WIDTH].copy()
        frame[15:45, left : left + 30] = front
        frames.append(frame)
    weight = link(frames[1], frames[0]).weight
    # The strip that the square left free was behind it.
    assert weight[20:40, 31:35].mean() < 0.3
    assert weight[:10, 5:-5].mean() > 0.6


def test_a_flow_from_beside_fills_what_is_not_sure():
    before, frame = path_over(scene(), 2, step=(2, 3))
    back = numpy.zeros((HEIGHT, WIDTH, 2), 'float32') + numpy.float32([2, 3])
    sure = numpy.ones((HEIGHT, WIDTH), 'float32')
    sure[20:30, 30:45] = 0
    back[20:30, 30:45] = 9
    # Here another thing came into sight, which no flow explains.
    frame = frame.copy()
    frame[40:50, 20:30] = 255 - frame[40:50, 20:30]
    sure[40:50, 20:30] = 0
    found = filled(Motion(back, sure), frame, before)
    assert (found.back[20:30, 30:45] == (2, 3)).all()
    assert (found.sure[20:30, 30:45] == 1).all()
    assert found.sure[42:48, 22:28].mean() < 0.2
    # What was sure stays as it was, and so do the arrays.
    others = numpy.ones((HEIGHT, WIDTH), bool)
    others[20:30, 30:45] = others[40:50, 20:30] = False
    assert (found.sure[others] == 1).all()
    assert (found.back[others] == (2, 3)).all() and (back == 9).any()


def test_what_is_plain_moves_as_the_camera_does():
    img = scene(height=90, width=160)
    # A plain sky, and a thing in front of all that moves by itself.
    img[:40], thing = 200, (slice(50, 80), slice(100, 140))
    rows, columns = numpy.indices(img.shape[:2], 'float32')
    true = numpy.stack([0.01 * rows - 2, 0.02 * columns + 1], axis=-1)
    flow = true.astype('float32')
    flow[thing] = 5
    flow[:36, :80] += 0.3
    sure = numpy.ones(img.shape[:2], 'float32')
    found = steadied(Motion(flow, sure), img.astype('uint8')).back
    sky, scenery = (slice(2, 34), slice(2, 78)), (slice(45, 90), slice(90))
    assert numpy.abs(found[sky] - true[sky]).max() < 0.06
    assert numpy.abs(found[scenery] - true[scenery]).max() < 0.01
    assert numpy.abs(found[thing] - 5).max() < 0.3


@pytest.mark.parametrize('shape', [(16, 16), (90, 160), (2, 300)])
def test_a_picture_without_detail_has_a_flow(shape):
    flow = numpy.full((*shape, 2), 0.5, 'float32')
    for level in (0, 255):
        frame = numpy.full((*shape, 3), level, 'uint8')
        found = steadied(Motion(flow, numpy.ones(shape)), frame).back
        assert numpy.isfinite(found).all() and numpy.abs(found).max() <= 0.5


def test_what_was_blurred_has_its_detail_again():
    noise = numpy.random.RandomState(0).normal(size=(60, 80, 3))
    fresh = 0.5 + 0.1 * gaussian_filter(noise, (0.7, 0.7, 0))
    blurred = gaussian_filter(fresh, (0.6, 0.6, 0))

    def detail(img):
        fine = img - gaussian_filter(img, (1.5, 1.5, 0))
        return numpy.square(fine)[8:-8, 8:-8].mean() ** 0.5

    assert detail(blurred) < 0.75 * detail(fresh)
    restored = sharpened(blurred, fresh)
    assert 0.9 < detail(restored) / detail(fresh) < 1.02
    # Nothing else changes, and nothing where there is nothing to restore.
    assert abs(restored.mean() - fresh.mean()) < 0.002
    assert numpy.abs(sharpened(fresh, fresh) - fresh).max() < 1e-5
    plain = numpy.full((20, 20, 3), 0.5, 'float32')
    assert numpy.abs(sharpened(plain, plain) - plain).max() < 1e-6


def test_a_cut_is_found_and_motion_is_none(flows):
    before, frame = path_over(scene(1), 2, step=(2, 3))
    other = path_over(scene(7), 1)[0]
    assert not link(frame, before).is_cut
    assert link(other, before).is_cut


# Reading


def test_times_and_pictures_of_a_video(tmp_path):
    frames = path_over(scene(), 6)
    path = write_clip(tmp_path / 'in.mp4', frames, rate=10)
    clip = open_clip(path)
    assert clip.shape == (WIDTH, HEIGHT) and clip.rate == 10
    assert clip.count == 6 and clip.seconds == pytest.approx(0.6, abs=0.05)
    found = list(clip.frames())
    assert [f.seconds for f in found] == pytest.approx(
        [0, 0.1, 0.2, 0.3, 0.4, 0.5]
    )
    for own, frame in zip(found, frames):
        assert numpy.abs(own.img.astype(float) - frame).mean() < 6


def test_a_start_gives_what_is_shown_then(tmp_path):
    path = write_clip(tmp_path / 'in.mp4', path_over(scene(), 8), rate=10)
    clip = open_clip(path)
    whole = list(clip.frames())
    found = list(clip.frames(0.34))
    assert [f.seconds for f in found] == pytest.approx(
        [0.3, 0.4, 0.5, 0.6, 0.7]
    )
    assert (found[0].img == whole[3].img).all()


def test_a_turned_video_is_upright(tmp_path):
    frame = numpy.full((HEIGHT, WIDTH, 3), 20, 'uint8')
    frame[: HEIGHT // 2, : WIDTH // 2] = 230
    path = write_clip(tmp_path / 'in.mp4', [frame] * 3)
    data = path.read_bytes()
    # The matrix of the track's header: a quarter turn clockwise.
    begin = data.index(b'tkhd') + 44
    turn = struct.pack('>9i', 0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30)
    path.write_bytes(data[:begin] + turn + data[begin + len(turn) :])
    clip = open_clip(path)
    assert clip.shape == (HEIGHT, WIDTH)
    img = next(clip.frames()).img
    assert img.shape == (WIDTH, HEIGHT, 3)
    # What was at the left above is at the right above.
    assert img[10, -10].mean() > 200 and img[10, 10].mean() < 60
    assert img[-10, -10].mean() < 60


def test_frames_of_a_folder_by_their_numbers(tmp_path):
    for number in (1, 2, 10):
        img = numpy.full((HEIGHT, WIDTH, 3), number, 'uint8')
        Image.fromarray(img).save(tmp_path / f'frame-{number}.png')
    clip = open_clip(tmp_path, rate=4)
    found = list(clip.frames())
    assert [f.img[0, 0, 0] for f in found] == [1, 2, 10]
    assert [f.seconds for f in found] == [0, 0.25, 0.5]


def test_a_gif_lasts_as_its_frames_do(tmp_path):
    images = [
        Image.fromarray(numpy.full((8, 9, 3), 80 * k, 'uint8'))
        for k in range(3)
    ]
    images[0].save(
        tmp_path / 'in.gif',
        save_all=True,
        append_images=images[1:],
        duration=[100, 300, 50],
    )
    clip = open_clip(tmp_path / 'in.gif')
    assert clip.shape == (9, 8) and clip.seconds == pytest.approx(0.45)
    assert [f.seconds for f in clip.frames()] == pytest.approx([0, 0.1, 0.4])
    assert [f.seconds for f in clip.frames(0.2)] == pytest.approx([0.1, 0.4])


@pytest.mark.parametrize(
    ('name', 'content', 'words'),
    [
        ('text.mp4', b'no video at all', 'cannot be read'),
        ('empty.mp4', b'', 'cannot be read'),
        ('text.gif', b'GIF89a', 'cannot be read'),
    ],
)
def test_what_is_no_clip_is_one_sentence(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(GluonStyleError, match=words) as caught:
        list(open_clip(tmp_path / name).frames())
    assert '\n' not in str(caught.value)


def test_a_cut_file_is_made_as_far_as_it_goes(tmp_path, caplog):
    path = tmp_path / 'in.mkv'
    write_clip(path, path_over(scene(), 30))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    found = list(open_clip(path).frames())
    assert 3 < len(found) < 30


# Painting


@pytest.mark.parametrize('rate', [10, '30000/1001'])
def test_a_clip_has_the_frames_times_and_sound_of_its_source(
    tmp_path, painted, rate
):
    rate = Fraction(rate)
    frames = path_over(scene(), 12)
    source = write_clip(tmp_path / 'in.mp4', frames, rate, sound=rate == 10)
    result, found, times = painted(source)
    assert result.frames == 12 and result.shape == (WIDTH, HEIGHT)
    assert times == pytest.approx(
        [float(k / rate) for k in range(12)], abs=2e-3
    )
    assert found[0].shape == (HEIGHT, WIDTH, 3)
    with av.open(str(result.path)) as container:
        assert bool(container.streams.audio) is (rate == 10)
        length = container.duration / 1e6
    assert length == pytest.approx(float(12 / rate), abs=0.15)


def test_times_that_vary_stay(tmp_path, painted):
    times = [0, 10, 15, 40, 41, 60]
    frames = path_over(scene(), 6)
    source = write_clip(tmp_path / 'in.mp4', frames, 25, times=times)
    _, _, found = painted(source)
    assert found == pytest.approx([t / 100 for t in times], abs=2e-3)


def test_ten_bits_are_read(tmp_path, painted):
    source = write_clip(
        tmp_path / 'in.mp4', path_over(scene(), 3), pix_fmt='yuv420p10le'
    )
    assert painted(source)[0].frames == 3


def test_rates_starts_and_stops(tmp_path):
    path = write_clip(tmp_path / 'in.mp4', path_over(scene(), 20), rate=10)

    def times(**changes):
        clip = open_clip(path)
        frames = chosen_frames(clip, VideoSettings(**changes))
        return [frame.seconds for frame in frames]

    assert times(start=0.5, stop=1.0) == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])
    assert times(every=8) == pytest.approx([0, 0.8, 1.6])
    assert times(fps=2.5) == pytest.approx([0, 0.4, 0.8, 1.2, 1.6])
    assert len(times(fps=20)) == 40


def warping_error(frames, step, margin=6):
    """Return the root mean square between frames and the moved ones before."""
    down, right = step
    squares = [
        numpy.square(
            now[: -down or None, : -right or None]
            - 1.0 * before[down:, right:]
        )[margin:-margin, margin:-margin].mean()
        for before, now in zip(frames, frames[1:])
    ]
    return numpy.sqrt(numpy.mean(squares))


def test_frames_are_alike_and_not_smeared(tmp_path, painted):
    source = write_clip(
        tmp_path / 'in.mp4', path_over(scene(), 14, (1, 2), noise=6)
    )
    _, alike, _ = painted(source)
    _, single, _ = painted(source, consistency=0)
    assert warping_error(alike, (1, 2)) < warping_error(single, (1, 2)) / 3

    def fine(img):
        return numpy.abs(numpy.diff(img.astype(float), axis=1)).mean()

    assert fine(alike[-1]) > 0.6 * fine(single[-1])


def test_a_new_scene_begins_anew(tmp_path, painted):
    frames = path_over(scene(1), 3) + path_over(scene(7), 3)
    source = write_clip(tmp_path / 'in.mp4', frames)
    result, found, _ = painted(source)
    assert result.cuts == (3,)
    _, single, _ = painted(source, consistency=0)
    assert numpy.abs(1.0 * found[3] - single[3]).mean() < 4
    assert numpy.abs(1.0 * found[3] - found[2]).mean() > 20


@pytest.mark.parametrize('name', ['out.gif', 'folder'])
def test_a_gif_and_a_folder(tmp_path, name):
    source = write_clip(tmp_path / 'in.mp4', path_over(scene(), 4))
    result = stylize_video(source, 'net:15', tmp_path / name, size=WIDTH)
    clip = open_clip(result.path, rate=10)
    assert clip.count == 4 and clip.shape == (WIDTH, HEIGHT)
    assert clip.seconds == pytest.approx(0.4)
    if name == 'folder':
        names = sorted(path.name for path in result.path.iterdir())
        assert names == [f'frame-{k:05}.png' for k in range(1, 5)]


def test_an_interrupted_clip_can_be_played_and_goes_on(
    tmp_path, painted, monkeypatch
):
    monkeypatch.setattr('gluon_style.video.stylize.PART_FRAMES', 3)
    source = write_clip(tmp_path / 'in.mp4', path_over(scene(), 10))
    _, whole, times = painted(source)
    folder = tmp_path / 'kept'

    class KilledError(Exception):
        pass

    def kill(progress):
        if progress.frames == 8:
            raise KilledError

    with contextlib.suppress(KilledError):
        painted(source, checkpoint=folder, progress=kill)
    seen = []
    result, found, found_times = painted(
        source, checkpoint=folder, resume=True, progress=seen.append
    )
    assert result.frames == 10 and seen[0].frames == 7
    assert found_times == pytest.approx(times)
    # Each part begins with a whole picture, so the bytes differ a little.
    for own, other in zip(found, whole):
        assert numpy.abs(1.0 * own - other).mean() < 1.5
    assert not folder.exists()


def test_ctrl_c_leaves_what_is_made(tmp_path, painted):
    source = write_clip(tmp_path / 'in.mp4', path_over(scene(), 10))

    def interrupt(progress):
        if progress.frames == 4:
            assert threading.current_thread() is threading.main_thread()
            signal.raise_signal(signal.SIGINT)

    result, found, _ = painted(source, progress=interrupt)
    assert result.stopped == 'SIGINT' and len(found) == result.frames == 4
    folder = tmp_path / 'kept'
    painted(source, progress=interrupt, checkpoint=folder)
    result, found, _ = painted(source, checkpoint=folder, resume=True)
    assert result.stopped is None and len(found) == result.frames == 10
    assert not folder.exists()


@pytest.mark.parametrize(
    ('options', 'words'),
    [
        ({'start': 5}, 'start is 5 and the clip ends after'),
        ({'start': 0.3, 'stop': 0.2}, 'must end after it begins'),
        ({'method': 'nothing'}, 'method'),
        ({'consistency': 2}, 'consistency is 2'),
        ({'patch': 3}, 'patch'),
    ],
)
def test_mistakes_are_one_sentence(tmp_path, painted, options, words):
    source = write_clip(tmp_path / 'in.mp4', path_over(scene(), 3))
    with pytest.raises(GluonStyleError, match=words):
        painted(source, **options)
    assert sorted(path.name for path in tmp_path.iterdir()) == ['in.mp4']


def test_a_folder_for_frames_is_made_with_its_parents(tmp_path, painted):
    source = write_clip(tmp_path / 'in.mp4', path_over(scene(), 2))
    output = tmp_path / 'a' / 'b'
    result = stylize_video(source, 'net:3', output)
    assert len(list(output.iterdir())) == result.frames == 2
    with pytest.raises(FileNotFoundError, match='does not exist: make it'):
        stylize_video(source, 'net:3', tmp_path / 'c' / 'out.mp4')
    (tmp_path / 'file').touch()
    for wrong in ('file/out', 'file/out.mp4'):
        with pytest.raises((GluonStyleError, FileNotFoundError)):
            stylize_video(source, 'net:3', tmp_path / wrong)
    with pytest.raises(GluonStyleError, match='file.* is a file'):
        options = {'checkpoint': tmp_path / 'file' / 'kept'}
        stylize_video(source, 'net:3', output, **options)


def test_sides_are_even(tmp_path, painted, caplog):
    source = write_clip(tmp_path / 'in.mp4', path_over(scene(), 2))
    result, found, _ = painted(source, size=(71, 53))
    assert result.shape == (72, 52) and found[0].shape == (52, 72, 3)
    assert 'cannot be' in caplog.text


@pytest.mark.parametrize('method', ['gatys', 'diffusion'])
def test_methods_with_losses_follow_what_is_sure(method, weights_file):
    width, height = 64, 48
    found = get_method(method)
    settings = found.settings(size=(width, height)).changed(
        {'weights': weights_file, 'network': 'vgg19'}
    )
    if method == 'gatys':
        settings = settings.changed({'strength': 0.5, 'optimizer': 'lbfgs'})
    frame = scene()[:height, :width]
    # The style itself was painted before, and its left half is sure.
    painting = Image.open(samples.PAINTING).resize((width, height))
    before = numpy.asarray(painting) / numpy.float32(255)
    weight = numpy.ones((height, width), 'float32')
    weight[:, width // 2 :] = 0
    painting = Painting(
        found, samples.PAINTING, settings, (width, height), 0.99
    )
    made = painting.painter().next(frame, Moved({'picture': before}, weight))
    apart = numpy.abs(made['picture'] - before).mean(axis=2)
    left, right = apart[:, : width // 2 - 4], apart[:, width // 2 + 4 :]
    assert left.mean() < 0.3 * right.mean()


# Faults


@pytest.mark.parametrize('kept', [False, True])
def test_a_full_disk_leaves_what_can_be_played(
    tmp_path, painted, monkeypatch, kept
):
    monkeypatch.setattr('gluon_style.video.stylize.PART_FRAMES', 3)
    source = write_clip(tmp_path / 'in.mp4', path_over(scene(), 10))
    add = write._Movie.add

    def fill(self, img, seconds):
        if seconds > 0.75:
            raise OSError(errno.ENOSPC, 'No space left on device')
        add(self, img, seconds)

    monkeypatch.setattr(write._Movie, 'add', fill)
    folder = tmp_path / ('kept' if kept else 'out.mp4.parts')
    options = {'checkpoint': folder} if kept else {}
    with pytest.raises(GluonStyleError, match='the disk is full: .*played'):
        painted(source, **options)
    parts = sorted(folder.glob('*.mp4'))
    assert [len(read_clip(part)[0]) for part in parts] == [3, 3, 2]
    assert not (tmp_path / 'out.mp4').exists()
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {'in.mp4', folder.name}
    if kept:
        monkeypatch.setattr(write._Movie, 'add', add)
        result, found, _ = painted(source, resume=True, **options)
        assert result.frames == len(found) == 10


def test_a_checkpoint_of_another_run_is_refused(
    tmp_path, painted, monkeypatch
):
    source = write_clip(tmp_path / 'in.mp4', path_over(scene(), 4))
    folder = tmp_path / 'kept'

    def fail(progress):
        raise KeyError

    with pytest.raises(KeyError):
        painted(source, checkpoint=folder, progress=fail)
    with pytest.raises(FileNotFoundError, match='has no state'):
        painted(source, checkpoint=tmp_path / 'none', resume=True)
    monkeypatch.setattr('gluon_style.video.stylize.PART_FRAMES', 2)

    def late(progress):
        if progress.frames == 3:
            raise KeyError

    with pytest.raises(KeyError):
        painted(source, checkpoint=folder, progress=late)
    again = {'checkpoint': folder, 'resume': True}
    with pytest.raises(GluonStyleError, match='another run, whose strength'):
        painted(source, strength=0.4, **again)
    with pytest.raises(GluonStyleError, match='another run, whose style is'):
        painted(source, style='net:3', **again)
    other = write_clip(tmp_path / 'other.mp4', path_over(scene(3), 4))
    with pytest.raises(GluonStyleError, match='another run, whose video is'):
        painted(other, **again)
    (folder / 'state.npz').write_bytes(b'no state')
    with pytest.raises(GluonStyleError, match='is damaged'):
        painted(source, checkpoint=folder, resume=True)


def test_a_folder_that_is_no_checkpoint_stays(tmp_path, painted):
    source = write_clip(tmp_path / 'in.mp4', path_over(scene(), 2))
    (tmp_path / 'mine').mkdir()
    (tmp_path / 'mine' / 'text.txt').write_text('keep me')
    with pytest.raises(GluonStyleError, match='is not a checkpoint'):
        painted(source, checkpoint=tmp_path / 'mine')
    assert (tmp_path / 'mine' / 'text.txt').read_text() == 'keep me'


@pytest.mark.parametrize('seed', range(6))
def test_a_damaged_file_is_made_in_part_or_one_sentence(
    tmp_path, painted, seed
):
    path = write_clip(tmp_path / 'in.mp4', path_over(scene(), 8), sound=True)
    data = bytearray(path.read_bytes())
    rng = numpy.random.RandomState(seed)
    for place in rng.randint(0, len(data), 40):
        data[place] = rng.randint(256)
    if seed == 0:
        begin, end = data.index(b'mdat') + 4, data.index(b'moov') - 4
        data[begin:end] = bytes(end - begin)
    path.write_bytes(data)
    try:
        result, found, _ = painted(path, size=(48, 32))
    except GluonStyleError as error:
        assert 'in.mp4' in str(error) and '\n' not in str(error)
        assert [each.name for each in tmp_path.iterdir()] == ['in.mp4']
    else:
        assert len(found) == result.frames > 0


def test_an_unknown_codec_is_one_sentence(tmp_path):
    path = write_clip(tmp_path / 'in.mp4', path_over(scene(), 2))
    path.write_bytes(path.read_bytes().replace(b'avc1', b'zzzz'))
    with pytest.raises(GluonStyleError, match='codec|cannot be read'):
        open_clip(path)


def test_a_clip_without_any_frame_is_one_sentence(tmp_path):
    path = write_clip(tmp_path / 'in.mkv', path_over(scene(), 3))
    data = path.read_bytes()
    # Matroska's frames are in clusters, which begin so.
    path.write_bytes(data[: data.index(b'\x1f\x43\xb6\x75')])
    with pytest.raises(GluonStyleError, match='no frame|cannot be read'):
        open_clip(path)


def test_a_clip_without_pictures_is_one_sentence(tmp_path):
    path = tmp_path / 'sound.mp4'
    with av.open(str(path), 'w') as container:
        voice = container.add_stream('aac', rate=8000)
        part = numpy.zeros((1, 1024), 'float32')
        block = av.AudioFrame.from_ndarray(part, 'fltp', 'mono')
        block.rate, block.pts = 8000, 0
        container.mux(voice.encode(block))
        container.mux(voice.encode())
    with pytest.raises(GluonStyleError, match='has no pictures, only sound'):
        open_clip(path)


# The command


def command(*words):
    """Run the command line, and return its exit code."""
    try:
        return main(['video', *map(str, words)])
    except SystemExit as stopped:
        return stopped.code


def test_the_command_makes_a_clip(tmp_path, capsys):
    source = write_clip(tmp_path / 'in.mp4', path_over(scene(), 6))
    output = tmp_path / 'out.mp4'
    words = (source, 'net:15', '-o', output, '--stop', '0.5', '--size', WIDTH)
    assert command(*words) == 0
    out, err = capsys.readouterr()
    assert f'{output}: 5 frames of {WIDTH}x{HEIGHT} pixels, 0.5 s' in out
    assert '5/5' in err and 'frames/s' in err
    assert len(read_clip(output)[0]) == 5
    # It may replace its own file.
    assert command(*words, '--quiet') == 0
    assert capsys.readouterr() == ('', '')


def test_the_command_makes_frames_and_leaves_no_old_ones(tmp_path, capsys):
    source = write_clip(tmp_path / 'in.mp4', path_over(scene(), 4))
    words = source, 'net:15', '-o', tmp_path / 'out', '--size', WIDTH
    assert command(*words) == 0
    assert command(*words, '--every', 2) == 0
    names = sorted(path.name for path in (tmp_path / 'out').iterdir())
    assert names == ['frame-00001.png', 'frame-00002.png']
    foreign = tmp_path / 'out' / 'frame-00001.png'
    Image.new('RGB', (8, 8)).save(foreign)
    capsys.readouterr()
    assert command(*words) == 2
    assert 'was not written by this program' in capsys.readouterr().err
    assert Image.open(foreign).size == (8, 8)


@pytest.mark.parametrize(
    ('words', 'sentence'),
    [
        (['--resume'], 'name it with --checkpoint DIR'),
        (['--patch', '3'], '--patch means nothing to the method feedforward'),
        (['--start', '9'], 'start is 9 and the clip ends after'),
        (['--fps', 'many'], "'many' is not a number"),
        (['--mask', 'a.png'], '--mask'),
        (['--preset', 'fast'], '--preset means nothing'),
    ],
)
def test_mistakes_of_the_command_write_nothing(
    tmp_path, capsys, words, sentence
):
    source = write_clip(tmp_path / 'in.mp4', path_over(scene(), 3))
    output = tmp_path / 'out.mp4'
    assert command(source, 'net:15', '-o', output, *words) == 2
    err = capsys.readouterr().err
    assert sentence in err and len(err.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ['in.mp4']


@pytest.mark.parametrize('name', ['missing.mp4', 'out.avi'])
def test_names_that_cannot_be(tmp_path, capsys, name):
    source = write_clip(tmp_path / 'in.mp4', path_over(scene(), 2))
    pair = (tmp_path / name, tmp_path / 'out.mp4')
    if name == 'out.avi':
        pair = source, tmp_path / name
    assert command(pair[0], 'net:15', '-o', pair[1]) == 2
    err = capsys.readouterr().err
    assert ('video' if name == 'missing.mp4' else 'output') in err
    assert name in err and len(err.splitlines()) == 1


# Times and places


@pytest.mark.parametrize('suffix', ['.ts', '.mkv', '.mp4'])
def test_a_start_between_pictures_that_stand_alone(tmp_path, suffix):
    path = write_clip(tmp_path / f'in{suffix}', path_over(scene(), 40))
    settings = VideoSettings(start=2.45, stop=3.2)
    times = [f.seconds for f in chosen_frames(open_clip(path), settings)]
    # Shown at 2.4 still, then 2.5 and so on.
    assert times == pytest.approx(
        [0, 0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65], abs=2e-3
    )


def test_what_comes_after_the_stop_is_not_read(tmp_path, monkeypatch):
    path = write_clip(tmp_path / 'in.mp4', path_over(scene(), 30))
    upright, seen = read._upright, []
    monkeypatch.setattr(
        read, '_upright', lambda frame: seen.append(frame) or upright(frame)
    )
    clip = open_clip(path)
    assert len(list(chosen_frames(clip, VideoSettings(stop=0.3)))) == 3
    assert len(seen) < 8


def test_a_truncated_clip_is_not_filled_up(tmp_path):
    path = tmp_path / 'in.mkv'
    write_clip(path, path_over(scene(), 100))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 3])
    clip = open_clip(path)
    own = len(list(clip.frames()))
    found = list(chosen_frames(clip, VideoSettings(fps=20.0)))
    assert own < 60 and len(found) <= 2 * own + 2


@pytest.mark.parametrize('rate', [15, 24, 30])
def test_a_gif_is_as_long_as_its_source(tmp_path, rate):
    source = write_clip(tmp_path / 'in.mp4', path_over(scene(), 12), rate)
    result = stylize_video(source, 'net:15', tmp_path / 'o.gif', size=48)
    clip = open_clip(result.path)
    assert clip.seconds == pytest.approx(12 / rate, abs=0.011)
    assert clip.count == 12


def test_the_last_frame_lasts_as_before(tmp_path):
    images = [Image.new('RGB', (32, 24), (40 * k, 0, 0)) for k in range(3)]
    images[0].save(
        tmp_path / 'in.gif',
        save_all=True,
        append_images=images[1:],
        duration=[100, 100, 3000],
    )
    for options in ({}, {'fps': 10.0}):
        result = stylize_video(
            tmp_path / 'in.gif', 'net:15', tmp_path / 'out.gif', **options
        )
        assert result.seconds == pytest.approx(3.2)
        assert open_clip(result.path).seconds == pytest.approx(3.2)


def test_every_second_frame_after_an_interruption(tmp_path, monkeypatch):
    (tmp_path / 'clip').mkdir()
    for k in range(66):
        img = Image.new('RGB', (16, 16), (3 * k, 0, 0))
        img.save(tmp_path / 'clip' / f'{k:03}.png')
    monkeypatch.setattr('gluon_style.video.stylize.PART_FRAMES', 30)

    def paint(**options):
        output = tmp_path / f'out-{len(options)}'
        made = 'clip', 'net:15', output
        return stylize_video(tmp_path / made[0], *made[1:], every=2, **options)

    whole = paint()
    seen = []

    def stop():
        return 'enough' if len(seen) >= 30 else None

    options = {'checkpoint': tmp_path / 'kept', 'progress': seen.append}
    assert paint(stop_when=stop, **options).stopped == 'enough'
    result = paint(resume=True, **options)
    assert result.frames == whole.frames == 33
    assert result.seconds == whole.seconds


def test_sound_that_begins_anew_is_no_end(tmp_path, painted, caplog):
    path = write_clip(tmp_path / 'a.ts', path_over(scene(), 12), sound=True)
    path.write_bytes(path.read_bytes() * 2)
    result, found, times = painted(path, size=(48, 32))
    assert len(found) == result.frames >= 12
    assert times == sorted(times)


def test_sound_keeps_its_place_beside_late_pictures(tmp_path, painted):
    path = tmp_path / 'in.mkv'
    write_clip(
        path,
        path_over(scene(), 20),
        times=[50 + 10 * k for k in range(20)],
        sound=True,
    )
    clip = open_clip(path)
    assert clip.origin == pytest.approx(0.5, abs=0.01)
    result, _, times = painted(path, size=(48, 32))
    with av.open(str(result.path)) as container:
        sound = [
            float(packet.pts * packet.time_base)
            for packet in container.demux(audio=0)
            if packet.pts is not None
        ]
    # Half a second of sound was before the first picture: 2.0 - 0.5 is left.
    assert times[0] == 0 and sound[0] < 0.15
    assert sound[-1] == pytest.approx(1.4, abs=0.2)


def test_a_checkpoint_has_a_folder_of_its_own(tmp_path, painted):
    source = write_clip(tmp_path / 'in.mp4', path_over(scene(), 2))
    for kept in (tmp_path, tmp_path / 'out.mp4'):
        with pytest.raises(GluonStyleError, match='folder of its own'):
            painted(source, checkpoint=kept)
    with pytest.raises(GluonStyleError, match='is also an input'):
        stylize_video(source, 'net:15', source)
    with pytest.raises(GluonStyleError, match='resume needs a folder'):
        painted(source, resume=True)
    with pytest.raises(GluonStyleError, match='is not a name for a clip'):
        stylize_video(source, 'net:15', tmp_path / '.mp4')
    assert [path.name for path in tmp_path.iterdir()] == ['in.mp4']


def test_a_users_file_in_a_checkpoint_stays(tmp_path, painted):
    source = write_clip(tmp_path / 'in.mp4', path_over(scene(), 4))
    folder = tmp_path / 'kept'

    def note(progress):
        (folder / 'notes.txt').write_text('mine')

    painted(source, checkpoint=folder, progress=note)
    assert [path.name for path in folder.iterdir()] == ['notes.txt']


def test_a_checkpoint_is_of_one_kind_of_output(tmp_path, painted):
    source = write_clip(tmp_path / 'in.mp4', path_over(scene(), 4))
    folder = tmp_path / 'kept'
    seen = []
    painted(
        source,
        checkpoint=folder,
        progress=seen.append,
        stop_when=lambda: 'enough' if len(seen) > 1 else None,
    )
    with pytest.raises(GluonStyleError, match='whose output is'):
        stylize_video(
            *(source, 'net:15', tmp_path / 'out.gif'),
            size=WIDTH,
            checkpoint=folder,
            resume=True,
        )
