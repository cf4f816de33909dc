"""VDSR, against §3 to §5 of Kim et al."""

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tests.nets.explicit import correlate, picture, randomised  # noqa: E402
from tests.nets.receptive import measured_radius  # noqa: E402
from twinscale.nets.vdsr import VDSR  # noqa: E402


@pytest.mark.parametrize("channels", [1, 3])
def test_layers(channels: int) -> None:
    network = VDSR(3, channels)
    convs = [*network.features, network.residual]
    # "d layers where layers except the first and the last are of the same type: 64 filters of the size 3x3x64"
    assert [(conv.in_channels, conv.out_channels) for conv in convs] == [
        (channels, 64),
        *[(64, 64)] * 18,
        (64, channels),
    ]
    for conv in convs:
        assert (conv.kernel_size, conv.stride, conv.padding, conv.padding_mode) == ((3, 3), (1, 1), (1, 1), "zeros")


def test_parameters() -> None:
    # By hand: 9 * 64 + 18 * 9 * 64 * 64 + 9 * 64 weights, 19 * 64 + 1 biases.
    network = VDSR(3)
    assert sum(conv.weight.numel() for conv in (*network.features, network.residual)) == 664704
    assert sum(p.numel() for p in network.parameters()) == 664704 + 1217
    assert sum(p.numel() for p in VDSR(3, channels=3).parameters()) == 664704 + 1217 + 4 * 9 * 64 + 2
    assert sum(p.numel() for p in VDSR(3, depth=5, width=8).parameters()) == 2 * 72 + 3 * 576 + 4 * 8 + 1


@pytest.mark.parametrize("channels", [1, 3])
def test_output_is_the_input_plus_the_residual(channels: int) -> None:
    network = randomised(VDSR(2, channels, depth=4, width=5))
    enlarged = picture(channels, 6, 9)
    for given, result in zip(enlarged.numpy(), network(enlarged).detach().numpy(), strict=True):
        x = given
        for conv in network.features:
            x = np.maximum(correlate(x, conv), 0)
        np.testing.assert_allclose(result, given + correlate(x, network.residual), rtol=0, atol=1e-12)


@pytest.mark.parametrize("depth", [5, 20])
def test_declared_radius_is_the_measured_one(depth: int) -> None:
    network = VDSR(2, depth=depth)
    assert network.radius == depth == measured_radius(network)  # "(2D + 1) x (2D + 1)": 41 x 41


def test_initial_weights() -> None:
    torch.manual_seed(0)
    network = VDSR(2)
    for conv in (*network.features, network.residual):
        assert conv.bias.abs().max() == 0
        expected = 0.001 if conv is network.residual else math.sqrt(2 / conv.weight[0].numel())
        error = 5 / math.sqrt(2 * conv.weight.numel())  # five standard errors of the estimate
        assert conv.weight.std().item() == pytest.approx(expected, rel=error)


def test_starts_from_the_enlargement() -> None:
    torch.manual_seed(0)
    enlarged = picture(1, 32, 32).float()
    assert (VDSR(2)(enlarged) - enlarged).abs().mean() < 0.02


def test_gradients_reach_every_parameter() -> None:
    torch.manual_seed(0)
    network = VDSR(2, channels=3)
    network(picture(3, 8, 11).float()).square().mean().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def test_one_network_serves_several_scales() -> None:
    network, other = VDSR(2, depth=3, width=4), VDSR(4, depth=3, width=4)
    other.load_state_dict(network.state_dict())
    enlarged = picture(1, 7, 5).float()
    torch.testing.assert_close(network(enlarged), other(enlarged), rtol=0, atol=0)


def test_declarations() -> None:
    network = VDSR(4, channels=3)
    assert (network.scale, network.channels, network.factor, network.multiple_of) == (4, 3, 1, 1)
    assert network.interpolated_input
    assert network.output_layers() == [network.residual]
