"""Initial weights, against He et al. and §4.1 of Cai et al."""

import math

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from twinscale.nets.layers.initial import msra, near_zero, pass_through  # noqa: E402


def made(in_channels: int = 48, out_channels: int = 64, kernel: int = 5) -> nn.Conv2d:
    torch.manual_seed(0)
    conv = nn.Conv2d(in_channels, out_channels, kernel)
    nn.init.constant_(conv.weight, 7.0)
    nn.init.constant_(conv.bias, 7.0)
    return conv


def assert_normal(weight: torch.Tensor, std: float) -> None:
    """Mean, spread and tails, each within five standard errors."""
    count = weight.numel()
    assert abs(weight.mean().item()) < 5 * std / math.sqrt(count)
    assert weight.std().item() == pytest.approx(std, rel=5 / math.sqrt(2 * count))
    for multiple in (1, 2):
        share = math.erfc(multiple / math.sqrt(2))
        found = (weight.abs() > multiple * std).double().mean().item()
        assert found == pytest.approx(share, abs=5 * math.sqrt(share * (1 - share) / count))


@pytest.mark.parametrize("slope", [0.0, 0.05, 0.2, 1.0])
@pytest.mark.parametrize("shape", [(48, 64, 5), (3, 64, 8), (256, 12, 1)])
def test_msra_keeps_the_variance(shape: tuple[int, int, int], slope: float) -> None:
    conv = made(*shape)
    assert msra(conv, slope) is conv
    assert conv.bias.abs().max() == 0
    in_channels, _, kernel = shape
    assert_normal(conv.weight.detach(), math.sqrt(2 / ((1 + slope**2) * in_channels * kernel**2)))


def test_msra_keeps_the_variance_through_rectifiers() -> None:
    """What the formula is for: five layers on, values are about as large as they were."""
    torch.manual_seed(0)
    x = torch.randn(200, 300, 1, 1)
    for _ in range(5):
        x = nn.functional.leaky_relu(msra(nn.Conv2d(300, 300, 1), 0.2)(x), 0.2)
    assert x.square().mean().item() == pytest.approx(1, rel=0.3)


@pytest.mark.parametrize("shape", [(48, 64, 5), (64, 3, 3)])
def test_near_zero(shape: tuple[int, int, int]) -> None:
    conv = made(*shape)
    assert near_zero(conv) is conv
    assert conv.bias.abs().max() == 0
    assert_normal(conv.weight.detach(), 0.001)


@pytest.mark.parametrize(("inputs", "outputs"), [(1, 1), (3, 3), (1, 3)])
def test_what_passes_through_is_a_copy(inputs: int, outputs: int) -> None:
    conv = near_zero(made(inputs, 8))
    untouched = conv.weight[outputs:].detach().clone()
    assert pass_through(conv, inputs, outputs) is conv
    torch.testing.assert_close(conv.weight[outputs:].detach(), untouched)
    x = torch.rand(2, inputs, 11, 12)
    torch.testing.assert_close(conv(x)[:, :outputs], x[:, :, 2:-2, 2:-2].repeat(1, outputs // inputs, 1, 1))
