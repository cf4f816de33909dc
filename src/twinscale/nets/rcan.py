"""RCAN: Zhang, Li, Li, Wang, Zhong, Fu, "Image Super-Resolution Using Very Deep Residual Channel Attention Networks".

Its Fig. 2 to 4::

    small ─ 3x3 conv ─┬─ groups x (blocks x block, 3x3 conv, + input) ─ 3x3 conv ─(+)─ enlarge ─ 3x3 conv ─ picture
                      └───────────────────────────────────────────────────────────┘

    block: ─┬─ 3x3 conv, ReLU, 3x3 conv ─┬────────────────────────────────────────────────────────(x)─(+)─
            │                            └─ mean over the picture, 1x1 conv, ReLU, 1x1 conv, sigmoid ─┘   │
            └─────────────────────────────────────────────────────────────────────────────────────────────┘
"""

import math

from torch import Tensor, nn
from torch.nn import functional as F

from twinscale.nets.base import Upscaler, register
from twinscale.nets.layers.subpixels import SubpixelConvs


@register("rcan")
class RCAN(Upscaler):
    """Residual blocks in residual groups; what a whole feature map contains decides how much it counts.

    Because of these means over the picture, it is never tiled. The paper's sizes are ``width=64, groups=10, blocks=20,
    reduction=16``: 15.6 million parameters at x4.

    Args:
        scale: 2, 3 or 4; 4 enlarges twice by 2.
        channels: 3 for RGB as in the paper, 1 for luminance.
        width: feature maps.
        groups: residual groups.
        blocks: residual channel attention blocks in each.
        reduction: how many times fewer values than feature maps the attention is computed from.
    """

    def __init__(
        self, scale: int, channels: int = 3, width: int = 32, groups: int = 4, blocks: int = 6, reduction: int = 8
    ) -> None:
        super().__init__(scale, channels, radius=math.inf)
        self.head = nn.Conv2d(channels, width, 3, padding=1)
        self.body = nn.ModuleList(ResidualGroup(width, blocks, reduction) for _ in range(groups))
        self.after = nn.Conv2d(width, width, 3, padding=1)
        self.enlarge = SubpixelConvs(width, scale)
        self.output = nn.Conv2d(width, channels, 3, padding=1)

    def forward(self, low: Tensor) -> Tensor:
        """Map ``(N, C, h, w)`` in [0, 1] to ``(N, C, h * scale, w * scale)``, about [0, 1]."""
        features = x = self.head(low)
        for group in self.body:
            x = group(x)
        result: Tensor = self.output(self.enlarge(self.after(x) + features))
        return result

    def output_layers(self) -> list[nn.Module]:
        """Return the last layers."""
        return [self.output]


class ResidualGroup(nn.Module):
    """Blocks and a convolution, plus the input (equation 5)."""

    def __init__(self, width: int, blocks: int, reduction: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(ChannelAttentionBlock(width, reduction) for _ in range(blocks))
        self.after = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, width, h, w)`` to the same shape."""
        features = x
        for block in self.blocks:
            features = block(features)
        result: Tensor = self.after(features) + x
        return result


class ChannelAttentionBlock(nn.Module):
    """Two convolutions, each of their feature maps times its share, plus the input (equations 7 to 11)."""

    def __init__(self, width: int, reduction: int) -> None:
        super().__init__()
        self.first, self.second = (nn.Conv2d(width, width, 3, padding=1) for _ in range(2))
        self.squeeze = nn.Conv2d(width, width // reduction, 1)
        self.excite = nn.Conv2d(width // reduction, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, width, h, w)`` to the same shape."""
        residual = self.second(F.relu(self.first(x)))
        mean = residual.mean(dim=(2, 3), keepdim=True)
        result: Tensor = x + residual * self.excite(F.relu(self.squeeze(mean))).sigmoid()
        return result
