"""SESR: plain convolutions that train as wide linear blocks.

Bhardwaj, Milosavljevic, O'Neil, Gope, Matas, Chalfin, Suda, Meng, Loh, "Collapsible Linear Blocks for Super-Efficient
Super Resolution" (Fig. 2).

::

    small ─┬─ 5x5 block f ─┬─ m x (3x3 block f, PReLU) ─(+)─ 5x5 block scale² ─(+)─ shuffle ─ picture
           │               └─────────────────────────────┘                     │
           └─ scale² copies ────────────────────────────────────────────────────┘
"""

from torch import Tensor, nn
from torch.nn import functional as F

from twinscale.nets.base import Upscaler, register
from twinscale.nets.layers.collapsed import LinearBlock
from twinscale.nets.layers.subpixels import repeated


@register("sesr")
class SESR(Upscaler):
    """A plain stack of convolutions, each trained as a wide linear block with a residual folded into its kernel.

    One shuffle enlarges at every scale; the paper shuffles twice at x4.

    Args:
        scale: 2, 3 or 4.
        channels: 1 for luminance as in the paper, 3 for RGB.
        features: the paper's f.
        blocks: the paper's m; (16, 5) is its M5, (32, 11) its XL.
    """

    def __init__(self, scale: int, channels: int = 1, features: int = 16, blocks: int = 5) -> None:
        super().__init__(scale, channels, radius=2 + blocks + 2)
        self.head = LinearBlock(channels, features, 5)
        self.body = nn.ModuleList(LinearBlock(features, features, 3) for _ in range(blocks))
        self.activations = nn.ModuleList(nn.PReLU(features) for _ in range(blocks + 1))
        self.subpixels = LinearBlock(features, channels * scale**2, 5)

    def forward(self, low: Tensor) -> Tensor:
        """Map ``(N, C, h, w)`` in [0, 1] to ``(N, C, h * scale, w * scale)``, about [0, 1]."""
        first, *others = self.activations
        features = x = first(self.head(low))
        for block, activation in zip(self.body, others, strict=True):
            x = activation(block(x))
        return F.pixel_shuffle(self.subpixels(x + features) + repeated(low, self.scale**2), self.scale)

    def output_layers(self) -> list[nn.Module]:
        """Return the last layers."""
        return [self.subpixels]
