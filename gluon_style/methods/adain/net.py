"""The encoder, ``adain`` and the decoder (Huang & Belongie 2017).

The encoder is the chapter's truncated VGG, which ends with relu4_1 as the
paper's does.
"""

from mxnet import np, npx
from mxnet.gluon import HybridBlock, nn

from gluon_style._mxnet import padded
from gluon_style.chapter.vgg import build_net
from gluon_style.layers import RGB_MEAN, RGB_STD
from gluon_style.methods.adain.layout import DECODER, LAST_LAYER, NETWORK

# It is added to variances, so that a flat channel has a deviation.
_EPSILON = 1e-5


def mean_and_deviation(features):
    """Return the mean and the deviation of each channel over all places.

    ``features`` are (batch, channels, height, width), and so are both
    results, with a height and a width of 1.
    """
    mean = features.mean(axis=(2, 3), keepdims=True)
    variance = np.square(features - mean).mean(axis=(2, 3), keepdims=True)
    return mean, np.sqrt(variance + _EPSILON)


def adain(content, style):
    """Return the content's features with the style's mean and deviation.

    Adaptive instance normalization (equation 8): channel by channel, what is
    where comes from the content, and how much there is from the style.
    """
    content_mean, content_deviation = mean_and_deviation(content)
    style_mean, style_deviation = mean_and_deviation(style)
    normalized = (content - content_mean) / content_deviation
    return normalized * style_deviation + style_mean


def normalized(X):
    """Return pixels from 0 to 1, (batch, 3, height, width), as VGG's."""
    mean, std = _mean_and_std(X.ctx)
    return X * (1 / std) - mean / std


def pixels(X):
    """Return VGG's pixels as those from 0 to 1, cut off there."""
    mean, std = _mean_and_std(X.ctx)
    return np.clip(X * std + mean, 0, 1)


def _mean_and_std(device):
    return (
        np.array(values, ctx=device).reshape(1, 3, 1, 1)
        for values in (RGB_MEAN, RGB_STD)
    )


def _convolution(X, layer):
    """Return a convolution of 3x3 that sees reflected features at the edges.

    Where an encoder sees zeros there, the decoder paints stripes along them.
    """
    return npx.convolution(
        padded(X, (1, 1, 1, 1), 'reflect'),
        layer.weight.data(X.ctx),
        layer.bias.data(X.ctx),
        kernel=(3, 3),
        num_filter=layer.weight.shape[0],
    )


class Encoder:
    """The truncated VGG to relu4_1: pixels of VGG in, features out.

    ``rms`` is what each channel's features are divided by, (512,): their root
    mean square over the pictures of the training. ``weights`` and ``network``
    are those of ``build_net``.
    """

    def __init__(self, rms, weights='auto', device=None, network=NETWORK):
        layer = LAST_LAYER.replace('relu', 'conv')
        self.net = build_net(
            [layer], [], network=network, weights=weights, device=device
        )
        self.weights = self.net.weights
        self._scale = 1 / np.array(rms, ctx=device).reshape(1, -1, 1, 1)

    def __call__(self, X):
        """Return the features, (batch, 512, height / 8, width / 8)."""
        for layer in self.net:
            if isinstance(layer, nn.Conv2D):
                X = _convolution(X, layer)
            else:
                X = layer(X)
        return npx.activation(X, act_type='relu') * self._scale


class Decoder(HybridBlock):
    """The mirrored encoder: features of ``Encoder`` in, VGG's pixels out.

    It has no normalization of its own, which would give all pictures one
    style (section 5.1 of the paper).
    """

    def __init__(self):
        super().__init__()
        self.convolutions = []
        for k, (in_channels, channels) in enumerate(_convolutions()):
            layer = nn.Conv2D(channels, 3, in_channels=in_channels)
            # MXNet 2.0.0b1 would find it out at the first call only.
            layer.weight.shape = channels, in_channels, 3, 3
            setattr(self, f'conv{k}', layer)
            self.convolutions.append(layer)

    @property
    def parameters(self):
        """The parameters by name, as a file of ``decoder`` has them."""
        return {
            f'conv{k}.{kind}': getattr(layer, kind)
            for k, layer in enumerate(self.convolutions)
            for kind in ('weight', 'bias')
        }

    def hybridize(self, *args, **kwargs):
        """Do nothing: the operators take all the time.

        MXNet 1.9.1 would not record ``forward``.
        """

    def forward(self, features):
        """Return the pixels whose features are ``features``."""
        X, layers = features, iter(self.convolutions)
        for step in DECODER:
            if step == 'x2':
                X = _doubled(X)
                continue
            X = _convolution(X, next(layers))
            if step != DECODER[-1]:
                X = npx.activation(X, act_type='relu')
        return X


def _convolutions():
    return [step for step in DECODER if step != 'x2']


def _doubled(X):
    """Return each feature four times, as ``repeat`` would.

    A transposed convolution takes a quarter of its time on MXNet 1.9.1.
    """
    channels = X.shape[1]
    return npx.deconvolution(
        X,
        np.ones((channels, 1, 2, 2), ctx=X.ctx),
        kernel=(2, 2),
        stride=(2, 2),
        num_filter=channels,
        num_group=channels,
        no_bias=True,
    )
