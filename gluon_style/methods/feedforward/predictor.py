"""What predicts the style vector of a picture: MobileNetV2 and two layers.

Ghiasi et al. 2017 took Inception-v3; the net here was distilled from it. Its
batch normalization is part of its weights.
"""

from mxnet import np, npx
from mxnet.gluon import HybridBlock, nn

from gluon_style._mxnet import padded
from gluon_style.methods.feedforward.layout import (
    BLOCKS,
    BOTTLENECK,
    LAST,
    STEM,
)


def relu6(X):
    """Return features, those below 0 and above 6 clipped.

    ``np.clip`` takes three times as long.
    """
    return np.minimum(npx.activation(X, act_type='relu'), 6)


def _convolution(channels, in_channels, kernel=1, stride=1, groups=1):
    # TensorFlow pads a stride of 2 below and at the right only.
    return nn.Conv2D(
        channels,
        kernel,
        strides=stride,
        padding=kernel // 2 if stride == 1 else 0,
        groups=groups,
        in_channels=in_channels,
    )


class InvertedResidual(HybridBlock):
    """A block of MobileNetV2: expand, depthwise convolution, project."""

    def __init__(self, block):
        super().__init__()
        self._block = block
        if block.expansion > 1:
            self.expand = _convolution(block.inner, block.in_channels)
        self.depthwise = _convolution(
            block.inner, block.inner, 3, block.stride, groups=block.inner
        )
        self.project = _convolution(block.channels, block.inner)

    def forward(self, X):
        Y = X
        if self._block.expansion > 1:
            Y = relu6(self.expand(Y))
        if self._block.stride > 1:
            Y = padded(Y, (0, 1, 0, 1), 'constant')
        Y = self.project(relu6(self.depthwise(Y)))
        return X + Y if self._block.adds else Y


class Predictor(HybridBlock):
    """Return 100 numbers about the style of a picture.

    The picture is (1, 3, height, width), RGB from 0 to 1; the net was
    trained on 256x256 pixels. Returns (1, 100).
    """

    def __init__(self):
        super().__init__()
        self.stem = _convolution(STEM, 3, 3, 2)
        self.blocks = nn.HybridSequential()
        for block in BLOCKS:
            self.blocks.add(InvertedResidual(block))
        self.last = _convolution(LAST, BLOCKS[-1].channels)
        self.bottleneck = _convolution(BOTTLENECK, LAST)

    def forward(self, X):
        X = relu6(self.stem(padded(X, (0, 1, 0, 1), 'constant')))
        X = relu6(self.last(self.blocks(X)))
        X = X.mean(axis=(2, 3), keepdims=True)
        return self.bottleneck(X).reshape(1, BOTTLENECK)
