"""Jin, Park, Jeong, "Super-resolution of compressed image by deep residual network" (Fig. 1).

::

    compressed small picture ─ DnCNN of 18 layers ─ repaired small picture ─ EDSR ─ picture
"""

from torch import Tensor, nn

from twinscale.nets.base import Upscaler, register
from twinscale.nets.dncnn import DnCNN
from twinscale.nets.edsr import EDSR


@register("compressed-sr")
class CompressedSR(Upscaler):
    """One network that removes a codec's artefacts from a small picture and enlarges the result.

    What the paper leaves open is taken from the papers that it builds on. The "residual learning strategy" of the
    repairing part (§2.1.1) is DnCNN's, one path around the whole network, because the aim "is to learn a residual
    mapping" from compressed to clean (§3). The enlarging part (§2.1.2) has EDSR's order of layers and, because the
    number is not given, the 32 blocks of the one EDSR with 256 feature maps and residuals scaled by 0.1. So the paper's
    sizes are ``repair_width=64, width=256, blocks=32, residual_scale=0.1``: 41.3 million parameters at x2.

    Args:
        scale: 2, 3 or 4; the paper's tables are x2, as their bicubic column tells.
        channels: 3 for RGB as in the paper, 1 for luminance.
        repair_depth: convolutions of the repairing part.
        repair_width: feature maps between them.
        width: feature maps of the enlarging part.
        blocks: its residual blocks.
        residual_scale: factor of each block's residual.
    """

    def __init__(
        self,
        scale: int,
        channels: int = 3,
        repair_depth: int = 18,
        repair_width: int = 32,
        width: int = 32,
        blocks: int = 8,
        residual_scale: float = 1.0,
    ) -> None:
        repair = DnCNN(channels=channels, depth=repair_depth, width=repair_width)
        enlarge = EDSR(scale, channels, width, blocks, residual_scale)
        super().__init__(scale, channels, radius=repair.radius + enlarge.radius)
        self.repair, self.enlarge = repair, enlarge

    def forward(self, compressed: Tensor) -> Tensor:
        """Map ``(N, C, h, w)`` in [0, 1] to ``(N, C, h * scale, w * scale)``, about [0, 1]."""
        result: Tensor = self.enlarge(self.repair(compressed))
        return result

    def output_layers(self) -> list[nn.Module]:
        """Return the last layers."""
        return self.enlarge.output_layers()
