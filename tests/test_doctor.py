"""Each problem is made, and the doctor must find it and say how to fix it."""

import importlib
import shutil
import sys
from types import SimpleNamespace

import pytest

from gluon_style import cli
from gluon_style.chapter.vgg import build_net
from gluon_style.classroom import doctor
from gluon_style.classroom.computing import explain_failure
from gluon_style.classroom.findings import ADVICE, GOOD, PROBLEM, Finding
from gluon_style.classroom.packages import (
    examine_packages,
    installed_versions,
    supported_pythons,
)
from gluon_style.weights.sources import SOURCES


def levels(findings):
    return [finding.level for finding in findings]


@pytest.mark.parametrize(
    'version, level',
    [
        ((3, 8, 18), PROBLEM),
        ((3, 9, 0), GOOD),
        ((3, 12, 1), GOOD),
        ((3, 13, 0), PROBLEM),
    ],
)
def test_interpreters(version, level):
    findings = list(doctor.examine_python(version, 'Linux', 'x86_64'))
    assert levels(findings) == [level, GOOD]
    if level == PROBLEM:
        assert 'MXNet needs 3.9 to 3.12' in findings[0].text
        assert findings[0].mend.endswith('uv venv --python 3.11')


@pytest.mark.parametrize(
    'system, processor, level',
    [
        ('Linux', 'aarch64', GOOD),
        ('Darwin', 'x86_64', GOOD),
        ('Darwin', 'arm64', PROBLEM),
        ('Windows', 'AMD64', PROBLEM),
    ],
)
def test_machines(system, processor, level):
    findings = list(doctor.examine_python((3, 11, 0), system, processor))
    assert levels(findings) == [GOOD, level]


def examine_with(**changes):
    """Return what is found where packages have other versions, or none."""
    versions = {**installed_versions(), 'mxnet': '1.9.1', 'd2l': '0.17.0'}
    for name, version in changes.items():
        versions[name.replace('_', '-')] = version
    return list(
        examine_packages({k: v for k, v in versions.items() if v is not None})
    )


@pytest.mark.parametrize('mxnet', ['1.9.1', '2.0.0b1'])
@pytest.mark.parametrize('d2l', ['0.17.0', '1.0.3'])
@pytest.mark.parametrize('numpy', ['1.23.5', '2.3.0'])
def test_versions_that_fit(mxnet, d2l, numpy):
    found = examine_with(mxnet=mxnet, d2l=d2l, numpy=numpy, ipython='8.39.0')
    assert [finding.text for finding in found] == [
        f'mxnet {mxnet}',
        f'd2l {d2l}',
        f'numpy {numpy}',
    ]
    assert set(levels(found)) == {GOOD}


@pytest.mark.parametrize(
    'name, version, level, requirement',
    [
        ('mxnet', None, PROBLEM, 'mxnet==1.9.1'),
        ('mxnet', '1.6.0', PROBLEM, 'mxnet==1.9.1'),
        ('d2l', '0.17.6', ADVICE, 'd2l==0.17.0'),
        ('d2l', None, ADVICE, 'd2l==0.17.0'),
        ('numpy', '3.0.0', PROBLEM, 'numpy<3'),
        ('pillow', '9.0.0', PROBLEM, 'pillow>=9.4'),
        ('scipy', None, PROBLEM, 'scipy'),
        ('scikit_image', None, PROBLEM, 'scikit-image'),
    ],
)
def test_versions_that_do_not_fit(name, version, level, requirement):
    (found,) = (f for f in examine_with(**{name: version}) if f.level != GOOD)
    assert found.level == level
    assert found.text.startswith(name.replace('_', '-'))
    assert ('is not installed' in found.text) == (version is None)
    assert found.mend == f"python -m pip install '{requirement}'"


def test_packages_of_other_pythons_are_not_missed():
    found = [f for f in examine_with(setuptools=None, tomli=None) if f.mend]
    names = [finding.text.split()[0] for finding in found]
    if sys.version_info >= (3, 12):
        assert names == ['setuptools']
    elif sys.version_info >= (3, 11):
        assert names == []
    else:
        assert names == ['tomli']


def test_the_matplotlib_of_a_d2l_needs_an_old_ipython():
    assert not [f for f in examine_with(ipython='9.1.0') if f.mend]
    (found,) = (
        f for f in examine_with(ipython='9.1.0', d2l='1.0.3') if f.mend
    )
    assert found.level == ADVICE
    assert 'd2l 1.0.3' in found.text
    assert found.mend == "python -m pip install 'ipython<9'"


def test_two_builds_of_mxnet():
    found = examine_with(mxnet_cu117='1.9.1')[0]
    assert found.level == PROBLEM
    assert found.text == 'mxnet and mxnet-cu117 hide each other'
    assert found.mend == 'python -m pip uninstall mxnet-cu117'
    # A build under another name is MXNet, too.
    found = examine_with(mxnet=None, mxnet_cu117='1.9.1')
    assert found[0] == Finding('mxnet-cu117 1.9.1')


def test_this_environment_has_what_the_package_needs():
    problems = [f for f in examine_packages() if f.level == PROBLEM]
    assert problems == []


def test_versions_are_those_installed():
    import numpy

    versions = installed_versions()
    assert versions['numpy'] == numpy.__version__
    assert 'gluon-style' not in versions


def test_supported_pythons():
    assert supported_pythons() == [(3, 9), (3, 10), (3, 11), (3, 12)]


def test_threads(monkeypatch):
    cores = doctor.physical_cores()
    monkeypatch.setenv('OMP_NUM_THREADS', str(cores))
    (found,) = doctor.examine_threads()
    assert (found.level, found.text[:9]) == (GOOD, f'{cores} threads')
    for threads in (str(cores + 3), ''):
        monkeypatch.setenv('OMP_NUM_THREADS', threads)
        (found,) = doctor.examine_threads()
        assert found.level == ADVICE
        assert found.text.startswith(f'OMP_NUM_THREADS is {threads!r}, and')
        assert found.mend == 'unset OMP_NUM_THREADS'


def test_a_full_disk(monkeypatch, tmp_path):
    monkeypatch.setenv('MXNET_HOME', str(tmp_path / 'not' / 'yet'))
    here = tmp_path / 'here'
    here.mkdir()
    assert levels(doctor.examine_disk(False, here)) == [GOOD, GOOD]
    usage = shutil.disk_usage(tmp_path)._replace(free=30_000_000)
    monkeypatch.setattr(shutil, 'disk_usage', lambda folder: usage)
    # There is room for pictures but not for the weights.
    folder, cache = doctor.examine_disk(False, here)
    assert (folder.level, cache.level) == (GOOD, PROBLEM)
    assert cache.text == (
        f'folder {str(tmp_path)!r} has 30 MB free: at least 160 MB are needed'
    )
    assert 'MXNET_HOME' in cache.mend
    assert levels(doctor.examine_disk(True, here)) == [GOOD]
    usage = usage._replace(free=3_000_000)
    (folder,) = doctor.examine_disk(True, here)
    assert folder.text == (
        f'folder {str(here)!r} has 3 MB free: at least 16 MB are needed'
    )
    assert folder.mend == 'make room there, or work in another folder'


def test_weights_missing_broken_and_intact(monkeypatch, tmp_path):
    monkeypatch.setenv('MXNET_HOME', str(tmp_path))
    (found,) = doctor.examine_weights()
    assert found.level == PROBLEM
    assert found.mend == 'gluon-style weights fetch'
    SOURCES['zoo'].path.parent.mkdir()
    SOURCES['zoo'].path.write_bytes(b'broken')
    broken, none = doctor.examine_weights()
    assert (broken.level, none.level) == (ADVICE, PROBLEM)
    assert broken.mend == 'gluon-style weights fetch zoo'
    keep_in_cache(monkeypatch, 'oxford', 'torchvision')
    broken, *intact = doctor.examine_weights()
    assert [finding.text for finding in intact] == [
        'weights oxford in the cache, verified',
        'weights torchvision in the cache, verified',
    ]
    assert levels([broken, *intact]) == [ADVICE, GOOD, GOOD]


def keep_in_cache(monkeypatch, *names):
    """Have the cache hold the weights of these names, intact."""
    monkeypatch.setattr(
        importlib.import_module('gluon_style.weights.sources'),
        'is_intact',
        lambda source: source.name in names,
    )


@pytest.mark.parametrize(
    'names, mend',
    [
        (['torchvision'], 'gluon-style weights fetch oxford'),
        (['zoo-vgg16', 'torchvision'], 'gluon-style weights fetch oxford'),
        (['oxford'], 'gluon-style weights fetch torchvision'),
        (['oxford', 'oxford-8bit'], 'gluon-style weights fetch torchvision'),
    ],
)
def test_weights_for_one_kind_of_run_only_are_advised_on(
    monkeypatch, tmp_path, names, mend
):
    monkeypatch.setenv('MXNET_HOME', str(tmp_path))
    keep_in_cache(monkeypatch, *names)
    *intact, advice = doctor.examine_weights()
    assert levels([*intact, advice]) == [GOOD] * len(names) + [ADVICE]
    assert advice.mend == mend
    keep_in_cache(monkeypatch, 'zoo')
    assert levels(doctor.examine_weights()) == [GOOD]


def test_mxnet_loads():
    (found,) = doctor.examine_mxnet()
    assert found.level == GOOD


@pytest.mark.parametrize(
    'library, mend',
    [
        ('libcudart.so.11.0', 'CUDA'),
        ('libnccl.so.2', 'CUDA'),
        ('libquadmath.so.0', 'apt-get install libquadmath0'),
        ('libcurl.so.4', 'the system package that has libcurl'),
    ],
)
def test_a_missing_library_is_named(monkeypatch, library, mend):
    def fail(name):
        raise ImportError(
            f'MXNet at /x does not load ({library}: cannot open shared '
            'object file: No such file or directory); use mxnet 1.9.1'
        )

    monkeypatch.setattr(importlib, 'import_module', fail)
    (found,) = doctor.examine_mxnet()
    assert found.level == PROBLEM
    assert found.text == f'MXNet does not load: {library} is missing'
    assert mend in found.mend


def test_mxnet_that_is_not_installed_is_explained(monkeypatch):
    def fail(name):
        raise ModuleNotFoundError("No module named 'mxnet'", name='mxnet')

    monkeypatch.setattr(importlib, 'import_module', fail)
    (found,) = doctor.examine_mxnet()
    assert found.level == PROBLEM
    assert found.text.startswith('MXNet is not installed: install it with')


def test_another_failure_of_mxnet_is_quoted():
    found = explain_failure('MXNet at /x does not load (why)')
    assert found.text == 'MXNet at /x does not load (why)'
    assert "'mxnet==1.9.1'" in found.mend


@pytest.mark.parametrize(
    'driver, cuda, level, text',
    [
        (None, False, GOOD, 'no GPU: the CPU computes'),
        ('/bin/nvidia-smi', False, ADVICE, 'this MXNet is a CPU build'),
        ('/bin/nvidia-smi', True, ADVICE, 'MXNet sees no GPU'),
    ],
)
def test_gpus(monkeypatch, driver, cuda, level, text):
    from mxnet import cpu, gpu

    devices = importlib.import_module('gluon_style.chapter.devices')
    monkeypatch.setattr(devices, 'try_all_gpus', lambda: [cpu()])
    monkeypatch.setattr(shutil, 'which', lambda name: driver)
    monkeypatch.setattr(
        'mxnet.runtime.Features',
        lambda: SimpleNamespace(is_enabled=lambda name: cuda),
    )
    (found,) = doctor.examine_gpu()
    assert found.level == level
    assert text in found.text
    assert bool(found.mend) == (level == ADVICE)
    monkeypatch.setattr(devices, 'try_all_gpus', lambda: [gpu(0), gpu(1)])
    monkeypatch.setattr(devices, 'gpu_problem', lambda: None)
    (found,) = doctor.examine_gpu()
    assert found.text == 'GPUs that MXNet sees: 2'
    monkeypatch.setattr(devices, 'gpu_problem', lambda: 'no kernel image')
    (found,) = doctor.examine_gpu()
    assert found.level == ADVICE
    assert 'does not compute (no kernel image)' in found.text


@pytest.mark.parametrize(
    'free, level, text',
    [
        (64e9, GOOD, '64.0 GB of memory free'),
        (4e8, PROBLEM, 'size gives a picture of 450x300 pixels, which takes'),
    ],
)
def test_memory(monkeypatch, free, level, text):
    forecast = importlib.import_module('gluon_style.methods.gatys.forecast')
    monkeypatch.setattr(forecast, 'free_memory', lambda device: free)
    (found,) = doctor.examine_memory()
    assert found.level == level
    assert found.text.startswith(text)
    assert ('--preset quick' in found.mend) == (level != GOOD)


def test_speed(monkeypatch, weights_file):
    monkeypatch.setattr(
        importlib.import_module('gluon_style.chapter.vgg'),
        'build_net',
        lambda *layers, weights, build=build_net, **options: build(
            *layers, weights=weights_file, **options
        ),
    )
    (found,) = doctor.examine_speed()
    assert found.text.endswith('min for a picture of 450x300')
    forecast = importlib.import_module('gluon_style.methods.gatys.forecast')
    monkeypatch.setattr(forecast, 'seconds_needed', lambda *args: 3600)
    (found,) = doctor.examine_speed()
    assert found.level == ADVICE
    assert found.text == 'about 60.0 min for a picture of 450x300'
    assert found.mend == 'gluon-style run ... --preset quick'


def test_an_examination_that_fails_is_a_problem(monkeypatch):
    def fail():
        raise PermissionError('no entry')

    monkeypatch.setattr(doctor, 'examine_weights', fail)
    monkeypatch.setattr(doctor, 'examine_disk', lambda cached: [])
    found = [f for f in doctor.examine() if 'no entry' in f.text]
    assert levels(found) == [PROBLEM]


def test_the_command_tells_whether_a_class_can_start(
    monkeypatch, tmp_path, capsys
):
    monkeypatch.setenv('MXNET_HOME', str(tmp_path))
    assert cli.main(['doctor']) == 1
    out = capsys.readouterr().out
    assert 'PROBLEM  no weights in the cache' in out
    assert '-> gluon-style weights fetch\n' in out
    assert out.endswith('cannot start before each PROBLEM is mended.\n')
    assert 'min for a picture' not in out

    for name in ('weights', 'speed'):
        finding = Finding(f'{name} as wished')
        monkeypatch.setattr(
            doctor, f'examine_{name}', lambda finding=finding: [finding]
        )
    assert cli.main(['doctor']) == 0
    out = capsys.readouterr().out
    assert 'good     weights as wished' in out
    assert 'good     speed as wished' in out
    assert out.endswith('A class can start.\n')
