"""CNN_SMALL, CNN_MEDIUM, CNN_DEEP and the waifu2x CNN: Ding, "Image Super-Resolution Using Convolutional Neural
Network" (Tables 1 to 4).

::

    bicubic enlargement ─ 3, 5 or 7 x (3x3 conv, ReLU) ─ picture
"""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from twinscale.nets.base import Upscaler
from twinscale.nets.layers.initial import msra, near_zero

Variant = Literal["small", "medium", "deep", "waifu2x"]

WIDTHS: dict[Variant, tuple[int, ...]] = {
    "small": (8, 16),
    "medium": (16, 32, 64, 32),
    "deep": (32, 64, 128, 128, 64, 32),
    "waifu2x": (32, 32, 64, 64, 128, 128),
}
"""Feature maps between the convolutions."""

_LUMINANCE = torch.tensor([65.481, 128.553, 24.966])[:, None, None] / 255  # BT.601, as images/colour.py has it
_BLACK = 16 / 255


class SmallCNN(Upscaler):
    """A chain of 3x3 convolutions on the bicubic enlargement, padded with zeros.

    "The activation function used is relu in all layers", so also behind the last one: there it keeps what a picture
    can hold and cuts off what would be blacker than black. Where it does so it stops the gradient, so an output that
    started out negative would stay black. Ours start from the enlargement instead, which is never negative: one path
    hands it through, and around it are weights that keep the variance (He et al. 2015). The paper names no initial
    weights.

    Args:
        scale: by how much the input was enlarged; it only labels the network.
        channels: 3 for RGB, 1 for luminance.
        variant: whose feature maps, a key of :data:`WIDTHS`.
        luminance_input: look at the luminance of an RGB picture only and make all three channels of it: the one
            input and three outputs that the tables print and their parameters are counted for. Colour cannot be read
            off luminance, so this is for comparisons.
    """

    interpolated_input = True
    factor = 1

    def __init__(
        self, scale: int, channels: int = 3, variant: Variant = "small", luminance_input: bool = False
    ) -> None:
        super().__init__()
        self.scale, self.channels = scale, channels
        self._reads_luminance = luminance_input and channels == 3
        widths = (1 if luminance_input else channels, *WIDTHS[variant], channels)
        self.radius = len(widths) - 1
        self.convs = nn.ModuleList(msra(nn.Conv2d(n, m, 3, padding=1), 0) for n, m in zip(widths, widths[1:]))
        near_zero(self.convs[-1])
        for conv in self.convs:
            _pass_through(conv, widths[0], channels if conv is self.convs[-1] else widths[0])

    def forward(self, enlarged: Tensor) -> Tensor:
        """``(N, C, H, W)`` in [0, 1] to the same size, from 0 to about 1."""
        x = enlarged
        if self._reads_luminance:
            x = (x * _LUMINANCE.to(x)).sum(1, keepdim=True) + _BLACK
        for conv in self.convs:
            x = F.relu(conv(x))
        return x

    def output_layers(self) -> list[nn.Module]:
        return [self.convs[-1]]


def _pass_through(conv: nn.Conv2d, inputs: int, outputs: int) -> None:
    """Make the first outputs copies of the first inputs, in turn."""
    with torch.no_grad():
        for output in range(outputs):
            conv.weight[output] = 0
            conv.weight[output, output % inputs, 1, 1] = 1
