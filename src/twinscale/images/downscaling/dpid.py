"""Detail-preserving downscaling: what differs from its surroundings counts most.

Weber, Waechter, Amend, Guthe and Goesele 2016, "Rapid, Detail-Preserving Image Downscaling" (ACM Transactions on
Graphics 35(6), SIGGRAPH Asia).
"""

import numpy as np
from numpy.typing import NDArray


def dpid(blocks: NDArray) -> NDArray:
    r"""Average every block with weights that grow with the distance from a guidance picture.

    ``O(p) = sum_q I(q) w(q) / sum_q w(q)`` over the pixels ``q`` of the block of ``p``, with
    ``w(q) = (||I(q) - G(p)|| / V)^lambda``, the Euclidean distance of colours. The guidance ``G`` is the area average
    of every block, smoothed by ``[1 2 1] x [1 2 1] / 16``. Lambda is 1, the default of the authors, with which the
    largest distance ``V`` cancels out. A block without any distance becomes its guidance, which it equals.

    Beyond the border of the small picture, its outermost averages are repeated, which is our choice.

    Args:
        blocks: ``(C, s * s, h, w)`` float, see :func:`twinscale.images.downscaling.blocks.to_blocks`.

    Returns:
        ``(C, h, w)`` of the same type, within the range of each block.
    """
    guidance = _smoothed(blocks.mean(axis=1))
    distance = blocks - guidance[:, None]
    np.square(distance, out=distance)
    weights = np.sqrt(distance.sum(axis=0))
    total = weights.sum(axis=0)
    weighted = np.multiply(blocks, weights, out=distance).sum(axis=1)
    result: NDArray = np.divide(weighted, total, out=guidance, where=total > 0)
    return result


def _smoothed(plane: NDArray) -> NDArray:
    """Convolve ``(C, h, w)`` with ``[1 2 1] x [1 2 1] / 16``."""
    around = np.pad(plane, ((0, 0), (1, 1), (1, 1)), mode="edge")
    rows = around[:, :-2] + 2 * around[:, 1:-1] + around[:, 2:]
    smoothed: NDArray = (rows[:, :, :-2] + 2 * rows[:, :, 1:-1] + rows[:, :, 2:]) / 16
    return smoothed
