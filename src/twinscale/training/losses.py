"""Losses between a result and the truth."""

import functools
import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from twinscale.errors import UsageError
from twinscale.images.colour import LUMA
from twinscale.images.resize import imresize
from twinscale.nets.layers.resampling import Resampling

_CHARBONNIER_EPSILON = 1e-3
_UNMOVED = 1e-6  # pixels: offsets so short are as good as none
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
        low: ``(N, C, H / scale, W / scale)`` about [0, 1].
        truth: ``(N, C, H, W)`` in [0, 1].
    """
    return _difference(low, truth).square().mean()


def colour_fidelity_loss(low: Tensor, truth: Tensor) -> Tensor:
    """Compute the mean square of what remains of that difference in R, G and B without its luma: false colours.

    Args:
        low: ``(N, 3, H / scale, W / scale)`` about [0, 1].
        truth: ``(N, 3, H, W)`` in [0, 1].
    """
    difference = _difference(low, truth)
    luma = torch.einsum("nchw,c->nhw", difference, difference.new_tensor(LUMA))
    return (difference - luma[:, None]).square().mean()


def _difference(low: Tensor, truth: Tensor) -> Tensor:
    """Return how far a small picture is from the bicubic reduction."""
    rows = _reduction(truth.shape[2], low.shape[2]).to(truth.device)
    columns = _reduction(truth.shape[3], low.shape[3]).to(truth.device)
    return low.float() - rows @ truth @ columns.T


def offset_distance(resampling: Resampling) -> Tensor:
    """Compute how far the taps of kernels move, those far from the middle counting most.

    Sun and Chen, "Learned Image Downscaling for Upscaling Using Content Adaptive Resampler", equation 9: lengths of the
    offsets in full-size pixels, times the tap's distance from the middle of the kernel divided by its side, summed
    over the taps. The mean over kernels is what equation 11 weighs. The constant per tap is left out: as printed, it
    has no gradient.

    Args:
        resampling: how each small pixel was made; float32 or wider.
    """
    kernels, vertical, horizontal = resampling
    size = math.isqrt(kernels.shape[1])
    place = torch.arange(size, dtype=kernels.dtype, device=kernels.device) - (size - 1) / 2
    weight = torch.hypot(place[:, None], place).flatten()[:, None, None] / size
    squared = vertical**2 + horizontal**2
    length = torch.sqrt(squared + _UNMOVED**2)  # has a gradient, zero, at zero
    return (length * weight).sum(dim=1).mean()


def offset_variation(resampling: Resampling) -> Tensor:
    """Compute how differently the taps of neighbouring kernels move across the direction in which they move.

    Partial total variation: Sun and Chen, equation 10. The absolute differences of vertical offsets from one small
    pixel to the next on its right, and of horizontal ones to the next below, in full-size pixels, are each weighted by
    the kernel and summed over its taps. Both are means over pixels; the paper's sums grow with the crop.

    Args:
        resampling: how each small pixel was made, at least 2 x 2 of them; float32 or wider.
    """
    kernels, vertical, horizontal = resampling
    across = vertical.diff(dim=3).abs() * kernels[:, :, :, :-1]
    down = horizontal.diff(dim=2).abs() * kernels[:, :, :-1]
    return across.sum(dim=1).mean() + down.sum(dim=1).mean()


@functools.cache
def _reduction(side: int, reduced: int) -> Tensor:
    """Return bicubic reduction along one side as a matrix: what imresize makes of every unit vector."""
    return torch.from_numpy(imresize(np.eye(side), size=(reduced, side))).float()
