"""Find how each frame follows those before, ahead of what is painted."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

from gluon_style.pictures import Array
from gluon_style.pictures.resize import resized
from gluon_style.video.consistency import Link, link
from gluon_style.video.read import Frame

# A frame is compared with those of so many frames before (section 4.3 of
# Ruder et al. 2016): what was hidden for a moment comes out as it was.
OFFSETS = 1, 2, 4
# The link to the nearest frame takes as long as the other two.
_THREADS = 2

Item = TypeVar('Item')


class Linked(NamedTuple):
    """A frame, uint8, its second, and how it follows those before.

    ``links`` lead to the frames ``OFFSETS`` before, as far as the scene has
    them. ``is_cut`` is true where another scene begins.
    """

    img: Array
    seconds: float
    links: list[Link]
    is_cut: bool


def linked(
    frames: Iterable[Frame],
    shape: tuple[int, int],
    before: Iterable[Array],
    follows: bool = True,
    is_precise: bool = False,
) -> Generator[Linked, None, None]:
    """Yield frames with their links, at ``shape``, (width, height).

    ``before`` are the last frames of the same scene, at that size. Where
    frames do not follow others they have no links, and no cuts.
    """
    past = deque(before, maxlen=max(OFFSETS))
    with ThreadPoolExecutor(_THREADS) as pool:
        for frame in frames:
            img = resized(frame.img, shape)

            def to(offset: int, img: Array = img) -> Link:
                # What the nearest does not show the others do, or nobody
                # knows.
                return link(img, past[-offset], offset == 1, is_precise)

            known = [each for each in OFFSETS if each <= len(past)]
            links = list(pool.map(to, known)) if follows else []
            is_cut = bool(links) and links[0].is_cut
            if is_cut:
                past.clear()
                links = []
            past.append(img)
            yield Linked(img, frame.seconds, links, is_cut)


def ahead(items: Iterator[Item]) -> Generator[Item, None, None]:
    """Yield items, while a thread asks for the next one."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = pool.submit(next, items, None)
            yield item
