"""Measuring how far a network looks."""

import math

import torch

from twinscale.nets import Network


def measured_radius(network: Network) -> int:
    """Farthest input pixel that an output pixel depends on, in input pixels.

    The distance is to the nearest of the input pixels that the output pixel covers.
    """
    network = network.double().eval()
    generator = torch.Generator().manual_seed(0)
    for parameter in network.parameters():  # far from zero, so that no path is lost in rounding
        torch.nn.init.normal_(parameter, std=0.3, generator=generator)
    side = network.multiple_of * (12 + 2 * math.ceil(network.radius / network.multiple_of))
    picture = torch.rand(1, network.planes, side, side, dtype=torch.float64, generator=generator, requires_grad=True)
    result = network(picture)
    farthest = 0
    middle = result.shape[-1] // 2
    for y in range(middle, middle + max(1, round(network.factor))):
        (gradient,) = torch.autograd.grad(result[0, :, y, middle].sum(), picture, retain_graph=True)
        reached = gradient.abs().amax(dim=(0, 1, 3)).nonzero().flatten()
        first = int(y / network.factor)
        last = int((y + 1) / network.factor - 1e-9)
        farthest = max(farthest, first - int(reached.min()), int(reached.max()) - last)
    return farthest
