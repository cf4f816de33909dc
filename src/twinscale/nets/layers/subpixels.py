"""Sub-pixels, as channels."""

from torch import Tensor


def repeated(x: Tensor, copies: int) -> Tensor:
    """Repeat each channel ``copies`` times in a row: shuffled, this is the nearest-neighbour enlargement.

    Args:
        x: ``(N, C, H, W)``.
        copies: the square of the scale.

    Returns:
        ``(N, C * copies, H, W)`` in the order that ``pixel_shuffle`` reads.
    """
    return x[:, :, None].expand(-1, -1, copies, -1, -1).flatten(1, 2)
