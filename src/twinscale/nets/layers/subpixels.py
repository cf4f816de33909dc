"""Sub-pixels, as channels."""

from torch import Tensor


def repeated(x: Tensor, copies: int) -> Tensor:
    """Each channel ``copies`` times, side by side: shuffled, the enlargement by the nearest pixel.

    Args:
        x: ``(N, C, H, W)``.
        copies: the scale, squared.

    Returns:
        ``(N, C * copies, H, W)`` in the order that ``pixel_shuffle`` reads.
    """
    return x[:, :, None].expand(-1, -1, copies, -1, -1).flatten(1, 2)
