"""The differentiable forms of channels, against what really happens to the small picture."""

from dataclasses import dataclass

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from twinscale.nets import Pair, create  # noqa: E402
from twinscale.nets.layers.channel import differentiable  # noqa: E402
from twinscale.rescale.channel import CHANNELS, create_channel  # noqa: E402


@pytest.mark.parametrize("name", CHANNELS)
@pytest.mark.parametrize("channels", [1, 3])
def test_forward_is_what_really_happens(name: str, channels: int) -> None:
    real = create_channel(name)
    sent = torch.rand(1, channels, 40, 50, generator=torch.Generator().manual_seed(0)) * 1.4 - 0.2
    sent[0, 0, 0, :10] = torch.arange(10) / 510  # ties
    received = differentiable(real)(sent)[0].permute(1, 2, 0)
    np.testing.assert_allclose(received.numpy(), real(sent[0].permute(1, 2, 0).numpy()), rtol=0, atol=1e-7)


@pytest.mark.parametrize("name", CHANNELS)
def test_gradients_pass(name: str) -> None:
    sent = torch.full((1, 1, 3, 3), 0.4, requires_grad=True)
    differentiable(create_channel(name))(sent).sum().backward()
    assert sent.grad is not None
    torch.testing.assert_close(sent.grad, torch.ones_like(sent), rtol=0, atol=0)


@pytest.mark.parametrize("architecture", ["dsn", "twin"])
@pytest.mark.parametrize("name", CHANNELS)
def test_a_pair_restores_what_the_channel_hands_on(architecture: str, name: str) -> None:
    torch.manual_seed(0)
    channel = create_channel(name)
    pair = create(architecture, scale=2, channel=channel)
    assert isinstance(pair, Pair)
    assert pair.channel == channel
    assert pair.state_dict().keys() == create(architecture, scale=2).state_dict().keys()
    high = torch.rand(1, 1, 12, 16, generator=torch.Generator().manual_seed(1)) * 3 - 1
    with torch.no_grad():
        low, restored, _ = pair(high)
        received = channel(pair.down(high)[0].permute(1, 2, 0).numpy())
        np.testing.assert_allclose(low[0].permute(1, 2, 0).numpy(), received, rtol=0, atol=1e-6)
        torch.testing.assert_close(restored, pair.up(low), rtol=0, atol=0)


def test_pairs_are_for_files_of_eight_bits() -> None:
    for architecture in ("dsn", "twin"):
        pair = create(architecture, scale=2)
        assert isinstance(pair, Pair)
        assert pair.channel == create_channel("8-bit")


def test_a_channel_without_a_differentiable_form() -> None:
    @dataclass(frozen=True)
    class Pigeon:
        def __call__(self, planes: np.ndarray) -> np.ndarray:
            return planes

    with pytest.raises(TypeError, match="Pigeon has no differentiable form"):
        differentiable(Pigeon())
