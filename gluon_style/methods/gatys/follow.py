"""A picture that follows another one, as a frame follows the one before.

Ruder, Dosovitskiy & Brox 2016, 'Artistic Style Transfer for Videos' (arXiv
1604.08610), section 4: the run starts from the frame before, moved to where
this one shows the same, and a temporal loss (equation 7) keeps it there
wherever that is sure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mxnet import np

from gluon_style.chapter.images import preprocess
from gluon_style.errors import GluonStyleError
from gluon_style.pictures import Array
from gluon_style.pictures.read import as_bytes


@dataclass(frozen=True)
class Follow:
    """What a picture follows, and how closely.

    ``picture``, (height, width, 3) of floats from 0 to 1, is the start, of
    the result's size. ``sure``, (height, width) of 0 to 1, says where it
    holds. ``weight`` is the temporal loss's, in units of the content loss of
    a picture without any structure.
    """

    picture: Array
    sure: Array
    weight: float

    def start(self, image_shape: tuple[int, int], device: Any) -> Any:
        """Return the pixels to start from, (1, 3, height, width)."""
        height, width = self.picture.shape[:2]
        if (width, height) != tuple(image_shape):
            raise GluonStyleError(
                f'follow has a picture of {width}x{height} pixels and the '
                f'result has {image_shape[0]}x{image_shape[1]}: give one of '
                'its size, and scales=1'
            )
        img = np.array(as_bytes(self.picture), dtype='uint8')
        return preprocess(img, image_shape).copyto(device)


class TemporalLoss:
    """The mean of sure squared differences of pixels, times ``weight``.

    ``target`` is (1, 3, height, width), ``sure`` (height, width).
    """

    def __init__(self, target: Any, sure: Array, weight: float) -> None:
        self._target, self._weight = target, weight
        self._sure = np.array(sure, dtype='float32', ctx=target.ctx)

    def __call__(self, X: Any) -> Any:
        """Return the loss of ``X``, (1, 3, height, width)."""
        return self._weight * (self._sure * np.square(X - self._target)).mean()
