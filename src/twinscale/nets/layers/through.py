"""Straight through: any codec in the forward pass, and nothing in the backward pass."""

from collections.abc import Callable, Sequence

import torch
from numpy.typing import NDArray
from torch import Tensor

from twinscale.nets.layers.inward_clamp import inward_clamp


def through(pictures: Tensor, codecs: Sequence[Callable[[NDArray], NDArray]]) -> Tensor:
    """Send each picture of a batch through a codec of its own, on the CPU; gradients pass unchanged.

    Beyond black and white, which no file holds, only gradients pass that lead back inside.

    Args:
        pictures: ``(N, C, H, W)`` about [0, 1].
        codecs: for each, what makes decoded planes ``(H, W, C)`` of planes, such as a channel of
            ``twinscale.rescale.channel``.

    Returns:
        What was decoded: ``(N, C, H, W)``, at least as exact as float32.
    """
    sent = pictures.detach().float().permute(0, 2, 3, 1).cpu().numpy()
    decoded = [torch.from_numpy(codec(planes)) for planes, codec in zip(sent, codecs, strict=True)]
    clamped = inward_clamp(pictures, 0, 1)
    received = torch.stack(decoded).permute(0, 3, 1, 2).to(clamped.device)
    return clamped + (received - clamped).detach()
