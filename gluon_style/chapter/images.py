"""The chapter's pre- and postprocessing, and pictures as MXNet arrays."""

from mxnet import image, np

from gluon_style import layers
from gluon_style._mxnet import numpy_mode, of_mxnet
from gluon_style.pictures.read import read_picture
from gluon_style.pictures.resize import resized

RGB_MEAN = np.array(layers.RGB_MEAN, dtype='float32')
RGB_STD = np.array(layers.RGB_STD, dtype='float32')


@of_mxnet
@numpy_mode()
def preprocess(img, image_shape):
    """Resize and standardize a picture for VGG (chapter: Preprocessing).

    ``img`` is an array (height, width, 3) of 0 to 255 in RGB order, as
    ``read_image`` and ``mxnet.image.imread`` return it. ``image_shape`` is
    (width, height). Returns (1, 3, height, width).
    """
    # imread returns another kind of array where NumPy's mode is not set.
    img = image.imresize(img.as_np_ndarray(), *image_shape)
    img = (img.astype('float32') / 255 - RGB_MEAN) / RGB_STD
    return np.expand_dims(img.transpose(2, 0, 1), axis=0)


@numpy_mode()
def preprocess_antialiased(img, image_shape):
    """Return ``preprocess`` of a picture that all its pixels count in.

    The chapter's way takes four pixels for each new one. Where a picture
    shrinks to less than half, it passes over the others, and fine lines
    become false stripes. ``img`` may be a NumPy array too.
    """
    img = np.array(resized(img, tuple(image_shape)), dtype='uint8')
    # Of this size already, the picture is not resized again.
    return preprocess(img, image_shape)


@of_mxnet
@numpy_mode()
def postprocess(img):
    """Undo ``preprocess`` (chapter: Preprocessing).

    ``img`` is (1, 3, height, width) on any device. Returns
    (height, width, 3) on the CPU, clipped to 0 to 1.
    """
    img = img[0].as_in_ctx(RGB_STD.ctx)
    return (img.transpose(1, 2, 0) * RGB_STD + RGB_MEAN).clip(0, 1)


@numpy_mode()
def display_bounds(device):
    """Return black and white as preprocessed pixels, (1, 3, 1, 1) each."""
    return tuple(
        ((value - RGB_MEAN) / RGB_STD).reshape(1, 3, 1, 1).copyto(device)
        for value in (0, 1)
    )


@numpy_mode()
def read_image(source):
    """Return a picture as a person sees it: 8-bit sRGB, upright, opaque.

    ``source`` is the path of a file, a Pillow image, or an array
    (height, width, 3) of uint8, which is returned unchanged. Returns an
    MXNet array (height, width, 3) of uint8, like ``mxnet.image.imread``.
    Raises the errors of ``pictures.read.read_picture``.
    """
    return np.array(read_picture(source), dtype='uint8')
