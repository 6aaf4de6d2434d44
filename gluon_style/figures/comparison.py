"""How far pictures are apart: in the network's features, and in structure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy

from gluon_style.layers import STYLE_LAYERS, Network
from gluon_style.methods.gatys.settings import Settings
from gluon_style.pictures.read import read_picture
from gluon_style.pictures.resize import resized
from gluon_style.weights import WeightsFile

# The deepest layer that a recipe compares.
_DEEPEST = 'conv5_2'


def deep_net(
    network: str, weights: str | WeightsFile, device: str, pooling: str = 'max'
) -> Any:
    """Return a network with all the layers that a recipe names.

    The arguments are those of ``build_net`` and the setting ``device``.
    """
    from gluon_style.chapter.devices import get_device
    from gluon_style.chapter.vgg import build_net

    return build_net(
        [_DEEPEST],
        [_DEEPEST],
        network=network,
        weights=weights,
        device=get_device(device),
        pooling=pooling,
    )


class Comparison:
    """Distances of pictures from the content picture or the style picture.

    All pictures are arrays (height, width, 3) of uint8. The one that they
    are compared with is their target, 'content' or 'style', which is resized
    to their shape, antialiased as in the runs.
    """

    def __init__(
        self,
        weights: str | WeightsFile,
        device: str,
        content: Any,
        style: Any,
        network: str = 'auto',
    ) -> None:
        from gluon_style.chapter.devices import get_device
        from gluon_style.chapter.vgg import network_of

        self._targets: dict[str, Any] = {
            'content': read_picture(content),
            'style': read_picture(style),
        }
        self._device = get_device(device)
        self.net = deep_net(network, weights, device)
        self.network: Network = network_of(self.net)

    def target(self, name: str, img: numpy.ndarray) -> numpy.ndarray:
        """Return the content or the style picture in the shape of ``img``."""
        return resized(self._targets[name], (img.shape[1], img.shape[0]))

    def target_distance(self, layer: str, settings: Settings) -> float:
        """Return the content loss of the style picture at a layer.

        Both pictures have the shape of a result with these settings.
        """
        height, width = self._targets['content'].shape[:2]
        image_shape = settings.image_shape(width, height)
        (Y,), (Y_hat,) = (
            self.features(img, [layer], image_shape)
            for img in self._targets.values()
        )
        return float(((Y_hat - Y) ** 2).mean())

    def content_distance(
        self, img: numpy.ndarray, layer: str, target: str = 'content'
    ) -> float:
        """Return the squared distance of features from the target's.

        It is 0 for the same features and 1 for features that are all 0.
        """
        (Y_hat,) = self.features(img, [layer])
        (Y,) = self.features(self.target(target, img), [layer])
        return _relative_distance(Y_hat, Y)

    def style_distance(
        self,
        img: numpy.ndarray,
        layers: Sequence[str] = STYLE_LAYERS,
        target: str = 'style',
    ) -> float:
        """Return the squared distance of Gram matrices, mean over layers.

        Each is relative to the target's own matrix, so that all layers
        count.
        """
        targets = self.grams(self.target(target, img), layers)
        distances = [
            _relative_distance(gram_hat, gram)
            for gram_hat, gram in zip(self.grams(img, layers), targets)
        ]
        return sum(distances) / len(distances)

    def ssim(self, img: numpy.ndarray, target: str = 'content') -> float:
        """Return how alike the structures of picture and target are, up to 1.

        Wang et al. 2004, of the two pictures' gray values.
        """
        from skimage.color import rgb2gray
        from skimage.metrics import structural_similarity

        pictures = img, self.target(target, img)
        likeness = structural_similarity(
            *map(rgb2gray, pictures), data_range=1
        )
        return float(likeness)

    def features(
        self,
        img: Any,
        layers: Sequence[str],
        image_shape: tuple[int, int] | None = None,
    ) -> list[numpy.ndarray]:
        """Return the features of a picture at ``layers``, in net's order.

        Each is (1, channels, height, width). The picture is resized to
        ``image_shape``, (width, height), if that is given.
        """
        return [Y.asnumpy() for Y in self._features(img, layers, image_shape)]

    def grams(
        self, img: numpy.ndarray, layers: Sequence[str] = STYLE_LAYERS
    ) -> list[numpy.ndarray]:
        """Return the Gram matrix of a picture at each layer."""
        from gluon_style.chapter.losses import gram

        return [gram(Y).asnumpy() for Y in self._features(img, layers)]

    def _features(self, img, layers, image_shape=None):
        """Return the features as arrays of MXNet."""
        from gluon_style.chapter.images import preprocess_antialiased
        from gluon_style.chapter.vgg import extract_features

        image_shape = image_shape or (img.shape[1], img.shape[0])
        X = preprocess_antialiased(img, image_shape).copyto(self._device)
        return extract_features(self.net, X, layers, [])[0]


def _relative_distance(array: numpy.ndarray, target: numpy.ndarray) -> float:
    """Return the squared distance of arrays in units of the target's."""
    return float(((array - target) ** 2).sum() / (target**2).sum())
