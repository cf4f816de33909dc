"""DnCNN, against §III of Zhang et al."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tests.nets.explicit import correlate, picture, randomised  # noqa: E402
from tests.nets.receptive import measured_radius  # noqa: E402
from twinscale.errors import UsageError  # noqa: E402
from twinscale.nets.dncnn import DnCNN  # noqa: E402


@pytest.mark.parametrize("channels", [1, 3])
def test_parameters(channels: int) -> None:
    # By hand, 18 layers of 64 maps: the outer two with biases; in between no biases, but a factor and an offset a map.
    outer = 9 * channels * 64 + 64 + 9 * 64 * channels + channels
    assert sum(p.numel() for p in DnCNN(channels=channels, depth=18).parameters()) == outer + 16 * (9 * 64**2 + 2 * 64)


@pytest.mark.parametrize("channels", [1, 3])
def test_layer_by_layer(channels: int) -> None:
    network = randomised(DnCNN(channels=channels, depth=4, width=5))
    generator = np.random.default_rng(0)
    for _, norm in network.body:
        norm.running_mean.copy_(torch.from_numpy(generator.normal(size=5)))
        norm.running_var.copy_(torch.from_numpy(generator.uniform(0.5, 2, 5)))
    damaged = picture(channels, 6, 9)
    for given, result in zip(damaged.numpy(), network(damaged).detach().numpy(), strict=True):
        x = np.maximum(correlate(given, network.head), 0)
        for conv, norm in network.body:
            conv.bias = torch.nn.Parameter(torch.zeros(5).double())
            mean, variance, factor, offset = (
                each.detach().numpy()[:, None, None]
                for each in (norm.running_mean, norm.running_var, norm.weight, norm.bias)
            )
            x = np.maximum((correlate(x, conv) - mean) / np.sqrt(variance + 1e-5) * factor + offset, 0)
        np.testing.assert_allclose(result, given + correlate(x, network.residual), rtol=0, atol=1e-12)


def test_declared_radius_is_the_measured_one() -> None:
    network = DnCNN(channels=1, depth=18, width=8)
    assert network.radius == 18 == measured_radius(network)


def test_starts_from_the_damaged_picture() -> None:
    torch.manual_seed(0)
    damaged = picture(3, 16, 16).float()
    assert (DnCNN()(damaged) - damaged).abs().mean() < 0.02


def test_the_size_stays() -> None:
    with pytest.raises(UsageError, match=r"^dncnn keeps a picture's size, so scale = 2 must be 1$"):
        DnCNN(2)
