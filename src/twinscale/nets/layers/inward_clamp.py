"""Clamping from which values find their way back."""

from typing import Any

import torch
from torch import Tensor


def inward_clamp(x: Tensor, low: float, high: float) -> Tensor:
    """Clamp to [low, high]; beyond, only gradients that lead back inside pass.

    A plain clamp has no gradient beyond its bounds: what leaves them for all pictures never returns.
    """
    return _InwardClamp.apply(x, low, high)  # type: ignore[no-any-return, no-untyped-call]


class _InwardClamp(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, low: float, high: float) -> Tensor:
        ctx.save_for_backward(x)
        ctx.bounds = low, high
        return x.clamp(low, high)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (x,) = ctx.saved_tensors
        low, high = ctx.bounds
        (gradient,) = gradients  # a step goes against it
        outward = ((x < low) & (gradient > 0)) | ((x > high) & (gradient < 0))
        return gradient.masked_fill(outward, 0), None, None
