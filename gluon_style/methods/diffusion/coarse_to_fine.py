"""The way from noise to a picture: coarse to fine, level by level.

Each scale begins with noise on what the coarser one painted, the coarsest
with noise on the content (Meng et al. 2021, 'SDEdit', arXiv 2108.01073). At
each level the picture is denoised by the style's patches, and moved a little
by the guide; then as much noise comes back as the next level has. The last
estimate of a scale is not moved, so that the picture ends as averages of the
style's patches.

With a guide the noise does little: the figure ``diffusion`` shows a run
without any. Then the method is a relative of Kwatra et al. 2005, 'Texture
Optimization for Example-based Synthesis', of Elad & Milanfar 2016 (arXiv
1609.03057) and of GPNN (Granot et al. 2021, arXiv 2103.15545). From pure
noise, as for a texture, the noise is what makes each picture another one.
"""

from dataclasses import dataclass, replace

import numpy
from mxnet import np

from gluon_style.methods.diffusion.guidance import guided
from gluon_style.methods.diffusion.sampler import next_noisy, noise_levels
from gluon_style.methods.gatys.recovery import State
from gluon_style.methods.gatys.scales import enlarge, scales

# Scales at most, each of two thirds of the next.
SCALES = 4
# The noise that a scale begins with, in deviations of the style's colors, and
# the one that it ends with. The first is the coarsest scale's.
FIRST_NOISE, NOISE, LEAST_NOISE = 1.1, 0.8, 0.066
# A frame that follows another one begins with so much.
FOLLOWING_NOISE = 0.7
# A texture begins with so much noise that nothing else is left.
PURE_NOISE = 4.0
# Every third patch each way is denoised, from another place each time; every
# second one at the last levels of a scale; and each one for the picture.
STRIDE, LAST_STRIDE, LAST_LEVELS = 3, 2, 2


@dataclass(frozen=True)
class Levels:
    """How many levels of noise a scale has, as an optimizer has epochs."""

    epochs: int
    optimizer: str = 'levels'
    guard: bool = False
    lr: float = 0.0


def plan(settings, image_shape, step=1):
    """Return a ((width, height), ``Levels``) for each scale, in their order.

    The sides of the coarser ones are multiples of ``step``.
    """
    levels = Levels(settings.steps)
    return [(shape, levels) for shape in scales(image_shape, SCALES, step)]


class Sampler:
    """Go from noise to a picture, and log each level as an epoch.

    ``steps`` are the ``plan``. ``prior_at(shape)`` returns the ``Prior`` of a
    scale, ``objective_at(shape)`` its ``Objective``, or None without a guide.
    ``start(shape)`` are the pixels, (1, 3, height, width), that noise is put
    on; a frame that ``follows`` gets less. The losses of a level are those of
    the estimate without noise.
    """

    def __init__(
        self,
        settings,
        steps,
        prior_at,
        objective_at,
        start,
        log,
        checkpoint=None,
        device=None,
        follows=False,
    ):
        self._follows = follows
        self._settings, self._steps = settings, steps
        self._prior_at, self._objective_at = prior_at, objective_at
        self._start, self._log = start, log
        self._checkpoint, self._device = checkpoint, device

    def picture(self):
        """Return the picture, (1, 3, height, width).

        Where the log stops the run it is the latest one, of any scale.
        """
        checkpoint, log = self._checkpoint, self._log
        state = State() if checkpoint is None else checkpoint.state
        for index in range(state.scale, len(self._steps)):
            if index > state.scale:
                state = State(index)
            if not state.ended:
                self._paint(index, state)
                if checkpoint is not None and not log.interrupted:
                    checkpoint.save(State(index, X=log.best_X, ended=True))
            if log.stopped:
                break
        return log.best_X

    def _paint(self, index, state):
        """Make the picture of one scale."""
        shape, levels = self._steps[index]
        prior, objective = self._prior_at(shape), self._objective_at(shape)
        sigmas = self._noise_levels(index, prior, objective)
        noisy = self._noisy(index, state, sigmas[0])
        for step in range(state.epoch, levels.epochs):
            sigma, rng = sigmas[step], self._rng(index, step + 1)
            is_last = step + 1 == levels.epochs
            stride = self._stride(index, step)
            clean = prior(noisy, sigma, stride, rng.randint(0, stride, 2))
            moved, losses = guided(objective, clean, sigma, self._device)
            if not is_last:
                noisy = next_noisy(
                    *(noisy, moved, sigma, sigmas[step + 1], rng),
                    eta=self._settings.noise,
                )
            if self._log_level(State(index, step + 1), clean, losses, noisy):
                return

    def _stride(self, index, step):
        """Return the distance of the patches that are denoised."""
        left = self._settings.steps - step - 1
        if left == 0 and index == len(self._steps) - 1:
            return 1
        stride = LAST_STRIDE if left < LAST_LEVELS else STRIDE
        # Patches overlap.
        return min(stride, self._settings.patch - 1)

    def try_level(self):
        """Compute a level of the first scale, and forget it."""
        shape, _ = self._steps[0]
        prior, objective = self._prior_at(shape), self._objective_at(shape)
        clean = self._start(shape)[0].asnumpy()
        clean = prior(clean, prior.deviation, LAST_STRIDE)
        guided(objective, clean, prior.deviation, self._device)

    def _noise_levels(self, index, prior, objective):
        high = NOISE
        if index == 0:
            high = PURE_NOISE if objective is None else FIRST_NOISE
            if self._follows:
                high = FOLLOWING_NOISE
        ends = high * prior.deviation, LEAST_NOISE * prior.deviation
        return noise_levels(*ends, self._settings.steps)

    def _noisy(self, index, state, sigma):
        """Return the pixels that a scale begins with, or goes on from."""
        if state.X is not None:
            return state.X[0].asnumpy()
        shape, _ = self._steps[index]
        begun = self._start(shape)
        if index > 0:
            begun = enlarge(self._log.best_X, shape)
        clean = begun[0].asnumpy()
        noise = self._rng(index, 0).normal(size=clean.shape)
        sigma *= self._settings.noise
        return (clean + sigma * noise).astype('float32')

    def _rng(self, index, step):
        """Return the source of noise: the same one after an interruption."""
        return numpy.random.RandomState([self._settings.seed, index, step])

    def _log_level(self, state, clean, losses, noisy):
        """Log a level, save it if that is due; return whether to stop."""
        log, checkpoint = self._log, self._checkpoint
        X = np.array(clean[None], ctx=self._device)
        log.add(*losses)
        is_due = log.due()
        log.read(X)
        if is_due or state.epoch == self._settings.steps:
            log.call(X)
        if checkpoint is not None and checkpoint.due(state.epoch):
            X = np.array(noisy[None], ctx=self._device)
            checkpoint.save(replace(state, X=X))
        return log.stopped
