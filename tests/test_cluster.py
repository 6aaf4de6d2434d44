"""Jobs in other processes: the same pictures, whatever happens to them."""

import json
import os
import pickle
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy
import pytest
from conftest import picture, random_layers
from machines import FAULTS, PATIENCE, descendants, is_alive, wait_for_workers
from PIL import Image

from gluon_style import Settings, map_styles, open_cluster, stylize
from gluon_style.cli import main
from gluon_style.errors import GluonStyleError, NonFiniteLossError
from gluon_style.figures import Options
from gluon_style.figures.recipe import FigureRuns, RunSpec
from gluon_style.files.reading import file_digest
from gluon_style.layers import NETWORKS
from gluon_style.many.executors import executor_for
from gluon_style.many.jobs import Job
from gluon_style.many.parcels import (
    Failed,
    Lacking,
    NetId,
    Painted,
    Refused,
    pack,
    paint,
)
from gluon_style.many.sent import place_of, receive
from gluon_style.many.workers import Workers
from gluon_style.methods.gatys.presets import PRESETS
from gluon_style.methods.table import get_method
from gluon_style.records.result import Result, read_record
from gluon_style.weights.choice import WeightsFile, find_weights
from gluon_style.weights.formats import write_layers

pytest.importorskip(
    'distributed', reason='needs distributed (pip install .[cluster])'
)


@pytest.fixture
def photos(tmp_path):
    """A folder of six pictures, 48x32."""
    folder = tmp_path / 'photos'
    folder.mkdir()
    for number in range(6):
        img = Image.fromarray(picture(48, 32, seed=number))
        img.save(folder / f'{number}.png')
    return folder


def command(photos, folder, *options, style='net:3'):
    return [
        *('sweep', str(photos), '--style', style, '-o', str(folder)),
        *('--method', 'feedforward', *options),
    ]


def mapped(photos, folder, scheduler):
    """Return the cells of the photos under one style, as they come."""
    return map_styles(
        sorted(photos.glob('*.png')),
        ['net:3'],
        folder,
        method='feedforward',
        scheduler=scheduler,
    )


def manifest(folder):
    lines = (folder / 'manifest.jsonl').read_text().splitlines()
    return [json.loads(line) for line in lines]


@pytest.fixture
def expected(photos, tmp_path):
    """The bytes of the pictures that one process makes, by their names.

    It has one thread, as workers have: the record in a picture says so.
    """
    folder = tmp_path / 'here'
    subprocess.run(
        [sys.executable, '-m', 'gluon_style', *command(photos, folder)],
        env={**os.environ, 'OMP_NUM_THREADS': '1'},
        check=True,
        capture_output=True,
    )
    return {path.name: path.read_bytes() for path in folder.glob('?--*.png')}


def require_all(folder, expected):
    """Check that each picture is there, once, and as one process makes it."""
    found = {path.name: path.read_bytes() for path in folder.glob('?--*.png')}
    assert found == expected and len(found) == 6
    assert [line['state'] for line in manifest(folder)] == ['done'] * 6
    hidden = [p.name for p in folder.iterdir() if p.name.startswith('.')]
    assert hidden == []


# A job as bytes


@pytest.mark.parametrize('method', ['gatys', 'diffusion'])
def test_a_parcel_gives_the_picture_and_the_record_of_its_job(
    tmp_path, pictures, weights_file, method, monkeypatch
):
    content, style = pictures
    changes = {'size': 48, 'weights': weights_file}
    if method == 'gatys':
        changes.update(init=content, epochs=3)
    else:
        changes.update(steps=2)
    settings = get_method(method).settings().changed(changes)
    here = get_method(method).stylize(content, style, settings, observers=())
    here.save(tmp_path / 'here.png')
    weights = find_weights(weights_file, 'vgg19')
    losses = settings if method == 'gatys' else settings.guide()
    losses = losses.changed({'network': 'vgg19'})
    layers = {**losses.content_factors, **losses.style_factors}
    digest = file_digest(weights.path)
    net = NetId(weights, digest, tuple(layers), losses.pooling)
    parcel = pack(Job('name', content, style, settings), net)
    # A worker sees no file of the client but the weights.
    monkeypatch.chdir(tmp_path)
    moved = Path(content).rename(tmp_path / 'moved.png')
    try:
        painted = paint(parcel)
    finally:
        moved.rename(content)
    assert painted.files['.png'] == (tmp_path / 'here.png').read_bytes()
    (tmp_path / 'there.json').write_bytes(painted.files['.json'])
    there, history = read_record(tmp_path / 'there.json')
    assert there == here.record
    assert [e.total for e in history] == [e.total for e in here.history]


def test_styles_of_all_kinds_travel(tmp_path, pictures):
    content, style = pictures
    settings = get_method('feedforward').settings()
    for source in (
        'net:4',
        style,
        [style, content],
        numpy.array(picture(40, 40)),
    ):
        here = get_method('feedforward').stylize(content, source, settings)
        painted = paint(pack(Job('name', content, source, settings)))
        (tmp_path / 'a.png').write_bytes(painted.files['.png'])
        (tmp_path / 'a.json').write_bytes(painted.files['.json'])
        there = Result.load(tmp_path / 'a.png')
        assert (there.image == here.image).all()
        assert there.record == here.record


def test_a_picture_that_fails_is_a_sentence(tmp_path, pictures):
    broken = tmp_path / 'broken.png'
    broken.write_bytes(b'nothing')
    settings = get_method('feedforward').settings()
    failed = paint(pack(Job('name', broken, 'net:3', settings)))
    assert isinstance(failed, Failed)
    assert 'broken.png' in failed.error
    with pytest.raises(FileNotFoundError, match='none.png'):
        pack(Job('name', tmp_path / 'none.png', 'net:3', settings))


def test_another_version_makes_no_picture(pictures):
    settings = get_method('feedforward').settings()
    parcel = pack(Job('name', pictures[0], 'net:3', settings))
    parcel.versions['numpy'] = '1.0'
    refused = paint(parcel)
    assert isinstance(refused, Refused)
    assert 'and this machine has 1.0' in refused.error
    parcel.versions.update(numpy=numpy.__version__, python='2.7')
    # Another Python gives the same pixels.
    assert isinstance(paint(parcel), Painted)


def test_weights_come_in_pieces(tmp_path, weights_file, monkeypatch):
    monkeypatch.setenv('MXNET_HOME', str(tmp_path / 'cache'))
    data = Path(weights_file).read_bytes()
    weights = find_weights(weights_file, 'vgg19')
    net = NetId(weights, file_digest(weights_file))
    assert place_of(net) == Path(weights_file)
    # On another machine there is no such file.
    elsewhere = replace(weights, path=tmp_path / 'elsewhere' / 'w.npz')
    net = net._replace(weights=elsewhere)
    assert place_of(net) is None
    half = len(data) // 2
    assert not receive(net, 0, data[:half], 'me')
    assert not receive(net, 0, data[:3], 'another')
    assert not receive(net, 0, b'', 'another')
    assert place_of(net) is None
    assert not receive(net, half, data[half:], 'me')
    assert receive(net, 0, b'', 'me')
    place = place_of(net)
    assert place.read_bytes() == data
    assert [path.name for path in place.parent.iterdir()] == [place.name]


# Processes of this machine


def test_each_file_of_weights_is_sent_once(tmp_path):
    sent = []

    class Client:
        def run(self, function, net, offset, piece, name, workers):
            sent.append((net.sha256, bytes(piece)))
            return {workers[0]: not piece}

    nets = []
    for name in ('a', 'b'):
        path = tmp_path / f'{name}.npz'
        path.write_bytes(name.encode())
        nets.append(NetId(WeightsFile('file', 'vgg19', path, 'given'), name))
    workers, address = Workers(Client()), 'tcp://host:1'
    for net in nets:
        workers.make_fit(address, Lacking(net), time.monotonic())
    assert sent == [('a', b'a'), ('a', b''), ('b', b'b'), ('b', b'')]
    # It had the file, and lacks it again.
    workers.make_fit(address, Lacking(nets[0]), time.monotonic())
    assert len(sent) == 4
    assert 'also after they were sent' in workers._refused[address]


def test_two_processes_make_the_same_pictures(
    photos, expected, tmp_path, capsys
):
    folder = tmp_path / 'out'
    assert main(command(photos, folder, '--workers', '2')) == 0
    require_all(folder, expected)
    out = capsys.readouterr().out
    assert '6/6 ' in out and out.endswith('contact.png\n')
    # What is finished is not made again.
    times = {path: path.stat().st_mtime_ns for path in folder.glob('?--*')}
    assert main(command(photos, folder, '--workers', '2', '--json')) == 0
    assert times == {p: p.stat().st_mtime_ns for p in folder.glob('?--*')}
    lines = map(json.loads, capsys.readouterr().out.splitlines())
    lines = [line for line in lines if 'job' in line]
    assert [line['done'] for line in lines] == [1, 2, 3, 4, 5, 6]
    assert lines[-1]['jobs'] == 6 and lines[-1]['seconds_left'] == 0
    assert {line['state'] for line in lines} == {'done'}


@pytest.mark.long
def test_the_methods_with_losses_in_processes(
    photos, pictures, weights_file, tmp_path, monkeypatch
):
    changes = {'size': 32, 'weights': weights_file, 'epochs': 2}
    expected = {}
    for path in sorted(photos.glob('*.png'))[:2]:
        folder = tmp_path / f'here{path.stem}'
        folder.mkdir()
        code = (
            'import sys; from gluon_style import map_styles;'
            f'list(map_styles([{str(path)!r}], [{pictures[1]!r}],'
            f'{str(folder)!r}, **{changes!r}))'
        )
        environment = {**os.environ, 'OMP_NUM_THREADS': '1'}
        subprocess.run(
            [sys.executable, '-c', code], check=True, env=environment
        )
        name = f'{path.stem}--style.png'
        expected[name] = (folder / name).read_bytes()
    cells = map_styles(
        sorted(photos.glob('*.png'))[:2],
        [pictures[1]],
        tmp_path / 'out',
        workers=2,
        **changes,
    )
    made = {cell.job.name: cell for cell in cells}
    assert sorted(made) == ['0--style', '1--style']
    for name, data in expected.items():
        assert (tmp_path / 'out' / name).read_bytes() == data
        assert made[Path(name).stem].record.threads == '1'
        assert made[Path(name).stem].seconds > 0


def test_a_broken_picture_fails_alone(photos, tmp_path, capsys):
    (photos / '3.png').write_bytes((photos / '3.png').read_bytes()[:200])
    folder = tmp_path / 'out'
    assert main(command(photos, folder, '--workers', '1')) == 2
    states = [line['state'] for line in manifest(folder)]
    assert states == ['done'] * 3 + ['failed'] + ['done'] * 2
    assert '1 of 6 failed: 3--net_3' in capsys.readouterr().err


@pytest.mark.long
def test_a_folder_by_one_pass_has_the_names_of_the_serial_run(
    photos, tmp_path
):
    words = ['run', str(photos), 'net:3', '--method', 'feedforward', '-o']
    assert main([*words, str(tmp_path / 'a')]) == 0
    assert main([*words, str(tmp_path / 'b'), '--workers', '1']) == 0
    for number in range(6):
        here, there = (
            Result.load(tmp_path / name / f'{number}.png') for name in 'ab'
        )
        assert (here.image == there.image).all()
        assert here.record.settings == there.record.settings
        assert here.record.pictures == there.record.pictures


def files_of(folder):
    """Return the bytes of all files in a folder, by their paths there."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob('*')
        if path.is_file()
    }


def without_seconds(text):
    """Return a record without the times of its epochs."""
    table = json.loads(text)
    for epoch in table['history']:
        assert epoch.pop('seconds') > 0
    return table


@pytest.mark.long
def test_a_figure_of_two_processes_is_that_of_one(
    pictures, weights_file, tmp_path, capsys
):
    here, there = tmp_path / 'here', tmp_path / 'there'
    words = ['figure', 'alpha-beta', '--quick', '--size', '32']
    words += ['--content', pictures[0], '--style', pictures[1]]
    words += ['--weights', weights_file]
    serial = subprocess.run(
        [sys.executable, '-m', 'gluon_style', *words, '-o', str(here)],
        env={**os.environ, 'OMP_NUM_THREADS': '1'},
        capture_output=True,
        text=True,
    )
    words += ['-o', str(there), '--workers', '2']
    assert main(words) == serial.returncode
    expected, made = files_of(here), files_of(there)
    assert sorted(expected) == sorted(made) and len(made) == 2 + 4 * 2
    for name in expected:
        if Path(name).suffix == '.png' or name.endswith('.checks.json'):
            assert made[name] == expected[name]
        else:
            times = map(without_seconds, (made[name], expected[name]))
            assert next(times) == next(times)
    lines = capsys.readouterr().out.splitlines()
    names = ['0.0001', '0.001', '0.01', '0.1']
    told = [line.split() for line in lines if ': total ' in line]
    assert [words[0] for words in told] == ['1/4', '2/4', '3/4', '4/4']
    assert sorted(words[1].rstrip(':') for words in told) == names
    checks = serial.stdout.splitlines()[:-1]
    assert lines[-len(checks) - 1 :] == [
        *checks,
        str(there / 'alpha-beta.png'),
    ]
    # What is finished is not made again; what was lost is.
    lost = there / 'alpha-beta' / '0.01.png'
    lost.unlink()
    times = {p: p.stat().st_mtime_ns for p in there.glob('*/*')}
    assert main([*words, '--json']) == serial.returncode
    assert (
        files_of(there)['alpha-beta/0.01.png']
        == (expected['alpha-beta/0.01.png'])
    )
    renewed = {p.name for p in times if p.stat().st_mtime_ns != times[p]}
    assert renewed == {'0.01.json'}
    table = json.loads(capsys.readouterr().out)
    assert len(table['checks']) == len(checks)


@pytest.mark.long
def test_a_run_that_fails_ends_its_figure_and_the_others_stay(
    pictures, weights_file, tmp_path
):
    options = Options(*pictures, weights=weights_file, network='vgg19')
    spec = RunSpec(Settings(), full=(32, 5), quick=(32, 5))

    def runs_of(executor, observe=None):
        return FigureRuns('figure', tmp_path, options, observe, executor)

    # Its first stage is too small, which only the run finds out.
    small = RunSpec(PRESETS['chapter-v0.7'], full=(48, 5), quick=(48, 5))
    jobs = [
        runs_of(None).job('good', spec),
        runs_of(None).job('diverging', spec, lr=1e30),
        runs_of(None).job('small', small),
    ]
    sentence = 'the loss is not finite at epoch 2: try a smaller lr'
    with pytest.raises(NonFiniteLossError, match=f'^{sentence}') as serial:
        runs_of(None).results(jobs[1:2])
    with executor_for(workers=1) as executor:
        runs = runs_of(executor)
        with pytest.raises(NonFiniteLossError) as error:
            runs.results(jobs)
        with pytest.raises(
            GluonStyleError, match='^small: size gives .* 12x8 '
        ):
            runs.results(jobs[2:])
        assert str(error.value) == f'diverging: {serial.value}'
        assert str(pickle.loads(pickle.dumps(error.value))) == (
            f'diverging: {serial.value}'
        )
    made = files_of(tmp_path)
    assert sorted(made) == ['figure/good.json', 'figure/good.png']

    def observe(job):
        raise AssertionError('a finished run is made again')

    [result] = runs_of(None, observe).results(jobs[:1])
    assert result.record.threads == '1' and len(result.history) == 5
    assert files_of(tmp_path) == made


@pytest.mark.long
def test_weights_that_are_chosen_already_are_a_workers_too(
    pictures, weights_file, tmp_path
):
    settings = Settings(size=32, epochs=2)
    job = Job('one', *pictures, settings, weights=weights_file)
    with executor_for(workers=1) as executor:
        [(_, outcome)] = executor.outcomes([job], tmp_path)
    assert outcome.record.weights.source == 'file'
    assert outcome.record.weights.sha256 == file_digest(weights_file)
    assert outcome.record.settings['weights'] == 'auto'


@pytest.mark.long
def test_a_figure_that_diverges_ends_as_in_one_process(
    pictures, tmp_path, capsys
):
    layers = {
        name: (1e12 * weight, bias)
        for name, (weight, bias) in random_layers(
            list(NETWORKS['vgg16'].conv_shapes)[:12]
        ).items()
    }
    weights = tmp_path / 'huge.npz'
    write_layers(weights, layers, 'vgg16')
    words = ['figure', 'gram', '--quick', '--size', '32', '--quiet']
    words += ['--content', pictures[0], '--style', pictures[1]]
    words += ['--weights', str(weights), '-o', str(tmp_path / 'out')]
    assert main(words) == 3
    out, serial = capsys.readouterr()
    assert out == '' and serial.count('\n') == 1
    assert main([*words, '--workers', '1']) == 3
    assert capsys.readouterr() == (
        '',
        serial.replace('gluon-style: ', 'gluon-style: result: '),
    )


@pytest.mark.parametrize(
    ('options', 'words'),
    [
        (['--workers', '0'], 'at least 1'),
        (['--workers', '2', '--scheduler', 'tcp://a:1'], 'leave out one'),
        (['--workers', '2', '--tls-ca', 'none.pem'], 'none.pem'),
        (['--tls-ca', str(FAULTS)], 'begins with tls://'),
        (['--scheduler', 'nonsense://a:1'], 'does not answer'),
    ],
)
def test_mistakes_are_one_sentence(photos, tmp_path, capsys, options, words):
    folder = tmp_path / 'out'
    try:
        code = main(command(photos, folder, *options))
    except SystemExit as end:
        code = end.code
    err = capsys.readouterr().err
    assert code == 2 and words in err.splitlines()[-1]
    assert not folder.exists() or list(folder.iterdir()) == []


def test_one_picture_of_other_methods_needs_no_workers(
    photos, tmp_path, capsys
):
    content = str(photos / '0.png')
    for method in ('adain', 'diffusion', 'feedforward'):
        words = ['run', content, content, '--method', method]
        assert main([*words, '--workers', '2']) == 2
        assert 'share one picture with the method gatys only' in (
            capsys.readouterr().err
        )
    for method in ('adain', 'diffusion'):
        with pytest.raises(GluonStyleError, match='cluster means nothing'):
            stylize(content, content, method=method, cluster=object())
    for options, match in (
        ({}, 'both missing'),
        ({'workers': 0}, 'workers is 0'),
        ({'scheduler': 'a', 'workers': 1}, 'leave out one of them'),
    ):
        with pytest.raises(GluonStyleError, match=match):
            open_cluster(**options)


def test_mistakes_in_python_are_one_sentence(photos, tmp_path):
    content = str(photos / '0.png')
    for options, match in (
        ({'workers': 1, 'scheduler': 'a'}, 'leave out one of them'),
        ({'workers': 0}, 'workers is 0'),
        ({'workers': 2.5}, 'workers is 2.5'),
        ({'ca': str(FAULTS)}, 'begins with tls://'),
        ({'strength': []}, 'strength is an empty list'),
        ({'method': 'adain', 'settings': settings_of('gatys')}, 'leave out'),
    ):
        with pytest.raises(GluonStyleError, match=match):
            map_styles([content], [content], tmp_path, **options)
    (tmp_path / 'manifest.jsonl').write_text('my own')
    with pytest.raises(GluonStyleError, match='manifest.jsonl'):
        map_styles([content], [content], tmp_path, method='feedforward')
    assert (tmp_path / 'manifest.jsonl').read_text() == 'my own'


def test_what_a_folder_by_one_pass_cannot_have(photos, tmp_path, capsys):
    words = ['run', str(photos), 'net:3', '--method', 'feedforward']
    words += ['--workers', '1', '-o', str(tmp_path / 'out')]
    assert main([*words, 'net:4']) == 2
    assert 'the number of styles is 2' in capsys.readouterr().err
    (photos / '0.png').rename(photos / 'contact.png')
    assert main(words) == 2
    assert 'has the name of the contact sheet' in capsys.readouterr().err
    assert not (tmp_path / 'out' / 'contact.png').exists()


@pytest.mark.long
def test_what_one_stage_made_the_next_does_not_make_again(photos, tmp_path):
    jobs = [
        Job(path.stem, path, 'net:3', settings_of('feedforward'))
        for path in sorted(photos.glob('*.png'))[:3]
    ]
    with executor_for(workers=1) as executor:
        first = dict(executor.outcomes(jobs, tmp_path / 'out'))
        again = dict(executor.outcomes(jobs, tmp_path / 'out'))
    assert [first[index].is_new for index in range(3)] == [True] * 3
    assert [again[index].is_new for index in range(3)] == [False] * 3
    assert [a.record for a in again.values()] == [
        first[index].record for index in again
    ]


def test_what_is_there_needs_no_worker(photos, expected, tmp_path, machines):
    folder = tmp_path / 'here'
    words = command(photos, folder, '--scheduler', machines.start(0))
    assert main(words) == 0
    require_all(folder, expected)


@pytest.mark.long
def test_another_program_is_no_scheduler(
    photos, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr('gluon_style.many.workers.PATIENCE', 2)
    with socket.socket() as silent:
        silent.bind(('127.0.0.1', 0))
        silent.listen()
        address = f'tcp://127.0.0.1:{silent.getsockname()[1]}'
        words = command(photos, tmp_path / 'out', '--scheduler', address)
        assert main(words) == 2
    assert 'does not answer' in capsys.readouterr().err


@pytest.mark.long
def test_ctrl_c_ends_the_workers_and_the_command_goes_on(photos, tmp_path):
    folder = tmp_path / 'out'
    words = [sys.executable, '-m', 'gluon_style']
    words += command(photos, folder, '--workers', '2', '--size', '900')
    running = subprocess.Popen(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(
            signal.SIGINT, signal.default_int_handler
        ),
    )
    while not running.stdout.readline().startswith('1/6'):
        pass
    children = descendants(running.pid)
    assert children
    # As a terminal does, to all processes.
    os.killpg(running.pid, signal.SIGINT)
    _, err = running.communicate(timeout=PATIENCE)
    assert running.returncode == 130
    assert 'the same command goes on from here' in err
    assert 'Traceback' not in err
    assert 'KeyboardInterrupt' not in err
    assert len(list(folder.glob('?--*.png'))) >= 1
    deadline = time.monotonic() + PATIENCE
    while any(map(is_alive, children)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(map(is_alive, children))
    assert main(words[3:]) == 0
    assert [line['state'] for line in manifest(folder)] == ['done'] * 6


# A cluster, and what happens to it


@pytest.mark.parametrize(
    'caches', [1, pytest.param(2, marks=pytest.mark.long)]
)
def test_a_cluster_has_no_folder_in_common(
    photos, tmp_path, machines, weights_file, pictures, caches, caplog
):
    hidden = str(Path(weights_file).parent)
    places = [tmp_path / f'cache{number}' for number in range(caches)]
    address = machines.start(0)
    for place in (places * 2)[:2]:
        machines.start_worker(FAULT_HIDES=hidden, MXNET_HOME=str(place))
    wait_for_workers(address, 2)
    cells = list(
        map_styles(
            sorted(photos.glob('*.png')),
            [pictures[1]],
            tmp_path / 'out',
            scheduler=address,
            size=32,
            epochs=2,
            weights=weights_file,
        )
    )
    assert [cell.error for cell in cells] == [None] * 6
    # The weights came once for each cache.
    assert caplog.text.count('gets the weights from here') == caches
    for place in places:
        (sent,) = (place / 'models').iterdir()
        assert sent.read_bytes() == Path(weights_file).read_bytes()
    log = (machines.folder / 'worker.log').read_text()
    assert 'Traceback' not in log
    assert cells[0].record.settings['weights'] == weights_file


@pytest.mark.long
def test_a_worker_that_is_killed_loses_nothing(
    photos, expected, tmp_path, machines
):
    folder = tmp_path / 'out'
    address = machines.start(2, FAULT_SECONDS='0.5')
    with executor_for(scheduler=address) as cluster:
        jobs = [
            Job(f'{p.stem}--net_3', p, 'net:3', settings_of('feedforward'))
            for p in sorted(photos.glob('*.png'))
        ]
        outcomes = cluster.outcomes(jobs, folder)
        made = [next(outcomes)]
        machines.workers[0].kill()
        made += outcomes
    assert sorted(index for index, _ in made) == list(range(6))
    assert all(outcome.error is None for _, outcome in made)
    found = {path.name: path.read_bytes() for path in folder.glob('*.png')}
    assert found == expected
    assert len(list(folder.iterdir())) == 12


def settings_of(method):
    return get_method(method).settings()


@pytest.mark.long
def test_a_worker_in_trouble_fails_no_job(
    photos, expected, tmp_path, machines
):
    # It would take all jobs, since the other one is slow.
    address = machines.start(1, FAULT_DISK='full')
    machines.start_worker(FAULT_SECONDS='0.5')
    wait_for_workers(address, 2)
    cells = list(mapped(photos, tmp_path / 'out', address))
    assert [cell.error for cell in cells] == [None] * 6
    require_all(tmp_path / 'out', expected)


@pytest.mark.long
def test_a_worker_that_sleeps_is_missed(photos, expected, tmp_path, machines):
    machines.start_scheduler(DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL='3s')
    for _ in range(2):
        machines.start_worker(FAULT_SECONDS='0.5')
    wait_for_workers(machines.address, 2)
    made = []
    for cell in mapped(photos, tmp_path / 'out', machines.address):
        made.append(cell)
        if len(made) == 1:
            # As a laptop that is closed: its connections stay.
            machines.workers[0].send_signal(signal.SIGSTOP)
    assert [cell.error for cell in made] == [None] * 6
    require_all(tmp_path / 'out', expected)


@pytest.mark.long
def test_a_scheduler_that_is_restarted(photos, expected, tmp_path, machines):
    address = machines.start(1, FAULT_SECONDS='0.5')
    folder, made = tmp_path / 'out', []
    for cell in mapped(photos, folder, address):
        made.append(cell)
        if len(made) == 2:
            machines.stop()
            machines.start(1)
    assert len(made) == 6
    require_all(folder, expected)


@pytest.mark.long
def test_a_scheduler_that_stays_away_is_one_sentence(
    photos, tmp_path, machines, monkeypatch
):
    monkeypatch.setattr('gluon_style.many.workers.PATIENCE', 3)
    address, folder = machines.start(1, FAULT_SECONDS='0.5'), tmp_path / 'out'
    cells = mapped(photos, folder, address)
    next(cells)
    machines.stop()
    with pytest.raises(GluonStyleError, match='the scheduler does not answer'):
        list(cells)
    assert 'done' in {line['state'] for line in manifest(folder)}
    assert 'waiting' in {line['state'] for line in manifest(folder)}


@pytest.mark.long
def test_a_client_that_is_killed_is_run_again(
    photos, expected, tmp_path, machines
):
    address = machines.start(1, FAULT_SECONDS='0.5')
    folder = tmp_path / 'out'
    words = command(photos, folder, '--scheduler', address)
    running = subprocess.Popen(
        [sys.executable, '-m', 'gluon_style', *words],
        stdout=subprocess.PIPE,
        text=True,
    )
    while not running.stdout.readline().startswith('1/6'):
        pass
    running.kill()
    running.wait()
    done = {p: p.stat().st_mtime_ns for p in folder.glob('?--*.png')}
    assert 0 < len(done) < 6
    assert main(words) == 0
    require_all(folder, expected)
    assert {p: p.stat().st_mtime_ns for p in done} == done


@pytest.mark.long
@pytest.mark.parametrize('killer', ['0--net_3', '3--net_3'])
def test_a_job_that_kills_its_workers_is_named(
    photos, tmp_path, machines, killer
):
    machines.start_scheduler()
    with machines.one_worker_always(FAULT_KILLS=killer):
        cells = list(mapped(photos, tmp_path / 'out', machines.address))
    errors = {cell.job.name: cell.error for cell in cells}
    assert 'each worker that made it was killed' in errors.pop(killer)
    # Not even those that waited beside it have failed.
    assert len(errors) == 5 and set(errors.values()) == {None}


@pytest.mark.long
def test_a_worker_of_another_version_is_refused(
    photos, expected, tmp_path, machines, capsys
):
    address = machines.start(1, FAULT_VERSION='0.0.9')
    words = command(photos, tmp_path / 'out', '--scheduler', address)
    machines.start_worker()
    wait_for_workers(address, 2)
    assert main(words) == 0
    require_all(tmp_path / 'out', expected)
    err = capsys.readouterr().err
    assert 'is refused: it has gluon_style 0.0.9' in err


@pytest.mark.long
def test_without_a_fit_worker_it_is_one_sentence(
    photos, tmp_path, machines, capsys
):
    address = machines.start(1, FAULT_VERSION='0.0.9')
    wait_for_workers(address, 1)
    words = command(photos, tmp_path / 'out', '--scheduler', address)
    assert main(words) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert 'no worker can make these pictures: it has gluon_style' in last


@pytest.mark.long
def test_certificates_are_passed_on(
    photos, expected, tmp_path, machines, capsys
):
    openssl = shutil.which('openssl')
    if openssl is None:
        pytest.skip('needs the program openssl')
    cert, key = tmp_path / 'cert.pem', tmp_path / 'key.pem'
    subprocess.run(
        [
            *(openssl, 'req', '-x509', '-newkey', 'rsa:2048', '-nodes'),
            *('-keyout', str(key), '-out', str(cert), '-days', '1'),
            *('-subj', '/CN=localhost'),
        ],
        check=True,
        capture_output=True,
    )
    tls = ['--tls-ca-file', str(cert), '--tls-cert', str(cert)]
    tls += ['--tls-key', str(key)]
    address = machines.start(1, 'tls', tls)
    words = command(photos, tmp_path / 'out', '--scheduler', address)
    assert main(words) == 2
    assert 'asks for certificates: give' in capsys.readouterr().err
    words += ['--tls-ca', str(cert), '--tls-cert', str(cert)]
    words += ['--tls-key', str(key)]
    assert main(words) == 0
    require_all(tmp_path / 'out', expected)
