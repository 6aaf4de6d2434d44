"""The losses of learning a style: the chapter's, each in parts of its most.

A style loss is divided by that of a picture without any structure, whose
Gram matrices are 0, and a content loss by that of a picture whose features are
their means. So one weight suits a dark painting and an engraving.
"""

from typing import NamedTuple

from mxnet import autograd, np, npx

from gluon_style._mxnet import numpy_mode
from gluon_style.chapter.vgg import build_net, extract_features
from gluon_style.layers import RGB_MEAN, RGB_STD
from gluon_style.methods.feedforward.paint import as_pixels
from gluon_style.methods.kinds import scaled
from gluon_style.pictures.resize import resized

# A layer below, whose features see fewer pixels, cannot tell a mosaic's stones
# from a lost castle: there both are other edges than the photograph's.
CONTENT_LAYER = 'conv4_1'
# conv1_1 sees single pixels, and a net of few channels answers it with scan
# lines and hatching. It keeps the colors true.
STYLE_WEIGHTS = {'conv1_1': 0.2, 'conv2_1': 1, 'conv3_1': 1, 'conv4_1': 1}


class Losses(NamedTuple):
    """Weighted losses of one painted crop."""

    content: float
    style: float
    tv: float


class Lesson:
    """A painting to be learned: its Gram matrices, and the losses to them.

    ``painting`` is an array (height, width, 3) of uint8. ``vgg`` is the
    truncated VGG, which the weights of the settings are loaded into.
    """

    @numpy_mode()
    def __init__(self, painting, settings, device):
        self._settings, self._device = settings, device
        self.vgg = build_net(
            [CONTENT_LAYER],
            list(STYLE_WEIGHTS),
            network=settings.network,
            weights=settings.weights,
            pooling='avg',
            device=device,
        )
        height, width = painting.shape[:2]
        shape = scaled(width, height, settings.style_size)
        # Antialiased: a painting that passed over pixels is full of grain.
        X = as_pixels(resized(painting, shape), device)
        _, styles_Y = self._features(X)
        self._grams = [_gram(Y) for Y in styles_Y]
        self._energies = [float(np.square(G).sum()) for G in self._grams]

    def _features(self, X):
        """Return the content feature and the style features of pixels."""
        mean, std = (
            np.array(values, ctx=X.ctx).reshape(1, 3, 1, 1)
            for values in (RGB_MEAN, RGB_STD)
        )
        # One division fewer on the pixels' array.
        [content], styles = extract_features(
            self.vgg,
            X * (1 / std) - mean / std,
            [CONTENT_LAYER],
            list(STYLE_WEIGHTS),
        )
        return content, styles

    @numpy_mode()
    def content_of(self, X):
        """Return the content feature of pixels, and its energy."""
        content_Y, _ = self._features(X)
        mean = content_Y.mean(axis=(2, 3), keepdims=True)
        return content_Y, float(np.square(content_Y - mean).mean())

    @numpy_mode()
    def style_loss(self, X):
        """Return the style loss of a painted picture, without its weight."""
        _, styles_Y = self._features(X)
        return float(self._style(styles_Y))

    def _style(self, styles_Y):
        total = sum(STYLE_WEIGHTS.values())
        return sum(
            weight / total * np.square(_gram(Y) - G).sum() / energy
            for weight, Y, G, energy in zip(
                STYLE_WEIGHTS.values(),
                styles_Y,
                self._grams,
                self._energies,
            )
        )

    @numpy_mode()
    def learn_from(self, paint, content):
        """Paint a crop, compute the gradients and return the ``Losses``.

        ``paint()`` paints it, ``content`` is its ``content_of``.
        """
        settings, (content_Y, energy) = self._settings, content
        with autograd.record():
            Y = paint()
            content_Y_hat, styles_Y_hat = self._features(Y)
            content_l = np.square(content_Y_hat - content_Y).mean() / energy
            content_l = settings.content_weight * content_l
            style_l = settings.style_weight * self._style(styles_Y_hat)
            tv_l = settings.tv_weight * _variation(Y)
            l = content_l + style_l + tv_l
        l.backward()
        return Losses(float(content_l), float(style_l), float(tv_l))


def _gram(Y):
    """Return the chapter's Gram matrix, by oneDNN: see ``objective``."""
    C = Y.shape[1]
    Y = Y.reshape(C, -1)
    product = npx.fully_connected(
        Y, Y, num_hidden=C, no_bias=True, flatten=False
    )
    return product / Y.size


def _variation(Y):
    """Return the mean squared differences of neighboring pixels."""
    below = Y[:, :, 1:, :] - Y[:, :, :-1, :]
    beside = Y[:, :, :, 1:] - Y[:, :, :, :-1]
    return np.square(below).mean() + np.square(beside).mean()
