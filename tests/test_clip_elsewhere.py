"""Clips painted in other processes: the same frames, whatever happens."""

import errno
import os
import pickle
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from types import SimpleNamespace

import pytest
from machines import PATIENCE, descendants, is_alive, wait_for_workers
from PIL import Image

from gluon_style import samples, stylize_video
from gluon_style.cli import main
from gluon_style.errors import GluonStyleError
from gluon_style.many import clip_course
from gluon_style.many.clip import ClusterPainters
from gluon_style.many.clip_course import Course
from gluon_style.many.clip_parcels import as_png, clip_parcel, of_png, recipe
from gluon_style.many.nets import NetIds
from gluon_style.many.parcels import Failed, Refused, paint
from gluon_style.methods.table import get_method
from gluon_style.video import stylize
from gluon_style.video.chain import InTurn
from gluon_style.video.painters import OnePass, Painting
from gluon_style.video.read import Frame
from gluon_style.video.state import State
from gluon_style.video.stretches import stretches

pytest.importorskip('distributed', reason='needs distributed')
pytest.importorskip('av')

from test_video import HEIGHT, WIDTH, path_over, read_clip, scene, write_clip

NET = 'net:15'


def three_scenes():
    """Return twelve frames, with cuts at the sixth and the tenth."""
    return [
        *path_over(scene(1), 5),
        *path_over(scene(7), 4),
        *path_over(scene(1), 3, step=(2, 1)),
    ]


def as_frames(images):
    return (Frame(img, k / 10) for k, img in enumerate(images))


def painting(consistency=0.9, **changes):
    settings = get_method('feedforward').settings().changed(changes)
    return Painting(
        get_method('feedforward'),
        NET,
        settings.changed({'size': (WIDTH, HEIGHT)}),
        (WIDTH, HEIGHT),
        consistency,
    )


@pytest.fixture
def clip(tmp_path):
    """A folder of twelve frames of three scenes."""
    folder = tmp_path / 'clip'
    folder.mkdir()
    for number, img in enumerate(three_scenes()):
        Image.fromarray(img).save(folder / f'{number:02}.png')
    return folder


def with_one_thread(clip, folder, *words, style=NET):
    """Paint a clip in a process with one thread; return the frames' bytes."""
    words = ['video', clip, style, '-o', folder, *words]
    subprocess.run(
        [sys.executable, '-m', 'gluon_style', *map(str, words)],
        env={**os.environ, 'OMP_NUM_THREADS': '1'},
        check=True,
        capture_output=True,
    )
    return bytes_of(folder)


def bytes_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# Stretches


def test_stretches_end_at_cuts_and_with_parts_and_are_short(monkeypatch):
    monkeypatch.setattr(OnePass, 'together', 3)
    found = list(stretches(as_frames(three_scenes()), painting(), State(), 7))
    # Cuts are before 5 and 9, and a part ends before 7.
    assert [len(each.frames) for each in found] == [3, 2, 2, 2, 3]
    assert [each.is_cut for each in found] == [False, False, True, False, True]
    assert [each.follows for each in found] == [
        *(False, True, False, True, False)
    ]
    seconds = [f.seconds for each in found for f in each.frames]
    assert seconds == [k / 10 for k in range(12)]


def test_frames_for_themselves_follow_none(monkeypatch):
    monkeypatch.setattr(OnePass, 'together', 5)
    single = painting(consistency=0)
    found = list(stretches(as_frames(three_scenes()), single, State(), 100))
    assert [len(each.frames) for each in found] == [5, 5, 2]
    assert not any(each.is_cut or each.follows for each in found)


def test_a_clip_that_goes_on_follows_what_was_painted_before():
    before, after = three_scenes()[:5], three_scenes()[4:7]
    state = State(past=[{'frame': before[3]}])
    found = list(stretches(as_frames(after), painting(), state, 100))
    assert [len(each.frames) for each in found] == [1, 2]
    assert [each.is_cut for each in found] == [False, True]
    assert [each.follows for each in found] == [True, False]


def test_a_png_is_without_loss():
    img = three_scenes()[0]
    assert (of_png(as_png(img)) == img).all()


# The order of things, with workers in this process


class Reversed:
    """A dispatch whose workers are ready in the wrong order, and forget.

    Each parcel is lost once.
    """

    threads = 3

    def __init__(self, room=6):
        self._room, self._sent, self._lost = room, {}, set()

    def look(self):
        pass

    def forget(self):
        self._sent.clear()

    def has_room(self):
        return len(self._sent) < self._room

    def send(self, index, parcel):
        assert index not in self._sent
        self._sent[index] = pickle.dumps(parcel)

    def answers(self, patience):
        for index in sorted(self._sent, reverse=True)[:1]:
            data = self._sent.pop(index)
            is_lost = index not in self._lost
            self._lost.add(index)
            yield index, None if is_lost else paint(pickle.loads(data))


@pytest.mark.parametrize('consistency', [0.9, 0])
def test_the_frames_are_those_of_one_process(
    tmp_path, monkeypatch, consistency
):
    how = painting(consistency)
    here = State()
    expected = list(
        InTurn(how).frames(
            how, as_frames(three_scenes()), here, lambda: None, 100, tmp_path
        )
    )
    monkeypatch.setattr(OnePass, 'together', 2)
    there = State()
    unread = stretches(as_frames(three_scenes()), how, there, 7)
    course = Course(Reversed(), recipe(how, None), unread, there, tmp_path)
    found = []
    for made in course.made(lambda: None):
        found.append(made)
        if len(found) == 7 and consistency:
            # A part is whole: the state belongs to its last frame.
            (*_, last) = there.past
            assert (last['frame'] == three_scenes()[6]).all()
    assert [made.seconds for made in found] == [k / 10 for k in range(12)]
    for made, other in zip(found, expected):
        assert (made.picture == other.picture).all()
    cuts = [k for k, made in enumerate(found) if made.is_cut]
    assert cuts == ([5, 9] if consistency else [])
    assert [made.is_cut for made in expected] == [m.is_cut for m in found]
    if consistency:
        assert len(there.past) == len(here.past) == 3
        for own, other in zip(there.past, here.past):
            assert own.keys() == other.keys()
            assert all((own[name] == other[name]).all() for name in own)
    # Nothing is left but the past of the last stretch.
    assert len(list(tmp_path.iterdir())) == 1


def test_no_more_is_read_than_workers_need(tmp_path, monkeypatch):
    monkeypatch.setattr(OnePass, 'together', 2)
    monkeypatch.setattr(clip_course, '_AHEAD', 2)
    how, read = painting(consistency=0), []

    def frames():
        for frame in as_frames(three_scenes() * 3):
            read.append(frame)
            yield frame

    state = State()
    unread = stretches(frames(), how, state, 100)
    course = Course(Reversed(), recipe(how, None), unread, state, tmp_path)
    for number, _ in enumerate(course.made(lambda: None)):
        # Two frames for each of three workers, and the one after.
        assert len(read) <= number + 2 * 3 + 2
    assert number == len(read) - 1 == 35


def test_a_stop_ends_with_a_stretch(tmp_path, monkeypatch):
    monkeypatch.setattr(OnePass, 'together', 2)
    how, state, found = painting(), State(), []
    unread = stretches(as_frames(three_scenes()), how, state, 100)
    course = Course(Reversed(), recipe(how, None), unread, state, tmp_path)
    for made in course.made(lambda: 'enough' if len(found) > 2 else None):
        found.append(made)
    assert len(found) == 4
    assert (state.past[-1]['frame'] == three_scenes()[3]).all()


def test_what_fails_says_where(tmp_path):
    class Failing(Reversed):
        def answers(self, patience):
            yield 0, Failed('no memory: choose a smaller size')

    how, state = painting(), State()
    unread = stretches(as_frames(three_scenes()), how, state, 100)
    course = Course(Failing(), recipe(how, None), unread, state, tmp_path)
    with pytest.raises(GluonStyleError) as caught:
        list(course.made(lambda: None))
    assert str(caught.value) == (
        'seconds 0.00 to 0.40 of the clip: no memory: choose a smaller size'
    )


@pytest.fixture
def painters(monkeypatch):
    """Painters in this process that do not paint in turn."""
    monkeypatch.setattr(OnePass, 'together', 2)
    cluster = SimpleNamespace(nets=NetIds(), dispatch=Reversed())
    return nullcontext(ClusterPainters(cluster))


def test_a_full_disk_leaves_what_can_be_played(
    clip, tmp_path, painters, monkeypatch
):
    monkeypatch.setattr('gluon_style.video.stylize.PART_FRAMES', 2)
    put, output = clip_course._Files.put, tmp_path / 'out.mp4'

    def fill(self, index, name, value):
        if (index, name) == (4, 'pictures'):
            raise OSError(errno.ENOSPC, 'No space left on device')
        put(self, index, name, value)

    monkeypatch.setattr(clip_course._Files, 'put', fill)
    # So that the first stretches are painted before the others are read.
    monkeypatch.setattr(clip_course, '_AHEAD', 1)
    with pytest.raises(GluonStyleError, match='the disk is full: .*out.mp4.p'):
        stylize.stylize_video(clip, NET, output, painters=painters)
    parts = sorted((tmp_path / 'out.mp4.parts').iterdir())
    assert [len(read_clip(part)[0]) for part in parts] == [2, 2]
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {'clip', 'out.mp4.parts'}


def test_what_a_killed_run_left_waiting_is_removed(clip, tmp_path, painters):
    kept, output, seen = tmp_path / 'kept', tmp_path / 'out', []
    stopped = stylize.stylize_video(
        *(clip, NET, output),
        checkpoint=kept,
        painters=painters,
        progress=seen.append,
        stop_when=lambda: 'enough' if len(seen) >= 5 else None,
    )
    assert stopped.frames == 5 and stopped.cuts == ()
    assert sorted(path.suffix for path in kept.iterdir()) == [
        '.npz',
        *5 * ['.png'],
    ]
    (kept / '.waiting-abc').mkdir()
    (kept / '.waiting-abc' / '3.frames').write_bytes(b'of a killed run')
    result = stylize_video(clip, NET, output, checkpoint=kept, resume=True)
    assert result.frames == 12 and result.cuts == (5, 9)
    assert not kept.exists()
    assert bytes_of(output) == bytes_of(
        stylize_video(clip, NET, tmp_path / 'whole').path
    )


def test_another_flow_makes_no_picture(monkeypatch):
    frames = [as_png(three_scenes()[0])]
    alike = clip_parcel(recipe(painting(), None), frames, [])
    single = clip_parcel(recipe(painting(consistency=0), None), frames, [])
    monkeypatch.setattr('gluon_style.video.flow.opencv', lambda: None)
    refused = paint(alike)
    if not isinstance(refused, Refused):
        pytest.skip('OpenCV is not installed')
    assert 'by scikit-image' in refused.error
    assert 'by OpenCV' in refused.error
    # Frames for themselves need no flow.
    assert len(paint(single).pictures) == 1


# Processes


@pytest.mark.long
@pytest.mark.parametrize('kind', ['folder', '.mp4'])
def test_two_processes_paint_the_same_frames(
    clip, tmp_path, monkeypatch, kind
):
    monkeypatch.setattr(OnePass, 'together', 2)
    expected = with_one_thread(clip, tmp_path / 'here')
    if kind == 'folder':
        result = stylize_video(clip, NET, tmp_path / 'out', workers=2)
        assert bytes_of(tmp_path / 'out') == expected
        assert result.cuts == (5, 9) and result.frames == 12
        return
    source = write_clip(tmp_path / 'in.mp4', three_scenes(), sound=True)
    here = tmp_path / 'here.mp4'
    subprocess.run(
        [
            sys.executable,
            '-m',
            'gluon_style',
            'video',
            source,
            NET,
            '-o',
            here,
        ],
        env={**os.environ, 'OMP_NUM_THREADS': '1'},
        check=True,
    )
    result = stylize_video(source, NET, tmp_path / 'out.mp4', workers=2)
    own, times = read_clip(here)
    found, found_times = read_clip(result.path)
    assert found_times == times and len(found) == 12
    assert all((a == b).all() for a, b in zip(found, own))
    assert result.seconds == pytest.approx(1.2)


@pytest.mark.long
@pytest.mark.parametrize('method', ['gatys', 'diffusion', 'adain'])
def test_the_other_methods_in_two_processes(
    clip, tmp_path, weights_file, method
):
    for path in sorted(clip.iterdir()):
        if path.stem in ('02', '03', '04', '07', '08', '11'):
            path.unlink()
    words = ['--method', method, '--size', '48x32']
    if method != 'adain':
        words += ['--weights', weights_file]
    words += {'gatys': ['--epochs', 2], 'diffusion': ['--steps', 2]}.get(
        method, []
    )
    painting = samples.PAINTING
    expected = with_one_thread(clip, tmp_path / 'here', *words, style=painting)
    output = tmp_path / 'there'
    words = ['video', clip, painting, '-o', output, *words, '--workers', 2]
    assert main(list(map(str, words))) == 0
    assert bytes_of(output) == expected and len(expected) == 6


@pytest.mark.long
def test_a_cluster_has_no_folder_in_common(
    clip, tmp_path, machines, weights_file, caplog
):
    words = ['--method', 'gatys', '--epochs', 1, '--size', '48x32']
    words += ['--weights', weights_file, '--every', 2]
    expected = with_one_thread(
        clip, tmp_path / 'here', *words, style=samples.PAINTING
    )
    address = machines.start(0)
    hidden = os.path.dirname(weights_file)
    for _ in range(2):
        cache = str(tmp_path / 'cache')
        machines.start_worker(FAULT_HIDES=hidden, MXNET_HOME=cache)
    wait_for_workers(address, 2)
    stylize_video(
        *(clip, samples.PAINTING, tmp_path / 'there'),
        method='gatys',
        scheduler=address,
        epochs=1,
        size=(48, 32),
        weights=weights_file,
        every=2,
    )
    assert bytes_of(tmp_path / 'there') == expected
    assert caplog.text.count('gets the weights from here') == 1


@pytest.mark.long
def test_a_worker_that_is_killed_loses_nothing(
    clip, tmp_path, machines, monkeypatch
):
    monkeypatch.setattr(OnePass, 'together', 1)
    expected = with_one_thread(clip, tmp_path / 'here')
    address = machines.start(2, FAULT_SECONDS='0.5')
    wait_for_workers(address, 2)

    def kill(progress):
        if progress.frames == 3:
            machines.workers[0].send_signal(signal.SIGKILL)

    output = tmp_path / 'there'
    result = stylize_video(clip, NET, output, scheduler=address, progress=kill)
    assert machines.workers[0].wait() == -signal.SIGKILL
    assert bytes_of(output) == expected and result.cuts == (5, 9)


@pytest.mark.long
def test_a_clip_that_was_stopped_goes_on_anywhere(clip, tmp_path, monkeypatch):
    monkeypatch.setattr(OnePass, 'together', 2)
    expected = with_one_thread(clip, tmp_path / 'here')
    output, seen = tmp_path / 'there', []

    def stop():
        return 'enough' if len(seen) >= 3 else None

    def paint_some():
        seen.clear()
        return stylize_video(
            clip,
            NET,
            output,
            checkpoint=tmp_path / 'kept',
            resume=(tmp_path / 'kept').exists(),
            progress=seen.append,
            stop_when=stop,
            workers=2,
        )

    first = paint_some()
    assert first.stopped == 'enough' and first.frames == 4
    second = paint_some()
    # Its first stretch ends before the cut.
    assert seen[0].frames == 5 and second.frames == 7
    words = '--checkpoint', tmp_path / 'kept', '--resume'
    assert with_one_thread(clip, output, *words) == expected
    assert not (tmp_path / 'kept').exists()


@pytest.mark.long
def test_a_clip_that_kills_its_workers_is_one_sentence(
    clip, tmp_path, machines, capsys
):
    machines.start_scheduler()
    output = tmp_path / 'out'
    words = ['video', clip, NET, '-o', output, '--scheduler', machines.address]
    with machines.one_worker_always(FAULT_KILLS='clip'):
        assert main(list(map(str, words))) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert 'each worker that made it was killed' in last
    assert not output.exists()


@pytest.mark.long
def test_without_a_fit_worker_it_is_one_sentence(
    clip, tmp_path, machines, capsys
):
    address = machines.start(1, FAULT_VERSION='0.0.9')
    wait_for_workers(address, 1)
    words = ['video', clip, NET, '-o', tmp_path / 'out']
    words += ['--scheduler', address]
    assert main(list(map(str, words))) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert 'no worker can make these pictures: it has gluon_style' in last
    assert not (tmp_path / 'out').exists()


@pytest.mark.long
def test_a_scheduler_that_stays_away_leaves_what_is_made(
    clip, tmp_path, machines, monkeypatch
):
    monkeypatch.setattr('gluon_style.many.workers.PATIENCE', 3)
    monkeypatch.setattr('gluon_style.video.stylize.PART_FRAMES', 2)
    expected = with_one_thread(clip, tmp_path / 'here')
    address = machines.start(1, FAULT_SECONDS='0.5')
    output, kept = tmp_path / 'there', tmp_path / 'kept'

    def leave(progress):
        if progress.frames == 4:
            machines.stop()

    with pytest.raises(GluonStyleError, match='scheduler does not answer'):
        stylize_video(
            *(clip, NET, output),
            checkpoint=kept,
            scheduler=address,
            progress=leave,
        )
    assert len(list(kept.glob('*.png'))) >= 4
    assert not list(kept.glob('.*')) and not output.exists()
    words = '--checkpoint', kept, '--resume'
    assert with_one_thread(clip, output, *words) == expected


@pytest.mark.long
def test_ctrl_c_writes_what_is_made_and_ends_the_workers(clip, tmp_path):
    source = write_clip(tmp_path / 'in.mp4', path_over(scene(1), 60, (1, 1)))
    output = tmp_path / 'out.mp4'
    words = ['video', source, NET, '-o', output, '--workers', '2']
    running = subprocess.Popen(
        [sys.executable, '-m', 'gluon_style', *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(
            signal.SIGINT, signal.default_int_handler
        ),
    )
    while '/60' not in (line := running.stderr.readline()):
        assert line
    children = descendants(running.pid)
    assert children
    os.killpg(running.pid, signal.SIGINT)
    _, err = running.communicate(timeout=PATIENCE)
    assert running.returncode == 130
    assert 'stopped by SIGINT' in err and 'Traceback' not in err
    assert len(read_clip(output)[0]) in (25, 50)
    deadline = time.monotonic() + PATIENCE
    while any(map(is_alive, children)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(map(is_alive, children))


@pytest.mark.parametrize(
    ('options', 'words'),
    [
        (['--workers', '0'], 'at least 1'),
        (['--workers', '2', '--scheduler', 'tcp://a:1'], 'leave out one'),
        (['--workers', '2', '--tls-ca', 'none.pem'], 'none.pem'),
        (['--scheduler', 'nonsense://a:1'], 'does not answer'),
        (['--workers', '2', '--start', '9'], 'start is 9 and the clip ends'),
    ],
)
def test_mistakes_are_one_sentence(clip, tmp_path, capsys, options, words):
    words_of = ['video', str(clip), NET, '-o', str(tmp_path / 'out')]
    try:
        code = main([*words_of, *options])
    except SystemExit as end:
        code = end.code
    err = capsys.readouterr().err
    assert code == 2 and words in err.splitlines()[-1]
    assert [path.name for path in tmp_path.iterdir()] == ['clip']


def test_a_stop_before_the_first_frame_is_said(clip, tmp_path):
    with pytest.raises(GluonStyleError, match='stopped by noon before its'):
        stylize_video(clip, NET, tmp_path / 'out', stop_when=lambda: 'noon')
    assert [path.name for path in tmp_path.iterdir()] == ['clip']
