"""What importing gluon_style and MXNet does, each in a new interpreter."""

import os
import subprocess
import sys

import psutil
import pytest

from gluon_style._mxnet import _VARIABLES, physical_cores


def run(code, **environment):
    ours = 'OMP_NUM_THREADS', *_VARIABLES
    env = {k: v for k, v in os.environ.items() if k not in ours}
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


@pytest.mark.parametrize('name, value', _VARIABLES.items())
def test_variables_of_mxnet_are_set_unless_chosen(name, value):
    code = f'import gluon_style, os; print(os.environ["{name}"])'
    assert run(code)[0] == [value]
    assert run(code, **{name: '3'})[0] == ['3']


@pytest.mark.skipif(
    not os.path.exists('/proc/self/task'), reason='only Linux lists threads'
)
def test_mxnet_copies_without_threads_of_its_own():
    code = (
        'import gluon_style, numpy, os\n'
        'from mxnet import np\n'
        'def threads(): return len(os.listdir("/proc/self/task"))\n'
        'np.array([1.0]).wait_to_read()\n'
        'before = threads()\n'
        'np.array(numpy.zeros(10**6, "float32"))\n'
        'print(threads() - before)'
    )
    usual = {'MXNET_CPU_PARALLEL_SIZE': '200000'}
    assert run(code, OMP_NUM_THREADS='2')[0] == ['0']
    assert run(code, OMP_NUM_THREADS='2', **usual)[0] == ['1']


def test_importing_the_package_does_not_load_mxnet():
    code = (
        'import sys, gluon_style.cli, gluon_style.methods.gatys.settings\n'
        'print("mxnet" in sys.modules, "numpy" in sys.modules)'
    )
    assert run(code)[0] == ['False', 'False']


def test_mxnet_imported_later_has_the_names_it_needs():
    code = (
        'import gluon_style, mxnet\n'
        'import numpy; numpy.PZERO, numpy.bool, numpy.trapz, numpy.mirr\n'
        'mxnet.npx.set_np()\n'
        'print(mxnet.np.ones((2, 0)).shape)'
    )
    assert run(code)[0] == ['(2,', '0)']


def test_importing_every_public_name_leaves_mxnets_mode():
    # MXNet 2.x sets the mode itself, in the thread that imports it.
    code = (
        'import threading, gluon_style, mxnet\n'
        'before = mxnet.util.is_np_array(), mxnet.util.is_np_shape()\n'
        'for name in gluon_style.__all__:\n'
        '    getattr(gluon_style, name)\n'
        'after = mxnet.util.is_np_array(), mxnet.util.is_np_shape()\n'
        'print(before == after, before[0], mxnet.__version__[0])'
    )
    same, on, version = run(code)[0]
    assert same == 'True'
    assert on == str(version == '2')


def test_mxnet_imported_before_still_works_and_says_what_is_lost():
    code = (
        'from gluon_style._mxnet import restore_numpy_names\n'
        'import sys, os\n'
        'restore_numpy_names()\n'
        'del sys.modules["gluon_style"], os.environ["OMP_NUM_THREADS"]\n'
        'sys.meta_path.pop(0)\n'
        'import mxnet, gluon_style\n'
        'print(float(gluon_style.tv_loss(mxnet.np.ones((1, 3, 4, 4)))))'
    )
    out, err = run(code)
    assert out == ['0.0']
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
        'from gluon_style.errors import MissingPackageError\n'
        'try:\n'
        '    gluon_style.gram\n'
        'except MissingPackageError as error:\n'
        '    print(isinstance(error, ImportError), error)'
    )
    words = ' '.join(run(code)[0])
    assert words.startswith(f'True MXNet at {package}')
    assert 'does not load (no libmxnet.so): use mxnet 1.9.1 or' in words


def test_a_missing_mxnet_is_explained(pictures):
    code = (
        'import sys, gluon_style; sys.modules["mxnet"] = None\n'
        'from gluon_style import cli\n'
        'from gluon_style.errors import MissingPackageError\n'
        f'pictures = {pictures!r}\n'
        # ``stylize`` needs MXNet only when a method is called.
        'def call(): gluon_style.stylize(*pictures)\n'
        'def get(name): return lambda: getattr(gluon_style, name)\n'
        'for use in (get("gram"), get("texture"), get("adam"), call):\n'
        '    try:\n'
        '        use()\n'
        '    except MissingPackageError as error:\n'
        '        print(error)\n'
        f'code = cli.main(["run", *pictures, "-o", "x.png"])\n'
        'print("exit code", code)'
    )
    out, err = run(code)
    words = ' '.join(out)
    assert words.count('MXNet is not installed: install it with') == 4
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


def test_the_installed_version_is_known_without_importing_mxnet():
    code = (
        'import sys\n'
        'from gluon_style._mxnet import installed_version\n'
        'version = installed_version()\n'
        'print("mxnet" in sys.modules)\n'
        'import mxnet\n'
        'print(version == mxnet.__version__)'
    )
    assert run(code)[0] == ['False', 'True']
