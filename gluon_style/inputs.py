"""The pictures that a run is made from: read once, given at any size."""

import numpy
from mxnet import np

from gluon_style.images import preprocess, read_image
from gluon_style.results import picture_record


class Inputs:
    """The content picture, the style picture, and what a run starts from.

    Pictures are paths, Pillow images or uint8 arrays (height, width, 3).
    What is asked of them is preprocessed, (1, 3, height, width), on
    ``device``, for a synthesized image of ``image_shape``, (width, height).
    Raises as ``read_image`` does.
    """

    def __init__(self, content, style, settings, device):
        self.device = device
        self.record = {
            'content': picture_record(content),
            'style': picture_record(style),
        }
        self._settings = settings
        self._images = {
            'content': read_image(content),
            'style': read_image(style),
        }

    def image_shape(self):
        """Return (width, height) of the result."""
        height, width = self._images['content'].shape[:2]
        return self._settings.image_shape(width, height)

    def content(self, image_shape):
        """Return the content picture."""
        return self._preprocessed('content', image_shape)

    def style(self, image_shape):
        """Return the style picture, squashed to the content's shape."""
        return self._preprocessed('style', image_shape)

    def start(self, image_shape):
        """Return the pixels that the optimization starts from."""
        if self._settings.init in self._images:
            return self._preprocessed(self._settings.init, image_shape)
        # NumPy's generator, so that a seed means the same on every device.
        noise = numpy.random.RandomState(self._settings.seed)
        noise = noise.normal(size=(1, 3, *image_shape[::-1]))
        return np.array(noise, dtype='float32', ctx=self.device)

    def _preprocessed(self, name, image_shape):
        img = preprocess(self._images[name], image_shape)
        return img.copyto(self.device)
