"""A stretch of a clip as bytes, for a process that shares no folder."""

from __future__ import annotations

import functools
import io
import pickle
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy
from PIL import Image

from gluon_style.many.jobs import Job
from gluon_style.many.parcels import (
    Lacking,
    NetId,
    Refused,
    net_here,
    pack,
    unpacked,
)
from gluon_style.methods.versions import current_versions
from gluon_style.pictures import Array
from gluon_style.video.chain import Chain
from gluon_style.video.flow import flow_version
from gluon_style.video.painters import Painting
from gluon_style.video.read import Frame
from gluon_style.video.state import State


class PaintedStretch(NamedTuple):
    """The pictures of a stretch, as PNGs, and what the next one follows."""

    pictures: list[bytes]
    past: list[dict[str, Array]]


@dataclass(frozen=True)
class ClipParcel:
    """Frames to be painted, as PNGs, and the past that they follow.

    ``recipe`` is what ``recipe`` returns, the same for a whole clip, ``past``
    as in ``State``. ``versions`` are those of the process that packed it.
    """

    recipe: bytes
    frames: list[bytes]
    past: list[dict[str, Array]]
    versions: Mapping[str, str]

    def painted(self, folder: Path) -> PaintedStretch | Lacking | Refused:
        """Paint the frames, in a worker."""
        painting, job, flow = pickle.loads(self.recipe)
        if flow not in (None, flow_version()):
            return Refused(
                f'it finds the optical flow by {flow_version()} and this '
                f'machine by {flow}, which gives other pictures: install '
                f'{flow} there'
            )
        net = net_here(job.net, job.job.settings.device)
        if isinstance(net, Lacking):
            return net
        painter = _workshop(self.recipe).painter
        chain = Chain(painter, painting.shape, painting.follows)
        state = State(past=self.past)
        chain.go_on(state)
        # When each is shown matters to the one who asked.
        frames = (Frame(of_png(data), 0.0) for data in self.frames)
        pictures = [as_png(made.picture) for made in chain.made(frames)]
        if painting.follows:
            chain.keep(state)
        return PaintedStretch(pictures, state.past)


def recipe(painting: Painting, net: NetId | None) -> bytes:
    """Return how a clip is painted as bytes; raises OSError for a file."""
    # A job without a content has all else that a worker needs.
    job = pack(Job('clip', None, painting.style, painting.settings), net)
    # Without a frame before, none needs the flow.
    flow = flow_version() if painting.follows else None
    return pickle.dumps((replace(painting, style=None), job, flow))


def clip_parcel(
    recipe: bytes, frames: list[bytes], past: list[dict[str, Array]]
) -> ClipParcel:
    """Return frames as a parcel."""
    return ClipParcel(recipe, frames, past, current_versions())


class _Workshop(NamedTuple):
    """What paints a clip in a worker, and the folder of its files."""

    painter: Any
    folder: Any


@functools.lru_cache(maxsize=1)
def _workshop(recipe: bytes) -> _Workshop:
    """Return what paints a clip, which the worker keeps."""
    painting, job, _ = pickle.loads(recipe)
    folder = tempfile.TemporaryDirectory()
    style, settings = unpacked(job, Path(folder.name))
    painting = replace(painting, style=style, settings=settings)
    return _Workshop(
        painting.painter(net_here(job.net, settings.device)), folder
    )


def as_png(img: Array) -> bytes:
    """Return a picture as a PNG, in little time."""
    file = io.BytesIO()
    Image.fromarray(img).save(file, 'PNG', compress_level=1)
    return file.getvalue()


def of_png(data: bytes) -> Array:
    """Return the picture of a PNG."""
    return numpy.array(Image.open(io.BytesIO(data)))
