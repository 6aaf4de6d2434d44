"""The chapter's losses as a guide: a step at the estimate without noise.

The gradient is taken at the denoised estimate, and none passes through the
denoiser (He et al. 2023, 'Manifold Preserving Guided Diffusion', arXiv
2311.16424). Its length is that of the noise: near the end, where little noise
is left, the guide moves little (Yang et al. 2024, 'Guidance with Spherical
Gaussian Constraint', arXiv 2402.03201).
"""

from mxnet import np

from gluon_style.methods.gatys.variation import total_variation

# A gradient without any length has no direction.
_LEAST_LENGTH = 1e-12


def guided(objective, clean, length, device=None):
    """Return an estimate after a step against the gradient, and its losses.

    ``objective`` is an ``Objective``, ``clean`` an array of NumPy (3, height,
    width), ``length`` the root mean square of the step. The losses, content,
    style and total variation, are those before the step. Without an
    objective (None) there is no step, and only the total variation.
    """
    X = np.array(clean[None], ctx=device)
    if objective is None:
        return clean, (0.0, 0.0, float(total_variation(X, 'l1')))
    X.attach_grad('add')
    losses = tuple(map(float, objective(X)))
    gradient = X.grad[0].asnumpy()
    root = float((gradient.astype('float64') ** 2).mean() ** 0.5)
    step = length / max(root, _LEAST_LENGTH) * gradient
    return (clean - step).astype('float32'), losses
