"""SRCNN: Dong, Loy, He, Tang, "Learning a Deep Convolutional Network for Image Super-Resolution".

::

    bicubic enlargement ─ f1 x f1 conv n1, ReLU ─ f2 x f2 conv n2, ReLU ─ f3 x f3 conv ─ picture
"""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from twinscale.nets.base import Upscaler

_PAPER_STD = 0.001  # §4, "Implementation Details"


class SRCNN(Upscaler):
    """Three convolutions on the bicubic enlargement (equations 1 to 3).

    In training mode the convolutions are not padded and the output is smaller by ``2 * radius``; in
    evaluation mode the output has the input's size and border pixels are repeated in front of every
    convolution, as in the authors' published code. (§4 divides a zero-padded sum by the share of valid
    pixels instead: that suits a box filter, but makes the border of a sharp one up to 81 / 25 as bright.)

    Args:
        scale: by how much the input was enlarged; it only labels the network.
        channels: 1 for luminance as in the paper, 3 for RGB.
        filters: ``(n1, n2)``; the paper tries (32, 16), (64, 32) and (128, 64).
        kernels: ``(f1, f2, f3)``; the paper tries (9, 1, 5) and (11, 1, 7).
        init: ``"paper"`` draws every weight from N(0, 0.001²); ``"identity"`` starts from weights that keep
            the variance (He et al. 2015) around one path that hands the input through, so that training
            starts from the bicubic enlargement and not from black.
    """

    interpolated_input = True
    factor = 1

    def __init__(
        self,
        scale: int,
        channels: int = 1,
        filters: tuple[int, int] = (64, 32),
        kernels: tuple[int, int, int] = (9, 1, 5),
        init: Literal["paper", "identity"] = "paper",
    ) -> None:
        super().__init__()
        self.scale, self.channels = scale, channels
        self.radius = sum(kernel // 2 for kernel in kernels)
        widths = (channels, *filters, channels)
        self.convs = nn.ModuleList(
            nn.Conv2d(widths[i], widths[i + 1], kernels[i]) for i in range(len(kernels))
        )
        for conv in self.convs:
            assert isinstance(conv, nn.Conv2d)
            assert conv.bias is not None
            if init == "paper" or conv is self.convs[-1]:
                nn.init.normal_(conv.weight, std=_PAPER_STD)
            else:
                nn.init.kaiming_normal_(conv.weight)
            nn.init.zeros_(conv.bias)
            if init == "identity":
                _pass_through(conv, channels)

    def forward(self, enlarged: Tensor) -> Tensor:
        """``(N, C, H, W)`` in [0, 1] to the same size; in training mode ``2 * radius`` smaller."""
        x = enlarged
        for conv in self.convs:
            assert isinstance(conv, nn.Conv2d)
            if not self.training:
                x = F.pad(x, (conv.kernel_size[0] // 2,) * 4, mode="replicate")
            x = conv(x)
            if conv is not self.convs[-1]:
                x = F.relu(x)
        return x

    def output_layers(self) -> list[nn.Module]:
        return [self.convs[-1]]


def _pass_through(conv: nn.Conv2d, channels: int) -> None:
    """Make the first outputs copies of the first inputs; they are never negative, so ReLU keeps them."""
    centre = conv.kernel_size[0] // 2
    with torch.no_grad():
        for channel in range(channels):
            conv.weight[channel] = 0
            conv.weight[channel, channel, centre, centre] = 1
