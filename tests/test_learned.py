"""The net that learns to denoise patches, beside the exact mean."""

import numpy
import pytest
from conftest import picture

from gluon_style.methods.diffusion.denoiser import PatchDenoiser
from gluon_style.methods.diffusion.learned import LearnedDenoiser
from gluon_style.methods.diffusion.patches import some_patches

SIDE = 3


@pytest.fixture(scope='module')
def img():
    """A picture as the denoisers take it: (3, height, width)."""
    values = picture(14, 12).transpose(2, 0, 1)
    return (values / 127.5 - 1).astype('float32')


@pytest.fixture(scope='module')
def lesson(img):
    """A net after its lesson, and the losses."""
    net = LearnedDenoiser(img, SIDE, levels=(0.05, 5.0))
    return net, net.learn(300, batch=256)


def error(denoiser, patches, sigma):
    """Return the mean squared error over many draws of the noise."""
    clean = numpy.repeat(patches, 20, axis=0)
    rng = numpy.random.RandomState(1)
    noisy = clean + sigma * rng.normal(size=clean.shape)
    estimates = denoiser.means(noisy.astype('float32'), sigma)
    return float(numpy.square(estimates - clean).mean())


def test_it_learns(lesson):
    _, losses = lesson
    # Its first estimate is the best that needs no net.
    assert losses[0] == pytest.approx(1, abs=0.1)
    assert numpy.mean(losses[-20:]) < 0.97 * numpy.mean(losses[:20])


@pytest.mark.parametrize('sigma', [0.1, 0.5, 1.0, 4.0])
def test_its_error_is_between_the_exact_one_and_the_noise(img, lesson, sigma):
    patches = some_patches(img, SIDE, 1 << 17, numpy.random.RandomState(0))
    exact = error(PatchDenoiser([img], SIDE), patches, sigma)
    assert exact < error(lesson[0], patches, sigma) < sigma**2


def test_with_much_noise_it_comes_near_the_exact_mean(img, lesson):
    patches = some_patches(img, SIDE, 1 << 17, numpy.random.RandomState(0))
    exact = error(PatchDenoiser([img], SIDE), patches, 2.0)
    assert error(lesson[0], patches, 2.0) < 1.1 * exact
    # Who knows nothing but the mean of all patches is worse.
    assert 1.1 * exact < patches.var(axis=0).mean()


def test_a_picture_is_denoised(img, lesson):
    rng = numpy.random.RandomState(2)
    noisy = (img + 0.5 * rng.normal(size=img.shape)).astype('float32')
    clean = lesson[0](noisy, 0.5)
    assert clean.shape == img.shape and clean.dtype == 'float32'
    assert numpy.square(clean - img).mean() < numpy.square(noisy - img).mean()


def test_the_same_seed_learns_the_same(img, lesson):
    again = LearnedDenoiser(img, SIDE, levels=(0.05, 5.0))
    assert again.learn(300, batch=256) == lesson[1]
    other = LearnedDenoiser(img, SIDE, levels=(0.05, 5.0), seed=1)
    assert other.learn(2, batch=256) != lesson[1][:2]
