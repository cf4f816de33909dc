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


def shuffled(x: NDArray, factor: int) -> NDArray:
    """Sub-pixels to their places, pixel by pixel: ``(C * factor², H, W)`` in."""
    result = np.empty((len(x) // factor**2, x.shape[1] * factor, x.shape[2] * factor))
    for c, row, column in np.ndindex(*result.shape):
        subpixel = factor * (row % factor) + column % factor
        result[c, row, column] = x[c * factor**2 + subpixel, row // factor, column // factor]
    return result


def deconvolved(x: NDArray, deconv: nn.Module, scale: int) -> NDArray:
    """A deconvolution whose result is ``scale`` times as large: every pixel spreads its kernel, and a margin is cut."""
    weight, bias = deconv.weight.detach().numpy(), deconv.bias.detach().numpy()
    size, margin = weight.shape[-1], deconv.padding[0]
    height, width = (side * scale for side in x.shape[1:])
    spread = np.zeros((weight.shape[1], height + size + margin, width + size + margin))
    for row, column in np.ndindex(*x.shape[1:]):
        kernels = np.tensordot(x[:, row, column], weight, axes=1)
        spread[:, row * scale : row * scale + size, column * scale : column * scale + size] += kernels
    return spread[:, margin : margin + height, margin : margin + width] + bias[:, None, None]


def strided(x: NDArray, conv: nn.Module, scale: int) -> NDArray:
    """A convolution whose result is ``scale`` times smaller, window by window."""
    weight, bias = conv.weight.detach().numpy(), conv.bias.detach().numpy()
    size, margin = weight.shape[-1], conv.padding[0]
    padded = np.pad(x, ((0, 0), (margin, margin), (margin, margin)))
    result = np.empty((len(weight), x.shape[1] // scale, x.shape[2] // scale))
    for row, column in np.ndindex(*result.shape[1:]):
        window = padded[:, row * scale : row * scale + size, column * scale : column * scale + size]
        result[:, row, column] = (weight * window).sum(axis=(1, 2, 3)) + bias
    return result
