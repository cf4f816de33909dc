"""SRCNN: Dong, Loy, He, Tang, "Learning a Deep Convolutional Network for Image Super-Resolution".

::

    bicubic enlargement ─ f1 x f1 conv n1, ReLU ─ f2 x f2 conv n2, ReLU ─ f3 x f3 conv ─ picture
"""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from twinscale.nets.base import Upscaler, register
from twinscale.nets.layers.initial import pass_through

_PAPER_STD = 0.001  # §4, "Implementation Details"


@register("srcnn")
class SRCNN(Upscaler):
    """Three convolutions on the bicubic enlargement (equations 1 to 3).

    In training mode the convolutions are not padded and the output is smaller by ``2 * radius``; in
    evaluation mode the output has the size of the input, and ``border`` says how.

    Args:
        scale: by how much the input was enlarged; it only labels the network.
        channels: 1 for luminance as in the paper, 3 for RGB.
        filters: ``(n1, n2)``; the paper tries (32, 16), (64, 32) and (128, 64).
        kernels: ``(f1, f2, f3)``; the paper tries (9, 1, 5) and (11, 1, 7).
        init: ``"paper"`` draws every weight from N(0, 0.001²); ``"identity"`` starts from weights that keep
            the variance (He et al. 2015) around one path that passes the input through, so that training
            starts from the bicubic enlargement and not from black.
        border: ``"normalised"`` pads with zeros and divides each convolution by the share of valid pixels
            under its window, as §4 describes. That suits a box filter but makes the border of a sharp one
            up to 81 / 25 times too bright, so ``"replicated"`` repeats the border pixels before every
            convolution.
    """

    interpolated_input = True

    def __init__(
        self,
        scale: int,
        channels: int = 1,
        filters: tuple[int, int] = (64, 32),
        kernels: tuple[int, int, int] = (9, 1, 5),
        init: Literal["paper", "identity"] = "paper",
        border: Literal["normalised", "replicated"] = "replicated",
    ) -> None:
        super().__init__(scale, channels, radius=sum(kernel // 2 for kernel in kernels))
        self._border = border
        widths = (channels, *filters, channels)
        self.convs = nn.ModuleList(nn.Conv2d(widths[i], widths[i + 1], kernels[i]) for i in range(len(kernels)))
        for conv in self.convs:
            assert isinstance(conv, nn.Conv2d)
            assert conv.bias is not None
            if init == "paper" or conv is self.convs[-1]:
                nn.init.normal_(conv.weight, std=_PAPER_STD)
            else:
                nn.init.kaiming_normal_(conv.weight)
            nn.init.zeros_(conv.bias)
            if init == "identity":
                pass_through(conv, channels, channels)

    def forward(self, enlarged: Tensor) -> Tensor:
        """Map ``(N, C, H, W)`` in [0, 1] to the same size; in training mode ``2 * radius`` smaller."""
        x = enlarged
        for conv in self.convs:
            assert isinstance(conv, nn.Conv2d)
            if not self.training and self._border == "normalised":
                x = _normalised(conv, x)
            else:
                margin = 0 if self.training else conv.kernel_size[0] // 2
                x = conv(F.pad(x, (margin,) * 4, mode="replicate"))
            if conv is not self.convs[-1]:
                x = F.relu(x)
        return x

    def output_layers(self) -> list[nn.Module]:
        """Return the last layers."""
        return [self.convs[-1]]


def _normalised(conv: nn.Conv2d, x: Tensor) -> Tensor:
    """Compute a zero-padded convolution times (pixels of the window / valid pixels under it), plus the bias."""
    size = conv.kernel_size[0]
    assert conv.bias is not None
    valid = F.conv2d(torch.ones_like(x[:1, :1]), x.new_ones(1, 1, size, size), padding=size // 2)
    return F.conv2d(x, conv.weight, padding=size // 2) * (size**2 / valid) + conv.bias[:, None, None]
