"""One call from a clip and a style to the clip painted, here or elsewhere."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from gluon_style.files.atomic import temporary_folder
from gluon_style.many.clip_course import Course
from gluon_style.many.clip_parcels import recipe
from gluon_style.many.cluster import Cluster
from gluon_style.many.executors import executor_for
from gluon_style.video import stylize
from gluon_style.video.chain import Made, Painters, Stop
from gluon_style.video.painters import Painting
from gluon_style.video.read import Frame
from gluon_style.video.settings import DEFAULT_METHOD
from gluon_style.video.state import WAITING, State
from gluon_style.video.stretches import stretches

logger = logging.getLogger(__name__)


def stylize_video(
    video: str | Path,
    style: Any,
    output: str | Path,
    *,
    method: str = DEFAULT_METHOD,
    settings: Any = None,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    progress: Callable[[stylize.Progress], None] | None = None,
    stop_when: Callable[[], str | None] | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    ca: str | None = None,
    cert: str | None = None,
    key: str | None = None,
    **changes: Any,
) -> stylize.VideoResult:
    """Paint a clip in a style, and write it.

    ``video`` is a file that PyAV reads, an animated .gif, or a folder of
    numbered frames; ``output`` is a .mp4, a .gif, or a folder, in which an
    .mp4 has the clip's sound. ``method`` is any of ``METHODS``; ``style`` and
    ``settings`` are its own. Keywords are fields of ``VideoSettings`` and of
    the method's settings. ``size`` is the frames' longest side or (width,
    height), and None is the clip's own, the default without ``settings``.

    With a ``checkpoint``, a folder, a run that was killed or stopped can
    ``resume`` there; when the clip is whole the folder is removed.
    ``progress`` is called with a ``Progress`` after each frame. ``stop_when``
    may return why to stop after it, and Ctrl-C stops, too: what is made is
    written.

    With ``workers``, so many processes of this machine paint scenes side by
    side: in a script, call it under ``if __name__ == '__main__':``.
    ``scheduler`` is the address of a Dask scheduler, such as
    'tcp://host:8786'; ``ca``, ``cert`` and ``key`` are the files of TLS for
    one of 'tls://'. Without either, this process paints.

    Returns a ``VideoResult``. Raises GluonStyleError, FileNotFoundError and
    MissingPackageError, in one sentence, for what cannot work.
    """
    return stylize.stylize_video(
        video,
        style,
        output,
        method=method,
        settings=settings,
        checkpoint=checkpoint,
        resume=resume,
        progress=progress,
        stop_when=stop_when,
        painters=_painters_for(workers, scheduler, ca=ca, cert=cert, key=key),
        **changes,
    )


def _painters_for(
    workers: int | None, scheduler: str | None, **tls: str | None
) -> AbstractContextManager[Painters] | None:
    """Return a context of painters in other processes, or None for this."""
    executor = executor_for(workers, scheduler, None, **tls)
    if workers is None and scheduler is None:
        return None
    return _entered(executor)


@contextmanager
def _entered(executor: AbstractContextManager[Cluster]) -> Iterator[Painters]:
    with executor as cluster:
        if (address := cluster.dashboard) is not None:
            logger.info('dashboard: %s', address)
        yield ClusterPainters(cluster)


class ClusterPainters:
    """Paint the frames of a clip in the processes of a cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def frames(
        self,
        painting: Painting,
        frames: Iterator[Frame],
        state: State,
        stop: Stop,
        part_frames: int,
        folder: Path,
    ) -> Generator[Made, None, None]:
        """Yield the frames painted: see ``Painters``."""
        net = self._cluster.nets.of(painting.settings)
        unread = stretches(frames, painting, state, part_frames)
        dispatch = self._cluster.dispatch
        with temporary_folder(WAITING, beside=folder) as waiting:
            packed = recipe(painting, net)
            course = Course(dispatch, packed, unread, state, waiting)
            try:
                yield from course.made(stop)
            finally:
                dispatch.forget()
