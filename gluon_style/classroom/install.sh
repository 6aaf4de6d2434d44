#!/bin/sh
# Install gluon_style from this folder, without a network:
#     sh install.sh [ENVIRONMENT]
# ENVIRONMENT is the folder of the virtual environment to make, by default
# gluon-style-env in the current folder. PYTHON names an interpreter.
set -eu

system=@system@ machine=@machine@ version=@python@ least=@least@
sources='@sources@'

fail() {
    echo "$1" >&2
    exit 1
}

last() {
    printf '%s\n' "$1" | tail -n 1
}

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)

check_files() {
    if command -v sha256sum >/dev/null; then
        sum=sha256sum
    elif command -v shasum >/dev/null; then
        sum='shasum -a 256'
    else
        fail 'Install sha256sum or shasum, which check the files.'
    fi
    echo 'Checking the files.'
    checked=$(cd "$here" && LC_ALL=C $sum -c SHA256SUMS 2>&1) || fail "This \
copy is broken ($(printf '%s\n' "$checked" | grep -v ': OK$' | head -n 1)): \
copy the folder again."
}

fits() {
    "$1" -c "import sys; sys.exit(sys.implementation.name != 'cpython' or \
'%d.%d' % sys.version_info[:2] != '$version' or \
sys.version_info[:3] < tuple(map(int, '$least'.split('.'))))" 2>/dev/null
}

find_python() {
    for python in ${PYTHON:+"$PYTHON"} "python$version" \
        "${PYENV_ROOT:-$HOME/.pyenv}/versions/$version."*/bin/python \
        "$HOME/.local/share/uv/python/cpython-$version."*/bin/python \
        python3 python; do
        if fits "$python"; then
            echo "$python"
            return
        fi
    done
    fail "These wheels need Python $version, from $least on, which is not \
here: install it, or put the path of one before this command as PYTHON=..."
}

# Without pip, because Debian's Python has none. It comes as a wheel.
make_environment() {
    if [ -e "$environment" ] && [ ! -f "$environment/pyvenv.cfg" ] &&
        [ -n "$(ls -A "$environment")" ]; then
        fail "$environment has other files than an environment: name a new \
folder."
    fi
    echo "Making the environment $environment."
    # A failure removes what this run made.
    if [ ! -e "$environment" ]; then
        made=$environment
    fi
    output=$("$python" -m venv --without-pip "$environment" 2>&1) || fail \
        "$python cannot make an environment there ($(last "$output")): name \
another folder after install.sh."
    environment=$(cd -- "$environment" && pwd)
    bin=$environment/bin
}

# Without the user's settings of pip, which may name an index.
pip() {
    PIP_CONFIG_FILE=/dev/null "$bin/python" "$wheel/pip" --isolated "$@" 2>&1
}

install_wheels() {
    echo 'Installing the wheels, a minute or two.'
    for wheel in "$here"/wheels/pip-*.whl; do break; done
    # A newer bundle may have other code of the same version.
    if [ -e "$bin/gluon-style" ]; then
        output=$(pip uninstall --quiet --yes gluon_style) ||
            fail "pip did not remove the old gluon_style ($(last "$output")): \
remove the folder $environment and run this command again."
    fi
    output=$(pip install --quiet --no-index --find-links "$here/wheels" \
        --requirement "$here/requirements.txt") ||
        fail "pip did not install the wheels ($(last "$output")): mend that \
and run this command again; $environment was removed if it was new."
    made=
}

# Copies the weights of one source.
copy_weights() {
    cache=$("$bin/python" -c "from gluon_style.weights.sources import SOURCES
print(SOURCES['$1'].path)")
    file=${cache##*/}
    if cmp -s "$here/weights/$file" "$cache"; then
        echo "The weights $1 are at $cache already."
        return
    fi
    echo "Copying the weights $1 to $cache."
    mkdir -p "${cache%/*}"
    temporary=${cache%/*}/.new-$$-$file
    cat "$here/weights/$file" >"$temporary"
    mv -f "$temporary" "$cache"
}

# Into the environment, so that the stick can be removed. A folder that is
# there already may have somebody's changes, and stays.
copy_folder() {
    if [ ! -e "$environment/$1" ]; then
        temporary=$environment/.new-$1
        rm -rf "$temporary"
        cp -R "$here/$1" "$temporary"
        chmod -R u+w "$temporary"
        mv "$temporary" "$environment/$1"
    fi
}

temporary= made=
trap 'for unfinished in "$temporary" "$made"; do
    if [ -n "$unfinished" ]; then rm -rf "$unfinished"; fi
done' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

if [ "$(uname -s) $(uname -m)" != "$system $machine" ]; then
    fail "This folder is for $system on $machine, but this is $(uname -s) on \
$(uname -m): make a folder on such a computer."
fi
check_files
environment=${1:-$PWD/gluon-style-env}
case "$(pwd -P)/" in
    "$here"/*) environment=${1:-$HOME/gluon-style-env} ;; # not on the stick
esac
python=$(find_python)
make_environment
install_wheels
for source in $sources; do
    copy_weights "$source"
done
copy_folder pictures
copy_folder notebooks
code=0
"$bin/gluon-style" doctor || code=$?
cat <<END
This folder is no longer needed. Go on with a photograph of your own in place
of PHOTO.jpg, with the one that is here, or with the notebooks:
    "$bin/gluon-style" run PHOTO.jpg "$environment/pictures/painting.jpg" \
--preset quick
    "$bin/gluon-style" run "$environment/pictures/photograph.png" \
"$environment/pictures/painting.jpg" -o out.png --preset quick
    "$bin/jupyter" lab "$environment/notebooks"
END
exit $code
