"""Super-resolution of compressed pictures: Jin, Park, Jeong, "Super-resolution of compressed image by deep residual network".

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
    mapping" from compressed to clean (§3). The enlarging part (§2.1.2) has EDSR's order of layers, and the 32 blocks
    of the only EDSR with 256 feature maps and residuals scaled by 0.1.

    Args:
        scale: 2, 3 or 4; the paper's tables are x2, by their bicubic column.
        channels: 3 for RGB as in the paper, 1 for luminance.
        repair_depth: convolutions of the repairing part; 18 in the paper.
        repair_width: feature maps between them; 64 in the paper.
        width: feature maps of the enlarging part; 256 in the paper.
        blocks: its residual blocks.
        residual_scale: factor of each block's residual; 0.1 in the paper.
    """

    def __init__(
        self,
        scale: int,
        channels: int = 3,
        repair_depth: int = 18,
        repair_width: int = 64,
        width: int = 256,
        blocks: int = 32,
        residual_scale: float = 0.1,
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
