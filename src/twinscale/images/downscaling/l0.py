"""L0-regularised downscaling: few gradients, and only those full-size pixels that fit.

Liu, He and Lau 2018, "L0-Regularized Image Downscaling" (IEEE Transactions on Image Processing 27(3)).

From the authors are: two priors that count rather than measure; the *gradient-ratio prior*, by which the number of edge
pixels falls with the square of the scale, so that a small picture should keep the strongest of its edges and as many as
that; the *reconstruction prior*, by which a small pixel is made of those full-size pixels near it that suit it best;
minimisation of the two in turns; and the ranges of their program, 2e-4 to 2e-2 for ``lambda`` and 2 to 8 for ``kappa``,
of which we take the lower ends. How the priors become one energy is our choice, since the paper was not at hand::

    E(D) = sum over full-size pixels q of min(|I(q) - D(p(q))|^2, tau) / s^2  +  lambda * (number of gradients of D)

Squares are means over the channels, ``p(q)`` is the small pixel whose block holds ``q``, and ``tau = 0.01`` (a tenth of
the range) is how far a full-size pixel may lie from a small one that it still suits. The number of gradients never
falls below that of ``I`` over ``s^2``; what counts in ``I`` is stronger than ``lambda``. Half-quadratic splitting (as
in Xu et al. 2011, "Image Smoothing via L0 Gradient Minimization") lets auxiliary gradients ``g`` take the place of
those of ``D``, and ties the two together with a weight ``beta`` that grows by ``kappa`` from ``2 lambda`` to ``1e5``.
``tau`` falls with ``lambda / beta`` to its value, so that first all pixels of a block suit and then most of them.
"""

import math

import numpy as np
from numpy.typing import NDArray

from twinscale.images.downscaling.blocks import padded, to_blocks
from twinscale.images.levels import to_planes

_LAMBDA = 2e-4
_KAPPA = 2.0
_BETAS = _LAMBDA * _KAPPA ** np.arange(1, math.log(1e5 / _LAMBDA, _KAPPA))
_TAU = 0.01
_ROWS = 256  # of the full-size picture whose gradients are counted at a time


def l0(image: NDArray, scale: int) -> NDArray:
    """Reduce a whole picture; see the module.

    Args:
        image: ``(H, W, C)``: integers, or floats of about 0 to 1.
        scale: how many times smaller.

    Returns:
        ``(ceil(H / scale), ceil(W / scale), C)`` float, which may go a little beyond the range of the picture.
    """
    image = padded(image, scale)
    blocks = to_blocks(image, scale)
    edges = math.ceil(_count_edges(image) / scale**2)
    small = blocks.mean(axis=1)
    for beta in _BETAS:
        gradients = _kept(_gradients(small), edges, beta)
        small = _joined(_suiting(blocks, small, max(_TAU, _LAMBDA / beta)), gradients, beta)
    return np.moveaxis(small, 0, 2)


def _gradients(planes: NDArray) -> NDArray:
    """Return ``(2, C, h, w)``: differences to the pixels below and to the right, zero at the border."""
    below = np.diff(planes, axis=1, append=planes[:, -1:])
    right = np.diff(planes, axis=2, append=planes[:, :, -1:])
    return np.stack((below, right))


def _strength(gradients: NDArray) -> NDArray:
    """Return the squared length of gradients, ``(h, w)``: the mean over channels."""
    strength: NDArray = np.square(gradients).sum(axis=0).mean(axis=0)
    return strength


def _count_edges(image: NDArray) -> int:
    """Count the pixels of ``(H, W, C)`` whose gradient is stronger than ``lambda``."""
    count = 0
    for top in range(0, image.shape[0], _ROWS):
        planes = np.moveaxis(to_planes(image[top : top + _ROWS + 1]), 2, 0)
        count += int(np.count_nonzero(_strength(_gradients(planes))[:_ROWS] > _LAMBDA))
    return count


def _kept(gradients: NDArray, edges: int, beta: float) -> NDArray:
    """Minimise ``lambda * (number of g) + beta * |g - gradients|^2``, but keep the ``edges`` strongest at least."""
    strength = _strength(gradients)
    least = _LAMBDA / beta
    if edges:
        least = min(least, np.partition(strength, -edges, axis=None)[-edges])
    return np.where(strength >= least, gradients, 0)


def _suiting(blocks: NDArray, small: NDArray, tau: float) -> NDArray:
    """Average every block; pixels farther than ``tau`` from the small pixel are replaced by it."""
    change = np.zeros_like(small)
    for pixels in blocks.swapaxes(0, 1):
        difference = pixels - small
        change += np.where(np.square(difference).mean(axis=0) <= tau, difference, 0)
    result: NDArray = small + change / blocks.shape[1]
    return result


def _joined(planes: NDArray, gradients: NDArray, beta: float) -> NDArray:
    """Minimise ``|D - planes|^2 + beta * |gradients of D - gradients|^2`` by the mirrored picture's spectrum."""
    below, right = gradients
    divergence = np.diff(below, axis=1, prepend=0) + np.diff(right, axis=2, prepend=0)
    joined: NDArray = planes - planes.dtype.type(beta) * divergence
    height, width = planes.shape[1:]
    rows, columns = np.arange(2 * height), np.arange(width + 1)
    laplacian = 4 - 2 * np.cos(np.pi * rows / height)[:, None] - 2 * np.cos(np.pi * columns / width)
    damping = (1 / (1 + beta * laplacian)).astype(planes.dtype)
    for plane in joined:
        mirrored = np.pad(plane, ((0, height), (0, width)), mode="symmetric")
        plane[:] = np.fft.irfft2(np.fft.rfft2(mirrored) * damping, mirrored.shape)[:height, :width]
    return joined
