"""Channels as training sees them: the forward pass of ``twinscale.rescale.channel``, with a gradient."""

from functools import singledispatch
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from twinscale.codecs.quantisation import Quantisation
from twinscale.nets.layers.jpeg import JPEG, bits
from twinscale.nets.layers.qbrelu import QBReLU
from twinscale.nets.layers.through import through
from twinscale.rescale.channel import SAMPLINGS, Channel, EightBits, File, Jpeg, Lossy, Unchanged


class Received(NamedTuple):
    """What leaves a channel."""

    low: Tensor
    """The small pictures, ``(N, C, h, w)``."""
    conditions: Tensor | None = None
    """What the network that restores is told of each, ``(N, K)``."""
    rate: Tensor | None = None
    """What the file of each costs, ``(N,)``: about its bits per small pixel, times its mean step of luma in [0, 1].
    Along the curve of rate and distortion, a bit saves squared error in proportion to that step."""


@singledispatch
def differentiable(channel: Channel) -> nn.Module:
    """Return the differentiable form of a channel, from ``(N, C, h, w)`` about [0, 1] to :class:`Received`.

    Raises:
        TypeError: it has none.
    """
    raise TypeError(f"{type(channel).__name__} has no differentiable form: register one in {__name__}")


class Plain(nn.Module):
    """A channel of which there is nothing to tell: what a layer makes of the pictures."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self._layer = layer

    def forward(self, low: Tensor) -> Received:
        """Send pictures."""
        return Received(self._layer(low))


@differentiable.register
def _(channel: EightBits) -> nn.Module:
    return Plain(QBReLU())


@differentiable.register
def _(channel: Unchanged) -> nn.Module:
    return Plain(nn.Identity())


class _Drawn(nn.Module):
    """A channel that has a quality: one for each picture, drawn by torch's generator, or its own outside training."""

    def __init__(self, channel: Lossy) -> None:
        super().__init__()
        self.channel = channel

    def qualities(self, count: int) -> list[int]:
        """Return the qualities of so many pictures."""
        if not self.training:
            return [self.channel.quality] * count
        drawn: list[int] = torch.randint(self.channel.lowest, self.channel.highest + 1, (count,)).tolist()
        return drawn


class _Jpeg(_Drawn):
    def __init__(self, channel: Jpeg) -> None:
        super().__init__(channel)
        self._sampling = SAMPLINGS[channel.subsampling]
        tables = [Quantisation.standard(quality, self._sampling) for quality in range(1, 101)]
        self._jpeg = JPEG()
        self._luma: Tensor
        self._chroma: Tensor
        for name in ("luma", "chroma"):
            steps = torch.from_numpy(np.stack([getattr(table, name) for table in tables]))
            self.register_buffer(f"_{name}", steps, persistent=False)

    def forward(self, low: Tensor) -> Received:
        qualities = self.qualities(len(low))
        index = torch.tensor(qualities, device=low.device) - 1
        luma = self._luma[index]
        coded = self._jpeg(low, luma, self._chroma[index], self._sampling)
        conditions = [self.channel.at(quality).conditions(low.shape[1]) for quality in qualities]
        rate = bits(coded.coefficients) / low[0, 0].numel() * luma.float().mean(dim=(1, 2)) / 255
        return Received(coded.picture, low.new_tensor(conditions), rate.float())


class _File(_Drawn):
    def forward(self, low: Tensor) -> Received:
        channels = [self.channel.at(quality) for quality in self.qualities(len(low))]
        conditions = [channel.conditions(low.shape[1]) for channel in channels]
        return Received(through(low, channels), low.new_tensor(conditions))


differentiable.register(Jpeg, _Jpeg)
differentiable.register(File, _File)
