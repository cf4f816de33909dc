"""Sub-pixels, as channels."""

from torch import Tensor, nn
from torch.nn import functional as F


class SubpixelConvs(nn.ModuleList):
    """Convolutions that make sub-pixels of features, each followed by a shuffle; 4 times is twice 2 times.

    Args:
        width: feature maps, before and after.
        scale: 2, 3 or 4.
    """

    def __init__(self, width: int, scale: int) -> None:
        steps = (2, 2) if scale == 4 else (scale,)
        super().__init__(nn.Conv2d(width, width * step**2, 3, padding=1) for step in steps)
        self._steps = steps

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, width, h, w)`` to ``(N, width, h * scale, w * scale)``."""
        for step, conv in zip(self._steps, self, strict=True):
            x = F.pixel_shuffle(conv(x), step)
        return x


def repeated(x: Tensor, copies: int) -> Tensor:
    """Repeat each channel ``copies`` times in a row: shuffled, this is the nearest-neighbour enlargement.

    Args:
        x: ``(N, C, H, W)``.
        copies: the square of the scale.

    Returns:
        ``(N, C * copies, H, W)`` in the order that ``pixel_shuffle`` reads.
    """
    return x[:, :, None].expand(-1, -1, copies, -1, -1).flatten(1, 2)
