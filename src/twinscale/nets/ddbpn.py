"""D-DBPN: Haris, Shakhnarovich, Ukita, "Deep Back-Projection Networks for Super-Resolution" (Fig. 3 to 5).

::

    small ─ 3x3 conv ─ 1x1 conv ─ up ─ down ─ up ─ ... ─ up ─ all large results joined ─ 3x3 conv ─ picture

    up: ─┬─ deconv ─┬─ conv ─(-)─ deconv ─(+)─        down: the same with conv and deconv exchanged
         │          └─────────│────────────┘
         └────────────────────┘

Each unit sees all results of the other kind before it, joined, and a PReLU follows each convolution but the last.
"""

import torch
from torch import Tensor, nn

from twinscale.nets.base import Upscaler, register
from twinscale.nets.layers.initial import msra

_PADDING = 2
_SLOPE = 0.25  # where the PReLUs start, He et al. 2015


@register("d-dbpn")
class DDBPN(Upscaler):
    """Features are enlarged and reduced in turn, and what comes back wrong corrects each time what was made.

    Projections have kernels of ``scale + 4``: 6x6 at x2 and 8x8 at x4 as in the paper, and so 7x7 at x3. The paper's
    sizes are ``features=256, width=64, stages=7``: 10.4 million parameters at x4, 5.95 million at x2.

    Args:
        scale: 2, 3 or 4.
        channels: 3 for RGB as in the paper, 1 for luminance.
        features: the paper's n_0, feature maps of the first convolution.
        width: the paper's n_R, feature maps of every projection.
        stages: the paper's T, up-projections.
    """

    def __init__(self, scale: int, channels: int = 3, features: int = 64, width: int = 24, stages: int = 3) -> None:
        # Both ways a projection sees two full-size pixels beyond a small pixel's block. Going back from the result,
        # these and the last convolution's one reach the first whole blocks; then each conv and the deconv before it
        # reach four pixels further, in whole blocks again. The first convolution adds one small pixel.
        first = -(-(1 + _PADDING) // scale)
        each = -(-2 * _PADDING // scale)
        super().__init__(scale, channels, radius=1 + (3 * stages - 2) * each + first)
        self.head = nn.Sequential(nn.Conv2d(channels, features, 3, padding=1), nn.PReLU())
        self.reduce = nn.Sequential(nn.Conv2d(features, width, 1), nn.PReLU())
        self.ups = nn.ModuleList(Projection(max(1, i), width, scale, up=True) for i in range(stages))
        self.downs = nn.ModuleList(Projection(i + 1, width, scale, up=False) for i in range(stages - 1))
        self.output = nn.Conv2d(stages * width, channels, 3, padding=1)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
                msra(layer, _SLOPE)

    def forward(self, low: Tensor) -> Tensor:
        """Map ``(N, C, h, w)`` in [0, 1] to ``(N, C, h * scale, w * scale)``, about [0, 1]."""
        first, *others = self.ups
        small: list[Tensor] = []
        large = [first(self.reduce(self.head(low)))]
        for down, up in zip(self.downs, others, strict=True):
            small.append(down(torch.cat(large, dim=1)))
            large.append(up(torch.cat(small, dim=1)))
        result: Tensor = self.output(torch.cat(large, dim=1))
        return result

    def output_layers(self) -> list[nn.Module]:
        """Return the last layers."""
        return [self.output]


class Projection(nn.Module):
    """An up-projection (equations 1 to 5) or a down-projection (6 to 10) of several joined results.

    Args:
        inputs: how many; more than one are first fused by a 1x1 convolution.
        width: feature maps of each, and of the result.
        scale: 2, 3 or 4.
        up: whether the result is larger than the inputs, not smaller.
    """

    def __init__(self, inputs: int, width: int, scale: int, *, up: bool) -> None:
        super().__init__()

        def projected(kind: type[nn.Conv2d] | type[nn.ConvTranspose2d]) -> nn.Sequential:
            return nn.Sequential(kind(width, width, scale + 2 * _PADDING, stride=scale, padding=_PADDING), nn.PReLU())

        there, back = (nn.ConvTranspose2d, nn.Conv2d) if up else (nn.Conv2d, nn.ConvTranspose2d)
        self.fuse = nn.Sequential(nn.Conv2d(inputs * width, width, 1), nn.PReLU()) if inputs > 1 else nn.Identity()
        self.project, self.back, self.correct = projected(there), projected(back), projected(there)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, inputs * width, h, w)`` to ``(N, width, h', w')``, larger or smaller by the scale."""
        x = self.fuse(x)
        projected = self.project(x)
        result: Tensor = projected + self.correct(self.back(projected) - x)
        return result
