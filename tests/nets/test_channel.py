"""The differentiable forms of channels, against what really happens to the small picture."""

from dataclasses import dataclass

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from twinscale.codecs.quantisation import Quantisation  # noqa: E402
from twinscale.errors import UsageError  # noqa: E402
from twinscale.nets import Pair, create  # noqa: E402
from twinscale.nets.layers.channel import differentiable  # noqa: E402
from twinscale.nets.layers.jpeg import JPEG, bits  # noqa: E402
from twinscale.rescale.channel import CHANNELS, create_channel  # noqa: E402


@pytest.mark.parametrize("name", CHANNELS)
@pytest.mark.parametrize("channels", [1, 3])
def test_forward_is_what_really_happens(name: str, channels: int) -> None:
    real = create_channel(name)
    sent = torch.rand(1, channels, 40, 50, generator=torch.Generator().manual_seed(0)) * 1.4 - 0.2
    sent[0, 0, 0, :10] = torch.arange(10) / 510  # ties
    received = differentiable(real).eval()(sent)
    expected = real(sent[0].permute(1, 2, 0).numpy())
    np.testing.assert_allclose(received.low[0].permute(1, 2, 0).numpy(), expected, rtol=0, atol=1e-7)
    told = () if received.conditions is None else tuple(received.conditions[0].tolist())
    assert told == pytest.approx(real.conditions(channels), abs=1e-6)


@pytest.mark.parametrize("name", CHANNELS)
def test_gradients_pass(name: str) -> None:
    sent = torch.full((1, 1, 16, 16), 0.4, requires_grad=True)
    differentiable(create_channel(name)).eval()(sent).low.sum().backward()
    assert sent.grad is not None
    torch.testing.assert_close(sent.grad, torch.ones_like(sent), rtol=0, atol=1e-3)  # libjpeg's constants have 13 bits


@pytest.mark.parametrize("architecture", ["dsn", "twin"])
@pytest.mark.parametrize("name", CHANNELS)
def test_a_pair_restores_what_the_channel_hands_on(architecture: str, name: str) -> None:
    torch.manual_seed(0)
    channel = create_channel(name)
    pair = create(architecture, scale=2, channel=channel).eval()
    assert isinstance(pair, Pair)
    assert pair.channel == channel
    assert pair.state_dict().keys() == create(architecture, scale=2).state_dict().keys()
    high = torch.rand(1, 1, 12, 16, generator=torch.Generator().manual_seed(1)) * 3 - 1
    with torch.no_grad():
        made = pair(high)
        down, up = (half.within_mirror_image if pair.mirrored else half for half in (pair.down, pair.up))
        received = channel(down(high)[0].permute(1, 2, 0).numpy())
        np.testing.assert_allclose(made.low[0].permute(1, 2, 0).numpy(), received, rtol=0, atol=1e-6)
        told = torch.tensor(channel.conditions(1)[: pair.up.conditions]).view(1, -1, 1, 1).expand(-1, -1, 6, 8)
        torch.testing.assert_close(made.restored, up(torch.cat((made.low, told), dim=1)), rtol=0, atol=0)


@pytest.mark.parametrize("name", ["jpeg", "file"])
def test_training_draws_a_quality_for_each_picture(name: str) -> None:
    """And tells the restoring network which, with what comes out as if it were sent at that quality alone."""
    channel = create_channel(name, {"lowest": 20, "highest": 60})
    form = differentiable(channel)
    sent = torch.rand(6, 3, 17, 24, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(1)
    received = form(sent)
    by_conditions = {channel.at(quality).conditions(3): quality for quality in range(20, 61)}
    drawn = []
    for low, picture, told in zip(received.low, sent, received.conditions, strict=True):
        quality = next(q for values, q in by_conditions.items() if told.tolist() == pytest.approx(values, abs=1e-6))
        expected = channel.at(quality)(picture.permute(1, 2, 0).numpy())
        np.testing.assert_allclose(low.permute(1, 2, 0).numpy(), expected, rtol=0, atol=1e-6)
        drawn.append(quality)
    assert len(set(drawn)) > 3
    torch.manual_seed(1)
    torch.testing.assert_close(form(sent).low, received.low, rtol=0, atol=0)


def test_the_rate_is_bits_by_the_size_of_a_step() -> None:
    """A coarser quality saves bits, each of which is worth more."""
    sent = torch.rand(2, 3, 24, 24, generator=torch.Generator().manual_seed(0))
    for quality in (15, 80):
        channel = create_channel("jpeg", {"quality": quality})
        tables = Quantisation.standard(quality)
        steps = [torch.from_numpy(table).expand(2, 8, 8) for table in (tables.luma, tables.chroma)]
        expected = bits(JPEG()(sent, *steps, (2, 2)).coefficients) / 24**2 * tables.luma.mean() / 255
        torch.testing.assert_close(differentiable(channel).eval()(sent).rate, expected.float())
        pair = create("twin", scale=2, channels=3, channel=channel).eval()
        torch.testing.assert_close(pair._restored(sent).rate, expected.float() / 4)  # per pixel of full size


def test_a_restoring_network_cannot_be_told_what_the_channel_does_not_tell() -> None:
    with pytest.raises(UsageError, match="conditions = 3 does not fit channel EightBits"):
        create("twin", scale=2, upscaler_parameters={"conditions": 3})
    untold = create("twin", scale=2, channel=create_channel("jpeg"), upscaler_parameters={"conditions": 0})
    assert untold(torch.rand(1, 1, 16, 16)).restored.shape == (1, 1, 16, 16)


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
