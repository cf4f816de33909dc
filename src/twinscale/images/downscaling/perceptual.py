"""Perceptually based downscaling: the small picture whose structural similarity to the full-size one is best.

Öztireli and Gross 2015, "Perceptually Based Downscaling of Images" (ACM Transactions on Graphics 34(4), SIGGRAPH).
ETH Zurich holds a patent on the method, US 10325346.
"""

import itertools

import numpy as np
from numpy.typing import NDArray

_PATCH = 2  # side in small pixels: the square root of the paper's n_p
_FLAT = 1e-6  # variance below which a patch of the average is flat: the paper's epsilon


def perceptual(blocks: NDArray) -> NDArray:
    """Give the area average, patch by patch, the contrast of the full-size picture.

    In the paper's algorithm, ``L`` are the area averages of the blocks, ``M`` is their mean in a patch and ``S_l``
    their variance; ``S_h`` is the variance of the full-size pixels under the patch. The best patch is ``M + R (L - M)``
    with ``R = sqrt(S_h / S_l)``, or ``R = 0`` where ``S_l`` is below 1e-6. Patches of 2x2 small pixels lie everywhere
    inside the picture, and every pixel is the mean of those that cover it. Each channel stands for itself.

    ``S_h`` is computed as ``S_l`` plus the mean variance within the blocks, which is the same but subtracts no large
    numbers. On a side of one pixel, a patch has one as well.

    Args:
        blocks: ``(C, s * s, h, w)`` float of 0 to 1, see :func:`twinscale.images.downscaling.blocks.to_blocks`.

    Returns:
        ``(C, h, w)`` of the same type, which may go beyond 0 and 1.
    """
    average = blocks.mean(axis=1)
    within = np.square(blocks - average[:, None]).mean(axis=1)
    corners = _corners(average)
    mean = np.mean([average[corner] for corner in corners], axis=0)
    low = np.mean([np.square(average[corner] - mean) for corner in corners], axis=0)
    added = np.mean([within[corner] for corner in corners], axis=0)
    is_flat = low < _FLAT
    contrast = np.where(is_flat, 0, np.sqrt(1 + added / np.where(is_flat, 1, low)))
    offset = mean - contrast * mean
    offsets, contrasts, patches = np.zeros_like(average), np.zeros_like(average), np.zeros_like(average[:1])
    for corner in corners:
        offsets[corner] += offset
        contrasts[corner] += contrast
        patches[corner] += 1
    result: NDArray = (offsets + contrasts * average) / patches
    return result


def _corners(plane: NDArray) -> list[tuple[slice, ...]]:
    """Return where in ``(C, h, w)`` the first, second ... pixels of all patches are."""
    sides = [(side, min(_PATCH, side)) for side in plane.shape[1:]]
    starts = ([slice(i, side - patch + 1 + i) for i in range(patch)] for side, patch in sides)
    return [(slice(None), rows, columns) for rows, columns in itertools.product(*starts)]
