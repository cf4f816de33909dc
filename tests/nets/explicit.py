"""Networks computed without torch, in float64."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn


def randomised(network: Any) -> Any:
    """The network in float64, evaluation mode, with weights that matter everywhere."""
    generator = torch.Generator().manual_seed(0)
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=parameter[0].numel() ** -0.5, generator=generator)
    return network.double().eval()


def picture(channels: int, height: int, width: int) -> torch.Tensor:
    """Two pictures of noise in [0, 1], float64."""
    generator = torch.Generator().manual_seed(1)
    return torch.rand(2, channels, height, width, dtype=torch.float64, generator=generator)


def correlate(x: NDArray, conv: nn.Module) -> NDArray:
    """A convolution that keeps the size, window by window: ``(C, H, W)`` in, zeros around it."""
    weight, bias = conv.weight.detach().numpy(), conv.bias.detach().numpy()
    size, margin = weight.shape[-1], weight.shape[-1] // 2
    padded = np.pad(x, ((0, 0), (margin, margin), (margin, margin)))
    result = np.empty((len(weight), *x.shape[1:]))
    for row, column in np.ndindex(*x.shape[1:]):
        window = padded[:, row : row + size, column : column + size]
        result[:, row, column] = (weight * window).sum(axis=(1, 2, 3)) + bias
    return result
