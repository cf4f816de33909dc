"""Losses between a result and the truth."""

import torch
from torch import Tensor
from torch.nn import functional as F

from twinscale.errors import UsageError

_CHARBONNIER_EPSILON = 1e-3


def pixel_loss(name: str, result: Tensor, truth: Tensor) -> Tensor:
    """Mean pixel loss over the part of ``truth`` that ``result`` covers.

    Args:
        name: ``"l1"``, ``"l2"``, ``"charbonnier"`` (a smooth L1, epsilon 1e-3), or ``"squared-norm"``: the
            sum over a crop's pixels, mean over crops (SRCNN's equation 4, which its learning rates fit).
        result: ``(N, C, h, w)``; a network that does not pad returns less than the whole picture.
        truth: ``(N, C, H, W)`` with ``H >= h`` and ``W >= w``; its centre is compared.

    Raises:
        UsageError: an unknown loss.
    """
    top, left = (truth.shape[2] - result.shape[2]) // 2, (truth.shape[3] - result.shape[3]) // 2
    truth = truth[:, :, top : top + result.shape[2], left : left + result.shape[3]]
    result = result.float()
    if name == "l1":
        return F.l1_loss(result, truth)
    if name == "l2":
        return F.mse_loss(result, truth)
    if name == "charbonnier":
        return torch.sqrt((result - truth) ** 2 + _CHARBONNIER_EPSILON**2).mean()
    if name == "squared-norm":
        return F.mse_loss(result, truth, reduction="sum") / len(truth)
    raise UsageError(f"unknown loss {name!r}: use l1, l2, charbonnier or squared-norm")
