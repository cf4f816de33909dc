"""Channels as training sees them: the forward pass of ``twinscale.rescale.channel``, with a gradient."""

from functools import singledispatch

from torch import nn

from twinscale.nets.layers.qbrelu import QBReLU
from twinscale.rescale.channel import Channel, EightBits, Unchanged


@singledispatch
def differentiable(channel: Channel) -> nn.Module:
    """Return the differentiable form of a channel, from ``(N, C, H, W)`` about [0, 1] to the same.

    Raises:
        TypeError: it has none.
    """
    raise TypeError(f"{type(channel).__name__} has no differentiable form: register one in {__name__}")


@differentiable.register
def _(channel: EightBits) -> nn.Module:
    return QBReLU()


@differentiable.register
def _(channel: Unchanged) -> nn.Module:
    return nn.Identity()
