"""The two transfer nets: their layers, and what a style vector is to them.

Both are the net of Johnson, Alahi & Fei-Fei 2016 with conditional instance
normalization: the convolutions are the same for all styles, and a style is a
scale and a shift for each channel that is normalized. One net was trained on
26 styles (Dumoulin, Shlens & Kudlur 2017), the other on any (Ghiasi, Lee,
Kudlur, Dumoulin & Shlens 2017). No MXNet.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

# Added to the variances of instance normalization.
EPSILON = 1e-5
# The nets halve the picture twice. Other sides are padded by reflection.
STEP = 4
# The least width and height: reflection needs four more pixels beyond each
# edge, and two features after both halvings.
LEAST_SIDE = 16


@dataclass(frozen=True)
class Layer:
    """A convolution, and what stands before and behind it.

    ``upsampled`` layers take each pixel four times. A layer that is not
    ``normalized`` has a bias in place of a style.
    """

    name: str
    in_channels: int
    channels: int
    kernel: int
    stride: int = 1
    upsampled: bool = False
    normalized: bool = True

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """The shape of the weight, as gluon's ``Conv2D`` has it."""
        return self.channels, self.in_channels, self.kernel, self.kernel


@dataclass(frozen=True)
class Trunk:
    """A transfer net: its name, and the channels of its layers."""

    name: str
    title: str
    contract: tuple[int, int, int]
    residuals: int
    expand: tuple[int, int]
    normalizes_contract: bool

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """All layers, in the order in which a picture passes them."""
        normed = {'normalized': self.normalizes_contract}
        first, second, third = self.contract
        layers = [
            Layer('contract.0', 3, first, 9, **normed),
            Layer('contract.1', first, second, 3, stride=2, **normed),
            Layer('contract.2', second, third, 3, stride=2, **normed),
        ]
        for i in range(self.residuals):
            layers += [Layer(f'res.{i}.{k}', third, third, 3) for k in (0, 1)]
        fourth, fifth = self.expand
        layers += [
            Layer('expand.0', third, fourth, 3, upsampled=True),
            Layer('expand.1', fourth, fifth, 3, upsampled=True),
            Layer('expand.2', fifth, 3, 9),
        ]
        return tuple(layers)

    @cached_property
    def channels(self) -> tuple[int, ...]:
        """The channels of each normalized layer, in order."""
        return tuple(
            layer.channels for layer in self.layers if layer.normalized
        )

    @property
    def style_size(self) -> int:
        """The numbers of a style vector: all scales, then all shifts."""
        return 2 * sum(self.channels)

    @cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each parameter by its name."""
        shapes: dict[str, tuple[int, ...]] = {}
        for layer in self.layers:
            shapes[f'{layer.name}.weight'] = layer.shape
            if not layer.normalized:
                shapes[f'{layer.name}.bias'] = (layer.channels,)
        return shapes


TRUNKS = {
    trunk.name: trunk
    for trunk in (
        Trunk(
            'styles26',
            'the net of 26 styles',
            contract=(32, 32, 32),
            residuals=6,
            expand=(8, 4),
            normalizes_contract=True,
        ),
        Trunk(
            'any-style',
            'the net of any style',
            contract=(8, 16, 32),
            residuals=5,
            expand=(16, 8),
            normalizes_contract=False,
        ),
    )
}
# The styles of 'styles26'.
NUM_STYLES = 26
