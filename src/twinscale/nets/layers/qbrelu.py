"""Q-BReLU, the quantised bilateral rectified linear unit (Cai et al., "Deep Sampling Networks")."""

from typing import Any

import torch
from torch import Tensor, nn


class QBReLU(nn.Module):
    """Clip to [low, high] and round to the nearest of ``levels`` equally spaced values.

    The forward pass is equation 2 of the paper; the gradient is equation 3: one strictly between the
    margins, zero elsewhere. It is always computed in float32 or wider, because the levels of an 8-bit
    picture are finer than bfloat16.
    """

    def __init__(self, levels: int = 256, low: float = 0.0, high: float = 1.0) -> None:
        super().__init__()
        self.levels, self.low, self.high = levels, low, high

    def forward(self, x: Tensor) -> Tensor:
        """Map any tensor to one of the same shape with values in ``levels`` steps of [low, high]."""
        if x.dtype in (torch.bfloat16, torch.float16):
            x = x.float()
        return _QBReLUFunction.apply(x, self.levels, self.low, self.high)  # type: ignore[no-any-return, no-untyped-call]


class _QBReLUFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, levels: int, low: float, high: float) -> Tensor:
        ctx.save_for_backward((x > low) & (x < high))
        steps_per_unit = (levels - 1) / (high - low)
        return ((x.clamp(low, high) - low) * steps_per_unit + 0.5).floor() / steps_per_unit + low

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        (inside,) = ctx.saved_tensors
        return gradients[0] * inside, None, None, None
