"""Rounding to 8 bits with a gradient that knows the levels (Nakanishi et al.; Sun and Chen, equation 7)."""

import math
from typing import Any

import torch
from torch import Tensor, nn

_LEVELS = 255


class SoftRound(nn.Module):
    """Clip to [0, 1] and round to 8 bits; the gradient is that of soft rounding, x - α sin(2πx) / 2π in levels.

    It is ``1 - alpha * cos(2π * 255 * x)`` inside [0, 1]: small at a level, large halfway to the next. Outside it is
    zero. Everything is computed in float32 or wider, because the levels are finer than bfloat16.

    Args:
        alpha: how much the gradient depends on the distance to a level, from 0 (not at all: straight through) to 1
            (zero at the levels). The paper does not give its value.
    """

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__()
        self.alpha = alpha

    def forward(self, x: Tensor) -> Tensor:
        """Map any tensor to one of the same shape with values in 256 levels of [0, 1]."""
        if x.dtype in (torch.bfloat16, torch.float16):
            x = x.float()
        return _SoftRoundFunction.apply(x, self.alpha)  # type: ignore[no-any-return, no-untyped-call]


class _SoftRoundFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, alpha: float) -> Tensor:
        ctx.save_for_backward(x)
        ctx.alpha = alpha
        return (x.clamp(0, 1) * _LEVELS + 0.5).floor() / _LEVELS

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        slope = 1 - ctx.alpha * torch.cos(2 * math.pi * _LEVELS * x)
        return gradients[0] * torch.where((x >= 0) & (x <= 1), slope, 0), None
