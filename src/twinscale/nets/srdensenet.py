"""SRDenseNet: Tong, Li, Liu, Gao, "Image Super-Resolution Using Dense Skip Connections" (Fig. 2 (c), SRDenseNet_All).

::

    small ─ 3x3 conv ─ blocks, each joined to all before ─ 1x1 conv ─ deconvs ─ 3x3 conv ─ picture

    block: ─ layers x (3x3 conv), each joined to all before in the block ─        a ReLU follows each conv but the last
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from twinscale.nets.base import Upscaler, register
from twinscale.nets.layers.initial import msra

_DECONV_SIZE = 3


@register("srdensenet")
class SRDenseNet(Upscaler):
    """Densely connected blocks of densely connected layers, so that features of all levels are combined.

    The paper's sizes are ``blocks=8, layers=8, growth=16, width=256``: 2.66 million parameters for luminance at x4. The
    first convolution makes as many feature maps as each block.

    Args:
        scale: 2, 3 or 4; 4, the paper's only one, enlarges twice by 2.
        channels: 1 for luminance as in the paper, 3 for RGB.
        blocks: dense blocks.
        layers: convolutions in each.
        growth: feature maps that each of these makes.
        width: feature maps that the bottleneck leaves for the deconvolutions.
    """

    def __init__(
        self, scale: int, channels: int = 1, blocks: int = 4, layers: int = 4, growth: int = 16, width: int = 64
    ) -> None:
        # One small pixel before the blocks, and one that the deconvolutions and the last convolution reach together.
        super().__init__(scale, channels, radius=1 + blocks * layers + 1)
        maps = layers * growth
        self.head = nn.Conv2d(channels, maps, 3, padding=1)
        self.body = nn.ModuleList(DenseBlock((i + 1) * maps, layers, growth) for i in range(blocks))
        self.bottleneck = nn.Conv2d((blocks + 1) * maps, width, 1)
        self.enlarge = nn.ModuleList(_deconv(width, step) for step in ((2, 2) if scale == 4 else (scale,)))
        self.output = nn.Conv2d(width, channels, 3, padding=1)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
                msra(layer, 0)

    def forward(self, low: Tensor) -> Tensor:
        """Map ``(N, C, h, w)`` in [0, 1] to ``(N, C, h * scale, w * scale)``, about [0, 1]."""
        features = F.relu(self.head(low))
        for block in self.body:
            features = torch.cat((features, block(features)), dim=1)
        x = F.relu(self.bottleneck(features))
        for deconv in self.enlarge:
            x = F.relu(deconv(x))
        result: Tensor = self.output(x)
        return result

    def output_layers(self) -> list[nn.Module]:
        """Return the last layers."""
        return [self.output]


class DenseBlock(nn.Module):
    """Convolutions that see the feature maps of all before them; the first sees the block's input (§3.2)."""

    def __init__(self, ins: int, layers: int, growth: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(i * growth or ins, growth, 3, padding=1) for i in range(layers))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, ins, h, w)`` to ``(N, layers * growth, h, w)``."""
        first, *others = self.convs
        features = F.relu(first(x))
        for conv in others:
            features = torch.cat((features, F.relu(conv(features))), dim=1)
        return features


def _deconv(width: int, step: int) -> nn.ConvTranspose2d:
    """Make a deconvolution whose result is exactly ``step`` times as large, for 2 or 3."""
    rest = _DECONV_SIZE - step
    return nn.ConvTranspose2d(width, width, _DECONV_SIZE, stride=step, padding=rest, output_padding=rest)
