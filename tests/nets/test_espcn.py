"""ESPCN, against §2.2 and §3.2 of Shi et al."""

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tests.nets.explicit import correlate, picture, randomised  # noqa: E402
from tests.nets.receptive import measured_radius  # noqa: E402
from twinscale.nets.espcn import ESPCN  # noqa: E402

SCALES = [2, 3, 4]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("r", SCALES)
def test_layers(r: int, channels: int) -> None:
    network = ESPCN(r, channels)
    convs = [*network.features, network.subpixels]
    # "(f1, n1) = (5, 64), (f2, n2) = (3, 32) and f3 = 3"
    assert [(conv.in_channels, conv.out_channels, conv.kernel_size[0], conv.padding[0]) for conv in convs] == [
        (channels, 64, 5, 2),
        (64, 32, 3, 1),
        (32, channels * r * r, 3, 1),
    ]
    expected = (25 * channels * 64 + 64) + (9 * 64 * 32 + 32) + (9 * 32 + 1) * channels * r * r
    assert sum(p.numel() for p in network.parameters()) == expected


def test_parameters_of_the_luminance_network() -> None:
    # By hand: 1664 + 18464 for the features, then 289 a sub-pixel.
    assert [sum(p.numel() for p in ESPCN(r).parameters()) for r in SCALES] == [21284, 22729, 24752]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("r", SCALES)
def test_equations_1_to_4(r: int, channels: int) -> None:
    network = randomised(ESPCN(r, channels))
    low = picture(channels, 3, 5)
    for given, result in zip(low.numpy(), network(low).detach().numpy(), strict=True):
        x = given
        for conv in network.features:
            x = np.tanh(correlate(x, conv))
        patterns = correlate(x, network.subpixels)
        expected = np.empty((channels, 3 * r, 5 * r))
        for c, y, x in np.ndindex(*expected.shape):
            expected[c, y, x] = patterns[c * r * r + r * (y % r) + x % r, y // r, x // r]
        np.testing.assert_allclose(result, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("r", SCALES)
def test_declared_radius_is_the_measured_one(r: int) -> None:
    network = ESPCN(r)
    assert network.radius == 2 + 1 + 1 == measured_radius(network)


def test_initial_weights() -> None:
    torch.manual_seed(0)
    network = ESPCN(3, 3)
    for conv in (*network.features, network.subpixels):
        assert conv.bias.abs().max() == 0
        fans = (conv.in_channels + conv.out_channels) * conv.kernel_size[0] ** 2
        error = 5 / math.sqrt(2 * conv.weight.numel())  # five standard errors of the estimate
        assert conv.weight.std().item() == pytest.approx(math.sqrt(2 / fans), rel=error)


@pytest.mark.parametrize("r", SCALES)
def test_gradients_reach_every_parameter(r: int) -> None:
    torch.manual_seed(0)
    network = ESPCN(r, channels=3)
    network(picture(3, 8, 11).float()).square().mean().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize("r", SCALES)
def test_declarations(r: int) -> None:
    network = ESPCN(r, channels=3)
    assert (network.scale, network.channels, network.factor, network.multiple_of) == (r, 3, r, 1)
    assert not network.interpolated_input
    assert network.output_layers() == [network.subpixels]  # "the final layer learns 10 times slower"
