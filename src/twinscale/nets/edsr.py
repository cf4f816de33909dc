"""EDSR: Lim, Son, Kim, Nah, Lee, "Enhanced Deep Residual Networks for Single Image Super-Resolution" (Fig. 3).

::

    small ─ 3x3 conv ─┬─ blocks x (3x3 conv, ReLU, 3x3 conv, + input) ─ 3x3 conv ─(+)─ enlarge ─ 3x3 conv ─ picture
                      └────────────────────────────────────────────────────────────┘
"""

from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn import functional as F

from twinscale.nets.base import Upscaler, register
from twinscale.nets.layers.mean import mean_picture
from twinscale.nets.layers.subpixels import SubpixelConvs


@register("edsr")
class EDSR(Upscaler):
    """Residual blocks without batch normalisation, enlarged by sub-pixel convolutions.

    Args:
        scale: 2, 3 or 4; 4 enlarges twice by 2.
        channels: 3 for RGB as in the paper, 1 for luminance.
        width: feature maps; 64 in the paper's baseline, 256 in its large network.
        blocks: residual blocks; 16 in the baseline, 32 in the large network.
        residual_scale: factor of each block's residual; 1 in the baseline, 0.1 in the large network (§3.3).
    """

    def __init__(
        self, scale: int, channels: int = 3, width: int = 64, blocks: int = 16, residual_scale: float = 1.0
    ) -> None:
        # A pixel at full size, and at x4 one at half of it, together reach one more small pixel.
        super().__init__(scale, channels, radius=2 * blocks + 3 + 1)
        self._residual_scale = residual_scale
        self.register_buffer("_mean", mean_picture(channels), persistent=False)
        self.head = nn.Conv2d(channels, width, 3, padding=1)
        self.body = nn.ModuleList(
            nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(2)) for _ in range(blocks)
        )
        self.after = nn.Conv2d(width, width, 3, padding=1)
        self.enlarge = SubpixelConvs(width, scale)
        self.output = nn.Conv2d(width, channels, 3, padding=1)

    def forward(self, low: Tensor) -> Tensor:
        """Map ``(N, C, h, w)`` in [0, 1] to ``(N, C, h * scale, w * scale)``, about [0, 1]."""
        assert isinstance(self._mean, Tensor)
        features = x = self.head(low - self._mean)
        for block in self.body:
            assert isinstance(block, nn.ModuleList)
            first, second = block
            x = x + self._residual_scale * second(F.relu(first(x)))
        x = self.after(x) + features
        result: Tensor = self.output(self.enlarge(x)) + self._mean
        return result

    def grown_from(self, trained: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Make weights to start from out of those of an EDSR of the same width, of any scale (§3.2).

        Layers that enlarge by another factor, or once more, start afresh.

        Args:
            trained: state dictionary of the other network; of a deeper one, the first blocks are taken.

        Raises:
            ValueError: it is narrower, wider or shallower; the message begins with the name of the first weights that
                do not fit.
        """
        enlarging = {f"enlarge.{name}": tensor for name, tensor in self.enlarge.state_dict().items()}
        fitting = {name: old for name, old in trained.items() if old.shape == enlarging.get(name, old).shape}
        return super().grown_from(enlarging | fitting)

    def output_layers(self) -> list[nn.Module]:
        """Return the last layers."""
        return [self.output]
