"""The layers of the encoder and the decoder. No MXNet."""

from __future__ import annotations

NETWORK, LAST_LAYER = 'vgg16', 'relu4_1'
# What the encoder's last layer has.
CHANNELS = 512
# Input and output channels of the decoder's convolutions. Each 'x2' doubles
# the sides, as each pooling of the encoder halved them.
DECODER: tuple[tuple[int, int] | str, ...] = (
    *((CHANNELS, 256), 'x2'),
    *((256, 256), (256, 256), (256, 256), (256, 128), 'x2'),
    *((128, 128), (128, 64), 'x2'),
    *((64, 64), (64, 3)),
)
# The poolings halve the picture three times, and reflection needs two features
# either way behind them.
STEP, LEAST_SIDE = 8, 16


def _shapes() -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    layers = [step for step in DECODER if not isinstance(step, str)]
    for k, (in_channels, channels) in enumerate(layers):
        shapes[f'conv{k}.weight'] = channels, in_channels, 3, 3
        shapes[f'conv{k}.bias'] = (channels,)
    return shapes


# The shape of each of the decoder's parameters by its name.
SHAPES = _shapes()
