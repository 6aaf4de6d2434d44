"""The synthesized image: pixels as the parameter of a gluon block."""

from mxnet import gluon, init
from mxnet.gluon import nn
from mxnet.util import use_np

from gluon_style._mxnet import new_parameter, numpy_mode
from gluon_style.chapter.losses import gram


# MXNet's own decorator covers the methods that a block inherits.
@use_np
class SynthesizedImage(nn.Block):
    """Hold the pixels that are optimized, as the parameter ``weight``.

    ``img_shape`` is (1, 3, height, width). Call the block to get the pixels
    (chapter: Initializing the synthesized image).
    """

    def __init__(self, img_shape):
        super().__init__()
        self.weight = new_parameter(self, 'weight', img_shape)

    def forward(self):
        return self.weight.data()


@numpy_mode()
def get_inits(X, device, lr, styles_Y):
    """Return the pixels, the style's Gram matrices and the trainer.

    The pixels are a copy of ``X``, (1, 3, height, width), on ``device``.
    ``styles_Y`` are the features of the style picture. The trainer is Adam
    with the learning rate ``lr``.
    """
    gen_img = SynthesizedImage(X.shape)
    gen_img.initialize(init.Constant(X), ctx=device, force_reinit=True)
    trainer = gluon.Trainer(
        gen_img.collect_params(), 'adam', {'learning_rate': lr}
    )
    styles_Y_gram = [gram(Y) for Y in styles_Y]
    return gen_img(), styles_Y_gram, trainer
