"""DSN: Cai, Xu, Guo, Jia, Tao, "Deep Sampling Networks" (Table 2, Fig. 3).

::

    picture ─┬─ 3 x (3x3 conv 64, LReLU) ─ d x d conv, stride d ─┐
             └─ d x d average pool ─────────────────────────────(+)─ Q-BReLU ─ small picture

    small ───┬─ 3x3 conv 64 ─ 3 x (1x1 conv 64, 3x3 conv 64), densely connected ─ 1x1 conv d² ─┐
             └─ d² copies ────────────────────────────────────────────────────────────────────(+)─ shuffle
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from twinscale.nets.base import Downscaler, Pair, Upscaler, register
from twinscale.nets.layers.initial import msra, near_zero
from twinscale.nets.layers.subpixels import repeated
from twinscale.rescale.channel import Channel, EightBits

_SLOPE = 0.05  # of the leaky ReLU, §4.1


class DownSNet(Downscaler):
    """Down-sampling subnetwork: the average of each ``scale`` x ``scale`` block plus a residual (eq. 1)."""

    def __init__(self, scale: int, channels: int = 1, width: int = 64, depth: int = 3) -> None:
        super().__init__(scale, channels, radius=depth)
        ins = [channels] + [width] * (depth - 1)
        self.features = nn.ModuleList(msra(nn.Conv2d(n, width, 3, padding=1), _SLOPE) for n in ins)
        self.residual = near_zero(nn.Conv2d(width, channels, scale, stride=scale))

    def forward(self, picture: Tensor) -> Tensor:
        """Map ``(N, C, H, W)`` in [0, 1] to ``(N, C, H / scale, W / scale)``, about [0, 1]."""
        x = picture
        for conv in self.features:
            x = F.leaky_relu(conv(x), _SLOPE)
        residual: Tensor = self.residual(x)
        return F.avg_pool2d(picture, self.scale) + residual

    def output_layers(self) -> list[nn.Module]:
        """Return the last layers."""
        return [self.residual]


@register("upsnet")
class UpSNet(Upscaler):
    """Up-sampling subnetwork: each pixel repeated, plus a sub-pixel residual (eq. 4).

    Half of :class:`DSN`, and super-resolution on its own (Table 3).
    """

    def __init__(self, scale: int, channels: int = 1, width: int = 64, depth: int = 3, conditions: int = 0) -> None:
        super().__init__(scale, channels, radius=depth + 1, conditions=conditions)
        self._width = width
        self.head = msra(nn.Conv2d(self.planes, width, 3, padding=1), _SLOPE)
        self.bottlenecks = nn.ModuleList(msra(nn.Conv2d(width * (i + 1), width, 1), _SLOPE) for i in range(depth))
        self.convs = nn.ModuleList(msra(nn.Conv2d(width, width, 3, padding=1), _SLOPE) for _ in range(depth))
        self.residual = near_zero(nn.Conv2d(width * (depth + 1), channels * scale**2, 1))

    def forward(self, low: Tensor) -> Tensor:
        """Map ``(N, C + conditions, h, w)`` in [0, 1] to ``(N, C, h * scale, w * scale)``, about [0, 1]."""
        features = F.leaky_relu(self.head(low), _SLOPE)
        for bottleneck, conv in zip(self.bottlenecks, self.convs, strict=True):
            x = F.leaky_relu(bottleneck(features), _SLOPE)
            x = F.leaky_relu(conv(x), _SLOPE)
            features = torch.cat((features, x), dim=1)
        # Channel s * (y mod s) + (x mod s) of the residual is sub-pixel (x, y): pixel_shuffle's order.
        picture = low[:, : self.channels]
        return F.pixel_shuffle(self.residual(features) + repeated(picture, self.scale**2), self.scale)

    @torch.no_grad()
    def grown_from(self, trained: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Make weights with which this network starts as a trained narrower or shallower one.

        The smaller network's kernels fill the first channels of each densely connected layer, and nothing new feeds
        into them yet (Chen et al. 2016, "Net2Net", with zeros in place of copies): the result equals the smaller
        network's, whatever it is newly told.

        Args:
            trained: state dictionary of another ``UpSNet`` of the same scale and ``channels``, no wider and no deeper.

        Raises:
            ValueError: it is not such a network; the message begins with the name of the first weights that do not fit.
        """
        head = trained.get("head.weight")
        width = len(head) if head is not None and head.ndim == 4 else self._width
        depth = sum(name.startswith("convs.") and name.endswith(".weight") for name in trained)
        if width > self._width:
            raise ValueError(f"head.weight, which makes {width} maps where this network has {self._width}")
        if depth > len(self.convs):
            raise ValueError(f"convs.{len(self.convs)}.weight, a layer more than this network has")
        smaller = UpSNet(self.scale, self.channels, width, depth, self.conditions)
        weights = {name: tensor.clone() for name, tensor in self.state_dict().items()}
        for name, old in super(UpSNet, smaller).grown_from(trained).items():
            new = weights[name][: len(old)].zero_()
            if old.ndim > 1 and name != "head.weight":  # what earlier layers made lies one after the other
                new = new.view(len(new), -1, self._width, *new.shape[2:])
                old = old.reshape(len(old), -1, width, *old.shape[2:])
            new[tuple(slice(side) for side in old.shape)] = old
        return weights

    def output_layers(self) -> list[nn.Module]:
        """Return the last layers."""
        return [self.residual]


@register("dsn")
class DSN(Pair):
    """The co-trained pair.

    Args:
        scale: 2, 3 or 4.
        channels: 1 for luminance as in the paper, 3 for RGB.
        channel: what the small picture goes through: 8 bits, for which training uses Q-BReLU, or nothing (Fig. 5 (c)).
    """

    def __init__(self, scale: int, channels: int = 1, channel: Channel = EightBits()) -> None:
        super().__init__(DownSNet(scale, channels), UpSNet(scale, channels), channel)
