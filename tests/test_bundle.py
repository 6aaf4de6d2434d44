"""The offline classroom: made with a stand-in for pip, and once for real."""

import dataclasses
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import types
from importlib import metadata
from pathlib import Path

import numpy
import pytest
import skimage
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from PIL import Image

from gluon_style import Result, __version__, cli, samples
from gluon_style.classroom import bundle, oldest, project as project_module
from gluon_style.classroom.packages import installed_versions
from gluon_style.classroom.project import find_project
from gluon_style.records.record import PictureId
from gluon_style.weights.sources import SOURCES

PROJECT = Path(__file__).resolve().parents[1]
WHEELS = [
    'gluon_style-0.1.0-py3-none-any.whl',
    'mxnet-2.0.0b1-py3-none-manylinux2014_x86_64.whl',
    'pip-26.3-py3-none-any.whl',
]
VERSION = '{}.{}'.format(*sys.version_info)
SHELL = shutil.which('sh')


@pytest.fixture
def pip(tmp_path, monkeypatch):
    """A stand-in for pip, two sources of weights in the cache, a folder."""
    home = tmp_path / 'home'
    monkeypatch.setenv('MXNET_HOME', str(home))
    digest = f'sha256:{hashlib.sha256(b"weights").hexdigest()}'
    for name in ('torchvision', 'oxford'):
        source = dataclasses.replace(SOURCES[name], digest=digest)
        monkeypatch.setitem(SOURCES, name, source)
        source.path.parent.mkdir(parents=True, exist_ok=True)
        source.path.write_bytes(b'weights')
    work = tmp_path / 'work'
    work.mkdir()
    monkeypatch.chdir(work)

    def run(command, **kwargs):
        stand_in.command = command
        constraints = command[command.index('--constraint') + 1]
        stand_in.constraints = Path(constraints).read_text().splitlines()
        stand_in.built_from = sorted(os.listdir(command[-3]))
        stand_in.interrupt()
        wheels = Path(command[command.index('--wheel-dir') + 1])
        wheels.mkdir()
        for name in WHEELS:
            (wheels / name).write_text(name)
        code = 1 if stand_in.stderr else 0
        return subprocess.CompletedProcess(command, code, '', stand_in.stderr)

    stand_in = types.SimpleNamespace(
        interrupt=lambda: None, stderr='', work=work
    )
    monkeypatch.setattr(bundle, 'subprocess', types.SimpleNamespace(run=run))
    monkeypatch.setattr(bundle, 'least_python', lambda new: oldest.OLDEST)
    monkeypatch.setattr(oldest, '_too_new', lambda: [])
    return stand_in


def files(folder):
    return sorted(
        p.relative_to(folder).as_posix()
        for p in Path(folder).rglob('*')
        if p.is_file()
    )


def test_pip_is_asked_for_what_is_installed_here(pip):
    cli.main(['bundle', 'stick'])
    new = Path(pip.command[pip.command.index('--wheel-dir') + 1]).parent
    assert new.parent.parent == pip.work and not new.exists()
    assert pip.command == [
        *(sys.executable, '-m', 'pip', 'wheel', '--quiet'),
        *('--wheel-dir', str(new / 'wheels')),
        *('--constraint', str(new.parent / 'constraints.txt')),
        *(str(new.parent / 'source'), 'jupyter', 'pillow-heif'),
    ]
    assert f'numpy=={numpy.__version__}' in pip.constraints
    assert not [line for line in pip.constraints if 'gluon' in line]
    assert {'setup.cfg', 'pyproject.toml', 'README.md', 'LICENSE'} < set(
        pip.built_from
    )
    # What an earlier build left in the source is not copied.
    assert 'gluon_style' in pip.built_from and 'build' not in pip.built_from


def test_bundle_has_all_and_says_so(pip, capsys):
    assert cli.main(['bundle', 'a stick']) == 0
    out, err = capsys.readouterr()
    assert (
        f'{pip.work}/a stick: 3 wheels, the weights torchvision,oxford' in out
    )
    assert [line.split()[1] for line in err.splitlines()] == [
        'collecting',
        'copying',
        'hashing',
    ]
    found = files('a stick')
    notebooks = [name for name in found if name.startswith('notebooks/')]
    assert 'notebooks/neural_style.ipynb' in notebooks
    assert 'notebooks/images/demo.jpg' in notebooks
    assert [name for name in found if name not in notebooks] == [
        'README.txt',
        'SHA256SUMS',
        'install.sh',
        'pictures/SOURCES.txt',
        'pictures/painting.jpg',
        'pictures/photograph.png',
        'requirements.txt',
        f'weights/{SOURCES["torchvision"].file}',
        f'weights/{SOURCES["oxford"].file}',
        *(f'wheels/{name}' for name in WHEELS),
    ]
    stick = Path('a stick')
    pins = 'gluon_style==0.1.0\nmxnet==2.0.0b1\npip==26.3\n'
    assert (stick / 'requirements.txt').read_text() == pins
    text = (stick / 'README.txt').read_text()
    assert f'with Python {VERSION} (from {VERSION}.0 on),' in text
    assert 'license: CC BY 4.0, Visual Geometry Group' in text
    assert 'weights   VGG-16 (torchvision): torchvision' in text
    assert 'license: BSD-3-Clause, Soumith Chintala' in text
    assert 'Left out' not in text
    assert '@' not in (stick / 'install.sh').read_text().replace('"$@"', '')
    with Image.open(stick / 'pictures' / 'photograph.png') as picture:
        assert (numpy.asarray(picture) == samples.photograph()).all()
    assert sorted(os.listdir(pip.work)) == ['a stick']
    assert stick.stat().st_mode & 0o777 == 0o777 & ~umask()


def umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.parametrize(
    'names, sentence',
    [
        (
            'torchvision',
            "weights of VGG-19, which the chapter's preset and notebooks "
            'need: give --weights torchvision,oxford for them',
        ),
        (
            'oxford',
            'weights for the default picture, which is another one with '
            'oxford: give --weights torchvision,oxford for them',
        ),
    ],
)
def test_bundle_says_what_it_leaves_out(pip, capsys, names, sentence):
    assert cli.main(['bundle', 'stick', '--weights', names]) == 0
    out, err = capsys.readouterr()
    assert f'the weights {names},' in out
    assert f'gluon-style: the folder leaves out {sentence}\n' in err
    text = Path('stick', 'README.txt').read_text()
    assert f'          Left out: {sentence}\n' in text
    assert os.listdir('stick/weights') == [SOURCES[names].file]


def test_sums_are_those_of_all_files(pip):
    made = bundle.make_bundle('stick')
    lines = Path('stick', 'SHA256SUMS').read_text().splitlines()
    sums = dict(reversed(line.split('  ')) for line in lines)
    assert sorted([*sums, 'SHA256SUMS']) == files('stick')
    for name, digest in sums.items():
        data = Path('stick', name).read_bytes()
        assert hashlib.sha256(data).hexdigest() == digest
    sizes = [Path('stick', name).stat().st_size for name in sums]
    assert (made.wheels, made.size) == (3, sum(sizes))


def test_a_bundle_is_replaced_and_nothing_else_is(pip, capsys):
    Path('stick').mkdir()
    assert cli.main(['bundle', 'stick']) == 0
    before = os.stat('stick').st_ino
    assert cli.main(['bundle', 'stick']) == 0
    assert os.stat('stick').st_ino != before
    Path('stick', 'pictures', 'mine.jpg').write_text('mine')
    assert cli.main(['bundle', 'stick']) == 2
    err = capsys.readouterr().err.splitlines()
    assert "stick' has 'pictures/mine.jpg', which is not from a" in err[-1]
    # The sums of this folder list all its files, but it is not a bundle.
    Path('other').mkdir()
    Path('other', 'disk.img').write_text('x')
    Path('other', 'SHA256SUMS').write_text(f'{64 * "0"}  disk.img\n')
    Path('file').write_text('x')
    for name in ('other', 'file'):
        assert cli.main(['bundle', name]) == 2
    assert sorted(os.listdir()) == ['file', 'other', 'stick']
    assert files('other') == ['SHA256SUMS', 'disk.img']


@pytest.mark.parametrize(
    'name, change',
    [
        ('notebooks/neural_style.ipynb', lambda p: p.write_text('my answer')),
        ('README.txt', lambda p: p.write_bytes(p.read_bytes() + b'mine')),
        ('pictures/album', lambda p: p.mkdir()),
        ('pictures/painting.jpg', lambda p: (p.unlink(), p.mkdir())),
        ('link', lambda p: p.symlink_to('README.txt')),
    ],
)
def test_what_was_changed_in_a_bundle_is_kept(pip, capsys, name, change):
    assert cli.main(['bundle', 'stick']) == 0
    change(Path('stick', name))
    before = tree('stick')
    capsys.readouterr()
    assert cli.main(['bundle', 'stick']) == 2
    assert capsys.readouterr().err == (
        f"gluon-style: folder '{pip.work}/stick' has {name!r}, which is not "
        'from a bundle or was changed since: name a new or empty folder\n'
    )
    assert tree('stick') == before


def tree(folder):
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() if p.is_file() else ''
        for p in Path(folder).rglob('*')
    }


def test_a_bundle_that_lacks_files_is_replaced(pip):
    assert cli.main(['bundle', 'stick']) == 0
    before = tree('stick')
    Path('stick', 'pictures', 'painting.jpg').unlink()
    shutil.rmtree(Path('stick', 'wheels'))
    Path('stick', 'wheels').mkdir()
    assert cli.main(['bundle', 'stick']) == 0
    assert tree('stick') == before


def fill_disk():
    raise OSError(28, 'No space left')


def press_ctrl_c():
    signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize(
    'interrupt, code', [(fill_disk, 2), (press_ctrl_c, 130)]
)
def test_a_bundle_that_cannot_be_put_there_leaves_the_former(
    pip, monkeypatch, interrupt, code
):
    assert cli.main(['bundle', 'stick']) == 0
    before, inode = tree('stick'), os.stat('stick').st_ino
    rename = Path.rename

    def failing(path, target):
        if path.name == 'new':
            assert not os.path.exists('stick')
            interrupt()
        return rename(path, target)

    monkeypatch.setattr(Path, 'rename', failing)
    assert cli.main(['bundle', 'stick']) == code
    assert os.listdir() == ['stick'] and tree('stick') == before
    assert os.stat('stick').st_ino == inode


@pytest.mark.parametrize(
    'folder, options, sentence',
    [
        ('no/stick', [], "no' does not exist: make it first"),
        ('.', [], 'because it is the current folder or a disk: name a'),
        ('/', [], 'because it is the current folder or a disk: name a'),
        ('stick', ['--weights', 'vgg'], "'vgg' are unknown: choose from zoo"),
        ('stick', ['--project', '..'], "'..' is not the source of gluon_st"),
    ],
)
def test_bad_arguments_get_one_sentence(
    pip, folder, options, sentence, capsys
):
    assert cli.main(['bundle', folder, *options]) == 2
    err = capsys.readouterr().err
    assert sentence in err and err.count('\n') == 1
    assert os.listdir() == []


def test_an_almost_full_disk_is_noticed_first(pip, monkeypatch, capsys):
    usage = shutil.disk_usage('.')._replace(free=400_000_000)
    monkeypatch.setattr(shutil, 'disk_usage', lambda folder: usage)
    assert cli.main(['bundle', 'stick']) == 2
    err = capsys.readouterr().err
    assert 'has 400 MB free: at least 589 MB are needed' in err
    assert not hasattr(pip, 'command')


def test_a_failure_of_pip_is_one_sentence_and_leaves_nothing(pip, capsys):
    pip.stderr = (
        'WARNING: Retrying\nERROR: Cannot install a and b\n'
        'ERROR: ResolutionImpossible: for help visit\n\n'
    )
    assert cli.main(['bundle', 'stick']) == 2
    assert capsys.readouterr().err.splitlines()[1:] == [
        'gluon-style: pip did not collect the wheels (ERROR: Cannot install '
        'a and b): check the network, and the packages here with "pip check"'
    ]
    assert os.listdir() == []


def test_interrupting_leaves_what_was_there(pip, capsys):
    assert cli.main(['bundle', 'stick']) == 0
    before = files('stick')
    pip.interrupt = press_ctrl_c
    assert cli.main(['bundle', 'stick']) == 130
    assert 'interrupted: nothing was written' in capsys.readouterr().err
    assert os.listdir() == ['stick'] and files('stick') == before


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """An installed copy of the package, seen from another folder."""
    package = tmp_path / 'site' / 'gluon_style'
    copy = package / 'classroom' / 'project.py'
    monkeypatch.setattr(project_module, '__file__', str(copy))
    monkeypatch.chdir(tmp_path)

    def installed_from(origin):
        def read_text(name):
            assert name == 'direct_url.json'
            return origin and json.dumps(origin)

        distribution = types.SimpleNamespace(read_text=read_text)
        monkeypatch.setattr(metadata, 'distribution', lambda _: distribution)

    return installed_from


def test_project_is_where_the_module_is(monkeypatch):
    def not_installed(name):
        raise metadata.PackageNotFoundError

    monkeypatch.setattr(metadata, 'distribution', not_installed)
    monkeypatch.chdir('/')
    assert find_project() == PROJECT


def test_project_is_what_the_package_was_installed_from(elsewhere, tmp_path):
    folder = tmp_path / 'a folder'
    folder.mkdir()
    shutil.copy(PROJECT / 'setup.cfg', folder)
    elsewhere({'url': folder.as_uri(), 'dir_info': {'editable': True}})
    assert find_project() == folder
    elsewhere({'url': folder.as_uri(), 'dir_info': {}})
    assert find_project() == folder
    assert find_project(PROJECT) == PROJECT


@pytest.mark.parametrize(
    'origin',
    [
        None,
        {'url': 'file:///gone', 'dir_info': {}},
        {'url': 'file:///a.whl', 'archive_info': {}},
    ],
)
def test_project_is_else_the_current_folder(
    elsewhere, origin, monkeypatch, tmp_path
):
    elsewhere(origin)
    for text in ('no section', '[metadata]\nname = other\n'):
        (tmp_path / 'setup.cfg').write_text(text)
        with pytest.raises(ValueError, match='from is gone: name the folder'):
            find_project()
    monkeypatch.chdir(PROJECT)
    assert find_project() == PROJECT


def test_the_first_of_two_versions_counts(monkeypatch):
    found = [
        types.SimpleNamespace(metadata={'Name': name, 'Version': version})
        for name, version in (
            ('b', '2'),
            ('gluon-style', '1'),
            ('b', '1'),
            (None, '1'),
            ('A_a', '1.0b1'),
        )
    ]
    monkeypatch.setattr(metadata, 'distributions', lambda: found)
    assert installed_versions() == {'a-a': '1.0b1', 'b': '2'}


def test_mxnet_is_not_loaded(without_mxnet, pip):
    code = """
import dataclasses, subprocess, types
from pathlib import Path
from gluon_style.classroom import bundle

def run(command, **kwargs):
    Path(command[command.index('--wheel-dir') + 1]).mkdir()
    return subprocess.CompletedProcess(command, 0, '', '')

bundle.subprocess = types.SimpleNamespace(run=run)
bundle.versions_for_oldest = dict
bundle.least_python = lambda new: '3.9.0'
for name in bundle.DEFAULT_WEIGHTS:
    bundle.SOURCES[name] = dataclasses.replace(
        bundle.SOURCES[name], digest='%s'
    )
print(bundle.make_bundle('stick').folder.name)"""
    assert without_mxnet(code % SOURCES['oxford'].digest) == 'stick'
    assert 'notebooks/neural_style.ipynb' in files('stick')


@pytest.fixture
def install(pip, tmp_path):
    """Run the installer of a small bundle with the tools it names only."""
    bundle.make_bundle('stick')
    tools = tmp_path / 'tools'
    tools.mkdir()
    names = 'cat cmp cp dirname grep head ls mkdir mv rm sh tail uname'
    for name in [*names.split(), 'sha256sum', 'shasum']:
        if shutil.which(name):
            (tools / name).symlink_to(shutil.which(name))

    def run(*arguments, script='stick/install.sh', **kwargs):
        done = subprocess.run(
            [SHELL, script, *arguments],
            env={'PATH': str(tools), 'HOME': str(tmp_path / 'home')},
            capture_output=True,
            text=True,
            **kwargs,
        )
        assert done.returncode == 1
        assert done.stderr.count('\n') == 1, done.stderr
        return done.stderr

    def tool(name, script):
        (tools / name).unlink(missing_ok=True)
        (tools / name).write_text(f'#!{SHELL}\n{script}\n')
        (tools / name).chmod(0o755)

    run.tool = tool
    return run


def test_installer_notices_a_broken_copy(install):
    wheel = Path('stick', 'wheels', WHEELS[0])
    wheel.write_text('brokem')
    expected = f'This copy is broken (wheels/{WHEELS[0]}: FAILED): copy the'
    assert expected in install()
    wheel.unlink()
    assert f'wheels/{WHEELS[0]}' in install()
    Path('stick', 'SHA256SUMS').unlink()
    assert 'This copy is broken' in install()


def test_installer_wants_its_system_and_its_python(install):
    expected = f'These wheels need Python {VERSION}, from {VERSION}.0 on, whi'
    assert expected in install()
    install.tool('python3', 'exit 1')
    assert f'These wheels need Python {VERSION}' in install()
    install.tool('uname', 'echo Minix')
    assert 'but this is Minix on Minix: make a folder on' in install()


def test_installer_makes_nothing_of_a_foreign_folder(install, tmp_path):
    install.tool(f'python{VERSION}', f'exec {sys.executable} "$@"')
    Path('photos').mkdir()
    Path('photos', 'mine.jpg').write_text('mine')
    assert 'photos has other files than an environment' in install('photos')
    assert files('photos') == ['mine.jpg']
    assert 'cannot make an environment there (' in install('/dev/null/env')
    # No wheel of this bundle is a real one.
    sentence = install('an env')
    assert 'pip did not install the wheels (' in sentence
    assert 'mend that and run this command again; ' in sentence
    # What was new is removed, and a former environment stays.
    assert not Path('an env').exists()
    subprocess.run([sys.executable, '-m', 'venv', '--without-pip', 'former'])
    assert 'pip did not install the wheels (' in install('former')
    assert Path('former', 'pyvenv.cfg').is_file()


def test_installer_wants_no_older_patch_release(install):
    text = Path('stick', 'install.sh').read_text()
    newer = f'{VERSION}.{sys.version_info.micro + 1}'
    assert f'least={VERSION}.0' in text
    text = text.replace(f'least={VERSION}.0', f'least={newer}')
    Path('install.sh').write_text(text)
    for path in Path('stick').iterdir():
        if path.name != 'install.sh':
            Path(path.name).symlink_to(path)
    sums = Path('SHA256SUMS')
    lines = sums.read_text().splitlines()
    sums.unlink()
    kept = [line for line in lines if not line.endswith('  install.sh')]
    sums.write_text('\n'.join(kept) + '\n')
    install.tool(f'python{VERSION}', f'exec {sys.executable} "$@"')
    assert f'from {newer} on, which is not' in install(script='install.sh')


def test_packages_are_told_beside_importlib_metadata(tmp_path, monkeypatch):
    """Its classes raise where Python's return None."""
    importlib_metadata = pytest.importorskip('importlib_metadata')
    for name, text in (
        (
            'whole',
            f'Name: whole\nVersion: 1\nRequires-Python: >={VERSION}.999',
        ),
        ('old', 'Name: old\nVersion: 2'),
        ('nameless', 'Version: 3'),
        ('timeless', 'Name: timeless'),
        ('empty', None),
    ):
        folder = tmp_path / f'{name}-1.dist-info'
        folder.mkdir()
        if text:
            (folder / 'METADATA').write_text(text)
    found = list(importlib_metadata.distributions(path=[str(tmp_path)]))
    assert len(found) == 5
    monkeypatch.setattr(metadata, 'distributions', lambda: found)
    assert installed_versions() == {'whole': '1', 'old': '2'}
    assert oldest._too_new() == ['whole']


def test_versions_are_those_that_the_oldest_python_takes(monkeypatch):
    installed = {'new': '4.1.3', 'old': '1.0', 'gone': '2.0'}
    found = [
        types.SimpleNamespace(
            metadata={
                'Name': name,
                'Version': installed[name],
                'Requires-Python': needed,
            }
        )
        for name, needed in (
            ('new', f'>={VERSION}.5'),
            ('old', f'>={VERSION}'),
            ('gone', f'>={VERSION}.1'),
        )
    ]
    monkeypatch.setattr(metadata, 'distributions', lambda: found)
    asked = []

    def download(command, **options):
        # Nothing is found of 'gone'.
        asked.append(command)
        folder = Path(command[command.index('--dest') + 1])
        if command[-1] == 'new':
            (folder / 'new-4.1.1-py3-none-any.whl').touch()

    stand_in = types.SimpleNamespace(run=download)
    monkeypatch.setattr(oldest, 'subprocess', stand_in)
    assert oldest.versions_for_oldest() == {**installed, 'new': '4.1.1'}
    for command in asked:
        at = command.index('--python-version')
        assert command[at + 1] == f'{VERSION}.0'


def test_installer_keeps_to_the_home_when_started_on_the_stick(
    install, tmp_path
):
    install.tool(f'python{VERSION}', f'exec {sys.executable} "$@"')
    before = files('stick')
    sentence = install(script='install.sh', cwd='stick')
    assert files('stick') == before
    # It was made there, and removed as it failed.
    assert f'; {tmp_path}/home/gluon-style-env was removed' in sentence
    assert not (tmp_path / 'home' / 'gluon-style-env').exists()


# Checks that the loopback is the only network, and runs a command.
ALONE = """
import errno, fcntl, os, socket, struct, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    SIOCSIFFLAGS, IFF_UP = 0x8914, 1
    fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack('16sh22x', b'lo', IFF_UP))
with socket.socket() as s:
    assert s.connect_ex(('192.0.2.1', 80)) == errno.ENETUNREACH
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.fixture
def alone(tmp_path):
    """Run a command on a computer with no network, no cache, no settings."""
    prefix = []
    for options in ('-n', '-rn') if shutil.which('unshare') else ():
        trial = subprocess.run(['unshare', options, 'true'])
        if trial.returncode == 0:
            unshare = [shutil.which('unshare'), options]
            prefix = [*unshare, sys.executable, '-c', ALONE]
            break
    work = tmp_path / 'a desk'
    work.mkdir()
    tools = tmp_path / 'tools'
    tools.mkdir()
    base = os.path.realpath(sys._base_executable)
    (tools / f'python{VERSION}').symlink_to(base)
    with socket.socket() as closed:
        closed.bind(('127.0.0.1', 0))
        nowhere = f'http://127.0.0.1:{closed.getsockname()[1]}'
    ours = ('PIP_', 'PYTHON', 'PYENV', 'VIRTUAL_ENV', 'MXNET', 'XDG', 'JUPY')
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith(ours)},
        'HOME': str(tmp_path / 'empty home'),
        'PATH': f'{tools}:/usr/bin:/bin',
        'PIP_NO_INDEX': '1',
        'PIP_INDEX_URL': nowhere,
        'http_proxy': nowhere,
        'https_proxy': nowhere,
        'GLUON_STYLE_QUICK': '1',
    }
    Path(environment['HOME']).mkdir()

    def run(*command):
        done = subprocess.run(
            [*prefix, *map(str, command)],
            cwd=work,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run.work = work
    yield run
    # A gigabyte; pytest would keep the last three.
    shutil.rmtree(work)


def canonical(pin):
    name, version = pin.split('==')
    return canonicalize_name(name), version


@pytest.mark.long
def test_a_class_without_a_network(tmp_path, alone, capsys):
    stick = tmp_path / 'a stick'
    assert cli.main(['bundle', str(stick)]) == 0, capsys.readouterr().err
    assert 'the weights torchvision,oxford' in capsys.readouterr().out
    before = files(stick)

    pins = (stick / 'requirements.txt').read_text().splitlines()
    here = {**installed_versions(), 'gluon-style': __version__}
    versions = dict(map(canonical, pins))
    for name in dict(versions.items() - here.items()).keys() & here.keys():
        # The one here is for a newer Python than a class may have.
        needed = metadata.metadata(name)['Requires-Python']
        assert not SpecifierSet(needed).contains(oldest.OLDEST), name
    assert f'(from {oldest.OLDEST} on)' in (stick / 'README.txt').read_text()

    out = alone(SHELL, stick / 'install.sh')
    for name in bundle.DEFAULT_WEIGHTS:
        assert f'Copying the weights {name} to ' in out
    assert 'A class can start.' in out
    lines = out.splitlines()
    environment = alone.work / 'gluon-style-env'
    assert f'"{environment}/bin/jupyter" lab "{environment}/notebooks"' in out
    # Once more: the code is repaired, and changed pictures stay.
    (package,) = environment.glob('lib/*/site-packages/gluon_style')
    module = package / 'classroom' / 'bundle.py'
    code = module.read_text()
    module.write_text('broken')
    photograph = environment / 'pictures' / 'photograph.png'
    painting = photograph.with_name('painting.jpg')
    shutil.copyfile(painting, photograph)
    out = alone(SHELL, stick / 'install.sh')
    for name in bundle.DEFAULT_WEIGHTS:
        assert f'The weights {name} are at ' in out
    assert photograph.read_bytes() == painting.read_bytes()
    assert module.read_text() == code
    assert module.with_name('install.sh').is_file()
    assert files(stick) == before
    shutil.rmtree(stick)

    scripts = environment / 'bin'
    out = alone(scripts / 'gluon-style', 'doctor')
    for name in bundle.DEFAULT_WEIGHTS:
        assert f'weights {name} in the cache, verified' in out
    assert 'weights fetch' not in out
    assert f'mxnet {metadata.version("mxnet")}\n' in out
    options = ['-o', 'out.png', '--size', '60x40', '--epochs', '2']
    run = [scripts / 'gluon-style', 'run', photograph, painting, *options]
    for network, weights in (
        ('auto', 'torchvision of VGG-16'),
        ('vgg19', 'oxford of VGG-19'),
    ):
        out = alone(*run, '--network', network)
        assert out.endswith(f'weights {weights}\n')
    with Image.open(alone.work / 'out.png') as picture:
        assert picture.size == (60, 40)

    # What a student types first, as it is printed: an own photograph.
    (line,) = [each for each in lines if ' run PHOTO.jpg ' in each]
    own = alone.work / 'PHOTO.jpg'
    Image.fromarray(skimage.data.astronaut()).save(own)
    before = os.times()
    alone(SHELL, '-c', line)
    result = Result.load(alone.work / 'PHOTO-painting.png')
    assert result.record.pictures['content'] == PictureId.of(own)
    assert result.record.settings['network'] == 'vgg16'
    assert (result.record.width, result.record.height) == (300, 300)
    # A minute of two cores.
    assert os.times().children_user - before.children_user < 120

    notebook = environment / 'notebooks' / 'neural_style.ipynb'
    options = ['--execute', '--to', 'notebook', '--output', 'executed']
    alone(scripts / 'jupyter', 'nbconvert', *options, notebook)
    assert 'oxford' in (notebook.parent / 'executed.ipynb').read_text()
