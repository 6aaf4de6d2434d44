"""The arrays of each net of one pass: their names here, there, and shapes.

``there`` is the name in the ONNX file that the net comes from. No MXNet.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from gluon_style.methods.feedforward.trunks import (
    NUM_STYLES,
    TRUNKS,
    Layer,
)

# The predictor looks at a square of so many pixels, and says so many numbers.
PREDICTOR_SIDE, BOTTLENECK = 256, 100


@dataclass(frozen=True)
class Block:
    """A block of MobileNetV2: expanded channels, then fewer again.

    Where ``channels`` and ``in_channels`` are equal, and ``stride`` is 1, the
    block's input is added to its output.
    """

    name: str
    in_channels: int
    expansion: int
    channels: int
    stride: int

    @property
    def inner(self) -> int:
        """The channels of its depthwise convolution."""
        return self.in_channels * self.expansion

    @property
    def adds(self) -> bool:
        """Whether its input is added to its output."""
        return self.stride == 1 and self.channels == self.in_channels


def _blocks() -> tuple[Block, ...]:
    """Return the blocks of MobileNetV2 (Sandler et al. 2018, table 2)."""
    blocks, in_channels = [], STEM
    for expansion, channels, count, stride in (
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    ):
        for i in range(count):
            name = f'block.{len(blocks)}'
            step = stride if i == 0 else 1
            blocks.append(Block(name, in_channels, expansion, channels, step))
            in_channels = channels
    return tuple(blocks)


# Channels of the predictor's first and last convolution.
STEM, LAST = 32, 1280
BLOCKS = _blocks()


@dataclass(frozen=True)
class Array:
    """The name of an array in an ONNX file, and its shape there."""

    there: str
    shape: tuple[int, ...]


def _styles26() -> dict[str, Array]:
    arrays = {}
    for layer in TRUNKS['styles26'].layers:
        name = layer.name
        arrays[f'{name}.weight'] = Array(f'{name}.w', layer.shape)
        for kind, there in (('scale', 'gamma'), ('shift', 'beta')):
            arrays[f'{name}.{kind}'] = Array(
                f'{name}.norm.{there}', (NUM_STYLES, layer.channels)
            )
    return arrays


def _any_style() -> dict[str, Array]:
    arrays = {}
    for layer in TRUNKS['any-style'].layers:
        there = _any_style_name(layer)
        arrays[f'{layer.name}.weight'] = Array(
            f'transformer/{there}/weights', layer.shape
        )
        if not layer.normalized:
            arrays[f'{layer.name}.bias'] = Array(
                f'transformer/{there}/Conv2D_bias', (layer.channels,)
            )
            continue
        # In the file 'Conv_1' makes the scale and 'Conv' the shift.
        for kind, part in (('scale', 'Conv_1'), ('shift', 'Conv')):
            start = f'style_params/transformer/{there}/StyleNorm/{part}'
            arrays[f'{layer.name}.{kind}.weight'] = Array(
                f'{start}/weights', (layer.channels, BOTTLENECK, 1, 1)
            )
            arrays[f'{layer.name}.{kind}.bias'] = Array(
                f'{start}/Conv2D_bias', (layer.channels,)
            )
    return arrays


def _any_style_name(layer: Layer) -> str:
    part, first, *second = layer.name.split('.')
    number = int(first) + 1
    if part == 'res':
        return f'residual/residual{number}/conv{int(second[0]) + 1}'
    end = '/conv' if part == 'expand' else ''
    return f'{part}/conv{number}{end}'


def _predictor() -> dict[str, Array]:
    arrays: dict[str, Array] = {}

    def add(name: str, there: str, shape: tuple[int, ...]) -> None:
        part = 'depthwise_' if 'depthwise' in name else 'Conv2D_'
        weights = 'depthwise_weights' if 'depthwise' in name else 'weights'
        arrays[f'{name}.weight'] = Array(f'{there}/{weights}', shape)
        arrays[f'{name}.bias'] = Array(f'{there}/{part}bias', shape[:1])

    add('stem', 'MobilenetV2/Conv', (STEM, 3, 3, 3))
    for i, block in enumerate(BLOCKS):
        there = 'MobilenetV2/expanded_conv' + (f'_{i}' if i else '')
        inner = block.inner
        if block.expansion > 1:
            shape = inner, block.in_channels, 1, 1
            add(f'{block.name}.expand', f'{there}/expand', shape)
        add(f'{block.name}.depthwise', f'{there}/depthwise', (inner, 1, 3, 3))
        shape = block.channels, inner, 1, 1
        add(f'{block.name}.project', f'{there}/project', shape)
    add('last', 'MobilenetV2/Conv_1', (LAST, BLOCKS[-1].channels, 1, 1))
    add('bottleneck', 'mobilenet_conv/Conv', (BOTTLENECK, LAST, 1, 1))
    return arrays


@dataclass(frozen=True)
class Net:
    """A net that ships with the package.

    ``sha256`` is the hash of its file. ``sources`` are the names of the files
    that it was converted from, in ``weights.one_pass``, each with its arrays.
    """

    name: str
    file: str
    sha256: str
    sources: tuple[tuple[str, dict[str, Array]], ...]

    @cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each array by its name here."""
        return {
            name: array.shape
            for _, arrays in self.sources
            for name, array in arrays.items()
        }


NETS = {
    net.name: net
    for net in (
        Net(
            'styles26',
            'styles26.npz',
            '5ad845e3e932c14c733ba396a6745a2161d7bfc37c8a253570bdb3352df6d382',
            (('one-pass-styles26', _styles26()),),
        ),
        Net(
            'any-style',
            'any-style.npz',
            'a07d5a27c8468e4e5f89ab5e4bade8b532c80ff8d0925e3cc03e4b9db8e5bc16',
            (
                ('one-pass-any-style', _any_style()),
                ('one-pass-predictor', _predictor()),
            ),
        ),
    )
}
