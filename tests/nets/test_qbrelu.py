"""Q-BReLU, against equations 2 and 3 of Cai et al."""

import math

import pytest

torch = pytest.importorskip("torch")

from twinscale.nets.layers.qbrelu import QBReLU  # noqa: E402

LAYERS = [(256, 0.0, 1.0), (4, 0.0, 1.0), (4, -1.0, 2.0), (2, 0.25, 0.75), (17, -3.0, -1.0)]


def equation_2(x: float, levels: int, low: float, high: float) -> float:
    clipped = max(min(x, high), low)
    step = (high - low) / (levels - 1)
    return step * math.floor((clipped - low) / step + 0.5) + low


@pytest.mark.parametrize(("levels", "low", "high"), LAYERS)
def test_value_is_equation_2(levels: int, low: float, high: float) -> None:
    x = torch.linspace(low - 0.7, high + 0.7, 1999, dtype=torch.float64)
    expected = torch.tensor([equation_2(v, levels, low, high) for v in x.tolist()], dtype=torch.float64)
    torch.testing.assert_close(QBReLU(levels, low, high)(x), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("levels", "low", "high"), LAYERS)
def test_gradient_is_equation_3(levels: int, low: float, high: float) -> None:
    x = torch.linspace(low - 0.7, high + 0.7, 1999, dtype=torch.float64)
    x = torch.cat((x, torch.tensor([low, high, math.nextafter(low, high), math.nextafter(high, low)]).double()))
    x.requires_grad_()
    upstream = torch.randn(x.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    QBReLU(levels, low, high)(x).backward(upstream)
    inside = torch.tensor([low < v < high for v in x.tolist()])
    torch.testing.assert_close(x.grad, torch.where(inside, upstream, 0.0), rtol=0, atol=0)


@pytest.mark.parametrize(("levels", "low", "high"), LAYERS)
def test_takes_exactly_its_levels_and_keeps_them(levels: int, low: float, high: float) -> None:
    layer = QBReLU(levels, low, high)
    once = layer(torch.linspace(low - 1, high + 1, 20 * levels, dtype=torch.float64))
    expected = torch.linspace(low, high, levels, dtype=torch.float64)
    torch.testing.assert_close(once.unique(), expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(layer(once), once, rtol=0, atol=1e-12)


def test_edges_round_half_up() -> None:
    x = torch.tensor([-math.inf, -1.0, 0.0, 1 / 6, 0.5, 5 / 6, 1.0, 2.0, math.inf], dtype=torch.float64)
    expected = torch.tensor([0, 0, 0, 1, 2, 3, 3, 3, 3], dtype=torch.float64) / 3
    torch.testing.assert_close(QBReLU(4)(x), expected, rtol=0, atol=1e-15)


def test_default_rounds_to_eight_bits_as_files_do() -> None:
    x = torch.rand(10_000, generator=torch.Generator().manual_seed(1)) * 1.2 - 0.1
    stored = (x.clamp(0, 1) * 255 + 0.5).to(torch.uint8)
    torch.testing.assert_close(QBReLU()(x), stored / 255, rtol=0, atol=1e-7)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_computed_in_float32(dtype: torch.dtype) -> None:
    x = torch.linspace(0, 1, 1000).to(dtype).requires_grad_()
    result = QBReLU()(x)
    assert result.dtype == torch.float32
    torch.testing.assert_close(result, QBReLU()(x.detach().float()), rtol=0, atol=0)
    levels = result.detach().double() * 255
    assert (levels - levels.round()).abs().max() < 1e-4  # bfloat16 has no such levels
    result.sum().backward()
    assert x.grad is not None
    assert x.grad.dtype == dtype
