"""SPAN: attention without parameters, winner of the efficient super-resolution challenge of NTIRE 2024.

Wan, Yu, Wu, Zou, Wang, Bao, Zhang, "Swift Parameter-free Attention Network for Efficient Super-Resolution" (Fig. 2).

::

    small ─ 3x3 conv ─┬─ block 1 ─┬─ blocks 2 to 5 ─ block 6 ─ 3x3 conv ─┐
                      │           │                    └ its first layer ┤
                      └───────────┴─────────────────────────────────── joined ─ 1x1 conv ─ 3x3 conv ─ shuffle ─ picture
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from twinscale.nets.base import Upscaler, register
from twinscale.nets.layers.collapsed import Conv3XC

_BLOCKS = 6


@register("span")
class SPAN(Upscaler):
    """Blocks whose features are weighted by their own signed sigmoid: attention that needs no parameters.

    Args:
        scale: 2, 3 or 4.
        channels: 3 for RGB as in the paper, 1 for luminance.
        width: feature maps; 48 in the paper, 28 in the challenge.
    """

    def __init__(self, scale: int, channels: int = 3, width: int = 48) -> None:
        super().__init__(scale, channels, radius=1 + 3 * _BLOCKS + 2)
        self.head = Conv3XC(channels, width)
        self.body = nn.ModuleList(SPAB(width) for _ in range(_BLOCKS))
        self.after = Conv3XC(width, width)
        self.fuse = nn.Conv2d(4 * width, width, 1)
        self.subpixels = nn.Conv2d(width, channels * scale**2, 3, padding=1)

    def forward(self, low: Tensor) -> Tensor:
        """Map ``(N, C, h, w)`` in [0, 1] to ``(N, C, h * scale, w * scale)``, about [0, 1]."""
        features = self.head(low)
        first_block, *others = self.body
        first, inner = first_block(features)
        x = first
        for block in others:
            x, inner = block(x)
        x = self.fuse(torch.cat((features, self.after(x), first, inner), dim=1))
        return F.pixel_shuffle(self.subpixels(x), self.scale)

    def output_layers(self) -> list[nn.Module]:
        """Return the last layers."""
        return [self.subpixels]


class SPAB(nn.Module):
    """Swift parameter-free attention block (equations 3 to 6)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(Conv3XC(width, width) for _ in range(3))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map ``(N, C, H, W)`` to the block's result and to the output of its first layer, of the same size."""
        first, second, third = self.convs
        inner = F.silu(first(x))
        residual = third(F.silu(second(inner)))
        return (x + residual) * (torch.sigmoid(residual) - 0.5), inner
