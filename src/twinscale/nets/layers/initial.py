"""What convolutions start from."""

from typing import TypeVar

import torch
from torch import nn

_RESIDUAL_STD = 0.001
_Conv = TypeVar("_Conv", bound=nn.Conv2d | nn.ConvTranspose2d)


def msra(conv: _Conv, slope: float) -> _Conv:
    """Set weights that keep the variance through a leaky ReLU of this slope (He et al. 2015), and zero biases."""
    nn.init.kaiming_normal_(conv.weight, a=slope)
    return _zero_bias(conv)


def near_zero(conv: nn.Conv2d) -> nn.Conv2d:
    """Set tiny weights, for layers that make a small residual (Cai et al., "Deep Sampling Networks", §4.1)."""
    nn.init.normal_(conv.weight, std=_RESIDUAL_STD)
    return _zero_bias(conv)


def pass_through(conv: nn.Conv2d, inputs: int, outputs: int) -> nn.Conv2d:
    """Make the first ``outputs`` maps copies of the first ``inputs``, in turn; a ReLU keeps what is not negative."""
    height, width = conv.kernel_size
    with torch.no_grad():
        for output in range(outputs):
            conv.weight[output] = 0
            conv.weight[output, output % inputs, height // 2, width // 2] = 1
    return conv


def _zero_bias(conv: _Conv) -> _Conv:
    assert conv.bias is not None
    nn.init.zeros_(conv.bias)
    return conv
