"""The photographs that a style is learned on, and crops of them. No MXNet."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy

from gluon_style.errors import GluonStyleError
from gluon_style.pictures.read import read_picture
from gluon_style.pictures.resize import resized
from gluon_style.records.find import pictures_in

logger = logging.getLogger(__name__)

# Several sizes, so that no pattern of the net's grid is learned by heart.
CROP_SIDES = (192, 224, 256)
# So many different crops, whose content features are computed once.
NUM_CROPS = 24
# A photograph is shown at this part of its size or more.
_LEAST_SCALE = 0.5
_MOST_PHOTOS = 200


def sample_photos() -> list[Any]:
    """Return scikit-image's photographs, which come with it; all are free."""
    from skimage import data

    left = data.stereo_motorcycle()[0]
    return [
        *(data.astronaut(), data.chelsea(), data.coffee(), data.rocket()),
        left,
    ]


def read_photos(folder: str | Path) -> list[Any]:
    """Return the photographs in a folder.

    Those that cannot be read, or are smaller than a crop, are logged and left
    out. Raises GluonStyleError where none is left.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise GluonStyleError(
            f'folder {str(folder)!r} of photographs does not exist: name '
            'another one'
        )
    photos = []
    for path in pictures_in(folder)[:_MOST_PHOTOS]:
        try:
            photo = read_picture(path)
        except GluonStyleError as error:
            logger.warning('a photograph is left out: %s', error)
            continue
        if min(photo.shape[:2]) < max(CROP_SIDES):
            logger.warning('%s is left out: it is too small', path)
            continue
        # Larger ones would only take memory.
        photos.append(_within(photo, 4 * max(CROP_SIDES)))
    if not photos:
        raise GluonStyleError(
            f'folder {str(folder)!r} has no photograph of '
            f'{max(CROP_SIDES)}x{max(CROP_SIDES)} pixels or more: name '
            'another one'
        )
    return photos


def _within(photo: Any, side: int) -> Any:
    height, width = photo.shape[:2]
    factor = side / max(width, height)
    if factor >= 1:
        return photo
    return resized(photo, (round(width * factor), round(height * factor)))


def crops(photos: list[Any], seed: int) -> list[Any]:
    """Return ``NUM_CROPS`` squares of photographs at several scales."""
    rng = numpy.random.RandomState(seed)
    order = [
        photos[i % len(photos)]
        for i in rng.permutation(max(NUM_CROPS, len(photos)))
    ]
    return [
        _crop(photo, CROP_SIDES[i % len(CROP_SIDES)], rng)
        for i, photo in enumerate(order[:NUM_CROPS])
    ]


def _crop(photo: Any, side: int, rng: numpy.random.RandomState) -> Any:
    height, width = photo.shape[:2]
    least = max(side / min(height, width), _LEAST_SCALE)
    scale = rng.uniform(least, max(1.0, least))
    shape = max(side, round(width * scale)), max(side, round(height * scale))
    photo = resized(photo, shape)
    top = rng.randint(photo.shape[0] - side + 1)
    left = rng.randint(photo.shape[1] - side + 1)
    crop = photo[top : top + side, left : left + side]
    return crop[:, ::-1] if rng.rand() < 0.5 else crop
