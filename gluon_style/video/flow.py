"""Where the pixels of one frame are in another one, and where that is sure.

Ruder, Dosovitskiy & Brox 2016, 'Artistic Style Transfer for Videos' (arXiv
1604.08610), section 4: flows both ways, and the regions that only one of two
frames shows.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy
from scipy.ndimage import gaussian_filter, map_coordinates, uniform_filter
from scipy.optimize import least_squares

from gluon_style.pictures import Array

# Equation 5 of the paper (Sundaram, Brox & Keutzer 2010): the way there and
# back does not end where it began.
_DISAGREEMENT, _LEAST_DISAGREEMENT = 0.01, 0.5
# Equation 6: the flow changes from pixel to pixel, so an edge moves there.
_BOUNDARY, _LEAST_BOUNDARY = 0.01, 0.002
# The finest scale of the flow, by whether it is to be precise: half a frame's
# pixels each way, or all. OpenCV's own preset has a quarter. The median error
# of 320x180 pixels that come nearer is .16, .12 and .05 pixels, in 2, 6 and
# 96 milliseconds. The flow is also smoother than the preset's.
_FINEST, _ITERATIONS, _SMOOTHNESS = (1, 0), (5, 40), (40.0, 80.0)
# Where grays hardly change, their noise decides on the flow. A pixel is plain
# if they change by less than so many levels of 255 a pixel, squared, in the
# direction in which they change least. The camera's motion, fitted to so many
# pixels along the longest side, counts there if it differs by less than this
# many pixels.
_PLAIN, _FITTED, _NEAR = 2.0, 32, 1.0
# What differs more from the camera's motion, in pixels, moves by itself.
_APART = 0.03
# Where a flow is not sure, one from beside it counts if the grays of a window
# of so many pixels differ by less than this, on average, from 0 to 1.
_WINDOW, _SAME_GRAY = 5, 0.03
# The shortest side for scikit-image's flow to have room for its windows.
_LEAST_SIDE = 16


class Motion(NamedTuple):
    """How a frame moved since the one before.

    ``back`` is (height, width, 2): the pixel at row r and column c was at
    (r, c) + ``back[r, c]``. ``sure`` is (height, width), 1 where that holds,
    and 0 where the pixel was hidden, outside, or lies at a moving edge.
    """

    back: Array
    sure: Array


def motion(frame: Array, before: Array, is_precise: bool = False) -> Motion:
    """Return the ``Motion`` from one frame to the next.

    Both are arrays (height, width, 3) of uint8, of one size. A precise one
    takes a fifth of a second and more.
    """
    gray, gray_before = (_gray(each) for each in (frame, before))
    back = optical_flow(gray, gray_before, is_precise)
    forth = optical_flow(gray_before, gray, is_precise)
    return Motion(back, sureness(back, forth))


def filled(found: Motion, frame: Array, before: Array) -> Motion:
    """Return a ``Motion`` with more that is sure, taken from beside.

    At the edge of a moving thing, and in a plain sky, a flow is wrong some
    pixels wide. There the flow of the next sure pixel to the left, to the
    right, above or below is taken, whichever fits the grays best, if one
    does. ``found`` is the ``motion`` between two frames.
    """
    gray, gray_before = (
        _gray(each)[..., None] / numpy.float32(255) for each in (frame, before)
    )
    back, sure = found.back.copy(), found.sure > 0
    least = numpy.full(sure.shape, _SAME_GRAY, 'float32')
    for flow in (found.back, *_from_beside(found.back, sure)):
        there, inside = _moved(gray_before, flow)
        apart = uniform_filter(numpy.abs(gray - there)[..., 0], _WINDOW)
        better = inside & ~sure & (apart < least)
        least[better], back[better] = apart[better], flow[better]
    return Motion(back, (sure | (least < _SAME_GRAY)).astype('float32'))


def _from_beside(back: Array, sure: Array):
    """Yield the flow of the next sure pixel in each of four directions."""
    for axis, length in enumerate(sure.shape):
        places = numpy.indices(sure.shape)
        before = numpy.where(sure, places[axis], 0)
        after = numpy.where(sure, places[axis], length - 1)
        after = numpy.flip(after, axis)
        for nearest in (
            numpy.maximum.accumulate(before, axis),
            numpy.flip(numpy.minimum.accumulate(after, axis), axis),
        ):
            places[axis] = nearest
            yield back[tuple(places)]


def steadied(found: Motion, frame: Array) -> Motion:
    """Return a ``Motion`` that is the camera's where a frame is plain.

    In a plain sky a flow is wrong by a pixel: it has nothing but noise to go
    by.
    """
    gray, flow = _gray(frame), found.back
    detail = _detail(gray)
    few = (slice(None, None, max(1, max(gray.shape) // _FITTED)),) * 2
    rows, columns = numpy.indices(gray.shape, 'float32')
    places = numpy.stack([numpy.ones_like(rows), rows, columns], axis=-1)
    camera = places @ _camera(places[few], flow[few], detail[few])
    near = 1 / (1 + _squares(camera - flow) / _NEAR**2)
    back = flow + ((1 - detail) * near)[..., None] * (camera - flow)
    return found._replace(back=back)


def _detail(gray: Array) -> Array:
    """Return how far the picture tells where its pixels moved, 0 to 1.

    By the smaller eigenvalue of the structure tensor (Shi & Tomasi 1994): in
    a plain region, and along an edge, nothing tells.
    """
    smooth = gaussian_filter(gray.astype('float32'), 1)
    rows, columns = numpy.gradient(smooth)
    a, b, c = (
        uniform_filter(each, _WINDOW)
        for each in (rows * rows, rows * columns, columns * columns)
    )
    # Rounding must not make it negative.
    least = numpy.maximum(a + c - numpy.hypot(a - c, 2 * b), 0) / 2
    return least / (least + _PLAIN)


def _camera(places: Array, flow: Array, detail: Array) -> Array:
    """Return the affine flow that most pixels follow, (3, 2) of float32.

    ``places`` is (rows, columns, 3), and its product with it the flow.
    """
    weights = numpy.sqrt(detail).reshape(-1, 1)
    basis = places.reshape(-1, 3) * weights
    wanted = flow.reshape(-1, 2) * weights
    slopes = numpy.kron(basis, numpy.eye(2))
    begin = numpy.linalg.lstsq(basis, wanted, rcond=None)[0]
    found = least_squares(
        lambda x: slopes @ x - wanted.ravel(),
        begin.ravel(),
        jac=lambda x: slopes,
        loss='cauchy',
        f_scale=_APART,
    )
    return found.x.reshape(3, 2).astype('float32')


def _gray(img: Array) -> Array:
    """Return the luminance, (height, width) of uint8."""
    weights = numpy.array([0.299, 0.587, 0.114], 'float32')
    return (img.astype('float32') @ weights).round().astype('uint8')


def optical_flow(gray: Array, other: Array, is_precise: bool = False) -> Array:
    """Return how far each pixel of ``gray`` lies from itself in ``other``.

    Both are (height, width) of uint8. Returns (height, width, 2), rows and
    columns, of float32. OpenCV's DIS (Kroeger et al. 2016, 'Fast Optical Flow
    using Dense Inverse Search') where it is installed, and else scikit-image's
    iterative Lucas-Kanade, which takes thirty times as long.
    """
    cv2 = opencv()
    if cv2 is not None:
        preset = cv2.DISOPTICAL_FLOW_PRESET_MEDIUM
        method = cv2.DISOpticalFlow_create(preset)
        method.setFinestScale(_FINEST[is_precise])
        method.setVariationalRefinementIterations(_ITERATIONS[is_precise])
        method.setVariationalRefinementAlpha(_SMOOTHNESS[is_precise])
        flow = method.calc(gray, other, None)
        return numpy.ascontiguousarray(flow[..., ::-1])
    from skimage.registration import optical_flow_ilk

    if min(gray.shape) < _LEAST_SIDE:
        return numpy.zeros((*gray.shape, 2), 'float32')
    flow = optical_flow_ilk(gray / 255, other / 255, dtype='float32')
    return numpy.ascontiguousarray(flow.transpose(1, 2, 0))


def flow_version() -> str:
    """Return what finds the flow: another one finds it a little otherwise."""
    cv2 = opencv()
    if cv2 is not None:
        return f'OpenCV {cv2.__version__}'
    import skimage

    return f'scikit-image {skimage.__version__}'


@functools.cache
def opencv() -> Any:
    """Return the module ``cv2``, or None where it is not installed."""
    try:
        import cv2
    except ImportError:
        return None
    return cv2


def sureness(back: Array, forth: Array) -> Array:
    """Return where a flow can be trusted, (height, width) of 0 or 1.

    ``back`` leads from this frame to the other one, ``forth`` from there.
    """
    there, inside = _moved(forth, back)
    lengths = _squares(back) + _squares(there)
    apart = _squares(back + there)
    agrees = apart <= _DISAGREEMENT * lengths + _LEAST_DISAGREEMENT
    edges = sum(_squares(numpy.gradient(back, axis=axis)) for axis in (0, 1))
    plain = edges <= _BOUNDARY * _squares(back) + _LEAST_BOUNDARY
    return (agrees & plain & inside).astype('float32')


def _squares(flow: Array) -> Array:
    return numpy.einsum('...i,...i->...', flow, flow)


def warped(picture: Array, back: Array, order: int = 1) -> Array:
    """Return a picture of the frame before, moved to this one's places.

    ``picture`` is (height, width, channels) of floats, ``back`` as in
    ``Motion``. ``order`` is that of the spline between pixels: 1 is linear, 3
    keeps fine detail. Beyond the edges the outermost pixels count.
    """
    return _moved(picture, back, order)[0]


def _moved(picture: Array, back: Array, order: int = 1):
    """Return ``warped``, and where the places are inside, (height, width)."""
    height, width = back.shape[:2]
    rows, columns = numpy.indices((height, width), 'float32', sparse=True)
    rows, columns = rows + back[..., 0], columns + back[..., 1]
    inside = (
        (rows >= 0)
        & (rows <= height - 1)
        & (columns >= 0)
        & (columns <= width - 1)
    )
    return _sampled(picture, rows, columns, order), inside


def _sampled(picture, rows, columns, order):
    """Return a picture's values between its pixels: cubic if order is 3."""
    picture, cv2 = picture.astype('float32', copy=False), opencv()
    if cv2 is not None:
        kind = cv2.INTER_CUBIC if order == 3 else cv2.INTER_LINEAR
        border = cv2.BORDER_REPLICATE
        found = cv2.remap(picture, columns, rows, kind, borderMode=border)
        # Of one channel it leaves the axis out.
        return found.reshape(*rows.shape, -1)
    channels = [
        map_coordinates(
            picture[..., i], (rows, columns), order=order, mode='nearest'
        )
        for i in range(picture.shape[2])
    ]
    return numpy.stack(channels, axis=-1)
