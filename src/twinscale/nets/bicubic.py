"""Bicubic enlargement as a network without parameters, so that what shrinks for it can be trained through it.

Keys, "Cubic Convolution Interpolation for Digital Image Processing" (equation 15 with a = -0.5).
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from twinscale.images.resize import imresize
from twinscale.nets.base import Upscaler, register

_REACH = 2  # small pixels: the kernel's support


@register("bicubic")
class Bicubic(Upscaler):
    """What :func:`twinscale.images.resize.imresize` computes, with a gradient; always in the precision of its input.

    Args:
        scale: 2, 3 or 4.
        channels: 1 for luminance, 3 for RGB.
    """

    def __init__(self, scale: int, channels: int = 3) -> None:
        super().__init__(scale, channels, radius=_REACH)
        pixel = np.eye(1, 2 * _REACH + 1, _REACH)  # one bright pixel, so far from the border that nothing is cut off
        kernel = torch.from_numpy(imresize(pixel, size=(1, scale * pixel.size))).float()
        self.register_buffer("_kernel", kernel[None, None], persistent=False)

    def forward(self, low: Tensor) -> Tensor:
        """Map ``(N, C, h, w)`` in [0, 1] to ``(N, C, h * scale, w * scale)``, about [0, 1]."""
        with torch.autocast(low.device.type, enabled=False):
            return self._enlarge_rows(self._enlarge_rows(low).transpose(2, 3)).transpose(2, 3)

    def output_layers(self) -> list[nn.Module]:
        """Return no layers: there is nothing to train."""
        return []

    def _enlarge_rows(self, planes: Tensor) -> Tensor:
        """Map ``(N, C, h, w)`` to ``(N, C, h, w * scale)``."""
        assert isinstance(self._kernel, Tensor)
        # Two pixels of mirror image on each side, in two steps because a row may be one pixel long.
        once = F.pad(planes, (1, 1, 0, 0), mode="replicate")
        mirrored = torch.cat((once[..., 2, None], once, once[..., -3, None]), dim=3)
        kernels = self._kernel.expand(self.channels, -1, -1, -1)
        rest = 2 * _REACH * self.scale  # what the mirror image and the kernel add on each side
        return F.conv_transpose2d(mirrored, kernels, stride=(1, self.scale), padding=(0, rest), groups=self.channels)
