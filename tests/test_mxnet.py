"""Each test starts an interpreter of its own: imports happen once."""

import os
import subprocess
import sys

import psutil
import pytest

from gluon_style._mxnet import physical_cores


def run(code, **environment):
    chosen = ('OMP_NUM_THREADS', 'MXNET_CPU_TEMP_COPY')
    env = {k: v for k, v in os.environ.items() if k not in chosen}
    done = subprocess.run(
        [sys.executable, '-c', code],
        capture_output=True,
        text=True,
        env={**env, **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split(), done.stderr


def test_physical_cores_are_those_this_process_may_use():
    cores = physical_cores()
    assert 1 <= cores <= psutil.cpu_count(logical=True)
    if hasattr(os, 'sched_getaffinity'):
        assert cores <= len(os.sched_getaffinity(0))


def test_threads_are_the_physical_cores_unless_chosen():
    code = 'import gluon_style, os; print(os.environ["OMP_NUM_THREADS"])'
    assert run(code)[0] == [str(physical_cores())]
    assert run(code, OMP_NUM_THREADS='7')[0] == ['7']


def test_one_working_space_is_kept_unless_chosen():
    code = 'import gluon_style, os; print(os.environ["MXNET_CPU_TEMP_COPY"])'
    assert run(code)[0] == ['1']
    assert run(code, MXNET_CPU_TEMP_COPY='3')[0] == ['3']


def test_importing_the_package_does_not_load_mxnet():
    code = (
        'import sys, gluon_style.cli, gluon_style.methods.gatys.settings\n'
        'print("mxnet" in sys.modules, "numpy" in sys.modules)'
    )
    assert run(code)[0] == ['False', 'False']


def test_mxnet_imported_later_is_ready():
    code = (
        'import gluon_style, mxnet\n'
        'import numpy; numpy.PZERO, numpy.bool, numpy.trapz, numpy.mirr\n'
        'print(mxnet.util.is_np_array(), mxnet.np.ones((2, 0)).shape)'
    )
    assert run(code)[0] == ['True', '(2,', '0)']


def test_mxnet_imported_before_still_works_and_says_what_is_lost():
    code = (
        'from gluon_style._mxnet import restore_numpy_names\n'
        'import sys, os\n'
        'restore_numpy_names()\n'
        'del sys.modules["gluon_style"], os.environ["OMP_NUM_THREADS"]\n'
        'sys.meta_path.pop(0)\n'
        'import mxnet, gluon_style\n'
        'print(mxnet.util.is_np_array())\n'
        'print(float(gluon_style.tv_loss(mxnet.np.ones((1, 3, 4, 4)))))'
    )
    out, err = run(code)
    assert out == ['True', '0.0']
    lost = 'mxnet was imported before gluon_style and keeps the number'
    assert (lost in err) == (physical_cores() > 1)
    quiet = code.replace(', os.environ["OMP_NUM_THREADS"]', '')
    assert lost not in run(quiet, OMP_NUM_THREADS='1')[1]


def test_mxnet_that_does_not_load_is_explained(tmp_path):
    package = tmp_path / 'mxnet'
    package.mkdir()
    (package / '__init__.py').write_text('raise OSError("no libmxnet.so")')
    code = (
        f'import sys; sys.path.insert(0, {str(tmp_path)!r})\n'
        'import gluon_style\n'
        'try:\n'
        '    gluon_style.gram\n'
        'except ImportError as error:\n'
        '    print(error)'
    )
    words = ' '.join(run(code)[0])
    assert 'does not load (no libmxnet.so); use mxnet 1.9.1 or' in words


def test_a_missing_mxnet_is_explained(pictures):
    code = (
        'import sys, gluon_style; sys.modules["mxnet"] = None\n'
        'from gluon_style import cli\n'
        'try:\n'
        '    gluon_style.gram\n'
        'except ImportError as error:\n'
        '    print(error)\n'
        f'code = cli.main(["run", *{pictures!r}, "-o", "x.png"])\n'
        'print("exit code", code)'
    )
    out, err = run(code)
    words = ' '.join(out)
    assert 'MXNet is not installed: install it with python -m pip' in words
    assert words.endswith('exit code 2')
    assert 'gluon-style: MXNet is not installed: install it' in err


@pytest.mark.skipif(
    sys.version_info < (3, 12), reason='this Python has its own distutils'
)
def test_distutils_comes_from_setuptools_installed_since_the_start():
    code = (
        'import importlib.util, sys\n'
        'sys.meta_path[:] = [finder for finder in sys.meta_path'
        ' if "Distutils" not in str(finder)]\n'
        'print(importlib.util.find_spec("distutils"))\n'
        'import gluon_style, mxnet\n'
        'print(mxnet.np.ones(2).sum())'
    )
    assert run(code)[0] == ['None', '2.0']


def test_the_installed_version_is_known_without_loading():
    code = (
        'import sys\n'
        'from gluon_style._mxnet import installed_version\n'
        'found = installed_version()\n'
        'print("mxnet" in sys.modules)\n'
        'import mxnet\n'
        'print(found == mxnet.__version__)'
    )
    assert run(code)[0] == ['False', 'True']
