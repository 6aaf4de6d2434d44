"""What the package promises as a whole."""

import shutil
import subprocess
import types
from pathlib import Path

import pytest

import gluon_style

PROJECT = Path(__file__).resolve().parents[1]
CHAPTER_NAMES = [
    'Animator',
    'SynthesizedImage',
    'compute_loss',
    'content_loss',
    'extract_features',
    'get_contents',
    'get_inits',
    'get_styles',
    'gram',
    'postprocess',
    'preprocess',
    'set_figsize',
    'style_loss',
    'train',
    'try_all_gpus',
    'try_gpu',
    'tv_loss',
]


def test_public_names():
    others = [
        'Animate',
        'CONTENT_LAYERS',
        'Checkpoint',
        'GluonStyleError',
        'LAYER_NAMES',
        'Log',
        'METHODS',
        'Objective',
        'Observer',
        'PRESETS',
        'Patience',
        'Progress',
        'RGB_MEAN',
        'RGB_STD',
        'Record',
        'Result',
        'SaveSteps',
        'STYLE_LAYERS',
        'Style',
        'Settings',
        'NonFiniteLossError',
        'adam',
        'browse',
        'build_net',
        'get_method',
        'lbfgs',
        'learn',
        'load_weights',
        'map_styles',
        'open_cluster',
        'panel',
        'read_image',
        'reconstruct',
        'save_image',
        'show_images',
        'stylize',
        'stylize_video',
        'texture',
    ]
    assert gluon_style.__all__ == sorted(CHAPTER_NAMES + others)
    for name in gluon_style.__all__:
        assert not isinstance(getattr(gluon_style, name), types.ModuleType)
        assert name in dir(gluon_style)


def test_unknown_name_is_named():
    with pytest.raises(AttributeError, match='gluon_style .*no_such_name'):
        gluon_style.no_such_name  # noqa: B018 - looking it up is the test


def test_only_the_command_line_prints_or_exits():
    allowed = {'cli', '__main__'}
    for path in (PROJECT / 'gluon_style').rglob('*.py'):
        if not allowed & {path.stem, path.parent.name}:
            text = path.read_text()
            assert 'print(' not in text and 'sys.exit' not in text, path


@pytest.fixture
def make_venv(tmp_path):
    """Run the environment's maker with stand-ins for the tools it asks."""
    tools = tmp_path / 'tools'
    tools.mkdir()
    for name in ('sh', 'rm', 'env', 'cat'):
        (tools / name).symlink_to(shutil.which(name))

    def tool(name, script):
        path = tools / name
        path.write_text(f'#!{shutil.which("sh")}\n{script}\n')
        path.chmod(0o755)

    def run(system, **environment):
        tool(
            'uname',
            f'case $1 in -s) echo {system[0]};; *) echo {system[1]}; esac',
        )
        return subprocess.run(
            [PROJECT / '.ci' / 'make-venv', tmp_path / 'venv'],
            env={'PATH': str(tools), 'HOME': str(tmp_path), **environment},
            capture_output=True,
            text=True,
        )

    run.tool = tool
    return run


LINUX = ('Linux', 'x86_64')


@pytest.mark.parametrize(
    'system, sentence',
    [
        (('Darwin', 'arm64'), 'no working wheel for Apple silicon: use Linux'),
        (('MINGW64_NT-10.0', 'x86_64'), 'on Windows, use WSL'),
        (LINUX, 'No Python of 3.11 3.12 3.10 3.9 was found, and MXNet needs'),
    ],
)
def test_make_venv_says_what_to_do_where_nothing_fits(
    make_venv, system, sentence
):
    done = make_venv(system)
    assert done.returncode != 0
    assert sentence in done.stderr and done.stderr.count('\n') == 1


def test_make_venv_passes_over_a_python_that_does_not_fit(make_venv):
    make_venv.tool('python3', 'exit 1')
    make_venv.tool('python3.13', 'exit 1')
    assert 'No Python of 3.11' in make_venv(LINUX).stderr
    assert 'No Python of 3.9 was' in make_venv(LINUX, PYTHON='3.9').stderr
    done = make_venv(LINUX, PYTHON='python3.13')
    assert 'python3.13 is not Python 3.9 to 3.12' in done.stderr


def test_make_venv_uses_venv_or_uv(make_venv, tmp_path):
    make_venv.tool('python3.10', 'echo "$@" >>$HOME/calls')
    assert make_venv(LINUX).returncode == 0
    calls = (tmp_path / 'calls').read_text().splitlines()
    assert calls[-1] == f'-m venv {tmp_path}/venv'
    make_venv.tool('uv', 'echo uv "$@" >>$HOME/calls')
    assert make_venv(LINUX).returncode == 0
    calls = (tmp_path / 'calls').read_text().splitlines()
    expected = f'uv venv --quiet --seed --python python3.10 {tmp_path}/venv'
    assert calls[-1] == expected
