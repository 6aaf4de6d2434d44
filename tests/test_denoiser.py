"""The closed-form denoiser, against what it must be in double precision."""

import numpy
import pytest
from conftest import picture

from gluon_style.methods.diffusion import denoiser
from gluon_style.methods.diffusion.denoiser import PatchDenoiser
from gluon_style.methods.diffusion.patches import Average, positions
from gluon_style.methods.diffusion.sampler import next_noisy, noise_levels


def pixels(width, height, seed=0):
    """Return a picture as the denoiser takes it: (3, height, width)."""
    img = picture(width, height, seed).transpose(2, 0, 1)
    return (img / 127.5 - 1).astype('float32')


def noisy(img, sigma, seed=0):
    noise = numpy.random.RandomState(seed).normal(size=img.shape)
    return (img + sigma * noise).astype('float32')


def every_patch(img, side):
    """Return the patches of a picture, (patches, numbers), in doubles."""
    _, height, width = img.shape
    return numpy.array(
        [
            img[:, i : i + side, j : j + side].ravel()
            for i in range(height - side + 1)
            for j in range(width - side + 1)
        ],
        'float64',
    )


def posterior_mean(queries, patches, sigma, logs=0.0):
    """Return the expected patch of each query, one by one."""
    means = []
    for query in queries:
        squares = ((query - patches) ** 2).sum(axis=1)
        logits = logs - squares / (2 * sigma**2)
        weights = numpy.exp(logits - logits.max())
        means.append(weights @ patches / weights.sum())
    return numpy.array(means)


def brute_force(img, patches, side, sigma, softness=denoiser.SOFTNESS):
    """Return the denoised picture, patch by patch and pixel by pixel."""
    _, height, width = img.shape
    means = posterior_mean(every_patch(img, side), patches, sigma)
    total, count = numpy.zeros(img.shape), numpy.zeros((height, width))
    middle = (side - 1) / 2
    for k, mean in enumerate(means):
        i, j = divmod(k, width - side + 1)
        mean = mean.reshape(3, side, side)
        for a in range(side):
            for b in range(side):
                square = (a - middle) ** 2 + (b - middle) ** 2
                weight = max(numpy.exp(-square / (2 * softness**2)), 1e-9)
                total[:, i + a, j + b] += weight * mean[:, a, b]
                count[i + a, j + b] += weight
    return total / count


@pytest.mark.parametrize('side', [3, 5])
@pytest.mark.parametrize('sigma', [0.1, 0.5, 3])
def test_a_denoised_picture_is_the_posterior_mean(side, sigma):
    style, img = pixels(24, 20, seed=1), noisy(pixels(17, 14), sigma)
    expected = brute_force(img, every_patch(style, side), side, sigma)
    actual = PatchDenoiser([style], side)(img, sigma)
    assert numpy.abs(actual - expected).max() < 1e-4


def test_without_noise_the_style_itself_does_not_change():
    style = noisy(pixels(30, 24), 0.3)
    assert numpy.abs(PatchDenoiser([style], 5)(style, 1e-2) - style).max() < (
        1e-6
    )


def test_with_all_noise_the_mean_is_left():
    style, img = pixels(30, 24), pixels(30, 24, seed=5)
    actual = PatchDenoiser([style], 3).means(every_patch(img, 3), 1e4)
    mean = every_patch(style, 3).mean(axis=0)
    assert numpy.abs(actual - mean).max() < 1e-5


def log_density(x, patches, sigma):
    squares = ((x - patches) ** 2).sum(axis=1) / (2 * sigma**2)
    return -squares.min() + numpy.log(
        numpy.exp(squares.min() - squares).mean()
    )


def test_the_score_is_the_gradient_of_the_log_density():
    """Tweedie: E[x | X] = X + sigma^2 d log p(X) / dX."""
    style, sigma, step = noisy(pixels(12, 10), 0.2), 0.7, 1e-5
    patches = every_patch(style, 3)
    x = patches[3] + sigma * numpy.random.RandomState(0).normal(size=27)
    gradient = numpy.array(
        [
            (
                log_density(x + step * axis, patches, sigma)
                - log_density(x - step * axis, patches, sigma)
            )
            / (2 * step)
            for axis in numpy.eye(27)
        ]
    )
    (mean,) = PatchDenoiser([style], 3).means(x[None].astype('float32'), sigma)
    assert numpy.abs(mean - (x + sigma**2 * gradient)).max() < 1e-5


@pytest.mark.parametrize('factor', [0.25, 0.5, 2, 4])
def test_no_other_temperature_has_a_smaller_error(factor):
    style, sigma = noisy(pixels(26, 22), 0.2), 1.0
    patches = every_patch(style, 3)
    rng = numpy.random.RandomState(0)
    clean = patches[rng.randint(len(patches), size=2000)]
    queries = (clean + sigma * rng.normal(size=clean.shape)).astype('float32')
    denoise = PatchDenoiser([style], 3)
    best = ((denoise.means(queries, sigma) - clean) ** 2).mean()
    other = ((denoise.means(queries, factor * sigma) - clean) ** 2).mean()
    assert best < other


def test_chunks_and_bands_do_not_change_the_picture(monkeypatch):
    style, img = pixels(40, 30, seed=1), noisy(pixels(33, 27), 0.4)
    denoise = PatchDenoiser([style], 5)
    whole = denoise(img, 0.4)
    monkeypatch.setattr(denoiser, 'CHUNK_BYTES', 40_000)
    monkeypatch.setattr(denoiser, 'QUERIES', 100)
    # The sums of float32 are in another order.
    assert numpy.abs(denoise(img, 0.4) - whole).max() < 1e-5


@pytest.fixture
def grouped(monkeypatch):
    """Have the coarse search begin at few patches."""
    monkeypatch.setattr(denoiser, 'MOST_CANDIDATES', 400)
    monkeypatch.setattr(denoiser, 'GROUPS', 12)


def test_the_coarse_search_finds_the_posterior_mean_nearly(grouped):
    style, sigma = noisy(pixels(60, 50, seed=3), 0.1), 0.3
    patches = every_patch(style, 5)
    rng = numpy.random.RandomState(0)
    clean = patches[rng.randint(len(patches), size=300)]
    queries = clean + sigma * rng.normal(size=clean.shape)
    expected = posterior_mean(queries, patches, sigma)
    actual = PatchDenoiser([style], 5).means(queries.astype('f4'), sigma)
    error = ((actual - expected) ** 2).mean()
    assert error < 0.1 * ((expected - clean) ** 2).mean() + 1e-3


def test_a_style_of_flat_areas_has_no_empty_groups(grouped):
    style = numpy.zeros((3, 40, 50), 'float32')
    style[:, 20:, 25:] = 1
    denoise = PatchDenoiser([style], 5)
    assert numpy.abs(denoise(style, 1e-2) - style).max() < 1e-6
    img = denoise(noisy(style, 0.2), 0.2)
    assert numpy.abs(img - style).mean() < 0.02


def test_styles_are_pooled_by_their_parts():
    first, second = pixels(12, 10, seed=1), pixels(15, 9, seed=2)
    kinds = every_patch(first, 3), every_patch(second, 3)
    logs = numpy.concatenate(
        [
            numpy.full(len(kind), numpy.log(part / len(kind)))
            for kind, part in zip(kinds, (3, 1))
        ]
    )
    queries = every_patch(noisy(first, 0.8), 3)
    expected = posterior_mean(queries, numpy.concatenate(kinds), 0.8, logs)
    denoise = PatchDenoiser([first, second], 3, parts=(3, 1))
    actual = denoise.means(queries.astype('float32'), 0.8)
    assert numpy.abs(actual - expected).max() < 1e-4
    alone = PatchDenoiser([first, second], 3, parts=(1, 0))
    img = noisy(second, 0.5)
    expected = PatchDenoiser([first], 3)(img, 0.5)
    assert numpy.abs(alone(img, 0.5) - expected).max() < 1e-6


def test_a_picture_that_wraps_has_no_edges():
    style, img = pixels(24, 20, seed=1), noisy(pixels(16, 18), 0.5)
    denoise = PatchDenoiser([style], 5)
    whole = denoise(img, 0.5, wraps=True)
    rolled = denoise(numpy.roll(img, (5, 7), (1, 2)), 0.5, wraps=True)
    expected = numpy.roll(whole, (5, 7), (1, 2))
    assert numpy.abs(rolled - expected).max() < 1e-5


@pytest.mark.parametrize('stride', [1, 2, 3])
@pytest.mark.parametrize('wraps', [False, True])
def test_each_pixel_is_in_a_patch(stride, wraps):
    for length in range(7, 14):
        for first in range(stride):
            places = positions(length, 5, stride, first, wraps)
            covered = (places[:, None] + numpy.arange(5)) % length
            assert set(covered.ravel()) == set(range(length))
            assert wraps or places.max() == length - 5


def test_overlapping_patches_of_a_picture_are_that_picture():
    img = pixels(11, 9)
    rows, columns = numpy.arange(7), numpy.arange(9)
    average = Average(img.shape, 3, softness=0.8)
    average.add(every_patch(img, 3).astype('float32'), rows, columns)
    assert numpy.abs(average.picture() - img).max() < 1e-6


def test_noise_levels_are_those_of_karras():
    levels = noise_levels(80, 0.002, 18)
    assert levels[0] == pytest.approx(80)
    assert levels[-1] == pytest.approx(0.002)
    # Karras et al. 2022, equation 5: i = 9 of n = 18.
    root = 80 ** (1 / 7) + 9 / 17 * (0.002 ** (1 / 7) - 80 ** (1 / 7))
    assert levels[9] == pytest.approx(root**7)
    assert levels == sorted(levels, reverse=True)


@pytest.mark.parametrize('eta', [0, 0.5, 1])
def test_the_next_level_has_its_noise(eta):
    rng = numpy.random.RandomState(0)
    clean = numpy.zeros((3, 200, 200))
    before = clean + 0.8 * rng.normal(size=clean.shape)
    after = next_noisy(before, clean, 0.8, 0.5, rng, eta)
    assert after.std() == pytest.approx(0.5, rel=0.01)
    # Without new noise the old one only shrinks.
    shrunk = numpy.abs(after - before * 0.5 / 0.8).max()
    assert (shrunk < 1e-6) == (eta == 0)
