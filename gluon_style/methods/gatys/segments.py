"""The network in pieces, each from one used layer to the next."""

from mxnet.gluon import nn

from gluon_style._mxnet import repeat_edges, without_padding
from gluon_style.methods.gatys.bfloat16 import bfloat16_segment


def segments(net, indices, border, precision='float32'):
    """Return blocks that lead from each layer to the next, by their indices.

    ``border`` is what convolutions see beyond the picture's edges: 'zero',
    or 'replicate', the outermost features. ``precision`` is that of the
    convolutions, activations and poolings inside; what goes in and what comes
    out is float32. The blocks share the parameters of ``net``.
    """
    blocks, begin = [], 0
    for index in indices:
        layers = net[begin : index + 1]
        if precision == 'float32':
            blocks.append(_float32_segment(layers, border))
        elif begin == 0:
            blocks.append(_first_bfloat16_segment(layers, border))
        else:
            blocks.append(bfloat16_segment(layers, border))
        begin = index + 1
    return blocks


def _first_bfloat16_segment(layers, border):
    """Return a segment in bfloat16 whose first convolution is in float32.

    With pixels in bfloat16 the cosine of the gradients with those in float32
    falls from 0.9990 to 0.9980. That convolution takes little time: pixels
    have three channels.
    """
    block = nn.Sequential()
    block.add(_float32_segment(layers[:1], border))
    if len(layers) > 1:
        block.add(bfloat16_segment(layers[1:], border))
    return block


def _float32_segment(layers, border):
    """Return a segment of the net's own layers.

    Hybridizing it saves Python's time and some memory. A static allocation
    was measured, too: it saves no time and takes more memory.
    """
    block = nn.HybridSequential()
    for layer in layers:
        if border == 'replicate' and isinstance(layer, nn.Conv2D):
            block.add(nn.HybridLambda(repeat_edges))
            block.add(without_padding(layer))
        else:
            block.add(layer)
    block.hybridize()
    return block
