"""The chapter's three losses and their weighted sum."""

from mxnet import np, npx

from gluon_style._mxnet import numpy_mode, of_mxnet
from gluon_style.chapter.defaults import (
    CONTENT_WEIGHT,
    STYLE_WEIGHT,
    TV_WEIGHT,
)


@of_mxnet
@numpy_mode()
def content_loss(Y_hat, Y):
    """Return the mean squared error of two feature maps of one shape."""
    return np.square(Y_hat - Y).mean()


@of_mxnet
@numpy_mode()
def gram(X):
    """Return the Gram matrix of a feature map (Gatys et al. 2016, eq. 3).

    ``X`` is (1, C, height, width) and the result is (C, C). Each entry is
    the product of two channels, summed over the n = height * width positions
    and divided, as in the chapter, by C * n. A batch of B > 1 feature maps
    gives B matrices, (B, C, C).
    """
    batch_size, num_channels = X.shape[:2]
    n = X.size // (batch_size * num_channels)
    if batch_size > 1:
        X = X.reshape(batch_size, num_channels, n)
        return npx.batch_dot(X, X, transpose_b=True) / (num_channels * n)
    X = X.reshape(num_channels, n)
    return np.dot(X, X.T) / (num_channels * n)


@of_mxnet
@numpy_mode()
def style_loss(Y_hat, gram_Y):
    """Return the mean squared error of two Gram matrices.

    ``Y_hat`` is the feature map of the synthesized image, ``gram_Y`` the
    Gram matrix of the style picture.
    """
    return np.square(gram(Y_hat) - gram_Y).mean()


@of_mxnet
@numpy_mode()
def tv_loss(Y_hat):
    """Return half the mean absolute difference of neighboring pixels.

    ``Y_hat`` is (batch, channels, height, width). The mean over vertical
    neighbors and the mean over horizontal neighbors are added (chapter:
    Total variation loss).
    """
    return 0.5 * (
        np.abs(Y_hat[:, :, 1:, :] - Y_hat[:, :, :-1, :]).mean()
        + np.abs(Y_hat[:, :, :, 1:] - Y_hat[:, :, :, :-1]).mean()
    )


@of_mxnet
@numpy_mode()
def compute_loss(
    X,
    contents_Y_hat,
    styles_Y_hat,
    contents_Y,
    styles_Y_gram,
    *,
    content_weight=CONTENT_WEIGHT,
    style_weight=STYLE_WEIGHT,
    tv_weight=TV_WEIGHT,
):
    """Return the weighted losses and their sum (chapter: Combined loss).

    ``X`` is the synthesized image, (1, 3, height, width). The lists hold its
    features (``_hat``) and their targets, one entry for each layer. Returns
    the content losses as a list, the style losses as a list, the total
    variation loss, and the sum of all. Each is already weighted.
    """
    contents_l = [
        content_loss(Y_hat, Y) * content_weight
        for Y_hat, Y in zip(contents_Y_hat, contents_Y)
    ]
    styles_l = [
        style_loss(Y_hat, Y) * style_weight
        for Y_hat, Y in zip(styles_Y_hat, styles_Y_gram)
    ]
    tv_l = tv_loss(X) * tv_weight
    l = sum(styles_l + contents_l + [tv_l])
    return contents_l, styles_l, tv_l, l
