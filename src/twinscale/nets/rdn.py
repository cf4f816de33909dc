"""RDN: Zhang, Tian, Kong, Zhong, Fu, "Residual Dense Network for Image Super-Resolution" (Fig. 2 and 3).

::

    small ─ 3x3 conv ─┬─ 3x3 conv ─ blocks ─ all their results joined ─ 1x1, 3x3 conv ─(+)─ enlarge ─ 3x3 conv ─ picture
                      └────────────────────────────────────────────────────────────────┘

    block: ─┬─ layers x (3x3 conv, ReLU, joined to all before) ─ 1x1 conv ─(+)─
            └──────────────────────────────────────────────────────────────┘
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from twinscale.nets.base import Upscaler, register
from twinscale.nets.layers.subpixels import SubpixelConvs


@register("rdn")
class RDN(Upscaler):
    """Densely connected blocks whose results are all fused before sub-pixel convolutions enlarge.

    The paper's sizes are ``width=64, blocks=16, layers=8, growth=64``: 22.3 million parameters at x4.

    Args:
        scale: 2, 3 or 4; 4 enlarges twice by 2.
        channels: 3 for RGB as in the paper, 1 for luminance.
        width: the paper's G0, feature maps between blocks.
        blocks: the paper's D, residual dense blocks.
        layers: the paper's C, convolutions in each.
        growth: the paper's G, feature maps that each of these adds.
    """

    def __init__(
        self, scale: int, channels: int = 3, width: int = 32, blocks: int = 6, layers: int = 4, growth: int = 32
    ) -> None:
        # Two small pixels before the blocks, one after them and one in the first sub-pixel convolution. A pixel at full
        # size, and at x4 one at half of it, together reach one more.
        super().__init__(scale, channels, radius=2 + blocks * layers + 3)
        self.head = nn.Conv2d(channels, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        self.body = nn.ModuleList(ResidualDenseBlock(width, layers, growth) for _ in range(blocks))
        self.fuse = nn.Sequential(nn.Conv2d(blocks * width, width, 1), nn.Conv2d(width, width, 3, padding=1))
        self.enlarge = SubpixelConvs(width, scale)
        self.output = nn.Conv2d(width, channels, 3, padding=1)

    def forward(self, low: Tensor) -> Tensor:
        """Map ``(N, C, h, w)`` in [0, 1] to ``(N, C, h * scale, w * scale)``, about [0, 1]."""
        shallow = self.head(low)
        x, results = self.second(shallow), []
        for block in self.body:
            x = block(x)
            results.append(x)
        result: Tensor = self.output(self.enlarge(self.fuse(torch.cat(results, dim=1)) + shallow))
        return result

    def output_layers(self) -> list[nn.Module]:
        """Return the last layers."""
        return [self.output]


class ResidualDenseBlock(nn.Module):
    """Convolutions that see all feature maps before them, fused and added to the block's input (equations 5 to 7)."""

    def __init__(self, width: int, layers: int, growth: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(width + i * growth, growth, 3, padding=1) for i in range(layers))
        self.fuse = nn.Conv2d(width + layers * growth, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, width, h, w)`` to the same shape."""
        features = x
        for conv in self.convs:
            features = torch.cat((features, F.relu(conv(features))), dim=1)
        fused: Tensor = self.fuse(features)
        return x + fused
