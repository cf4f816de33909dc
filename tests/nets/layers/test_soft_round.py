"""Rounding with a soft gradient, against equation 7 of Sun and Chen."""

import math

import pytest

torch = pytest.importorskip("torch")

from twinscale.nets.layers.soft_round import SoftRound  # noqa: E402


def equation_7(x: "torch.Tensor", alpha: float) -> "torch.Tensor":
    """Soft rounding in [0, 1], with gradients by torch."""
    level = 255 * x.clamp(0, 1)
    return (level - alpha * torch.sin(2 * math.pi * level) / (2 * math.pi)) / 255


def test_value_is_what_a_file_holds() -> None:
    x = torch.rand(10_000, generator=torch.Generator().manual_seed(0)) * 1.4 - 0.2
    stored = (x.clamp(0, 1) * 255 + 0.5).to(torch.uint8)
    torch.testing.assert_close(SoftRound()(x), stored / 255, rtol=0, atol=1e-7)


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_gradient_is_that_of_equation_7(alpha: float) -> None:
    x = torch.linspace(-0.1, 1.1, 5000, dtype=torch.float64)
    upstream = torch.randn(x.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    slopes = []
    for function in (SoftRound(alpha), lambda x: equation_7(x, alpha)):
        leaf = x.clone().requires_grad_()
        function(leaf).backward(upstream)
        slopes.append(leaf.grad)
    torch.testing.assert_close(*slopes, rtol=0, atol=1e-10)
    inside = (x >= 0) & (x <= 1)
    assert (slopes[0][~inside] == 0).all()
    if not alpha:
        torch.testing.assert_close(slopes[0][inside], upstream[inside], rtol=0, atol=0)


def test_gradient_vanishes_at_levels_and_is_largest_between() -> None:
    x = torch.tensor([17 / 255, 17.5 / 255], dtype=torch.float64, requires_grad=True)
    SoftRound()(x).sum().backward()
    torch.testing.assert_close(x.grad, torch.tensor([0.0, 2.0], dtype=torch.float64), rtol=0, atol=1e-9)


def test_half_precision_is_computed_in_float32() -> None:
    x = torch.linspace(0, 1, 1000).bfloat16().requires_grad_()
    rounded = SoftRound()(x)
    assert rounded.dtype == torch.float32
    torch.testing.assert_close(rounded, SoftRound()(x.detach().float()), rtol=0, atol=0)
    rounded.sum().backward()
    assert x.grad is not None
    assert x.grad.dtype == torch.bfloat16
