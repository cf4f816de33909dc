"""VDSR: Kim, Lee, Lee, "Accurate Image Super-Resolution Using Very Deep Convolutional Networks" (Fig. 2).

::

    bicubic enlargement ─┬─ 19 x (3x3 conv 64, ReLU) ─ 3x3 conv ─┐
                         └──────────────────────────────────────(+)─ picture
"""

from torch import Tensor, nn
from torch.nn import functional as F

from twinscale.nets.base import Upscaler, register

_RESIDUAL_STD = 0.001  # not He et al.'s, as in §5.2: training starts from the enlargement, without noise on top


@register("vdsr")
class VDSR(Upscaler):
    """The bicubic enlargement plus a residual from many small convolutions (§3.1), padded with zeros.

    It sees no scale, so one network serves several scales if it is trained on enlargements by all of them (§4.3).

    Args:
        scale: by how much the input was enlarged where the network is measured; it only labels the network.
        channels: 1 for luminance as in the paper, 3 for RGB.
        depth: number of convolutions; the paper tries 5 to 20.
        width: feature maps between them.
    """

    interpolated_input = True

    def __init__(self, scale: int, channels: int = 1, depth: int = 20, width: int = 64) -> None:
        super().__init__(scale, channels, radius=depth)
        ins = [channels] + [width] * (depth - 2)
        self.features = nn.ModuleList(nn.Conv2d(n, width, 3, padding=1) for n in ins)
        self.residual = nn.Conv2d(width, channels, 3, padding=1)
        for conv in (*self.features, self.residual):
            assert isinstance(conv, nn.Conv2d)
            assert conv.bias is not None
            nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
            nn.init.zeros_(conv.bias)
        nn.init.normal_(self.residual.weight, std=_RESIDUAL_STD)

    def forward(self, enlarged: Tensor) -> Tensor:
        """Map ``(N, C, H, W)`` in [0, 1] to the same size, about [0, 1]."""
        x = enlarged
        for conv in self.features:
            x = F.relu(conv(x))
        residual: Tensor = self.residual(x)
        return enlarged + residual

    def output_layers(self) -> list[nn.Module]:
        """Return the last layers."""
        return [self.residual]
