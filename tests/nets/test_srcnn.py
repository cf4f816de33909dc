"""SRCNN, against §3 and §4 of Dong et al."""

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from tests.nets.receptive import measured_radius  # noqa: E402
from twinscale.nets.srcnn import SRCNN  # noqa: E402

# The sizes that the paper tries, with their parameters: n1 (c f1² + 1) + n2 (n1 f2² + 1) + c (n2 f3² + 1).
SIZES = [
    ((64, 32), (9, 1, 5), 64 * 82 + 32 * 65 + 801),
    ((128, 64), (9, 1, 5), 128 * 82 + 64 * 129 + 1601),
    ((32, 16), (9, 1, 5), 32 * 82 + 16 * 33 + 401),
    ((64, 32), (11, 1, 7), 64 * 122 + 32 * 65 + 1569),
]


def randomised(network: SRCNN) -> SRCNN:
    generator = torch.Generator().manual_seed(0)
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.2, generator=generator)
    return network.double()


def picture(height: int, width: int, channels: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.rand(2, channels, height, width, dtype=torch.float64, generator=generator)


@pytest.mark.parametrize(("filters", "kernels", "expected"), SIZES)
def test_parameters(filters: tuple[int, int], kernels: tuple[int, int, int], expected: int) -> None:
    network = SRCNN(3, filters=filters, kernels=kernels)
    assert sum(p.numel() for p in network.parameters()) == expected


def test_parameters_of_the_main_network_as_published() -> None:
    network = SRCNN(3)
    assert sum(p.numel() for p in network.parameters()) == 8129
    assert sum(conv.weight.numel() for conv in network.convs) == 8032  # the number that is often quoted
    assert sum(p.numel() for p in SRCNN(3, channels=3).parameters()) == 64 * 244 + 32 * 65 + 3 * 801


@pytest.mark.parametrize("border", ["replicated", "normalised"])
@pytest.mark.parametrize(("filters", "kernels", "expected"), SIZES)
def test_training_output_is_the_interior(
    filters: tuple[int, int], kernels: tuple[int, int, int], expected: int, border: str
) -> None:
    network = randomised(SRCNN(3, filters=filters, kernels=kernels, border=border))
    radius = sum(kernel // 2 for kernel in kernels)
    enlarged = picture(2 * radius + 6, 2 * radius + 4)
    valid, same = network.train()(enlarged), network.eval()(enlarged)
    assert same.shape == enlarged.shape
    assert valid.shape == (2, 1, 6, 4)
    torch.testing.assert_close(same[:, :, radius:-radius, radius:-radius], valid, rtol=1e-10, atol=1e-10)


def test_a_sub_image_of_32_gives_20_as_in_the_paper() -> None:
    assert SRCNN(2).train()(torch.zeros(1, 1, 32, 32)).shape == (1, 1, 20, 20)


@pytest.mark.parametrize("border", ["replicated", "normalised"])
@pytest.mark.parametrize(("height", "width"), [(9, 11), (3, 7), (1, 4), (1, 1)])
def test_border(height: int, width: int, border: str) -> None:
    network = randomised(SRCNN(2, filters=(3, 2), kernels=(5, 1, 3), border=border))
    enlarged = picture(height, width)[:1]
    x = enlarged[0].numpy()
    for index, conv in enumerate(network.convs):
        x = LOOPS[border](x, conv.weight.detach().numpy(), conv.bias.detach().numpy())
        if index < 2:
            x = np.maximum(x, 0)
    np.testing.assert_allclose(network.eval()(enlarged).detach()[0].numpy(), x, rtol=0, atol=1e-10)


def replicated(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """A convolution whose window finds, outside the picture, the nearest pixel inside."""
    outs, ins, size, _ = weight.shape
    _, height, width = x.shape
    result = np.zeros((outs, height, width))
    for out, row, column in np.ndindex(outs, height, width):
        total = bias[out]
        for i, j in np.ndindex(size, size):
            y = min(max(row + i - size // 2, 0), height - 1)
            z = min(max(column + j - size // 2, 0), width - 1)
            total += sum(weight[out, c, i, j] * x[c, y, z] for c in range(ins))
        result[out, row, column] = total
    return result


def normalised(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """The mean over the valid pixels under each window, times the window's size, plus the bias."""
    outs, ins, size, _ = weight.shape
    _, height, width = x.shape
    result = np.zeros((outs, height, width))
    for out, row, column in np.ndindex(outs, height, width):
        total, valid = 0.0, 0
        for i, j in np.ndindex(size, size):
            y, z = row + i - size // 2, column + j - size // 2
            if 0 <= y < height and 0 <= z < width:
                valid += 1
                total += sum(weight[out, c, i, j] * x[c, y, z] for c in range(ins))
        result[out, row, column] = total * size**2 / valid + bias[out]
    return result


LOOPS = {"replicated": replicated, "normalised": normalised}


def test_normalised_border_suits_a_box_filter() -> None:
    network = SRCNN(2, filters=(2, 2), kernels=(5, 1, 3), border="normalised").double().eval()
    for conv in network.convs:
        nn.init.constant_(conv.weight, 1 / conv.weight[0].numel())
    grey = torch.full((1, 1, 8, 6), 0.5, dtype=torch.float64)
    torch.testing.assert_close(network(grey), grey, rtol=0, atol=1e-12)


def test_constant_picture_stays_constant_up_to_its_border() -> None:
    network = randomised(SRCNN(2, filters=(8, 4), kernels=(5, 1, 3))).eval()
    result = network(torch.full((1, 1, 12, 9), 0.5, dtype=torch.float64))
    torch.testing.assert_close(result, torch.full_like(result, result[0, 0, 6, 4].item()), rtol=0, atol=1e-12)


def test_sharp_kernels_leave_the_border_alone() -> None:
    # Trained kernels are sharp: one that only passes its centre on must give back the picture, border too.
    network = SRCNN(2, filters=(2, 2)).double().eval()
    for conv in network.convs:
        nn.init.zeros_(conv.weight)
        with torch.no_grad():
            conv.weight[:, 0, conv.kernel_size[0] // 2, conv.kernel_size[0] // 2] = 1
    enlarged = picture(14, 10)
    torch.testing.assert_close(network(enlarged), enlarged, rtol=0, atol=0)


@pytest.mark.parametrize(("kernels", "radius"), [((9, 1, 5), 6), ((11, 1, 7), 8), ((3, 3, 3), 3)])
def test_declared_radius_is_the_measured_one(kernels: tuple[int, int, int], radius: int) -> None:
    network = SRCNN(2, filters=(8, 4), kernels=kernels)
    assert network.radius == radius == measured_radius(network)


def test_paper_initialisation() -> None:
    torch.manual_seed(0)
    for conv in SRCNN(2).convs:
        assert conv.bias.abs().max() == 0
        error = 5 / math.sqrt(2 * conv.weight.numel())
        assert conv.weight.std().item() == pytest.approx(0.001, rel=error)


@pytest.mark.parametrize("channels", [1, 3])
def test_identity_initialisation_starts_from_the_enlargement(channels: int) -> None:
    torch.manual_seed(0)
    network = SRCNN(2, channels=channels, init="identity").eval()
    enlarged = picture(20, 16, channels).float()
    difference = network(enlarged) - enlarged
    assert difference.abs().max() < 0.1
    assert difference.abs().mean() < 0.03
    for conv in network.convs:
        assert conv.bias.abs().max() == 0


def test_gradients_reach_every_parameter() -> None:
    network = randomised(SRCNN(2, channels=3, filters=(16, 8)))
    network.train()(picture(20, 24, 3)).square().mean().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def test_declarations() -> None:
    network = SRCNN(4, channels=3)
    assert (network.scale, network.channels, network.factor) == (4, 3, 1)
    assert network.multiple_of == 1
    assert network.interpolated_input
    assert network.output_layers() == [network.convs[2]]
