"""Twin: our pair, at most as costly as DSN.

DSN's Down-SNet convolves at full size, which is most of the pair's work, and sees three pixels beyond each block.
Twin's reads the picture with one strided convolution and continues at the small size: with about as many weights it
takes a fraction of the multiply-adds and sees three blocks further. Up-SNet is as in DSN, but may be wider, as most
shipped pairs have it. How both were found: ``docs/experiments/dsn.md``.

::

    picture ─┬─ strided conv 64, LReLU ─ 2 x (3x3 conv 64, LReLU) ─ 3x3 conv ─┐
             └─ d x d average pool ──────────────────────────────────────────(+)─ channel ─ small picture

    small ───── Up-SNet (nets/dsn.py)
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from twinscale.nets.base import Downscaler, Pair, create_restorer, register
from twinscale.nets.layers.initial import msra, near_zero
from twinscale.rescale.channel import Channel, EightBits

_SLOPE = 0.05  # of the leaky ReLU, as in DSN


class TwinDown(Downscaler):
    """Down-sampling at the small size: the average of each block plus a residual."""

    def __init__(self, scale: int, channels: int = 1, width: int = 64, depth: int = 3) -> None:
        # Each window reaches half a block into its neighbours, so that blocks agree where they meet.
        margin = scale // 2
        super().__init__(scale, channels, radius=margin + depth * scale)
        self.head = msra(nn.Conv2d(channels, width, scale + 2 * margin, stride=scale, padding=margin), _SLOPE)
        self.features = nn.ModuleList(msra(nn.Conv2d(width, width, 3, padding=1), _SLOPE) for _ in range(depth - 1))
        self.residual = near_zero(nn.Conv2d(width, channels, 3, padding=1))

    def forward(self, picture: Tensor) -> Tensor:
        """Map ``(N, C, H, W)`` in [0, 1] to ``(N, C, H / scale, W / scale)``, about [0, 1]."""
        x = F.leaky_relu(self.head(picture), _SLOPE)
        for conv in self.features:
            x = F.leaky_relu(conv(x), _SLOPE)
        residual: Tensor = self.residual(x)
        return F.avg_pool2d(picture, self.scale) + residual

    def output_layers(self) -> list[nn.Module]:
        """Return the last layers."""
        return [self.residual]


@register("twin")
class Twin(Pair):
    """The co-trained pair; the picture is continued by its mirror image.

    Args:
        scale: 2, 3 or 4.
        channels: 1 for luminance, 3 for RGB.
        channel: what the small picture goes through.
        upscaler: the architecture that restores.
        upscaler_parameters: its own arguments.

    Raises:
        UsageError: a parameter is unknown, or the upscaler takes no small picture.
    """

    mirrored = True

    def __init__(
        self,
        scale: int,
        channels: int = 1,
        channel: Channel = EightBits(),
        upscaler: str = "upsnet",
        upscaler_parameters: Mapping[str, Any] | None = None,
    ) -> None:
        up = create_restorer(upscaler, scale, channels, channel, upscaler_parameters)
        super().__init__(TwinDown(scale, channels), up, channel)
