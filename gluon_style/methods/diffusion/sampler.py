"""Noise levels, and the step from one to the next."""

from __future__ import annotations

import math

import numpy

from gluon_style.pictures import Array

_RHO = 7


def noise_levels(high: float, low: float, steps: int) -> list[float]:
    """Return ``steps`` deviations of the noise, from high to low.

    Karras et al. 2022, 'Elucidating the Design Space of Diffusion-Based
    Generative Models', equation 5, with rho 7: the smaller, the denser.
    """
    if steps == 1:
        return [high]
    ends = high ** (1 / _RHO), low ** (1 / _RHO)
    return [
        float((ends[0] + i / (steps - 1) * (ends[1] - ends[0])) ** _RHO)
        for i in range(steps)
    ]


def next_noisy(
    noisy: Array,
    clean: Array,
    sigma: float,
    next_sigma: float,
    rng: numpy.random.RandomState,
    eta: float = 1.0,
) -> Array:
    """Return the picture at the next level of noise.

    ``clean`` is the estimate of the picture without noise. With ``eta`` 0 no
    new noise comes in (Song, Meng & Ermon 2020, 'Denoising Diffusion Implicit
    Models'); with 1 as much as in the ancestral sampler (Ho, Jain & Abbeel
    2020, 'Denoising Diffusion Probabilistic Models').
    """
    up = eta * next_sigma * math.sqrt(max(0, 1 - (next_sigma / sigma) ** 2))
    down = math.sqrt(next_sigma**2 - up**2)
    step = clean + (noisy - clean) * (down / sigma)
    return (step + up * rng.normal(size=step.shape)).astype('float32')
