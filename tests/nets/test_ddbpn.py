"""D-DBPN, against Fig. 3 to 5 and Table 1 of Haris et al."""

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from tests.nets.explicit import correlate, deconvolved, picture, randomised, strided  # noqa: E402
from tests.nets.receptive import measured_radius  # noqa: E402
from twinscale.nets.ddbpn import DDBPN  # noqa: E402


# "10426k" at x4; tables of later papers give 5.95 million at x2.
@pytest.mark.parametrize(("scale", "kernel", "thousands"), [(2, 6, 5954), (4, 8, 10426)])
def test_parameters(scale: int, kernel: int, thousands: int) -> None:
    with torch.device("meta"):
        network = DDBPN(scale, features=256, width=64, stages=7)
    projections = 13 * 3 * (kernel**2 * 64 * 64 + 64 + 1)  # with one slope each
    fusions = sum(2 * (n * 64 * 64 + 64 + 1) for n in range(2, 7))
    ends = (27 * 256 + 256 + 1) + (256 * 64 + 64 + 1) + (9 * 7 * 64 * 3 + 3)
    counted = sum(p.numel() for p in network.parameters())
    assert counted == projections + fusions + ends
    assert round(counted / 1e3) == thousands


def activated(x: NDArray, prelu: nn.Module) -> NDArray:
    return np.maximum(x, 0) + prelu.weight.item() * np.minimum(x, 0)


def projected(layer: nn.Module, x: NDArray, scale: int) -> NDArray:
    conv, prelu = layer
    way = deconvolved if isinstance(conv, nn.ConvTranspose2d) else strided
    return activated(way(x, conv, scale), prelu)


def unit(network: nn.Module, inputs: list[NDArray], scale: int) -> NDArray:
    x = np.concatenate(inputs)
    if len(inputs) > 1:
        conv, prelu = network.fuse
        x = activated(correlate(x, conv), prelu)
    there = projected(network.project, x, scale)
    error = projected(network.back, there, scale) - x
    return there + projected(network.correct, error, scale)


@pytest.mark.parametrize("stages", [1, 3])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_unit_by_unit(scale: int, stages: int) -> None:
    network = randomised(DDBPN(scale, features=4, width=3, stages=stages))
    for prelu in (module for module in network.modules() if isinstance(module, nn.PReLU)):
        nn.init.constant_(prelu.weight, 0.3)
    low = picture(3, 3, 4)
    for given, result in zip(low.numpy(), network(low).detach().numpy(), strict=True):
        x = given
        for conv, prelu in (network.head, network.reduce):
            x = activated(correlate(x, conv), prelu)
        small: list[NDArray] = []
        large = [unit(network.ups[0], [x], scale)]
        for down, up in zip(network.downs, network.ups[1:], strict=True):
            small.append(unit(down, large, scale))
            large.append(unit(up, small, scale))
        np.testing.assert_allclose(result, correlate(np.concatenate(large), network.output), rtol=0, atol=1e-10)


@pytest.mark.parametrize("stages", [1, 2, 4])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_declared_radius_is_the_measured_one(scale: int, stages: int) -> None:
    network = DDBPN(scale, channels=1, features=8, width=8, stages=stages)
    assert network.radius == measured_radius(network)
