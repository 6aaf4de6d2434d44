"""Every setting that changes the look, by the losses of a run's first epoch.

An epoch's losses are those before its step, so that the first ones are of a
picture that is known. The numbers they are compared with are NumPy's.
"""

import numpy
import pytest
from conftest import picture
from mxnet import autograd, cpu, np
from PIL import Image
from scipy.special import erf

from gluon_style import Settings, stylize
from gluon_style.chapter.images import postprocess, preprocess
from gluon_style.chapter.vgg import build_net
from gluon_style.layers import LAYER_NAMES, RGB_STD
from gluon_style.methods.gatys.inputs import Inputs
from gluon_style.methods.gatys.objective import Objective
from gluon_style.methods.gatys.variation import total_variation
from gluon_style.methods.observers import Observer
from gluon_style.pictures.color import match_color, match_histogram

SHAPE = WIDTH, HEIGHT = 48, 32
# Of the result's shape, so that only what a test is about is resized.
CONTENT = picture(*SHAPE, seed=1)
STYLE, OTHER = picture(60, 45, seed=2), picture(50, 50, seed=3)
CONTENT_LAYERS = ('conv3_1',)
STYLE_LAYERS = ('conv1_1', 'conv2_1', 'conv3_1')
# The red, green and blue parts of Y, I and Q, as NTSC has them.
YIQ = numpy.array(
    [[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]]
)
# The left three eighths; in conv3_1's positions of 4 pixels the edge is
# within one.
LEFT = 18
MASK = numpy.zeros((HEIGHT, WIDTH, 3), 'uint8')
MASK[:, :LEFT] = 255


@pytest.fixture(scope='module')
def first_epoch(weights_file):
    """Run one epoch, whose step is tiny; returns the result."""
    settings = Settings(
        size=SHAPE,
        epochs=1,
        lr=1e-3,
        weights=weights_file,
        device='cpu',
        content_layers=CONTENT_LAYERS,
        style_layers=STYLE_LAYERS,
    )

    def run(content=CONTENT, style=STYLE, **options):
        return stylize(content, style, settings, **options)

    return run


@pytest.fixture(scope='module')
def features(weights_file):
    """Return features of pixels by layer, (channels, height, width)."""
    nets = {}

    def of(X, layers=STYLE_LAYERS, pooling='max'):
        key = pooling, *layers
        if key not in nets:
            nets[key] = build_net(
                layers, layers, weights=weights_file, pooling=pooling
            )
        net, maps = nets[key], {}
        for i in range(len(net)):
            X = net[i](X)
            if LAYER_NAMES[i] in layers:
                maps[LAYER_NAMES[i]] = X[0].asnumpy().astype('float64')
        return maps

    return of


def pixels(img, image_shape=SHAPE):
    return preprocess(np.array(img, dtype='uint8'), image_shape)


def noise(seed):
    rng = numpy.random.RandomState(seed)
    return np.array(rng.normal(size=(1, 3, HEIGHT, WIDTH)), dtype='float32')


def variation(X, size):
    """Return the total variation, with the size of each difference."""
    down, across = (size(numpy.diff(X, axis=axis)).mean() for axis in (2, 3))
    return 0.5 * (down + across)


def around(X, size):
    """Return the total variation of pixels whose opposite edges meet."""
    down, across = (
        size(numpy.roll(X, -1, axis=axis) - X).mean() for axis in (2, 3)
    )
    return 0.5 * (down + across)


def guide(mask, F):
    """Return how much each of a layer's positions counts, in one row."""
    _, height, width = F.shape
    side = len(mask) // height
    blocks = mask.reshape(height, side, width, side)
    return blocks.mean(axis=(1, 3)).reshape(1, -1)


def moments(F, mask=None):
    """Return the mean of the channels and of their products."""
    weights = numpy.ones((1, F[0].size)) if mask is None else guide(mask, F)
    F, n = F.reshape(len(F), -1), weights.sum()
    return (F * weights).sum(axis=1) / n, (F * weights) @ F.T / n


def gram(F, mask=None):
    return moments(F, mask)[1] / len(F)


def by_gram(F, style, mask=None):
    return ((gram(F, mask) - gram(style)) ** 2).mean()


def by_meanvar(F, style, mask=None):
    mean, second = moments(F, mask)
    style_mean, style_second = moments(style)
    deviation = numpy.sqrt(numpy.diag(second) - mean**2)
    style_deviation = numpy.sqrt(numpy.diag(style_second) - style_mean**2)
    errors = (mean - style_mean) ** 2 + (deviation - style_deviation) ** 2
    return 0.001 * errors.mean()


def by_w2(F, style, mask=None):
    mean, second = moments(F, mask)
    style_mean, style_second = moments(style)
    C = len(mean)
    covariance = second - numpy.outer(mean, mean)
    wanted = style_second - numpy.outer(style_mean, style_mean)
    # A thousandth of the style's mean variance keeps both regular.
    ridge = 1e-3 * numpy.trace(wanted) / C * numpy.eye(C)
    covariance, wanted = covariance + ridge, wanted + ridge
    # The product has the eigenvalues of wanted^(1/2) covariance wanted^(1/2).
    values = numpy.linalg.eigvals(wanted @ covariance).real
    traces = numpy.trace(covariance + wanted) - 2 * numpy.sqrt(values).sum()
    return 0.0003 * (((mean - style_mean) ** 2).sum() + traces) / C


def style_loss(Y_hat, style, loss=by_gram, mask=None):
    return 1e4 * sum(loss(Y_hat[i], style[i], mask) for i in Y_hat)


def steps(result, start):
    """Return how far each pixel, (height, width, 3), is from the start.

    Where a pixel cannot be displayed, this is less than it is.
    """
    before = postprocess(np.array(start, dtype='float32')).asnumpy()
    return abs(result.pixels - before) / RGB_STD


def first(result, name='style'):
    return getattr(result.history[0], name)


def close(value, rel=1e-4):
    return pytest.approx(value, rel=rel)


def test_squared_variation_by_hand():
    X = np.array([[[[0.0, 1.0, 3.0], [4.0, 4.0, 0.0]]]])
    down, across = (16 + 9 + 9) / 3, (1 + 4 + 0 + 16) / 4
    assert float(total_variation(X, 'l2')) == close(
        0.5 * (down + across), 1e-6
    )


def test_squared_variation_has_its_gradient():
    X = noise(1)
    X.attach_grad()
    with autograd.record():
        loss = total_variation(X, 'l2')
    loss.backward()
    rng = numpy.random.RandomState(2)
    start = X.asnumpy().astype('float64')
    for _ in range(3):
        # A square has no third derivative: the step may be of any length.
        step = rng.normal(size=X.shape)
        ahead, behind = (
            variation(start + sign * step, numpy.square) for sign in (1, -1)
        )
        slope = (X.grad.asnumpy() * step).sum()
        assert slope == close((ahead - behind) / 2, 1e-4)


# A channel with two corners, each a difference from its neighbor down and from
# that across, and around the edges from two of either. The others are empty.
CORNER = [[1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 3.0]]


@pytest.mark.parametrize(
    'norm, wraps, expected',
    [
        ('l1', False, 0.5 * (4 + 4) / 18),
        ('l2', False, 0.5 * (10 + 10) / 18),
        ('l1', True, 0.5 * (8 + 8) / 27),
        ('l2', True, 0.5 * (20 + 20) / 27),
    ],
)
def test_variation_of_an_objective_by_hand(
    weights_file, norm, wraps, expected
):
    net = build_net(['conv1_1'], ['conv1_1'], weights=weights_file)
    options = {'tv_norm': norm, 'tileable': wraps, 'content_weight': 0}
    layers = {'content_layers': ['conv1_1'], 'tv_weight': 7}

    def loss(pixels, step=0):
        X = np.array(pixels + step, dtype='float32')
        X.attach_grad('add')
        objective = Objective(net, X.copy(), None, **layers, **options)
        return float(objective(X)[2]), X.grad.asnumpy()

    corners = numpy.zeros((1, 3, 3, 3))
    corners[0, 1] = CORNER
    assert loss(corners)[0] == close(7 * expected, 1e-6)
    # Apart from where the amount of a difference has a bend.
    apart = numpy.random.RandomState(3).permutation(27)
    apart = apart.reshape(1, 3, 3, 3)
    step = 0.4 * numpy.random.RandomState(4).uniform(-1, 1, size=apart.shape)
    slope = (loss(apart, step)[0] - loss(apart, -step)[0]) / 2
    assert (loss(apart)[1] * step).sum() == close(slope, 1e-3)


@pytest.mark.parametrize('tileable', [False, True])
@pytest.mark.parametrize(
    'norm, size', [('l1', numpy.abs), ('l2', numpy.square)]
)
def test_variation_is_of_its_norm(first_epoch, norm, size, tileable):
    result = first_epoch(tv_norm=norm, tileable=tileable, tv_weight=6)
    start = pixels(CONTENT).asnumpy()
    expected = 6 * (around if tileable else variation)(start, size)
    assert first(result, 'tv') == close(expected, 1e-5)


def test_averages_are_pooled(first_epoch, features):
    losses = {}
    for pooling in ('max', 'avg'):
        Y_hat, style = (
            features(pixels(img), pooling=pooling) for img in (CONTENT, STYLE)
        )
        losses[pooling] = style_loss(Y_hat, style)
        result = first_epoch(pooling=pooling)
        assert first(result) == close(losses[pooling])
    assert losses['avg'] != close(losses['max'], 0.02)


@pytest.mark.parametrize(
    'name, loss', [('gram', by_gram), ('meanvar', by_meanvar), ('w2', by_w2)]
)
@pytest.mark.parametrize('mask', [None, MASK])
def test_style_losses_are_their_formulae(
    first_epoch, features, name, loss, mask
):
    result = first_epoch(style_loss=name, mask=mask, feather=0)
    Y_hat, style = features(pixels(CONTENT)), features(pixels(STYLE))
    if mask is None:
        expected = style_loss(Y_hat, style, loss)
    else:
        where = mask[..., 0] / 255
        share = LEFT / WIDTH
        expected = share * style_loss(Y_hat, style, loss, where)
    assert first(result) == close(expected)


def test_style_has_its_own_scale(first_epoch, features):
    Y_hat = features(pixels(CONTENT))
    losses = {}
    # The longest side of 60x45 becomes this part of 48.
    for scale, shape in ((None, SHAPE), (0.5, (24, 18)), (1.5, (72, 54))):
        style = features(pixels(STYLE, shape))
        losses[scale] = style_loss(Y_hat, style)
        assert first(first_epoch(style_scale=scale)) == close(losses[scale])
    assert losses[0.5] != close(losses[None], 0.01)
    assert losses[1.5] != close(losses[None], 0.01)


@pytest.mark.parametrize('init', ['style', 'noise'])
def test_layers_have_their_weights(first_epoch, features, init):
    content_layers = {'conv2_2': 0.5, 'conv4_1': 3, 'conv1_2': 1}
    style_layers = {'conv1_1': 2, 'conv3_1': 0.25}

    def written(weights):
        return [
            name if weight == 1 else f'{name}:{weight}'
            for name, weight in weights.items()
        ]

    result = first_epoch(
        # Else there is no style loss at the style picture itself.
        style=[STYLE, OTHER],
        init=init,
        seed=3,
        content_weight=2,
        content_layers=written(content_layers),
        style_layers=written(style_layers),
    )
    start = {'style': pixels(STYLE), 'noise': noise(3)}[init]
    names = (*content_layers, *style_layers)
    Y_hat, content, style, other = (
        features(X, names)
        for X in (start, pixels(CONTENT), pixels(STYLE), pixels(OTHER))
    )
    errors = {
        name: ((Y_hat[name] - content[name]) ** 2).mean()
        for name in content_layers
    }
    expected = sum(content_layers[name] * errors[name] for name in errors)
    assert first(result, 'content') == close(2 * expected)
    expected = 0
    for name, weight in style_layers.items():
        target = (gram(style[name]) + gram(other[name])) / 2
        expected += weight * ((gram(Y_hat[name]) - target) ** 2).mean()
    assert first(result) == close(1e4 * expected)


@pytest.mark.parametrize('blend', [None, (2, 1), (1, 3)])
def test_styles_are_blended(first_epoch, features, blend):
    result = first_epoch(style=[STYLE, OTHER], style_blend=blend)
    Y_hat, style, other = (
        features(pixels(img)) for img in (CONTENT, STYLE, OTHER)
    )
    a, b = blend or (1, 1)
    expected = 0
    for name in Y_hat:
        target = (a * gram(style[name]) + b * gram(other[name])) / (a + b)
        expected += ((gram(Y_hat[name]) - target) ** 2).mean()
    assert first(result) == close(1e4 * expected)


@pytest.mark.parametrize(
    'init', ['content', 'style', 'noise', 'blend:0.3', 'file']
)
def test_a_run_starts_from_its_init(first_epoch, tmp_path, init):
    starts = {
        'content': pixels(CONTENT),
        'style': pixels(STYLE),
        'noise': noise(5),
        'blend:0.3': 0.3 * noise(5) + 0.7 * pixels(CONTENT),
        'file': pixels(OTHER),
    }
    start = starts[init].asnumpy()
    if init == 'file':
        init = str(tmp_path / 'start.png')
        Image.fromarray(OTHER).save(init)
    result = first_epoch(init=init, seed=5)
    expected = 10 * variation(start, numpy.abs)
    assert first(result, 'tv') == close(expected, 1e-5)
    # Adam's first step is the learning rate, 0.001, either way.
    assert 0.9e-3 < steps(result, start).max() < 1.1e-3


@pytest.mark.parametrize('init', ['noise', 'blend:0.3'])
def test_a_seed_gives_the_same_bytes(first_epoch, init):
    images = [
        first_epoch(init=init, seed=seed, epochs=2).image.tobytes()
        for seed in (1, 1, 2)
    ]
    assert images[0] == images[1] != images[2]


@pytest.mark.parametrize(
    'color, recolored',
    [('match', match_color), ('histogram', match_histogram)],
)
def test_style_has_the_contents_colors(
    first_epoch, features, color, recolored
):
    Y_hat = features(pixels(CONTENT))
    expected = style_loss(Y_hat, features(pixels(recolored(STYLE, CONTENT))))
    assert first(first_epoch(color=color)) == close(expected)
    without = style_loss(Y_hat, features(pixels(STYLE)))
    assert expected != close(without, 0.1)


def test_luminance_leaves_the_contents_colors(first_epoch):
    # Paler, so that no color is clipped soon.
    content = (96 + CONTENT / 4).astype('uint8')
    plain, kept = (
        first_epoch(content, color=color, lr=0.1, epochs=3)
        for color in ('style', 'luminance')
    )
    assert plain.history[-1].total == kept.history[-1].total
    assert 0 < kept.pixels.min() and kept.pixels.max() < 1
    plain, kept, content = (
        img @ YIQ.T for img in (plain.pixels, kept.pixels, content / 255)
    )
    assert abs(kept - content)[..., 1:].max() < 2e-3
    assert abs(kept - plain)[..., 0].max() < 2e-3
    # And neither was so before.
    assert abs(plain - content)[..., 1:].max() > 0.05
    assert abs(kept - content)[..., 0].max() > 0.05


STYLE_ALONE = {'content_weight': 0, 'tv_weight': 0, 'feather': 0}


def test_where_no_style_is_wanted_pixels_stay(first_epoch):
    def steps_of(style, mask):
        result = first_epoch(
            style=style,
            mask=mask,
            style_layers=('conv1_1', 'conv2_1'),
            **STYLE_ALONE,
        )
        return steps(result, pixels(CONTENT).asnumpy())

    # conv2_1 sees six pixels around it.
    far = LEFT + 8
    step = steps_of(STYLE, MASK)
    assert (step[:, far:] == 0).all()
    assert 0.9e-3 < numpy.median(step[:, :LEFT]) < 1.1e-3
    for styles, mask in ((STYLE, None), ([STYLE, OTHER], MASK)):
        step = steps_of(styles, mask)
        assert 0.9e-3 < numpy.median(step[:, far:]) < 1.1e-3


def two_regions(Y_hat, style, other, where):
    left = style_loss(Y_hat, style, mask=where)
    right = style_loss(Y_hat, other, mask=1 - where)
    return where.mean() * left + (1 - where.mean()) * right


def test_two_styles_have_a_region_each(first_epoch, features):
    Y_hat, style, other = (
        features(pixels(img)) for img in (CONTENT, STYLE, OTHER)
    )
    where = MASK[..., 0] / 255
    for styles, pair in (
        ([STYLE, OTHER], (style, other)),
        ([OTHER, STYLE], (other, style)),
    ):
        result = first_epoch(style=styles, mask=MASK, feather=0)
        assert first(result) == close(two_regions(Y_hat, *pair, where))


def test_feather_is_the_width_of_the_edge(first_epoch, features):
    Y_hat, style, other = (
        features(pixels(img)) for img in (CONTENT, STYLE, OTHER)
    )
    losses = {}
    for feather in (0, 0.2):
        result = first_epoch(style=[STYLE, OTHER], mask=MASK, feather=feather)
        losses[feather] = first(result)
        settings = Settings(size=SHAPE, feather=feather)
        made = Inputs(CONTENT, [STYLE, OTHER], settings, cpu(), MASK)
        edge = made.mask(SHAPE)[HEIGHT // 2]
        width = ((edge > 0.02) & (edge < 0.98)).sum()
        assert abs(width - feather * WIDTH) <= 1.5
    # Four deviations of a Gaussian, at the middles of the pixels.
    places = (numpy.arange(WIDTH) + 0.5 - LEFT) / (0.2 * WIDTH / 4)
    where = numpy.tile((1 - erf(places / 2**0.5)) / 2, (HEIGHT, 1))
    soft = two_regions(Y_hat, style, other, where)
    assert losses[0.2] == close(soft, 3e-4)
    assert losses[0] != close(soft, 5e-3)


def test_images_are_the_pixels_that_were_run(first_epoch):
    class Keep(Observer):
        def epoch(self, history, picture):
            self.picture = picture()

    keep = Keep()
    result = first_epoch(observers=[keep])
    assert (result.pixels == keep.picture).all()
    assert (result.image == (255 * keep.picture).round()).all()


@pytest.mark.parametrize(
    'options',
    [
        {'style_weight': 0},
        {'content_weight': 0, 'style_blend': (2, 1)},
        {'content_weight': 0, 'mask': MASK[..., 0] / 255},
        {
            'content_weight': 0,
            'mask': MASK[..., 0] / 255,
            'style_loss': 'meanvar',
        },
        {'content_weight': 0, 'mask': MASK[..., 0] / 255, 'style_loss': 'w2'},
    ],
)
def test_weights_and_regions_are_in_the_gradient(weights_file, options):
    layers = {
        'content_layers': ['conv1_2:0.25', 'conv2_2:4'],
        'style_layers': ['conv1_1:0.25', 'conv2_1:4'],
    }
    net = build_net(['conv2_2'], ['conv2_1'], weights=weights_file)
    styles = [pixels(STYLE), pixels(OTHER)]
    objective = Objective(
        net, pixels(CONTENT), styles, **layers, **options, tv_weight=0
    )

    def total(X):
        X.attach_grad('add')
        return sum(float(loss) for loss in objective(X))

    X = noise(1)
    total(X)
    gradient = X.grad.asnumpy()
    # Along the gradient's signs a slope is far above the rounding.
    step = 1e-3 * numpy.sign(gradient)
    ahead, behind = (
        total(np.array(X.asnumpy() + sign * step)) for sign in (1, -1)
    )
    assert (gradient * step).sum() == close((ahead - behind) / 2, 5e-3)
