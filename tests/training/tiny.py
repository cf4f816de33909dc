"""A network of two small convolutions, and batches for it."""

import torch
from torch import nn

from twinscale.nets import Upscaler


class Tiny(Upscaler):
    """One convolution and one more, its output layer."""

    def __init__(self):
        super().__init__(1, 1, radius=1)
        torch.manual_seed(0)
        self.inner, self.outer = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 1, 1)

    def forward(self, low):
        return self.outer(self.inner(low))

    def output_layers(self):
        return [self.outer]


class Normalised(Tiny):
    """The same with a batch normalisation in between."""

    def __init__(self):
        super().__init__()
        self.normalise = nn.BatchNorm2d(4)

    def forward(self, low):
        return self.outer(self.normalise(self.inner(low)))


def parameters(network):
    return torch.cat([p.detach().double().flatten() for p in network.parameters()])


def batches(count):
    generator = torch.Generator().manual_seed(1)
    return [torch.rand(2, 2, 1, 6, 6, generator=generator) for _ in range(count)]
