"""Collapsed convolutions, against the chains they stand for."""

from collections.abc import Callable

import pytest

torch = pytest.importorskip("torch")
from torch.nn import functional as F  # noqa: E402

from tests.nets.explicit import randomised  # noqa: E402
from twinscale.nets import create  # noqa: E402
from twinscale.nets.layers.collapsed import CollapsedConv, Conv3XC, LinearBlock, collapsed  # noqa: E402


def features(channels: int) -> torch.Tensor:
    return torch.rand(2, channels, 7, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("ins", "outs", "size"), [(3, 4, 5), (4, 4, 3)])
def test_linear_block_is_a_wide_convolution_and_a_narrow_one(ins: int, outs: int, size: int) -> None:
    block = randomised(LinearBlock(ins, outs, size, expanded=11))
    x = features(ins)
    wide = F.conv2d(x, block.expand, padding=size // 2)
    expected = F.conv2d(wide, block.project[:, :, None, None], block.bias)
    if ins == outs:
        expected = expected + x
    torch.testing.assert_close(block(x), expected, rtol=0, atol=1e-12)


def test_conv3xc_is_three_convolutions_and_one_beside_them() -> None:
    block = randomised(Conv3XC(3, 5))
    x = features(3)
    chain = F.conv2d(x, block.expand[:, :, None, None])
    chain = F.conv2d(chain, block.middle, padding=1)
    chain = F.conv2d(chain, block.project[:, :, None, None], block.bias)
    expected = chain + F.conv2d(x, block.beside[:, :, None, None])
    torch.testing.assert_close(block(x), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("make", [lambda: LinearBlock(2, 2, 3, expanded=3), lambda: Conv3XC(2, 2)])
def test_gradients_of_the_chain(make: Callable[[], CollapsedConv]) -> None:
    block = randomised(make())
    names = [name for name, _ in block.named_parameters()]

    def through(*weights: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = torch.func.functional_call(
            block, dict(zip(names, weights, strict=True)), (features(2)[:1, :, :4, :4],)
        )
        return result

    assert torch.autograd.gradcheck(through, tuple(block.parameters()))


@pytest.mark.parametrize("architecture", ["sesr", "span"])
def test_collapsed_network_is_the_same_and_plain(architecture: str) -> None:
    network = randomised(create(architecture, scale=2, channels=3))
    plain = collapsed(network)
    assert not any(isinstance(module, CollapsedConv) for module in plain.modules())
    assert any(isinstance(module, CollapsedConv) for module in network.modules())
    x = torch.rand(1, 3, 6, 8, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(plain.double()(x), network(x), rtol=1e-6, atol=1e-6)  # kernels went through float32
