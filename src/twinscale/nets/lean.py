"""Lean: residual blocks and nothing else, for the default upscalers.

EDSR (Lim et al. 2017) spends a quarter and more of a small network's work on its enlarging layers. Lean keeps EDSR's
residual blocks, makes every sub-pixel in the last convolution as ESPCN (Shi et al. 2016) does, and adds them to the
nearest-neighbour enlargement, so that training starts from there. How it was chosen: ``docs/experiments/upscalers.md``.

::

    small ─┬─ 3x3 conv ─┬─ blocks x (3x3 conv, ReLU, 3x3 conv, + input) ─(+)─ 3x3 conv scale² ─(+)─ shuffle ─ picture
           │            └─────────────────────────────────────────────────┘                     │
           └─ scale² copies ────────────────────────────────────────────────────────────────────┘

To repair a compressed picture without enlarging it, the same network works on the picture with every 2x2 pixels as
channels of one, so that it costs as much as an enlargement by 2 to the same size, and sees twice as far.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from twinscale.nets.base import Upscaler, register
from twinscale.nets.layers.initial import msra, near_zero
from twinscale.nets.layers.subpixels import repeated


@register("lean")
class Lean(Upscaler):
    """Residual blocks on the small picture, one sub-pixel convolution, and the input repeated.

    Args:
        scale: 1 (repair), 2, 3 or 4.
        channels: 1 for luminance, 3 for RGB.
        width: feature maps.
        blocks: residual blocks.
        conditions: see :class:`twinscale.nets.base.Network`.
    """

    def __init__(self, scale: int, channels: int = 3, width: int = 32, blocks: int = 7, conditions: int = 0) -> None:
        self._fold = 2 if scale == 1 else 1  # side of the squares whose pixels become channels
        radius = 2 * blocks + 2
        super().__init__(
            scale,
            channels,
            radius=self._fold * (radius + 1) - 1,
            multiple_of=self._fold,
            conditions=conditions,
        )
        self.head = msra(nn.Conv2d(self.planes * self._fold**2, width, 3, padding=1), 0)
        self.body = nn.ModuleList(
            nn.ModuleList(msra(nn.Conv2d(width, width, 3, padding=1), 0) for _ in range(2)) for _ in range(blocks)
        )
        for block in self.body:  # so that depth neither inflates nor drowns the features of the head
            assert isinstance(block, nn.ModuleList)
            assert isinstance(block[1], nn.Conv2d)
            block[1].weight.data.mul_(blocks**-0.5)
        self._shuffle = scale * self._fold
        self.subpixels = near_zero(nn.Conv2d(width, channels * self._shuffle**2, 3, padding=1))

    def forward(self, low: Tensor) -> Tensor:
        """Map ``(N, C + conditions, h, w)`` in [0, 1] to ``(N, C, h * scale, w * scale)``, about [0, 1]."""
        if self._fold > 1:
            low = F.pixel_unshuffle(low, self._fold)
        features = x = self.head(low)
        for block in self.body:
            assert isinstance(block, nn.ModuleList)
            first, second = block
            x = x + second(F.relu(first(x)))
        picture = low[:, : self.channels * self._fold**2] if self.conditions else low
        return F.pixel_shuffle(self.subpixels(x + features) + repeated(picture, self.scale**2), self._shuffle)

    def output_layers(self) -> list[nn.Module]:
        """Return the last layers."""
        return [self.subpixels]

    @torch.no_grad()
    def grown_from(self, trained: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Make weights with which this network starts as a trained narrower or shallower one, or of another scale.

        The smaller network's kernels fill the first channels and blocks, and nothing new feeds into them yet
        (Chen et al. 2016, "Net2Net", with zeros in place of copies): at the same scale the result equals the smaller
        network's, whatever it is newly told. At another scale the last layer starts afresh.

        Args:
            trained: state dictionary of another ``Lean`` of the same ``channels`` and ``conditions``, or of none, no
                wider and no deeper.

        Raises:
            ValueError: it is not such a network; the message begins with the name of the first weights that do not fit.
        """
        weights = {name: tensor.clone() for name, tensor in self.state_dict().items()}
        for name in ("head.weight", "subpixels.weight"):
            if name not in trained:
                raise ValueError(f"{name}, which is missing")
        shape = tuple(trained["head.weight"].shape)
        if shape[1:2] not in [(planes * self._fold**2,) for planes in (self.channels, self.planes)]:
            raise ValueError(f"head.weight, whose {shape} does not fit into {self.planes} plane(s)")
        for name, new in weights.items():
            if name not in trained and name.endswith(".1.weight"):  # the second layer of a new block
                new.zero_()
        for name, old in trained.items():
            new = weights.get(name)
            if new is not None and name.startswith("subpixels.") and len(old) != len(new):
                continue
            if new is None or old.ndim != new.ndim or any(a > b for a, b in zip(old.shape, new.shape, strict=True)):
                into = "nothing here" if new is None else str(tuple(new.shape))
                raise ValueError(f"{name}, whose {tuple(old.shape)} does not fit into {into}")
            new[: len(old)] = 0
            new[tuple(slice(side) for side in old.shape)] = old
        return weights
