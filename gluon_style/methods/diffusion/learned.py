"""A net that learns to denoise one picture's patches, for the lesson.

It has the receptive field of ``PatchDenoiser`` with the same side, so that it
cannot have a smaller error than that one's closed form on the picture that it
learns. Karras et al. 2022, 'Elucidating the Design Space of Diffusion-Based
Generative Models', section 5, scale what goes in and what comes out so that
the net sees numbers of deviation 1 at every level of noise.
"""

import numpy
from mxnet import autograd, gluon, init, np
from mxnet.gluon import nn

from gluon_style._mxnet import numpy_mode
from gluon_style.methods.diffusion.denoiser import denoised
from gluon_style.methods.diffusion.patches import some_patches

WIDTH, DEPTH = 256, 4


class LearnedDenoiser:
    """A net of dense layers that sees a patch and how noisy it is.

    ``picture`` is an array (channels, height, width) of float32, ``side`` the
    patches' side in pixels. ``levels`` are the least and the most noise that
    it learns. ``seed`` chooses the first weights and what it learns from.
    """

    def __init__(self, picture, side, levels=(0.02, 2.0), seed=0, device=None):
        self.side, self._levels, self._device = side, levels, device
        self._rng = numpy.random.RandomState(seed)
        self._patches = some_patches(picture, side, 1 << 17, self._rng)
        self._middle = self._patches.mean(axis=0)
        self._deviation = float((self._patches - self._middle).std())
        with numpy_mode():
            self.net = _net(self._patches.shape[1], self._rng, device)

    @numpy_mode()
    def learn(self, steps, batch=2048, lr=2e-3):
        """Train the net with Adam; return the loss of each step.

        The rate falls to zero along half a cosine. A loss of 1 is what one
        reaches without looking at the patch.
        """
        trainer = gluon.Trainer(
            self.net.collect_params(), 'adam', {'learning_rate': lr}
        )
        losses = []
        low, high = numpy.log(self._levels)
        for step in range(steps):
            trainer.set_learning_rate(
                lr * (1 + numpy.cos(numpy.pi * step / steps)) / 2
            )
            chosen = self._rng.randint(len(self._patches), size=batch)
            clean = self._patches[chosen] - self._middle
            sigma = numpy.exp(self._rng.uniform(low, high, (batch, 1)))
            noisy = clean + sigma * self._rng.normal(size=clean.shape)
            skip, out = self._skip_and_out(sigma)
            wanted = self._on_device((clean - skip * noisy) / out)
            inputs = self._inputs(noisy, sigma)
            with autograd.record():
                loss = np.square(self.net(inputs) - wanted).mean()
            loss.backward()
            trainer.step(1)
            losses.append(float(loss))
        return losses

    @numpy_mode()
    def means(self, queries, sigma):
        """Return the net's estimate of each clean patch, as the exact one's.

        ``queries`` are (patches, numbers), and ``sigma`` is the noise of all,
        or one for each.
        """
        noisy = queries - self._middle
        sigma = numpy.broadcast_to(numpy.float32(sigma), len(noisy))[:, None]
        skip, out = self._skip_and_out(sigma)
        estimate = self.net(self._inputs(noisy, sigma)).asnumpy()
        return skip * noisy + out * estimate + self._middle

    def __call__(self, pixels, sigma):
        """Return the denoised picture, as ``PatchDenoiser`` does."""
        return denoised(self.means, self.side, pixels, sigma)

    def _skip_and_out(self, sigma):
        """Return how much of the input and of the net the estimate has."""
        variance, own = sigma**2, self._deviation**2
        total = variance + own
        return own / total, sigma * self._deviation / numpy.sqrt(total)

    def _inputs(self, noisy, sigma):
        scale = numpy.sqrt(sigma**2 + self._deviation**2)
        return self._on_device(
            numpy.hstack([noisy / scale, numpy.log(sigma) / 4])
        )

    def _on_device(self, array):
        return np.array(array, dtype='float32', ctx=self._device)


class Residual(nn.HybridSequential):
    """Layers whose output is added to their input."""

    def forward(self, X, *args):
        return X + super().forward(X, *args)


def _net(size, rng, device):
    """Return a net for patches of ``size`` numbers and their noise."""
    net = nn.Sequential()
    net.add(nn.Dense(WIDTH, in_units=size + 1))
    for _ in range(DEPTH):
        block = Residual()
        block.add(
            nn.Activation('relu'),
            nn.Dense(WIDTH, activation='relu', in_units=WIDTH),
            nn.Dense(WIDTH, in_units=WIDTH),
        )
        net.add(block)
    net.add(nn.Activation('relu'))
    net.initialize(init.Zero(), ctx=device)
    for name, parameter in net.collect_params().items():
        if name.endswith('weight'):
            fan_in = parameter.shape[1]
            values = rng.normal(size=parameter.shape) * (2 / fan_in) ** 0.5
            parameter.set_data(np.array(values, dtype='float32', ctx=device))
    # Zeros at first, so that the first estimates are no worse than none.
    last = nn.Dense(size, in_units=WIDTH)
    last.initialize(init.Zero(), ctx=device)
    net.add(last)
    return net
