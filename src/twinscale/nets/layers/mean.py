"""The mean of training pictures, which networks take off their input."""

import torch
from torch import Tensor

DIV2K_MEAN = (0.4488, 0.4371, 0.4040)
"""Of the RGB training pictures of DIV2K, in [0, 1]; the networks trained there subtract it (EDSR, CAR)."""


def mean_picture(channels: int) -> Tensor:
    """Return that mean as ``(channels, 1, 1)``: RGB for 3 channels, or the mean of these for 1."""
    mean = torch.tensor(DIV2K_MEAN if channels == 3 else [sum(DIV2K_MEAN) / 3])
    return mean[:, None, None]
