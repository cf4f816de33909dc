"""FSRCNN, against §3 and §4 of Dong et al."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from tests.nets.explicit import correlate, picture, randomised  # noqa: E402
from tests.nets.receptive import measured_radius  # noqa: E402
from twinscale.nets.fsrcnn import FSRCNN  # noqa: E402

SCALES = [2, 3, 4]

# Weights without biases and slopes, as the paper counts: 25 d + d s + 9 m s² + s d + 81 d.
PUBLISHED = [((56, 12, 4), 12464), ((48, 12, 2), 8832), ((32, 5, 1), 3937)]


def weights(network: FSRCNN) -> int:
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)]
    return sum(layer.weight.numel() for layer in layers)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize(("sizes", "expected"), PUBLISHED)
def test_weights_as_published(sizes: tuple[int, int, int], expected: int, scale: int) -> None:
    assert weights(FSRCNN(scale, 1, *sizes)) == expected


def test_parameters() -> None:
    # By hand: 56 + 12 + 4 * 12 + 56 + 1 biases, a slope for each of them but the last.
    assert sum(p.numel() for p in FSRCNN(3).parameters()) == 12464 + 173 + 172
    assert sum(p.numel() for p in FSRCNN(3, channels=3).parameters()) == 12464 + 2 * 106 * 56 + 175 + 172


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("scale", SCALES)
def test_layers(scale: int, channels: int) -> None:
    network = FSRCNN(scale, channels)
    layers = [network.extract, network.shrink, *network.map, network.expand]
    assert [(conv.in_channels, conv.out_channels, conv.kernel_size[0], conv.padding[0]) for conv, _ in layers] == [
        (channels, 56, 5, 2),
        (56, 12, 1, 0),
        *[(12, 12, 3, 1)] * 4,
        (12, 56, 1, 0),
    ]
    for conv, prelu in layers:
        assert conv.stride == (1, 1)
        assert prelu.num_parameters == conv.out_channels
    last = network.enlarge
    assert (last.in_channels, last.out_channels, last.kernel_size, last.stride) == (
        56,
        channels,
        (9, 9),
        (scale, scale),
    )


@pytest.mark.parametrize(("height", "width"), [(4, 7), (1, 2)])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("scale", SCALES)
def test_output(scale: int, channels: int, height: int, width: int) -> None:
    network = randomised(FSRCNN(scale, channels, features=5, shrunk=3, mappings=2))
    low = picture(channels, height, width)
    for given, result in zip(low.numpy(), network(low).detach().numpy(), strict=True):
        x = given
        for conv, prelu in (network.extract, network.shrink, *network.map, network.expand):
            x = correlate(x, conv)
            x = np.maximum(x, 0) + prelu.weight.detach().numpy()[:, None, None] * np.minimum(x, 0)
        np.testing.assert_allclose(result, deconvolve(x, network.enlarge, scale), rtol=0, atol=1e-12)


def deconvolve(x: NDArray, layer: nn.ConvTranspose2d, scale: int) -> NDArray:
    """Zeros between the pixels, each of which stays in the middle of its block, then a convolution proper."""
    features, height, width = x.shape
    stuffed = np.zeros((features, scale * height, scale * width))
    middle = (scale - 1) // 2
    for row, column in np.ndindex(height, width):
        stuffed[:, scale * row + middle, scale * column + middle] = x[:, row, column]
    flipped = nn.Conv2d(features, layer.out_channels, 9)
    flipped.weight = nn.Parameter(layer.weight.transpose(0, 1).flip(2, 3))
    flipped.bias = layer.bias
    return correlate(stuffed, flipped)


@pytest.mark.parametrize(("scale", "reach"), [(2, 2), (3, 1), (4, 1)])
@pytest.mark.parametrize("mappings", [1, 4])
def test_declared_radius_is_the_measured_one(scale: int, reach: int, mappings: int) -> None:
    network = FSRCNN(scale, mappings=mappings)
    assert network.radius == 2 + mappings + reach == measured_radius(network)


@pytest.mark.parametrize("scale", SCALES)
def test_initial_weights(scale: int) -> None:
    torch.manual_seed(0)
    network = FSRCNN(scale, 3)
    for conv, prelu in (network.extract, network.shrink, *network.map, network.expand):
        assert conv.bias.abs().max() == 0
        assert (prelu.weight == 0.25).all()
        expected = math.sqrt(2 / (1 + 0.25**2) / conv.weight[0].numel())
        error = 5 / math.sqrt(2 * conv.weight.numel())  # five standard errors of the estimate
        assert conv.weight.std().item() == pytest.approx(expected, rel=error)
    assert network.enlarge.bias.abs().max() == 0
    assert network.enlarge.weight.std().item() == pytest.approx(0.001, rel=0.05)


@pytest.mark.parametrize("scale", SCALES)
def test_gradients_reach_every_parameter(scale: int) -> None:
    torch.manual_seed(0)
    network = FSRCNN(scale, channels=3)
    (network(picture(3, 8, 11).float()) - 0.5).square().mean().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize("scale", SCALES)
def test_declarations(scale: int) -> None:
    network = FSRCNN(scale, channels=3)
    assert (network.scale, network.channels, network.factor, network.multiple_of) == (scale, 3, scale, 1)
    assert not network.interpolated_input
    assert network.output_layers() == [network.enlarge]  # "10^-3 ... and 10^-4 for the deconvolution layer"
