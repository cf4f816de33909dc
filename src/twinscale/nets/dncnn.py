"""DnCNN: Zhang, Zuo, Chen, Meng, Zhang, "Beyond a Gaussian Denoiser: Residual Learning of Deep CNN" (Fig. 1).

::

    damaged picture ─┬─ 3x3 conv, ReLU ─ (depth - 2) x (3x3 conv, batch norm, ReLU) ─ 3x3 conv ─┐
                     └─────────────────────────────────────────────────────────────────────────(+)─ picture
"""

from torch import Tensor, nn
from torch.nn import functional as F

from twinscale.errors import UsageError
from twinscale.nets.base import Upscaler, register
from twinscale.nets.layers.initial import near_zero


@register("dncnn")
class DnCNN(Upscaler):
    """Convolutions with batch normalisation that find what is wrong with a picture (§III), padded with zeros.

    The paper's network returns the damage; this one returns the picture without it. It starts from the damaged picture
    itself.

    Args:
        scale: 1, because the picture keeps its size.
        channels: 1 for luminance, 3 for RGB.
        depth: number of convolutions; 17 for one kind of damage in the paper, 20 for several.
        width: feature maps between them; 64 in the paper.

    Raises:
        UsageError: the scale is not 1.
    """

    def __init__(self, scale: int = 1, channels: int = 3, depth: int = 17, width: int = 64) -> None:
        if scale != 1:
            raise UsageError(f"dncnn keeps a picture's size, so scale = {scale} must be 1")
        super().__init__(scale, channels, radius=depth)
        self.head = nn.Conv2d(channels, width, 3, padding=1)
        self.body = nn.ModuleList(
            nn.ModuleList((nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)))
            for _ in range(depth - 2)
        )
        self.residual = near_zero(nn.Conv2d(width, channels, 3, padding=1))

    def forward(self, damaged: Tensor) -> Tensor:
        """Map ``(N, C, H, W)`` in [0, 1] to the same size, about [0, 1]."""
        x = F.relu(self.head(damaged))
        for layer in self.body:
            assert isinstance(layer, nn.ModuleList)
            conv, norm = layer
            x = F.relu(norm(conv(x)))
        result: Tensor = damaged + self.residual(x)
        return result

    def output_layers(self) -> list[nn.Module]:
        """Return the last layers."""
        return [self.residual]
