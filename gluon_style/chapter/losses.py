"""The chapter's three losses and their weighted sum."""

from mxnet import np, npx

from gluon_style.chapter.defaults import (
    CONTENT_WEIGHT,
    STYLE_WEIGHT,
    TV_WEIGHT,
)


def content_loss(Y_hat, Y):
    """Return the mean squared error of two feature maps of one shape."""
    return np.square(Y_hat - Y).mean()


def gram(X):
    """Return the Gram matrix of a feature map (Gatys et al. 2016, eq. 3).

    ``X`` is (1, C, height, width) and the result (C, C): each channel's
    product with each other channel, summed over the n = height * width
    positions and, as in the chapter, divided by C * n. A batch of B > 1
    feature maps gives (B, C, C), a matrix each.
    """
    batch_size, num_channels = X.shape[:2]
    n = X.size // (batch_size * num_channels)
    if batch_size > 1:
        X = X.reshape(batch_size, num_channels, n)
        return npx.batch_dot(X, X, transpose_b=True) / (num_channels * n)
    X = X.reshape(num_channels, n)
    return np.dot(X, X.T) / (num_channels * n)


def style_loss(Y_hat, gram_Y):
    """Return the mean squared error of a feature map's Gram matrix.

    ``Y_hat`` is the feature map, ``gram_Y`` the style picture's matrix.
    """
    return np.square(gram(Y_hat) - gram_Y).mean()


def tv_loss(Y_hat):
    """Return half the mean absolute differences of neighboring pixels.

    ``Y_hat`` is (batch, channels, height, width); the differences down and
    across are averaged apart and added (chapter: Total variation loss).
    """
    return 0.5 * (
        np.abs(Y_hat[:, :, 1:, :] - Y_hat[:, :, :-1, :]).mean()
        + np.abs(Y_hat[:, :, :, 1:] - Y_hat[:, :, :, :-1]).mean()
    )


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

    ``X`` is the synthesized image, (1, 3, height, width); the lists hold its
    features (``_hat``) and their targets, one entry a layer. Returns the
    list of content losses, the list of style losses, the total variation
    loss and the sum, all of them weighted.
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
