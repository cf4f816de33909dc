"""Losses between a result and the truth."""

import functools

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from twinscale.errors import UsageError
from twinscale.images.resize import imresize

_CHARBONNIER_EPSILON = 1e-3
_PSNR_FLOOR = 3e-4  # mean squared error of 35 dB


def pixel_loss(name: str, result: Tensor, truth: Tensor) -> Tensor:
    """Compute the mean pixel loss over the part of ``truth`` that ``result`` covers.

    Args:
        name: ``"l1"``, ``"l2"``, ``"charbonnier"`` (a smooth L1, epsilon 1e-3), ``"squared-norm"`` (the sum over
            a crop's pixels, mean over crops: SRCNN's equation 4, which its learning rates fit), or
            ``"psnr"``: the logarithm of each crop's mean squared error, mean over crops, as tables average
            PSNR over pictures. Far above 35 dB it equals ``"l2"``; below, it counts a crop's error ever less.
        result: ``(N, C, h, w)``; a network that does not pad returns less than the whole picture.
        truth: ``(N, C, H, W)`` with ``H >= h`` and ``W >= w``; its centre is compared.

    Raises:
        UsageError: the loss is unknown.
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
    if name == "psnr":
        errors = ((result - truth) ** 2).mean(dim=(1, 2, 3))
        return _PSNR_FLOOR * torch.log1p(errors / _PSNR_FLOOR).mean()
    raise UsageError(f"unknown loss {name!r}: use l1, l2, charbonnier, psnr or squared-norm")


def fidelity_loss(low: Tensor, truth: Tensor) -> Tensor:
    """Compute the mean squared difference between a small picture and the bicubic reduction of the full-size one.

    Args:
        low: ``(N, C, H / scale, W / scale)`` in [0, 1].
        truth: ``(N, C, H, W)`` in [0, 1].
    """
    rows = _reduction(truth.shape[2], low.shape[2]).to(truth.device)
    columns = _reduction(truth.shape[3], low.shape[3]).to(truth.device)
    return F.mse_loss(low.float(), rows @ truth @ columns.T)


@functools.cache
def _reduction(side: int, reduced: int) -> Tensor:
    """Return bicubic reduction along one side as a matrix: what imresize makes of every unit vector."""
    return torch.from_numpy(imresize(np.eye(side), size=(reduced, side))).float()
