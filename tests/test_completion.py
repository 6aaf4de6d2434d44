"""The scripts that complete words in a shell."""

import shutil
import subprocess
import sys

import pytest

pytest.importorskip('shtab')
BASH = shutil.which('bash')

# Call the function that the script names, as bash does at a tab.
TAB = """
source ./script
words=("$@")
COMP_WORDS=("${words[@]}") COMP_CWORD=$(($# - 1))
function=$(complete -p gluon-style | sed 's/.*-F \\([^ ]*\\).*/\\1/')
$function gluon-style "${words[$#-1]}" "${words[$#-2]}" 2>&1
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture
def script(command, tmp_path):
    """The script for bash, in a folder with a picture."""
    if BASH is None:
        pytest.skip('needs bash')
    code, out, err = command('completion', 'bash')
    assert (code, err) == (0, '')
    path = tmp_path / 'script'
    path.write_text(out)
    (tmp_path / 'photo.png').touch()
    return path


def test_bash_accepts_the_script(script):
    subprocess.run([BASH, '-n', script], check=True)


@pytest.mark.parametrize(
    'words, completed',
    [
        (['ru'], ['run']),
        (['re'], ['reconstruct', 'report']),
        (['run', '--style-w'], ['--style-weight']),
        (['run', '--no-til'], ['--no-tileable']),
        (['texture', '--content'], ['']),
        (['weights', 'fe'], ['fetch']),
        (['run', '--color', 'lu'], ['luminance']),
        (['run', 'pho'], ['photo.png']),
        (['run', '-o', 'pho'], ['photo.png']),
        (['figure', '--content', 'pho'], ['photo.png']),
        (['completion', 'z'], ['zsh']),
    ],
)
def test_bash_completes(script, words, completed):
    done = subprocess.run(
        [BASH, '-c', TAB, 'bash', 'gluon-style', *words],
        cwd=script.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == completed


def test_zsh_gets_a_script_of_its_own(command):
    code, out, err = command('completion', 'zsh')
    assert (code, err) == (0, '')
    assert out.startswith('#compdef gluon-style')
    assert '--style-weight' in out and "run:'give a picture" in out


def test_without_its_package_it_says_what_to_install(command, monkeypatch):
    monkeypatch.setitem(sys.modules, 'shtab', None)
    code, out, err = command('completion', 'bash')
    assert (code, out, err.count('\n')) == (2, '', 1)
    assert 'python -m pip install shtab' in err
