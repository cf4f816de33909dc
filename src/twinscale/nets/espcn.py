"""ESPCN: every sub-pixel is made by the last convolution.

Shi, Caballero, Huszár, Totz, Aitken, Bishop, Rueckert, Wang, "Real-Time Single Image and Video Super-Resolution Using
an Efficient Sub-Pixel Convolutional Neural Network" (Fig. 1).

::

    small ─ 5x5 conv 64, tanh ─ 3x3 conv 32, tanh ─ 3x3 conv scale² ─ shuffle ─ picture
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from twinscale.nets.base import Upscaler, register


@register("espcn")
class ESPCN(Upscaler):
    """Three convolutions on the small picture; the last makes every sub-pixel (equations 1 to 4).

    Sizes are those of §3.2. The convolutions are padded with zeros.

    Args:
        scale: 2, 3 or 4.
        channels: 1 for luminance as in the paper, 3 for RGB.
    """

    def __init__(self, scale: int, channels: int = 1) -> None:
        super().__init__(scale, channels, radius=4)
        self.features = nn.ModuleList((nn.Conv2d(channels, 64, 5, padding=2), nn.Conv2d(64, 32, 3, padding=1)))
        self.subpixels = nn.Conv2d(32, channels * scale**2, 3, padding=1)
        for conv in (*self.features, self.subpixels):
            assert isinstance(conv, nn.Conv2d)
            assert conv.bias is not None
            nn.init.xavier_normal_(conv.weight)  # the paper names none; Glorot and Bengio's suits tanh
            nn.init.zeros_(conv.bias)

    def forward(self, low: Tensor) -> Tensor:
        """Map ``(N, C, h, w)`` in [0, 1] to ``(N, C, h * scale, w * scale)``, about [0, 1]."""
        x = low
        for conv in self.features:
            x = torch.tanh(conv(x))
        # Equation 4 for one channel; with more, the channel varies fastest in the paper but slowest in pixel_shuffle.
        return F.pixel_shuffle(self.subpixels(x), self.scale)

    def output_layers(self) -> list[nn.Module]:
        """Return the last layers."""
        return [self.subpixels]
