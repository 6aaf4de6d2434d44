"""The chapter's optimization loop: Adam on the pixels, with step decay."""

from mxnet import autograd

from gluon_style._mxnet import numpy_mode
from gluon_style.chapter.defaults import (
    CONTENT_WEIGHT,
    LR_DECAY,
    STYLE_WEIGHT,
    TV_WEIGHT,
)
from gluon_style.chapter.losses import compute_loss
from gluon_style.chapter.synthesis import get_inits
from gluon_style.chapter.vgg import extract_features
from gluon_style.layers import CONTENT_LAYERS, STYLE_LAYERS
from gluon_style.records.log import Log


@numpy_mode()
def train(
    net,
    X,
    contents_Y,
    styles_Y,
    device,
    lr,
    num_epochs,
    lr_decay_epoch,
    *,
    content_layers=CONTENT_LAYERS,
    style_layers=STYLE_LAYERS,
    content_weight=CONTENT_WEIGHT,
    style_weight=STYLE_WEIGHT,
    tv_weight=TV_WEIGHT,
    callback=None,
    callback_every=10,
):
    """Return the synthesized image (chapter: Optimization loop).

    The optimization starts from a copy of ``X``, (1, 3, height, width), and
    returns pixels of that shape. There are ``num_epochs`` steps. After every
    ``lr_decay_epoch`` of them, the learning rate ``lr`` is multiplied by 0.8.

    ``callback(history, X)`` is called every ``callback_every`` epochs and
    after the last one. ``history`` is a list with an ``Epoch`` for each epoch
    so far: ``history[-1].total`` is its loss. As in the chapter, these are
    the losses before an epoch's step, and ``X`` are the pixels after it.

    Raises NonFiniteLossError if a loss becomes infinite or not a number. It
    names the first such epoch, but is raised when the next callback is due,
    because reading the losses earlier would make the device wait.
    """
    X, styles_Y_gram, trainer = get_inits(X, device, lr, styles_Y)
    log = Log(callback, callback_every)
    for epoch in range(num_epochs):
        with autograd.record():
            contents_Y_hat, styles_Y_hat = extract_features(
                net, X, content_layers, style_layers
            )
            contents_l, styles_l, tv_l, l = compute_loss(
                X,
                contents_Y_hat,
                styles_Y_hat,
                contents_Y,
                styles_Y_gram,
                content_weight=content_weight,
                style_weight=style_weight,
                tv_weight=tv_weight,
            )
        l.backward()
        log.add(sum(contents_l), sum(styles_l), tv_l)
        due = log.due() or epoch + 1 == num_epochs
        if due:
            log.read(X)
        trainer.step(1)
        if (epoch + 1) % lr_decay_epoch == 0:
            trainer.set_learning_rate(trainer.learning_rate * LR_DECAY)
        if due:
            log.call(X)
    return X
