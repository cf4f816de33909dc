"""Pictures continued beyond their border, as the engine continues them."""

import torch
from torch import Tensor


def mirrored(pictures: Tensor, margin: int) -> Tensor:
    """Continue pictures by their mirror image, the outermost pixels repeated.

    Args:
        pictures: ``(N, C, H, W)``.
        margin: pixels on each side; beyond the mirror image, pictures repeat.

    Returns:
        ``(N, C, H + 2 * margin, W + 2 * margin)``.
    """
    for dim in (2, 3):
        length = pictures.shape[dim]
        positions = torch.arange(-margin, length + margin, device=pictures.device) % (2 * length)
        pictures = pictures.index_select(dim, positions.minimum(2 * length - 1 - positions))
    return pictures
