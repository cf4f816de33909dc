"""DSN: Cai, Xu, Guo, Jia, Tao, "Deep Sampling Networks" (Table 2, Fig. 3).

::

    picture ─┬─ 3 x (3x3 conv 64, LReLU) ─ d x d conv, stride d ─┐
             └─ d x d average pool ─────────────────────────────(+)─ Q-BReLU ─ small picture

    small ───┬─ 3x3 conv 64 ─ 3 x (1x1 conv 64, 3x3 conv 64), densely connected ─ 1x1 conv d² ─┐
             └─ d² copies ────────────────────────────────────────────────────────────────────(+)─ shuffle
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from twinscale.nets.base import Network, Pair, Upscaler
from twinscale.nets.layers.initial import msra, near_zero
from twinscale.nets.layers.qbrelu import QBReLU
from twinscale.nets.layers.subpixels import repeated

_SLOPE = 0.05  # of the leaky ReLU, §4.1


class DownSNet(Network):
    """Down-sampling subnetwork: the average of each ``scale`` x ``scale`` block plus a residual (eq. 1).

    The output is neither clipped nor quantised; :class:`DSN` applies Q-BReLU.
    """

    def __init__(self, scale: int, channels: int = 1, width: int = 64, depth: int = 3) -> None:
        super().__init__()
        self.scale = self.multiple_of = scale
        self.factor = 1 / scale
        self.radius = depth
        ins = [channels] + [width] * (depth - 1)
        self.features = nn.ModuleList(msra(nn.Conv2d(n, width, 3, padding=1), _SLOPE) for n in ins)
        self.residual = near_zero(nn.Conv2d(width, channels, scale, stride=scale))

    def forward(self, picture: Tensor) -> Tensor:
        """``(N, C, H, W)`` in [0, 1] to ``(N, C, H / scale, W / scale)``, about [0, 1]."""
        x = picture
        for conv in self.features:
            x = F.leaky_relu(conv(x), _SLOPE)
        residual: Tensor = self.residual(x)
        return F.avg_pool2d(picture, self.scale) + residual

    def output_layers(self) -> list[nn.Module]:
        return [self.residual]


class UpSNet(Upscaler):
    """Up-sampling subnetwork: each pixel repeated, plus a sub-pixel residual (eq. 4).

    Half of :class:`DSN`, and super-resolution on its own (Table 3).
    """

    def __init__(self, scale: int, channels: int = 1, width: int = 64, depth: int = 3) -> None:
        super().__init__()
        self.scale, self.channels = scale, channels
        self.factor = scale
        self.radius = depth + 1
        self.head = msra(nn.Conv2d(channels, width, 3, padding=1), _SLOPE)
        self.bottlenecks = nn.ModuleList(msra(nn.Conv2d(width * (i + 1), width, 1), _SLOPE) for i in range(depth))
        self.convs = nn.ModuleList(msra(nn.Conv2d(width, width, 3, padding=1), _SLOPE) for _ in range(depth))
        self.residual = near_zero(nn.Conv2d(width * (depth + 1), channels * scale**2, 1))

    def forward(self, low: Tensor) -> Tensor:
        """``(N, C, h, w)`` in [0, 1] to ``(N, C, h * scale, w * scale)``, about [0, 1]."""
        features = F.leaky_relu(self.head(low), _SLOPE)
        for bottleneck, conv in zip(self.bottlenecks, self.convs, strict=True):
            x = F.leaky_relu(bottleneck(features), _SLOPE)
            x = F.leaky_relu(conv(x), _SLOPE)
            features = torch.cat((features, x), dim=1)
        # Channel s * (y mod s) + (x mod s) of the residual is sub-pixel (x, y): pixel_shuffle's order.
        return F.pixel_shuffle(self.residual(features) + repeated(low, self.scale**2), self.scale)

    def output_layers(self) -> list[nn.Module]:
        return [self.residual]


class DSN(Pair):
    """The co-trained pair.

    Args:
        scale: 2, 3 or 4.
        channels: 1 for luminance as in the paper, 3 for RGB.
        quantised: whether training sees the small picture clipped and rounded; without, it is Down-SNet's
            output as it is (Fig. 5 (c)).
    """

    def __init__(self, scale: int, channels: int = 1, quantised: bool = True) -> None:
        super().__init__()
        self.scale, self.channels = scale, channels
        self.down = DownSNet(scale, channels)
        self.up = UpSNet(scale, channels)
        self.quantise = QBReLU() if quantised else nn.Identity()
