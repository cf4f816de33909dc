"""Muon: steps of equal size in every direction of a weight matrix."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

_MOMENTUM = 0.95
_RMS = 0.2  # of a step, relative to the learning rate: that of Adam's steps (Liu et al. 2025, §2.2)
_NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5
_SMALLEST = 32  # matrices with a shorter side, such as the first and last layers, are left to Adam


class Muon(torch.optim.Optimizer):
    """Momentum with orthogonalised updates (Jordan et al. 2024), and Adam for everything but large matrices.

    A convolution's weights are one matrix, ``(filters, channels * height * width)``. Steps are scaled to the
    size of Adam's (Liu et al., "Muon is Scalable for LLM Training", 2025), so both share one learning rate.

    Args:
        groups: parameter groups, as for any optimiser.
        lr: learning rate.
    """

    def __init__(self, groups: list[dict[str, Any]], lr: float) -> None:
        super().__init__(groups, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        """Take one step along the gradients."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    update = self._orthogonal if _is_large_matrix(parameter) else self._adam
                    parameter.add_(update(parameter), alpha=-group["lr"])

    def _orthogonal(self, parameter: nn.Parameter) -> Tensor:
        state, gradient = self.state[parameter], parameter.grad
        assert gradient is not None
        if not state:
            state["momentum"] = torch.zeros_like(parameter)
        state["momentum"].lerp_(gradient, 1 - _MOMENTUM)
        matrix = gradient.lerp(state["momentum"], _MOMENTUM).flatten(1)
        update: Tensor = orthogonalised(matrix) * (_RMS * max(matrix.shape) ** 0.5)
        return update.view(parameter.shape)

    def _adam(self, parameter: nn.Parameter) -> Tensor:
        """Compute Adam's update (Kingma and Ba 2015) with its usual constants."""
        state, gradient = self.state[parameter], parameter.grad
        assert gradient is not None
        if not state:
            state["step"] = torch.zeros(())
            state["mean"], state["square"] = torch.zeros_like(parameter), torch.zeros_like(parameter)
        state["step"] += 1
        state["mean"].lerp_(gradient, 0.1)
        state["square"].lerp_(gradient**2, 0.001)
        mean: Tensor = state["mean"] / (1 - 0.9 ** state["step"])
        square: Tensor = state["square"] / (1 - 0.999 ** state["step"])
        return mean / (square.sqrt() + 1e-8)


def orthogonalised(matrix: Tensor) -> Tensor:
    """Return roughly the nearest orthogonal matrix: singular values end up between 0.68 and 1.2.

    Those below 0.2 percent of the norm, which in a gradient are noise, end up smaller.

    Args:
        matrix: ``(rows, columns)``, not zero.
    """
    wide: Tensor = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    wide = wide / (wide.norm() + 1e-7)
    # Every iteration multiplies by a polynomial of the Gram matrix, mostly far smaller: these are joined first.
    gram = wide @ wide.T
    step = joined = _iteration(gram)
    for _ in range(_ITERATIONS - 1):
        gram = step @ gram @ step
        step = _iteration(gram)
        joined = step @ joined
    wide = joined @ wide
    return wide.T if matrix.shape[0] > matrix.shape[1] else wide


def _iteration(gram: Tensor) -> Tensor:
    """Return what a matrix is multiplied by in one iteration of Newton and Schulz, given its Gram matrix."""
    a, b, c = _NEWTON_SCHULZ
    step = torch.addmm(gram, gram, gram, beta=b, alpha=c)
    step.diagonal().add_(a)
    return step


def _is_large_matrix(parameter: Tensor) -> bool:
    return parameter.ndim > 1 and min(parameter.shape[0], parameter[0].numel()) >= _SMALLEST
