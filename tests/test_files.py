import contextlib
import errno
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
import tracemalloc
from pathlib import Path

import pytest
from conftest import picture
from PIL import Image

from gluon_style.classroom.placing import replace_folder, workplace
from gluon_style.errors import GluonStyleError
from gluon_style.files.atomic import (
    LEAST_FREE_BYTES,
    claim,
    replacing,
    require_room,
    temporary_folder,
)
from gluon_style.files.ours import is_ours, require_folder, require_ours
from gluon_style.files.reading import read_json


def test_what_is_written_replaces_at_the_end(tmp_path):
    path = tmp_path / 'a.txt'
    path.write_text('old')
    with replacing(path) as temporary:
        temporary.write_text('new')
        assert path.read_text() == 'old'
        assert temporary.parent == tmp_path and temporary.suffix == '.txt'
    assert path.read_text() == 'new'
    assert os.listdir(tmp_path) == ['a.txt']
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask


def test_a_failure_leaves_what_was_there(tmp_path):
    path = tmp_path / 'a.txt'
    path.write_text('old')
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text('half')
        raise RuntimeError
    assert path.read_text() == 'old'
    assert os.listdir(tmp_path) == ['a.txt']


def test_a_missing_folder_is_one_sentence_without_the_temporary_name(tmp_path):
    path = tmp_path / 'none' / 'a.txt'
    with pytest.raises(FileNotFoundError) as error, replacing(path):
        pass
    assert str(error.value) == (
        f'folder {str(path.parent)!r} does not exist: make it first'
    )


def test_of_two_writers_at_once_none_takes_the_others_file(tmp_path):
    path = tmp_path / f'{"a" * 240}.txt'
    with replacing(path) as first:
        first.write_text('first')
        with replacing(path) as second:
            second.write_text('second')
        assert path.read_text() == 'second'
    assert path.read_text() == 'first'
    assert list(tmp_path.iterdir()) == [path]


def test_file_and_then_folder_are_flushed(tmp_path, monkeypatch):
    flushed = []
    fsync = os.fsync

    def note(handle):
        kind = 'folder' if stat.S_ISDIR(os.fstat(handle).st_mode) else 'file'
        flushed.append((kind, (tmp_path / 'a.txt').exists()))
        fsync(handle)

    monkeypatch.setattr(os, 'fsync', note)
    with replacing(tmp_path / 'a.txt') as temporary:
        temporary.write_text('new')
    assert flushed == [('file', False), ('folder', True)]


def test_a_system_that_flushes_no_folder_still_writes(tmp_path, monkeypatch):
    def refuse(*args):
        raise OSError(22, 'Invalid argument')

    with replacing(tmp_path / 'a.txt') as temporary:
        temporary.write_text('new')
        monkeypatch.setattr('gluon_style.files.atomic.os.open', refuse)
    assert (tmp_path / 'a.txt').read_text() == 'new'


def test_a_folder_is_flushed_before_it_replaces_another(tmp_path, monkeypatch):
    new, folder, old = (tmp_path / name for name in ('new', 'f', 'old'))
    for place in (new / 'deep', folder):
        place.mkdir(parents=True)
        (place / 'a.txt').write_text(place.name)
    flushed = []
    monkeypatch.setattr(
        os, 'fsync', lambda handle: flushed.append(os.fstat(handle).st_ino)
    )
    flushed_paths = [new / 'deep' / 'a.txt', new / 'deep', new, tmp_path]
    inodes = {path.stat().st_ino for path in flushed_paths}
    replace_folder(new, folder, old)
    assert set(flushed) == inodes and flushed[-1] == tmp_path.stat().st_ino
    assert (folder / 'deep' / 'a.txt').read_text() == 'deep'
    assert (old / 'a.txt').read_text() == 'f'
    assert sorted(os.listdir(tmp_path)) == ['f', 'old']


def test_a_folder_that_cannot_be_removed_hides_no_error(tmp_path, monkeypatch):
    with temporary_folder('.new-', tmp_path) as folder:
        assert folder.parent == tmp_path and folder.is_dir()
    assert list(tmp_path.iterdir()) == []

    def forbidden(*args, **kwargs):
        raise PermissionError(errno.EACCES, 'Permission denied')

    with pytest.raises(GluonStyleError, match='the first error'):
        with temporary_folder('.new-', tmp_path):
            monkeypatch.setattr(os, 'rmdir', forbidden)
            raise GluonStyleError('the first error')
    assert len(list(tmp_path.iterdir())) == 1


# Moves the former folder away, as ``replace_folder`` does, and is killed.
KILLED = """
import os, signal, sys
from pathlib import Path
from gluon_style.classroom.placing import workplace
folder = Path(sys.argv[1])
with workplace(folder) as temporary:
    (temporary / 'new').mkdir()
    folder.rename(temporary / 'old')
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_moved_away_is_put_back(tmp_path):
    folder = tmp_path / 'stick'
    folder.mkdir()
    (folder / 'a.txt').write_text('former')
    (tmp_path / '.new-mine').mkdir()
    command = [sys.executable, '-c', KILLED, str(folder)]
    assert subprocess.run(command).returncode == -signal.SIGKILL
    assert not folder.exists()
    with workplace(folder) as temporary:
        assert (folder / 'a.txt').read_text() == 'former'
        there = {path.name for path in tmp_path.iterdir()}
        assert there == {'.new-mine', 'stick', temporary.name}
        with pytest.raises(GluonStyleError, match='written by another run'):
            with workplace(folder):
                pass
    assert sorted(os.listdir(tmp_path)) == ['.new-mine', 'stick']


@pytest.mark.parametrize('name', ['fixed', 'fixed/new/deep'])
def test_a_folder_that_cannot_be_written_to_is_refused(
    tmp_path, monkeypatch, name
):
    (tmp_path / 'fixed').mkdir()
    require_folder(tmp_path / 'new' / 'deep')
    # Root may write anywhere.
    monkeypatch.setattr(
        os, 'access', lambda path, mode: Path(path).name != 'fixed'
    )
    with pytest.raises(GluonStyleError) as error:
        require_folder(tmp_path / name)
    assert str(error.value) == (
        f'folder {str(tmp_path / name)!r} cannot be written to: name one '
        'that you may write to'
    )


@pytest.mark.parametrize('name', ['file', 'file/deep'])
def test_a_file_is_not_a_folder_to_write_into(tmp_path, name):
    file = tmp_path / 'file'
    file.write_text('')
    with pytest.raises(GluonStyleError) as error:
        require_folder(tmp_path / name)
    assert str(error.value) == (
        f'folder {str(tmp_path / name)!r} cannot be made, because '
        f'{str(file)!r} is a file: name another folder'
    )


def test_room_is_required(tmp_path, monkeypatch):
    assert require_room(tmp_path) > LEAST_FREE_BYTES
    usage = shutil.disk_usage(tmp_path)._replace(free=5 << 20)
    monkeypatch.setattr(shutil, 'disk_usage', lambda folder: usage)
    assert require_room(tmp_path, 5 << 20) == 5 << 20
    with pytest.raises(ValueError) as error:
        require_room(tmp_path)
    assert str(error.value) == (
        f'folder {str(tmp_path)!r} has 5 MB free: at least 16 MB are needed'
    )


def test_json_is_read_up_to_a_size(tmp_path, monkeypatch):
    path = tmp_path / 'a.json'
    text = json.dumps({'figure': 'Öl'}, ensure_ascii=False).encode()
    monkeypatch.setattr('gluon_style.files.reading.MOST_JSON_BYTES', len(text))
    path.write_bytes(text)
    assert read_json(path) == {'figure': 'Öl'}
    assert is_ours(path)
    path.write_bytes(text + b' ')
    with pytest.raises(ValueError) as error:
        read_json(path)
    assert str(error.value) == (
        f'it has more than the {len(text)} bytes of JSON that are read'
    )
    assert not is_ours(path)
    with pytest.raises(FileNotFoundError):
        read_json(tmp_path / 'b.json')


@pytest.mark.parametrize('name', ['a.json', 'a.jsonl'])
def test_of_a_huge_file_no_more_than_64_mebibytes_are_read(tmp_path, name):
    path = tmp_path / name
    path.touch()
    os.truncate(path, 400 << 20)
    tracemalloc.start()
    try:
        assert not is_ours(path)
        assert tracemalloc.get_traced_memory()[1] < 70 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    'text',
    ['{', '', 'NaNo', '\xff'],
)
def test_what_is_not_json_is_an_error_of_the_user(tmp_path, text):
    path = tmp_path / 'a.json'
    path.write_bytes(text.encode('latin-1'))
    with pytest.raises(GluonStyleError, match='it is not valid JSON'):
        read_json(path)


def test_json_is_read_up_to_a_depth(tmp_path):
    path = tmp_path / 'a.json'
    for start, end in (('[', ']'), ('{"a": ', '}')):
        path.write_text(f'{start * 20}1{end * 20}')
        assert json.dumps(read_json(path)) == path.read_text()
        for depth in (21, 900, 990, 100_000):
            path.write_text(f'{start * depth}1{end * depth}')
            with pytest.raises(ValueError) as error:
                read_json(path)
            assert str(error.value) == (
                'its JSON is more than 20 lists and objects deep'
            )


def test_records_are_ours_and_other_json_is_not(tmp_path):
    path = tmp_path / 'a.json'
    for content in ({'settings': {}, 'history': []}, {'figure': 'gram'}):
        path.write_text(json.dumps(content))
        assert is_ours(path)
    deep = '[' * 100_000
    foreign = ('{}', '[]', '{"settings": "gluon_style"}', '{', deep, 'figure')
    for text in (*foreign, '\ud800'):
        path.write_text(text, errors='surrogatepass')
        assert not is_ours(path)


@pytest.mark.parametrize(
    'name, mark',
    [
        ('a.html', '<meta name="generator" content="gluon_style 1">'),
        ('a.svg', '<dc:title>gluon_style</dc:title>'),
        ('a.PDF', '/Creator (gluon_style)'),
    ],
)
def test_the_mark_is_looked_for_at_both_ends(tmp_path, name, mark):
    path = tmp_path / name
    far = ' ' * (3 << 20)
    for text in (mark, mark + far, far + mark):
        path.write_text(text)
        assert is_ours(path)
    for text in (far + mark + far, '', mark.replace('gluon', 'glue')):
        path.write_text(text)
        assert not is_ours(path)


def test_who_only_speaks_of_this_program_is_not_ours(tmp_path):
    for name in ('a.html', 'a.svg', 'a.txt', 'a.py', 'a'):
        path = tmp_path / name
        path.write_text('<p>made with gluon_style</p>')
        assert not is_ours(path)
    assert not is_ours(tmp_path)
    assert not is_ours(tmp_path / 'missing.png')


def test_only_ours_is_overwritten(tmp_path):
    path = tmp_path / 'photo.png'
    require_ours(path)
    Image.fromarray(picture(8, 6)).save(path)
    with pytest.raises(ValueError) as error:
        require_ours(path)
    assert str(error.value) == (
        f'{str(path)!r} exists and was not written by this program: give '
        'another name, or --force to overwrite it'
    )
    require_ours(path, force=True)


def test_a_second_run_does_not_write_the_same_output(tmp_path):
    path = tmp_path / 'out.png'
    with claim(path):
        for same in (path, tmp_path / '.' / 'x' / '..' / 'out.png'):
            with pytest.raises(ValueError) as error, claim(same):
                pass
            assert str(error.value) == (
                f'output {str(same)!r} is being written by another run: give '
                'this one another name'
            )
        with claim(tmp_path / 'other.png'):
            pass
    with claim(path):
        pass
    assert os.listdir(tmp_path) == []


def test_a_claim_ends_with_its_process(tmp_path):
    path = tmp_path / 'out.png'
    code = (
        'import os, sys\n'
        'from gluon_style.files.atomic import claim\n'
        'with claim(sys.argv[1]):\n'
        '    print("claimed", flush=True)\n'
        '    sys.stdin.read()\n'
        '    os._exit(1)\n'
    )
    other = subprocess.Popen(
        [sys.executable, '-c', code, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert other.stdout.readline() == b'claimed\n'
    with pytest.raises(ValueError, match='by another run'), claim(path):
        pass
    other.communicate()
    with claim(path):
        pass


def test_a_sweeps_manifest_is_ours(tmp_path):
    path = tmp_path / 'manifest.jsonl'
    line = {'name': 'a', 'file': 'a.png', 'settings': {}, 'state': 'done'}
    path.write_text(f'{json.dumps(line)}\n{json.dumps(line)}\n')
    assert is_ours(path)
    for text in ('', '{"name": 1}\n', '[]\n', 'x\n', '[' * 100_000):
        path.write_text(text)
        assert not is_ours(path)


def test_a_claim_leaves_no_file(tmp_path, monkeypatch):
    monkeypatch.setattr('tempfile.tempdir', str(tmp_path))
    path = tmp_path / 'out.png'
    for _ in range(2):
        with claim(path):
            assert len(list(tmp_path.iterdir())) == 1
            with pytest.raises(GluonStyleError, match='by another run'):
                with claim(path):
                    pass
            # The refused one has not removed it.
            assert len(list(tmp_path.iterdir())) == 1
        assert list(tmp_path.iterdir()) == []


def test_only_one_of_many_claims_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr('tempfile.tempdir', str(tmp_path))
    owners, most, taken = [], [], []

    def take(number):
        for _ in range(200):
            with contextlib.suppress(GluonStyleError):
                with claim(tmp_path / 'out.png'):
                    owners.append(number)
                    most.append(len(owners))
                    owners.remove(number)
                    taken.append(number)

    threads = [threading.Thread(target=take, args=[i]) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1 and len(taken) >= 200
    assert list(tmp_path.iterdir()) == []
