"""The whole objective against an independent one in NumPy and SciPy."""

import numpy
import psutil
import pytest
from conftest import picture, random_layers
from mxnet import autograd, np
from scipy.signal import correlate2d

from gluon_style.chapter.images import preprocess
from gluon_style.chapter.losses import compute_loss, gram
from gluon_style.chapter.vgg import build_net, extract_features
from gluon_style.layers import (
    CONTENT_LAYERS,
    NETWORKS,
    STYLE_LAYERS,
    num_poolings,
)
from gluon_style.methods.gatys.features import feature_maps
from gluon_style.methods.gatys.follow import Follow
from gluon_style.methods.gatys.objective import Objective
from gluon_style.methods.gatys.tiles import spans
from gluon_style.weights.formats import write_layers

VGG19 = NETWORKS['vgg19']
CONTENT, STYLE = ('conv2_2',), ('conv1_1', 'conv2_1')
NAMES = ('conv1_1', 'conv1_2', 'conv2_1', 'conv2_2')
WEIGHTS = {'content_weight': 2, 'style_weight': 300, 'tv_weight': 5}


# The oracle's name of what is beyond the edges.
PADDING = {'zero': 'constant', 'replicate': 'edge'}


def convolve(X, weight, bias, border):
    padded = numpy.pad(X, ((0, 0), (1, 1), (1, 1)), PADDING[border])
    return numpy.stack(
        [
            sum(
                correlate2d(padded[i], weight[o, i], 'valid')
                for i in range(len(X))
            )
            + bias[o]
            for o in range(len(weight))
        ]
    )


def pool(X):
    channels, height, width = X.shape
    X = X[:, : height // 2 * 2, : width // 2 * 2]
    X = X.reshape(channels, height // 2, 2, width // 2, 2)
    return X.max(axis=(2, 4))


def oracle_features(layers, X, border):
    features = {}
    for name in NAMES:
        if name == 'conv2_1':
            X = pool(X)
        weight, bias = (a.astype('float64') for a in layers[name])
        X = convolve(X, weight, bias, border)
        features[name] = X
        X = numpy.maximum(X, 0)
    return features


def oracle_gram(Y):
    Y = Y.reshape(len(Y), -1)
    return Y @ Y.T / Y.size


def oracle_loss(layers, X, content_X, style_X, border='zero'):
    features, content, style = (
        oracle_features(layers, each, border)
        for each in (X, content_X, style_X)
    )
    loss = 5 * 0.5 * abs(numpy.diff(X, axis=1)).mean()
    loss += 5 * 0.5 * abs(numpy.diff(X, axis=2)).mean()
    for name in CONTENT:
        loss += 2 * ((features[name] - content[name]) ** 2).mean()
    for name in STYLE:
        error = oracle_gram(features[name]) - oracle_gram(style[name])
        loss += 300 * (error**2).mean()
    return loss


@pytest.fixture(scope='module')
def case(tmp_path_factory):
    layers = random_layers(NAMES)
    path = tmp_path_factory.mktemp('objective') / 'small.npz'
    write_layers(path, layers)
    net = build_net(CONTENT, STYLE, weights=path)
    pictures = [
        preprocess(np.array(picture(11, 8, seed), dtype='uint8'), (11, 8))
        for seed in (1, 2, 3)
    ]
    return layers, net, pictures


def test_loss_and_gradient_are_the_oracles(case):
    layers, net, (X, content_X, style_X) = case
    contents_Y, _ = extract_features(net, content_X, CONTENT, STYLE)
    _, styles_Y = extract_features(net, style_X, CONTENT, STYLE)
    X.attach_grad()
    with autograd.record():
        features = extract_features(net, X, CONTENT, STYLE)
        grams = [gram(Y) for Y in styles_Y]
        *_, l = compute_loss(X, *features, contents_Y, grams, **WEIGHTS)
    l.backward()

    check_oracle(float(l), X.grad, layers, (X, content_X, style_X), 'zero')


def check_oracle(loss, gradient, layers, images, border):
    """Compare a loss and its gradient with the oracle's, which has slopes."""
    X, *targets = (a.asnumpy()[0].astype('float64') for a in images)
    expected = oracle_loss(layers, X, *targets, border)
    assert loss == pytest.approx(expected, rel=1e-5)

    rng = numpy.random.RandomState(0)
    for _ in range(2):
        direction = 1e-5 * rng.normal(size=X.shape)
        slope = sum(
            sign * oracle_loss(layers, X + sign * direction, *targets, border)
            for sign in (1, -1)
        )
        change = 2 * (gradient.asnumpy()[0] * direction).sum()
        assert change == pytest.approx(slope, rel=1e-3)


def test_the_temporal_loss_is_the_mean_of_sure_squares(case):
    _, net, (X, content_X, style_X) = case
    height, width = X.shape[2:]
    rng = numpy.random.RandomState(0)
    before = rng.uniform(size=(height, width, 3))
    sure = rng.uniform(size=(height, width))
    follow = Follow(before.astype('float32'), sure.astype('float32'), 2.0)
    objectives = [
        Objective(
            net,
            content_X,
            style_X,
            content_layers=CONTENT,
            style_layers=STYLE,
            strength=None,
            follow=each,
        )
        for each in (follow, None)
    ]
    losses, gradients = [], []
    for objective in objectives:
        X.attach_grad('add')
        losses.append([float(each) for each in objective(X)])
        gradients.append(X.grad.asnumpy()[0].astype('float64'))
    target = follow.start((width, height), X.ctx).asnumpy()[0]
    content = net_energy(net, content_X)

    def oracle(pixels):
        return 2 * content * (sure * (pixels - target) ** 2).mean()

    pixels = X.asnumpy()[0].astype('float64')
    assert losses[0][0] - losses[1][0] == pytest.approx(
        oracle(pixels), rel=1e-4
    )
    assert losses[0][1:] == pytest.approx(losses[1][1:])
    direction = 1e-4 * rng.normal(size=pixels.shape)
    slope = oracle(pixels + direction) - oracle(pixels - direction)
    change = 2 * ((gradients[0] - gradients[1]) * direction).sum()
    assert change == pytest.approx(slope, rel=1e-3)


def net_energy(net, content_X):
    """Return the weighted content loss of a picture without structure."""
    (Y,), _ = extract_features(net, content_X, CONTENT, STYLE)
    Y = Y.asnumpy().astype('float64')
    return numpy.square(Y - Y.mean(axis=(2, 3), keepdims=True)).mean()


@pytest.mark.parametrize('border', ['zero', 'replicate'])
def test_loss_and_gradient_with_a_border_are_the_oracles(case, border):
    layers, net, (X, content_X, style_X) = case
    objective = Objective(
        net,
        content_X,
        style_X,
        content_layers=CONTENT,
        style_layers=STYLE,
        border=border,
        **WEIGHTS,
    )
    X = X.copy()
    X.attach_grad('add')
    loss = sum(float(part) for part in objective(X))
    check_oracle(loss, X.grad, layers, (X, content_X, style_X), border)


LAYERS = {
    'content_layers': ('conv3_1', 'relu2_2'),
    'style_layers': ('conv1_1', 'conv3_1', 'pool2', 'conv3_2'),
}


@pytest.fixture(scope='module')
def deep(weights_file):
    """A net up to conv3_2 and pictures of an odd shape, 155x107."""
    return build_net(**LAYERS, weights=weights_file), pictures(155, 107)


def pictures(width, height):
    return [
        preprocess(
            np.array(picture(31, 21, seed), dtype='uint8'), (width, height)
        )
        for seed in (1, 2, 3)
    ]


def chapters_loss(net, X, content_X, style_X, layers=LAYERS, **weights):
    """Return the chapter's three losses and the gradient of their sum."""
    contents_Y, _ = extract_features(net, content_X, **layers)
    _, styles_Y = extract_features(net, style_X, **layers)
    X = X.copy()
    X.attach_grad()
    with autograd.record():
        contents_l, styles_l, tv_l, l = compute_loss(
            X,
            *extract_features(net, X, **layers),
            contents_Y,
            [gram(Y) for Y in styles_Y],
            **weights,
        )
    l.backward()
    losses = [float(sum(contents_l)), float(sum(styles_l)), float(tv_l)]
    return losses, X.grad.asnumpy()


def fast_loss(net, X, content_X, style_X, layers=LAYERS, **options):
    objective = Objective(net, content_X, style_X, **layers, **options)
    X = X.copy()
    X.attach_grad('add')
    for _ in range(2):
        # The second call must not add to the first one's gradient.
        losses = [float(loss) for loss in objective(X)]
    return losses, X.grad.asnumpy()


@pytest.mark.parametrize(
    'weights',
    [{}, {'content_weight': 3e3, 'style_weight': 1e-2, 'tv_weight': 50}],
)
@pytest.mark.parametrize('tile', [None, 96, 64, 32])
def test_fast_loss_and_gradient_are_the_chapters(deep, weights, tile):
    net, images = deep
    expected, expected_gradient = chapters_loss(net, *images, **weights)
    losses, gradient = fast_loss(net, *images, tile=tile, **weights)
    assert losses == pytest.approx(expected, rel=1e-5)
    # Everywhere, seams included, against the gradient's usual size.
    usual = abs(expected_gradient).mean()
    assert abs(gradient - expected_gradient).max() < 1e-4 * usual


def test_the_chapters_layers_in_tiles(weights_file):
    layers = {'content_layers': CONTENT_LAYERS, 'style_layers': STYLE_LAYERS}
    net, images = build_net(weights=weights_file), pictures(331, 36)
    expected, expected_gradient = chapters_loss(net, *images, layers)
    losses, gradient = fast_loss(net, *images, layers, tile=96)
    assert losses == pytest.approx(expected, rel=1e-5)
    usual = abs(expected_gradient).mean()
    assert abs(gradient - expected_gradient).max() < 1e-4 * usual


@pytest.mark.parametrize('pooling', ['max', 'avg'])
@pytest.mark.parametrize('masked', [False, True])
def test_a_replicated_border_in_tiles(weights_file, pooling, masked):
    net = build_net(**LAYERS, weights=weights_file, pooling=pooling)
    images, options = pictures(155, 107), {'border': 'replicate'}
    if masked:
        options['mask'] = half(155, 107)
    expected, expected_gradient = fast_loss(net, *images, **options)
    losses, gradient = fast_loss(net, *images, tile=32, **options)
    assert losses == pytest.approx(expected, rel=1e-5)
    usual = abs(expected_gradient).mean()
    assert abs(gradient - expected_gradient).max() < 1e-4 * usual


@pytest.mark.parametrize('border', ['zero', 'replicate'])
@pytest.mark.parametrize('pooling', ['max', 'avg'])
def test_a_plain_picture_has_plain_features(weights_file, border, pooling):
    net = build_net(weights=weights_file, pooling=pooling)
    colors = np.array([0.5, -1, 2]).reshape(1, 3, 1, 1)
    # At conv5_1 it has 3x1 positions: only zeros tell them apart.
    X = colors * np.ones((1, 3, 50, 31))
    deepest = VGG19.index('conv5_1')
    features = feature_maps(net, [VGG19.index('conv1_1'), deepest], border)
    for Y in features(X):
        spread = float((Y.max(axis=(2, 3)) - Y.min(axis=(2, 3))).max())
        if border == 'zero':
            assert spread > 0.1 * float(abs(Y).max())
        else:
            assert spread < 1e-5 * float(abs(Y).max())
    assert Y.shape == (1, 512, 3, 1)


def test_each_loss_alone_has_its_gradient(deep):
    net, images = deep
    for name in ('content_weight', 'style_weight', 'tv_weight'):
        weights = dict.fromkeys(
            ('content_weight', 'style_weight', 'tv_weight'), 0
        )
        weights[name] = 7
        expected, expected_gradient = chapters_loss(net, *images, **weights)
        losses, gradient = fast_loss(net, *images, tile=64, **weights)
        assert losses == pytest.approx(expected, rel=1e-5)
        largest = abs(expected_gradient).max()
        assert abs(gradient - expected_gradient).max() < 1e-4 * largest


@pytest.mark.parametrize(
    'layer, reach', [('conv1_2', 2), ('conv2_1', 4), ('conv3_2', 14)]
)
def test_a_halo_is_at_least_what_a_layer_sees(weights_file, layer, reach):
    # Averages, for a maximum would hide all pixels but one.
    net = build_net([layer], [layer], weights=weights_file, pooling='avg')
    X = np.random.normal(size=(1, 3, 128, 8))
    X.attach_grad()
    scale = 2 ** num_poolings(layer)
    with autograd.record():
        Y = net(X)[:, :, 64 // scale].sum()
    Y.backward()
    (rows,) = abs(X.grad.asnumpy()).sum(axis=(0, 1, 3)).nonzero()
    assert (rows.min(), rows.max()) == (64 - reach, 64 + scale - 1 + reach)
    assert VGG19.halo(layer) >= reach


def test_an_evaluation_does_not_keep_memory(deep):
    net, (X, content_X, style_X) = deep
    objective = Objective(net, content_X, style_X, **LAYERS)
    X = X.copy()
    X.attach_grad('add')

    def evaluate(times):
        for _ in range(times):
            for loss in objective(X):
                float(loss)
        return psutil.Process().memory_info().rss

    before = evaluate(10)
    # The feature maps of one evaluation are 40 MB, so that keeping them would
    # take 800 MB. What else the process does is far less than half of that.
    assert evaluate(20) - before < 400 << 20


@pytest.mark.parametrize('length', [32, 33, 100, 255, 256, 257, 1800])
@pytest.mark.parametrize('tile', [32, 96, 256])
def test_spans_cover_a_length_once_with_enough_around(length, tile):
    cuts = spans(length, tile, 16, VGG19.halo('conv5_1'))
    assert cuts[0].first == cuts[0].low == 0
    assert cuts[-1].last == cuts[-1].high == length
    for a, b in zip(cuts, cuts[1:]):
        assert a.last == b.first
        assert a.first % 16 == a.low % 16 == 0
    assert len({span.high - span.low for span in cuts}) == 1
    for span in cuts:
        assert 0 < span.last - span.first <= tile
        # conv5_1 sees 85 pixels around it.
        assert span.low == 0 or span.first - span.low >= 96
        assert span.high == length or span.high - span.last >= 96


def test_spans_without_features_are_joined():
    margin = VGG19.halo('pool5')
    assert [s[:2] for s in spans(63, 32, 32, margin)] == [(0, 63)]
    assert [s[:2] for s in spans(64, 32, 32, margin)] == [(0, 32), (32, 64)]
    for length in range(32, 200):
        for span in spans(length, 32, 32, margin):
            assert span.last // 32 > span.first // 32


@pytest.mark.parametrize('tile', [0, 8, 24, 100])
def test_a_tile_that_does_not_fit_the_poolings(tile):
    with pytest.raises(ValueError, match=f'tile is {tile}: it must be a mul'):
        spans(450, tile, 16, 96)


def test_a_layer_beyond_the_net(deep):
    net, (_, content_X, style_X) = deep
    with pytest.raises(ValueError, match="layer 'pool5' is beyond the"):
        Objective(net, content_X, style_X, style_layers=['pool5'])


def test_halo_of_the_first_layers_by_hand():
    # conv1_1 and conv1_2 see one pixel each; the pooling one place further,
    # and conv2_1 two pixels, to a multiple of two.
    assert VGG19.halo('conv1_1') == 1
    assert VGG19.halo('conv1_2') == 2
    assert VGG19.halo('pool1') == 4
    assert VGG19.halo('conv2_1') == 6
    assert VGG19.halo('conv5_1') == 96


def autograds_loss(net, X, content_X, style_X, guide=None, name='gram'):
    """Return the losses of deep's layers by autograd, and their gradient.

    They are written as in the papers: sums over positions, weighted by a
    guide of each layer's shape.
    """

    def statistics(Y, weights):
        C = Y.shape[1]
        Y, weights = Y.reshape(C, -1), weights.reshape(1, -1)
        n = weights.sum()
        mean = (Y * weights).sum(axis=1) / n
        if name == 'gram':
            return [np.dot(Y * weights, Y.T) / n / C]
        variance = (Y * Y * weights).sum(axis=1) / n - mean * mean
        return [mean, np.sqrt(variance + 1e-8)]

    def ones(Y):
        return np.ones((1, 1, *Y.shape[2:]))

    contents_Y, _ = extract_features(net, content_X, **LAYERS)
    _, styles_Y = extract_features(net, style_X, **LAYERS)
    X = X.copy()
    X.attach_grad()
    with autograd.record():
        contents_Y_hat, styles_Y_hat = extract_features(net, X, **LAYERS)
        content = sum(
            np.square(Y_hat - Y).mean()
            for Y_hat, Y in zip(contents_Y_hat, contents_Y)
        )
        style = 0
        for Y_hat, Y in zip(styles_Y_hat, styles_Y):
            weights = ones(Y_hat)
            if guide is not None:
                side = X.shape[3] // Y_hat.shape[3]
                height, width = Y_hat.shape[2:]
                cropped = guide[: height * side, : width * side]
                blocks = cropped.reshape(height, side, width, side)
                blocks = blocks.mean(axis=(1, 3)).astype('float32')
                weights = np.array(blocks)[None, None]
            for a, b in zip(
                statistics(Y_hat, weights), statistics(Y, ones(Y))
            ):
                style = style + np.square(a - b).mean()
        scale = 1e4 if name == 'gram' else 1e4 / 1000
        share = 1 if guide is None else float(guide.mean())
        l = content + scale * share * style
    l.backward()
    return float(content), float(scale * share * style), X.grad.asnumpy()


def half(width, height):
    """Return a mask that goes from 1 to 0 in the middle of the picture."""
    slope = numpy.linspace(3, -2, width).clip(0, 1)
    return numpy.tile(slope, (height, 1))


@pytest.mark.parametrize('tile', [None, 64])
@pytest.mark.parametrize('name', ['gram', 'meanvar'])
@pytest.mark.parametrize('masked', [False, True])
def test_regions_and_losses_are_autograds(deep, tile, name, masked):
    net, images = deep
    mask = half(155, 107) if masked else None
    content, style, gradient = autograds_loss(net, *images, mask, name)
    losses, own_gradient = fast_loss(
        net, *images, tile=tile, tv_weight=0, style_loss=name, mask=mask
    )
    assert losses == pytest.approx([content, style, 0], rel=1e-4)
    usual = abs(gradient).mean()
    assert abs(own_gradient - gradient).max() < 1e-3 * usual


def test_wasserstein_gradient_by_finite_differences(deep):
    net, (X, content_X, style_X) = deep
    objective = Objective(
        net, content_X, style_X, **LAYERS, style_loss='w2', tv_weight=0
    )

    def total(X):
        X.attach_grad('add')
        return sum(float(loss) for loss in objective(X))

    total(X)
    gradient = X.grad.asnumpy()
    step = 1e-3 * numpy.sign(gradient)
    slope = (
        total(np.array(X.asnumpy() + step))
        - total(np.array(X.asnumpy() - step))
    ) / 2
    assert (gradient * step).sum() == pytest.approx(slope, rel=2e-2)


def test_two_styles_in_two_regions_are_the_sum_of_each_alone(deep):
    net, (X, content_X, style_X) = deep
    mask = half(155, 107)
    other_X = content_X * 0.5
    options = {'content_weight': 0, 'tv_weight': 0}
    (_, first, _), of_first = fast_loss(
        net, X, content_X, style_X, mask=mask, **options
    )
    (_, second, _), of_second = fast_loss(
        net, X, content_X, other_X, mask=1 - mask, **options
    )
    (_, both, _), of_both = fast_loss(
        net, X, content_X, [style_X, other_X], mask=mask, **options
    )
    assert both == pytest.approx(first + second, rel=1e-5)
    usual = abs(of_both).mean()
    assert abs(of_both - of_first - of_second).max() < 1e-4 * usual


def test_a_region_leaves_the_rest_alone(deep):
    net, images = deep
    mask = numpy.zeros((107, 155))
    mask[:, :64] = 1
    _, gradient = fast_loss(
        net, *images, mask=mask, content_weight=0, tv_weight=0
    )
    # conv3_2 sees 20 pixels around it.
    assert abs(gradient[..., :64]).max() > 0
    assert abs(gradient[..., 64 + 32 :]).max() == 0


def test_an_empty_mask_has_no_style_loss(deep):
    net, images = deep
    (_, style, _), _ = fast_loss(net, *images, mask=numpy.zeros((107, 155)))
    assert style == 0


def test_blended_styles_are_targets_between_them(deep):
    net, (X, content_X, style_X) = deep
    options = {'content_weight': 0, 'tv_weight': 0}

    def gradient(styles, **more):
        return fast_loss(net, X, content_X, styles, **options, **more)[1]

    first, second = gradient(style_X), gradient(content_X)
    both = gradient([style_X, content_X], style_blend=(2, 1))
    # The gradient is linear in the target.
    expected = (2 * first + second) / 3
    usual = abs(expected).mean()
    assert abs(both - expected).max() < 1e-3 * usual
    alone = gradient([style_X, content_X], style_blend=(1, 0))
    assert abs(alone - first).max() < 1e-5 * usual


def test_a_style_of_another_shape_has_its_own_statistics(deep):
    net, (X, content_X, style_X) = deep
    twice = np.concatenate([style_X, style_X[:, :, ::-1]], axis=2)
    small, large = (
        fast_loss(net, X, content_X, img, content_weight=0, tv_weight=0)[0][1]
        for img in (style_X, twice)
    )
    assert large == pytest.approx(small, rel=0.1)


def test_layers_count_by_their_weights(deep):
    net, (X, content_X, style_X) = deep

    def losses(content_layers, style_layers):
        layers = {
            'content_layers': content_layers,
            'style_layers': style_layers,
        }
        return fast_loss(net, X, content_X, style_X, layers)

    (first, _, _), _ = losses(['conv2_1'], ['conv1_1'])
    (second, a, _), of_a = losses(['conv3_1'], ['conv1_1'])
    (_, b, _), of_b = losses(['conv3_1'], ['conv2_2'])
    (mixed, style, _), of_style = losses(
        ['conv2_1:0.5', 'conv3_1:3'], ['conv1_1:2', 'conv2_2:0.25']
    )
    assert mixed == pytest.approx(0.5 * first + 3 * second, rel=1e-5)
    assert style == pytest.approx(2 * a + 0.25 * b, rel=1e-5)
    (_, once, _), of_once = losses(['conv3_1'], ['conv1_1'])
    (_, thrice, _), of_thrice = losses(['conv3_1:3'], ['conv1_1:3'])
    assert thrice == pytest.approx(3 * once, rel=1e-5)


@pytest.mark.parametrize('without', ['content', 'style'])
def test_one_picture_alone_has_one_loss(deep, without):
    net, (X, content_X, style_X) = deep
    whole, _ = fast_loss(net, X, content_X, style_X)
    pictures = {'content': content_X, 'style': style_X, without: None}
    losses, _ = fast_loss(net, X, *pictures.values())
    expected = [whole[0], whole[1], whole[2]]
    expected[0 if without == 'content' else 1] = 0
    assert losses == pytest.approx(expected, rel=1e-5)
    if without == 'style':
        assert fast_loss(net, X, content_X, [])[0] == losses


@pytest.mark.parametrize('tile', [None, 32])
def test_a_wrapped_picture_has_no_edge(deep, tile):
    net, (X, content_X, style_X) = (
        deep[0],
        [img[:, :, :96, :128] for img in deep[1]],
    )

    def rolled(img, rows, columns):
        return np.array(
            numpy.roll(img.asnumpy(), (rows, columns), axis=(2, 3))
        )

    options = {'tileable': True, 'tile': tile}
    losses, gradient = fast_loss(net, X, content_X, style_X, **options)
    moved, moved_gradient = fast_loss(
        net,
        rolled(X, 40, 72),
        rolled(content_X, 40, 72),
        style_X,
        **options,
    )
    # Wherever its edge is, the picture is the same.
    assert moved == pytest.approx(losses, rel=1e-4)
    back = numpy.roll(moved_gradient, (-40, -72), axis=(2, 3))
    usual = abs(gradient).mean()
    assert abs(back - gradient).max() < 1e-2 * usual
    unwrapped, _ = fast_loss(net, X, content_X, style_X)
    assert unwrapped[1] != pytest.approx(losses[1], rel=1e-4)


def test_a_wrapped_picture_of_an_odd_side_is_refused(deep):
    net, images = deep
    with pytest.raises(ValueError, match='has a side of 107 pixels: it must'):
        fast_loss(net, *images, tileable=True)
