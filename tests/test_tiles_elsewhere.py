"""The tiles of one picture in other processes: the same gradient."""

import math
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import numpy
import pytest
from mxnet import np

from gluon_style import Settings, open_cluster, stylize
from gluon_style.chapter.vgg import build_net
from gluon_style.cli import main
from gluon_style.errors import GluonStyleError
from gluon_style.many import rooms, tile_tasks, tiles
from gluon_style.many.parcels import Failed, Lacking, Refused, paint
from gluon_style.many.tile_places import net_id
from gluon_style.many.tile_tasks import Room, Setup, TileTask, Unknown
from gluon_style.many.tiles import TileWorkers
from gluon_style.methods.gatys import forecast, precision
from gluon_style.methods.gatys.objective import Objective
from gluon_style.methods.gatys.tile_losses import LossLayers, cut_picture
from gluon_style.methods.observers import Observer
from gluon_style.methods.versions import current_versions

pytest.importorskip(
    'distributed', reason='needs distributed (pip install .[cluster])'
)
GB = 1e9


@pytest.fixture(scope='module')
def cluster():
    """Two processes of this machine."""
    with open_cluster(workers=2) as cluster:
        yield cluster


@pytest.fixture(scope='module')
def net(weights_file):
    return build_net(weights=weights_file)


def noise(height, width, seed):
    random = numpy.random.RandomState(seed)
    return np.array(random.normal(size=(1, 3, height, width)), 'float32')


def gradient(objective, X):
    """Return the losses and the gradient of the second of two calls."""
    X = X.copy()
    X.attach_grad('add')
    objective(X)
    losses = [float(loss) for loss in objective(X)]
    return losses, X.grad.asnumpy()


@pytest.mark.parametrize(
    ('changes', 'has_mask'),
    [
        ({}, False),
        ({'border': 'replicate', 'tv_target': 'style'}, False),
        ({'style_loss': 'meanvar', 'strength': 0.4}, True),
        ({'tileable': True}, True),
    ],
)
def test_the_gradient_is_that_of_the_whole_picture(
    net, cluster, changes, has_mask
):
    # Of deeper layers each tile would see the whole picture.
    layers = {
        'content_layers': 'conv3_1',
        'style_layers': ['conv1_1', 'conv3_1'],
    }
    settings = Settings(precision='float32').changed({**layers, **changes})
    content_X, X = noise(96, 128, 1), noise(96, 128, 2)
    styles = [noise(70, 90, 3), noise(40, 60, 4)]
    mask = None
    if has_mask:
        mask = numpy.random.RandomState(5).uniform(size=(96, 128))
    with cluster.tiles() as workers:
        objectives = [
            Objective(net, content_X, styles, settings, mask=mask, **options)
            for options in (
                {},
                {'tile': 64},
                {'tile': 64, 'place': workers.place},
            )
        ]
        whole, here, there = (gradient(each, X) for each in objectives)
    assert there[0] == here[0]
    # Pixels that one tile sees twice are added up in another order.
    most = 1e-6 if settings.tileable else 0
    assert abs(there[1] - here[1]).max() <= most * abs(here[1]).max()
    numpy.testing.assert_allclose(there[0], whole[0], rtol=1e-4)
    difference = numpy.linalg.norm(there[1] - whole[1])
    assert difference < 1e-4 * numpy.linalg.norm(whole[1])


def test_workers_say_how_much_memory_they_have(cluster):
    with cluster.tiles() as workers:
        assert workers.choose_tile((96, 64), Settings()) is None


def task(net, key, is_known=False, method='style_sums', **changes):
    """Return a task for the one tile of a picture of 32x48 pixels."""
    settings = Settings(precision='float32')
    layers = LossLayers({}, {'conv1_1': 1.0}, False)
    [tile] = cut_picture((32, 48), settings, layers.names, None)
    about = {
        'run': 'a run',
        'place': 1,
        'key': key,
        'net': net_id(net, layers.names),
        'settings': settings,
        'versions': current_versions(),
        'method': method,
        'pixels': noise(32, 48, 6).asnumpy(),
        'arguments': (True,),
        'goes_back': True,
        'keeps': False,
        'setup': Setup(layers, tile, (32, 48), [None], None),
    }
    if is_known:
        about['setup'] = None
    return TileTask(**{**about, **changes})


@pytest.fixture
def places(monkeypatch):
    """What a worker knows: nothing at first."""
    places = {}
    monkeypatch.setattr(tile_tasks, '_PLACES', places)
    return places


def test_a_worker_knows_the_tiles_of_the_last_place(net, places):
    assert paint(task(net, (1, 0), is_known=True)) == Unknown()
    first = paint(task(net, (1, 0)))
    again = paint(task(net, (1, 0), is_known=True))
    products, mean = first.value['conv1_1', 0]
    assert products.shape == (64, 64) and mean is None
    assert (again.value['conv1_1', 0][0] == products).all()
    # The pixels that it saw last serve the gradient, once.
    slopes = {'conv1_1': []}
    options = {
        'is_known': True,
        'method': 'backward',
        'arguments': (slopes, 1.0),
        'goes_back': False,
        'pixels': None,
    }
    assert paint(task(net, (1, 0), **options)).gradient.shape == (1, 3, 32, 48)
    assert paint(task(net, (1, 0), **options)) == Unknown()
    # Another scale of the run takes the memory of the one before.
    paint(task(net, (1, 0), place=2))
    assert [place.number for place in places.values()] == [2]
    assert paint(task(net, (1, 0), is_known=True)) == Unknown()
    # What nobody asks for is forgotten.
    places['a run'].used -= 1000
    paint(task(net, (1, 0), run='another'))
    assert list(places) == ['another']


def test_a_worker_that_would_compute_otherwise(net, places, monkeypatch):
    other = {**current_versions(), 'numpy': '0.1'}
    assert isinstance(paint(task(net, (1, 0), versions=other)), Refused)
    monkeypatch.setattr(precision, 'has_bfloat16', lambda: False)
    settings = Settings(precision='bfloat16')
    answer = paint(task(net, (1, 0), settings=settings))
    assert isinstance(answer, Failed) and 'float32' in answer.error
    elsewhere = net_id(net, ['conv1_1'])._replace(sha256='0' * 64)
    answer = paint(task(net, (1, 0))._replace(net=elsewhere))
    assert answer == Lacking(elsewhere)


class Addresses:
    """A dispatch that has workers, on machines with so many bytes free."""

    status = 'running'

    def __init__(self, count, free, host=None, limit=math.inf, threads='1'):
        self.rooms = {
            f'tcp://{number}': Room(
                host or f'host {number}', free, limit, threads
            )
            for number in range(count)
        }
        self.client = self

    def fit(self):
        return list(self.rooms)

    def run(self, function, *arguments, workers=(), **options):
        return {each: self.rooms[each] for each in workers}


@pytest.mark.parametrize(
    ('image_shape', 'count', 'free', 'expected'),
    [
        # Four workers have a quarter each, two a half.
        ((1800, 1200), 4, 16 * GB, (2, 2)),
        ((1800, 1200), 2, 16 * GB, (2, 1)),
        ((1800, 1200), 1, 64 * GB, (1, 1)),
    ],
)
def test_each_worker_has_a_tile(image_shape, count, free, expected):
    settings = Settings(optimizer='adam')
    tile = TileWorkers(Addresses(count, free)).choose_tile(
        image_shape, settings
    )
    widths, heights = forecast.seen_lengths(image_shape, settings, tile)
    assert (len(widths), len(heights)) == expected


def test_large_pictures_fit_into_small_workers(monkeypatch):
    """6000x4000 pixels in eight workers of 4 GB."""
    monkeypatch.setattr(forecast, 'free_memory', lambda device: 64 * GB)
    shape, settings = (6000, 4000), Settings(optimizer='adam')
    workers = TileWorkers(Addresses(8, 4 * GB))
    tile = workers.choose_tile(shape, settings)
    assert tiles.worker_bytes(shape, settings, tile, 8) < 0.8 * 4 * GB
    fixed = Settings(optimizer='adam', tile=512)
    assert workers.choose_tile(shape, fixed) == 512
    with pytest.raises(GluonStyleError, match='of a worker.*more machines'):
        TileWorkers(Addresses(8, 0.5 * GB)).choose_tile(shape, settings)
    monkeypatch.setattr(forecast, 'free_memory', lambda device: 8 * GB)
    with pytest.raises(GluonStyleError, match='or the optimizer adam'):
        workers.choose_tile(shape, Settings(optimizer='lbfgs'))


def test_processes_of_this_machine_share_its_memory(monkeypatch):
    monkeypatch.setattr(forecast, 'free_memory', lambda device: 20 * GB)
    shape, settings = (1800, 1200), Settings(optimizer='lbfgs')

    def tile(*about, **more):
        workers = TileWorkers(Addresses(*about, **more))
        side = workers.choose_tile(shape, settings)
        return tiles.worker_bytes(shape, settings, side, 2)

    here = tiles._bytes_here(shape, settings)
    assert 0.8 * 6 * GB < tile(2, 20 * GB) < 0.8 * 20 * GB
    shared = tile(2, 20 * GB, host=socket.gethostname())
    assert shared < 0.8 * (20 * GB - here) / 2
    assert tile(2, 20 * GB, limit=4 * GB) < 0.8 * 4 * GB


def test_a_small_worker_that_joins_late_gets_no_tiles(caplog):
    dispatch = Addresses(2, 4 * GB)
    workers = TileWorkers(dispatch)
    workers.choose_tile((1800, 1200), Settings(optimizer='adam'))
    for name, free in (('small', 1 * GB), ('large', 4 * GB)):
        dispatch.rooms[name] = Room(name, free, math.inf, '1')
    for _ in range(2):
        assert workers._fit() == ['tcp://0', 'tcp://1', 'large']
    [record] = caplog.records
    assert 'worker small gets no tiles' in record.message
    assert 'it may take 0.9 GB there' in record.message


def test_a_worker_without_room_is_asked_again_later(monkeypatch):
    dispatch = Addresses(1, 4 * GB)
    workers = TileWorkers(dispatch)
    settings = Settings(optimizer='adam')
    tile = workers.choose_tile((1800, 1200), settings)
    needed = tiles.worker_bytes((1800, 1200), settings, tile, 1)
    # It comes back after it was killed, and something else takes memory.
    dispatch.rooms = {
        'back': Room('its host', needed / 0.91, math.inf, '1'),
        'small': Room('another', GB, math.inf, '8'),
    }
    clock = SimpleNamespace(now=0.0)

    def sleep(seconds):
        clock.now += 10
        assert clock.now < 100
        dispatch.rooms['back'] = Room('its host', 4 * GB, math.inf, '1')

    by_clock = SimpleNamespace(monotonic=lambda: clock.now)
    monkeypatch.setattr(rooms, 'time', by_clock)
    monkeypatch.setattr(tiles, 'time', SimpleNamespace(sleep=sleep))
    assert workers._fit() == ['back']
    assert clock.now > rooms._AGAIN
    assert workers.threads == '1'


@pytest.mark.parametrize('free', [0.1 * GB, -1.0])
def test_a_tile_that_is_named_is_tried_by_each_worker(free):
    workers = TileWorkers(Addresses(1, free))
    assert workers.choose_tile((96, 64), Settings(tile=64)) == 64
    assert workers._fit() == ['tcp://0']


def test_a_worker_that_does_not_answer_is_asked_again():
    class Restarted(Addresses):
        tries = 0

        def run(self, *arguments, workers=(), **options):
            self.tries += 1
            if self.tries == 1:
                raise OSError('no scheduler')
            if self.tries == 2:
                return dict.fromkeys(workers, OSError('gone'))
            return super().run(*arguments, workers=workers, **options)

    dispatch = Restarted(2, 4 * GB)
    workers = TileWorkers(dispatch)
    for _ in range(2):
        with pytest.raises(GluonStyleError, match='no worker says'):
            workers.choose_tile((96, 64), Settings())
    assert workers._fit() == list(dispatch.rooms)
    assert dispatch.tries == 3


@pytest.mark.parametrize(
    ('threads', 'expected'),
    [(('2', '2'), '2'), (('2', '1'), '1 or 2'), ((None, None), None)],
)
def test_the_threads_of_workers_are_known(threads, expected):
    dispatch = Addresses(2, 4 * GB)
    dispatch.rooms = {
        name: room._replace(threads=each)
        for each, (name, room) in zip(threads, dispatch.rooms.items())
    }
    workers = TileWorkers(dispatch)
    workers.choose_tile((96, 64), Settings(tile=64))
    assert workers.threads == expected


def test_the_end_of_a_run_does_not_wait_for_a_worker_that_sleeps(monkeypatch):
    monkeypatch.setattr(tiles, '_FORGETTING', 0.1)
    wakes = threading.Event()

    class Asleep(Addresses):
        def run(self, function, *arguments, **options):
            wakes.wait()

    began = time.monotonic()
    with TileWorkers(Asleep(1, 4 * GB)):
        pass
    assert time.monotonic() - began < 5
    wakes.set()


def test_certificates_want_a_scheduler(pictures, capsys):
    assert main(['run', *pictures, '--tls-ca', pictures[0]]) == 2
    assert 'begins with tls://' in capsys.readouterr().err


def test_a_cluster_at_work_computes_no_tiles():
    class Busy(Addresses):
        running = 1

    workers = TileWorkers(Busy(1, 4 * GB))
    with pytest.raises(GluonStyleError, match='open another one'):
        next(workers._answers(None))


def options(weights_file):
    return {
        'size': 120,
        'tile': 64,
        'epochs': 4,
        'scales': 2,
        'optimizer': 'lbfgs',
        'weights': weights_file,
    }


@pytest.mark.long
def test_run_with_workers_gives_the_same_file(
    pictures, weights_file, tmp_path
):
    words = ['run', *pictures, '--quiet']
    for name, value in options(weights_file).items():
        words += [f'--{name}', str(value)]
    for name, others in (('here', []), ('there', ['--workers', '2'])):
        path = str(tmp_path / f'{name}.png')
        # Workers have one thread: the record in a picture says so.
        subprocess.run(
            [sys.executable, '-m', 'gluon_style', *words, *others, '-o', path],
            env={**os.environ, 'OMP_NUM_THREADS': '1'},
            check=True,
        )
    here, there = (tmp_path / f'{name}.png' for name in ('here', 'there'))
    assert here.read_bytes() == there.read_bytes()


class Fault(Observer):
    """Does something after an epoch."""

    def __init__(self, epoch, action):
        self._epoch, self._action = epoch, action

    def epoch(self, history, picture):
        if len(history) == self._epoch:
            self._action()


@pytest.mark.long
def test_a_worker_that_is_killed_or_joins_changes_nothing(
    machines, pictures, weights_file
):
    address = machines.start(2)
    settings = options(weights_file)

    def kill():
        machines.workers[0].send_signal(signal.SIGKILL)
        machines.workers[0].wait()

    with open_cluster(scheduler=address) as cluster:
        whole = stylize(*pictures, cluster=cluster, **settings)
        lost = stylize(
            *pictures,
            cluster=cluster,
            observers=[Fault(2, kill), Fault(3, machines.start_worker)],
            **settings,
        )
    assert whole.record.threads == '1'
    assert len(lost.history) == len(whole.history)
    assert (lost.image == whole.image).all()
    log = (machines.folder / 'worker.log').read_text()
    assert 'Traceback' not in log


@pytest.mark.long
def test_a_scheduler_that_stays_away_ends_the_run(
    machines, pictures, weights_file, monkeypatch
):
    monkeypatch.setattr('gluon_style.many.workers.PATIENCE', 3)
    address = machines.start(1)
    with (
        pytest.raises(GluonStyleError, match='the scheduler does not answer'),
        open_cluster(scheduler=address) as cluster,
    ):
        stylize(
            *pictures,
            cluster=cluster,
            observers=[Fault(2, machines.stop)],
            **options(weights_file),
        )
