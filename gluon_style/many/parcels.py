"""A job as bytes, for a process that shares no folder with this one."""

from __future__ import annotations

import functools
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, Union

from gluon_style.errors import GluonStyleError, NonFiniteLossError
from gluon_style.many.jobs import Job
from gluon_style.methods.table import method_of
from gluon_style.methods.versions import current_versions
from gluon_style.pictures.opening import require_file
from gluon_style.weights.choice import WeightsFile

# What decides about the pixels: a worker must have the same.
DECISIVE = 'gluon_style', 'mxnet', 'numpy'
SUFFIXES = '.png', '.json'
_LOCK = threading.Lock()


class File(NamedTuple):
    """A file: its name, without a folder, and its bytes."""

    name: str
    data: bytes


class NetId(NamedTuple):
    """A network that a worker must have: its weights, their hash, the rest.

    Without ``layers`` the method builds it itself.
    """

    weights: WeightsFile
    sha256: str
    layers: tuple[str, ...] = ()
    pooling: str = 'max'

    def at(self, path: Path) -> NetId:
        """Return the same network, whose weights are in another file."""
        return self._replace(weights=replace(self.weights, path=path))


@dataclass(frozen=True)
class Parcel:
    """A job, with the bytes of all files that it reads but its weights.

    ``files`` has those that settings name. ``net`` is the method's network,
    if it has one, ``versions`` are those of the process that packed it.
    """

    job: Job
    files: Mapping[str, File]
    net: NetId | None
    versions: Mapping[str, str]

    def painted(self, folder: Path) -> Painted | Lacking:
        """Make the picture, in a worker; ``folder`` may have its files."""
        return _painted(self, folder)


class Painted(NamedTuple):
    """The files of a picture and of its record, by their suffixes."""

    files: Mapping[str, bytes]


class Failed(NamedTuple):
    """Why a job has no picture: a sentence, as ``Outcome`` has it."""

    error: str
    diverged: bool = False


class Trouble(NamedTuple):
    """Why this worker could not make it, and another one may: a sentence."""

    error: str


class Refused(NamedTuple):
    """Why this worker makes no pictures for that client: a sentence."""

    error: str


class Lacking(NamedTuple):
    """The weights that this worker's machine does not have."""

    net: NetId


# What else a parcel may be paints other things: see ``clip_parcels``.
Answer = Union[Painted, Failed, Trouble, Refused, Lacking]


def pack(job: Job, net: NetId | None = None) -> Parcel:
    """Return a job as a ``Parcel``; raises OSError for a file it lacks."""
    settings = job.settings
    files: dict[str, File] = {}
    if (init := getattr(settings, 'init_file', None)) is not None:
        files['init'] = _packed(init)
    content, style = _packed(job.content), _packed(job.style)
    packed = replace(job, content=content, style=style)
    return Parcel(packed, files, net, current_versions())


def _packed(source: Any) -> Any:
    """Return a picture's file as a ``File``, and all else as it is."""
    if isinstance(source, (list, tuple)):
        return [_packed(each) for each in source]
    if isinstance(source, (str, Path)) and Path(source).is_file():
        return File(Path(source).name, Path(source).read_bytes())
    if isinstance(source, Path):
        require_file(source)
    return source


def paint(parcel: Any) -> Any:
    """Make what a parcel asks for, in a worker: return an ``Answer``.

    ``parcel`` is a ``Parcel``, or has ``painted`` and ``versions``, too. A
    record says what it would say in the packing process, and the versions
    are the worker's own.
    """
    error = refusal(parcel.versions, current_versions())
    if error is not None:
        return Refused(error)
    try:
        # A worker may have several threads, and has one network.
        with _LOCK, tempfile.TemporaryDirectory() as folder:
            return parcel.painted(Path(folder))
    except (OSError, MemoryError) as error:
        return Trouble(str(error))
    except GluonStyleError as error:
        return Failed(str(error), isinstance(error, NonFiniteLossError))


def refusal(
    versions: Mapping[str, str], worker: Mapping[str, str]
) -> str | None:
    """Return why a worker's versions would give other pixels, or None."""
    for package in DECISIVE:
        if worker.get(package) != versions[package]:
            return (
                f'it has {package} {worker.get(package)} and this machine has '
                f'{versions[package]}, which gives other pictures: install '
                f'{package}=={versions[package]} there'
            )
    return None


def _painted(parcel: Parcel, folder: Path) -> Painted | Lacking:
    job, options = parcel.job, {}
    method = method_of(job.settings)
    net = net_here(parcel.net, job.settings.device)
    if net is not None:
        if isinstance(net, Lacking):
            return net
        options['net'] = net
    content = _unpacked(job.content, folder / 'content')
    style, settings = unpacked(parcel, folder)
    result = method.stylize(content, style, settings, observers=(), **options)
    # The file of a setting has another place here.
    own = job.settings.to_json()
    kept = {name: own[name] for name in ('init', 'weights') if name in own}
    record = result.record
    record = replace(record, settings={**record.settings, **kept})
    path = folder / 'result.png'
    replace(result, record=record).save(path)
    return Painted(
        {each: path.with_suffix(each).read_bytes() for each in SUFFIXES}
    )


def net_here(net: NetId | None, device: str) -> Any:
    """Return a parcel's network on this worker, ``Lacking``, or None.

    Some methods build it themselves, when its weights are here.
    """
    if net is None:
        return None
    from gluon_style.many.sent import place_of

    place = place_of(net)
    if place is None:
        return Lacking(net)
    return _built(net.at(place), device) if net.layers else None


def unpacked(parcel: Parcel, folder: Path) -> tuple[Any, Any]:
    """Return a parcel's style and settings, with their files in a folder."""
    changes = {
        name: str(_unpacked(file, folder / name))
        for name, file in parcel.files.items()
    }
    style = _unpacked(parcel.job.style, folder / 'style')
    return style, parcel.job.settings.changed(changes)


def _unpacked(source: Any, folder: Path) -> Any:
    """Return what was packed, with files in folders of their own."""
    if isinstance(source, File):
        folder.mkdir()
        (folder / source.name).write_bytes(source.data)
        return folder / source.name
    if isinstance(source, list):
        return [
            _unpacked(each, folder.with_name(f'{folder.name} {number}'))
            for number, each in enumerate(source)
        ]
    return source


@functools.lru_cache(maxsize=1)
def _built(net: NetId, device: str) -> Any:
    """Return a network, which the worker keeps."""
    from gluon_style.chapter.devices import get_device
    from gluon_style.chapter.vgg import build_net

    weights: Any = net.weights
    return build_net(
        list(net.layers),
        [],
        network=weights.network,
        weights=weights,
        pooling=net.pooling,
        device=get_device(device),
    )
