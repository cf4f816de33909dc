"""CNN_SMALL, CNN_MEDIUM, CNN_DEEP and the waifu2x CNN.

Ding, "Image Super-Resolution Using Convolutional Neural Network" (Tables 1 to 4).

::

    bicubic enlargement ─ 3, 5 or 7 x (3x3 conv, ReLU) ─ picture
"""

from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from twinscale.nets.base import Upscaler, register
from twinscale.nets.layers.initial import msra, near_zero, pass_through

Variant = Literal["small", "medium", "deep", "waifu2x"]

WIDTHS: dict[Variant, tuple[int, ...]] = {
    "small": (8, 16),
    "medium": (16, 32, 64, 32),
    "deep": (32, 64, 128, 128, 64, 32),
    "waifu2x": (32, 32, 64, 64, 128, 128),
}
"""Feature maps between the convolutions."""

_LUMINANCE = torch.tensor([65.481, 128.553, 24.966], dtype=torch.float64)[:, None, None] / 255  # BT.601
_BLACK = 16 / 255


@register("small-cnn")
class SmallCNN(Upscaler):
    """A chain of 3x3 convolutions on the bicubic enlargement, padded with zeros.

    "The activation function used is relu in all layers", so after the last one too. There it only cuts off what would
    be darker than black, but where it does, it stops the gradient. The paper names no initial weights; ours keep the
    variance (He et al. 2015) around one path that passes the input through, so that training starts from the
    enlargement, which is never negative. Without that path they learn too, but later: after a thousand steps of its
    recipe, CNN_SMALL is still behind the enlargement.

    Args:
        scale: by how much the input was enlarged; it only labels the network.
        channels: 3 for RGB, 1 for luminance.
        variant: which network, a key of :data:`WIDTHS`.
        luminance_input: look only at the luminance of an RGB picture and make all three channels from it: the one input
            and three outputs that the tables print. For comparisons: luminance does not reveal colour.
    """

    interpolated_input = True

    def __init__(
        self, scale: int, channels: int = 3, variant: Variant = "small", luminance_input: bool = False
    ) -> None:
        super().__init__(scale, channels, radius=len(WIDTHS[variant]) + 1)
        self._reads_luminance = luminance_input and channels == 3
        inputs = 1 if luminance_input else channels
        convs = [msra(nn.Conv2d(n, m, 3, padding=1), 0) for n, m in pairwise((inputs, *WIDTHS[variant], channels))]
        near_zero(convs[-1])
        for conv in convs:
            pass_through(conv, inputs, channels if conv is convs[-1] else inputs)
        self.convs = nn.ModuleList(convs)

    def forward(self, enlarged: Tensor) -> Tensor:
        """Map ``(N, C, H, W)`` in [0, 1] to the same size, from 0 to about 1."""
        x = enlarged
        if self._reads_luminance:
            x = (x * _LUMINANCE.to(x)).sum(1, keepdim=True) + _BLACK
        for conv in self.convs:
            x = F.relu(conv(x))
        return x

    def output_layers(self) -> list[nn.Module]:
        """Return the last layers."""
        return [self.convs[-1]]
