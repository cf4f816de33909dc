"""DSN, against Table 2 and equations 1 and 4 of Cai et al."""

import math
from fractions import Fraction

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from tests.nets.explicit import randomised  # noqa: E402
from tests.nets.receptive import measured_radius  # noqa: E402
from twinscale.nets import Upscaler, create  # noqa: E402
from twinscale.nets.dsn import DSN, DownSNet, UpSNet  # noqa: E402
from twinscale.rescale.channel import Unchanged  # noqa: E402

SCALES = [2, 3, 4]


def shapes(convs: list[nn.Module]) -> list[tuple[int, ...]]:
    """``(in, out, kernel, stride, padding)`` of square convolutions."""
    found = []
    for conv in convs:
        assert isinstance(conv, nn.Conv2d)
        assert conv.kernel_size[0] == conv.kernel_size[1]
        assert conv.bias is not None
        assert (conv.groups, conv.dilation) == (1, (1, 1))
        padding = conv.padding[0] if isinstance(conv.padding, tuple) else conv.padding
        found.append((conv.in_channels, conv.out_channels, conv.kernel_size[0], conv.stride[0], padding))
    return found


def convolutions(network: nn.Module) -> list[nn.Module]:
    return [module for module in network.modules() if isinstance(module, nn.Conv2d)]


def zero_residual(network: DownSNet | UpSNet) -> None:
    for parameter in network.residual.parameters():
        nn.init.zeros_(parameter)


def picture(channels: int, height: int, width: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(3)
    return torch.rand(2, channels, height, width, dtype=torch.float64, generator=generator)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("d", SCALES)
def test_down_has_the_layers_of_table_2(d: int, channels: int) -> None:
    network = DownSNet(d, channels)
    assert shapes(convolutions(network)) == [
        (channels, 64, 3, 1, 1),
        (64, 64, 3, 1, 1),
        (64, 64, 3, 1, 1),
        (64, channels, d, d, 0),
    ]
    expected = (9 * channels * 64 + 64) + 2 * (9 * 64 * 64 + 64) + (d * d * 64 * channels + channels)
    assert sum(p.numel() for p in network.parameters()) == expected


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("d", SCALES)
def test_up_has_the_layers_of_table_2(d: int, channels: int) -> None:
    network = UpSNet(d, channels)
    # "Each layer produces k feature maps, so the l-th layer has k x l input feature maps."
    assert shapes([network.head]) == [(channels, 64, 3, 1, 1)]
    assert shapes(list(network.bottlenecks)) == [(64, 64, 1, 1, 0), (128, 64, 1, 1, 0), (192, 64, 1, 1, 0)]
    assert shapes(list(network.convs)) == [(64, 64, 3, 1, 1)] * 3
    assert shapes([network.residual]) == [(256, channels * d * d, 1, 1, 0)]
    assert len(convolutions(network)) == 8
    expected = 9 * channels * 64 + 64
    expected += (64 * 64 + 64) + (128 * 64 + 64) + (192 * 64 + 64)
    expected += 3 * (9 * 64 * 64 + 64)
    expected += 256 * channels * d * d + channels * d * d
    assert sum(p.numel() for p in network.parameters()) == expected


def test_parameters_of_the_luminance_pair_at_scale_2() -> None:
    # By hand: 640 + 36928 + 36928 + 257, and 640 + 24768 + 110784 + 1028.
    assert sum(p.numel() for p in DownSNet(2).parameters()) == 74753
    assert sum(p.numel() for p in UpSNet(2).parameters()) == 137220


@pytest.mark.parametrize("d", SCALES)
def test_initial_weights(d: int) -> None:
    torch.manual_seed(0)
    pair = DSN(d, 3)
    residuals = {pair.down.residual, pair.up.residual}
    for conv in convolutions(pair):
        assert conv.bias.abs().max() == 0
        fan_in = conv.in_channels * conv.kernel_size[0] ** 2
        expected = 0.001 if conv in residuals else math.sqrt(2 / (1 + 0.05**2) / fan_in)
        error = 5 / math.sqrt(2 * conv.weight.numel())  # five standard errors of the estimate
        assert conv.weight.std().item() == pytest.approx(expected, rel=error)
        assert abs(conv.weight.mean().item()) < 5 * expected / math.sqrt(conv.weight.numel())


@pytest.mark.parametrize("network", [DownSNet(2), UpSNet(2)], ids=["down", "up"])
def test_every_activation_is_a_leaky_relu_of_slope_one_twentieth(network: nn.Module, monkeypatch) -> None:
    slopes = []
    original = nn.functional.leaky_relu

    def spy(x: torch.Tensor, negative_slope: float = 0.01, inplace: bool = False) -> torch.Tensor:
        slopes.append(negative_slope)
        return original(x, negative_slope, inplace)

    monkeypatch.setattr(nn.functional, "leaky_relu", spy)
    network(torch.rand(1, 1, 8, 8))
    assert slopes == [0.05] * (len(convolutions(network)) - 1)  # "except in the output layer"


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("d", SCALES)
def test_equation_1(d: int, channels: int) -> None:
    network = DownSNet(d, channels).double()
    high = picture(channels, 3 * d, 4 * d)
    blocks = torch.zeros(2, channels, 3, 4, dtype=torch.float64)
    for y in range(3):
        for x in range(4):
            for m in range(d):
                for n in range(d):
                    blocks[:, :, y, x] += high[:, :, y * d + m, x * d + n] / d**2
    x = high
    for conv in network.features:
        x = conv(x)
        x = torch.maximum(x, 0.05 * x)
    torch.testing.assert_close(network(high), blocks + network.residual(x), rtol=0, atol=1e-12)
    zero_residual(network)
    torch.testing.assert_close(network(high), blocks, rtol=0, atol=1e-12)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("s", SCALES)
def test_equation_4(s: int, channels: int) -> None:
    network = UpSNet(s, channels).double()
    nn.init.normal_(network.residual.weight, std=0.1)
    low = picture(channels, 3, 5)
    # The dense trunk; then S[x, y] = F[x // s, y // s, s (y mod s) + x mod s] + L[x // s, y // s].
    features = [_lrelu(network.head(low))]
    for bottleneck, conv in zip(network.bottlenecks, network.convs, strict=True):
        features.append(_lrelu(conv(_lrelu(bottleneck(torch.cat(features, dim=1))))))
    residual = network.residual(torch.cat(features, dim=1))
    expected = torch.zeros(2, channels, 3 * s, 5 * s, dtype=torch.float64)
    for c in range(channels):
        for y in range(3 * s):
            for x in range(5 * s):
                pattern = c * s * s + s * (y % s) + x % s
                expected[:, c, y, x] = residual[:, pattern, y // s, x // s] + low[:, c, y // s, x // s]
    torch.testing.assert_close(network(low), expected, rtol=0, atol=1e-12)


def _lrelu(x: torch.Tensor) -> torch.Tensor:
    return torch.maximum(x, 0.05 * x)


@pytest.mark.parametrize("s", SCALES)
def test_zero_residual_repeats_pixels(s: int) -> None:
    network = UpSNet(s, 3).double()
    zero_residual(network)
    low = picture(3, 4, 3)
    repeated = low.repeat_interleave(s, dim=2).repeat_interleave(s, dim=3)
    torch.testing.assert_close(network(low), repeated, rtol=0, atol=0)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("scale", SCALES)
def test_pair_shapes_and_gradients(scale: int, channels: int) -> None:
    torch.manual_seed(0)
    pair = create("dsn", scale=scale, channels=channels)
    high = picture(channels, 5 * scale, 7 * scale).float() * 0.8 + 0.1  # inside Q-BReLU's margins
    _, low, restored, *_ = pair(high)
    assert low.shape == (2, channels, 5, 7)
    assert restored.shape == high.shape
    levels = low.detach() * 255
    torch.testing.assert_close(levels, levels.round(), rtol=0, atol=1e-4)
    assert low.detach().min() >= 0
    assert low.detach().max() <= 1
    (restored - high).abs().mean().backward()
    for name, parameter in pair.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize("scale", SCALES)
def test_without_a_channel_the_small_picture_leaves_down_snet_as_it_is(scale: int) -> None:
    torch.manual_seed(0)
    pair = create("dsn", scale=scale, channel=Unchanged())
    assert pair.state_dict().keys() == DSN(scale).state_dict().keys()
    high = picture(1, 5 * scale, 7 * scale).float() * 9 - 4  # averages beyond [0, 1], too
    _, low, restored, *_ = pair(high)
    assert low.min() < 0
    assert low.max() > 1
    torch.testing.assert_close(low, pair.down(high), rtol=0, atol=0)
    torch.testing.assert_close(restored, pair.up(low), rtol=0, atol=0)
    (gradient,) = torch.autograd.grad(low.sum(), pair.down.residual.bias)
    assert gradient == low.numel()  # clipping would keep some of it back


@pytest.mark.parametrize("scale", SCALES)
def test_up_snet_on_its_own_is_the_one_of_the_pair(scale: int) -> None:
    network, pair = create("upsnet", scale=scale, channels=3), DSN(scale, 3)
    assert isinstance(network, Upscaler)
    assert not network.interpolated_input
    network.load_state_dict(pair.up.state_dict())
    low = picture(3, 4, 3).float()
    torch.testing.assert_close(network(low), pair.up(low), rtol=0, atol=0)
    names = [f"{layer}.{i}" for layer in ("bottlenecks", "convs") for i in range(3)]
    expected = [f"{name}.{kind}" for name in ("head", *names, "residual") for kind in ("weight", "bias")]
    assert list(network.state_dict()) == expected  # shipped models store them by these names


@pytest.mark.parametrize("scale", SCALES)
def test_declared_radius_is_the_measured_one(scale: int) -> None:
    pair = DSN(scale)
    assert measured_radius(pair.down) == pair.down.radius == 3
    assert measured_radius(pair.up) == pair.up.radius == 4  # receptive field 9, as the paper says


@pytest.mark.parametrize("scale", SCALES)
def test_declarations(scale: int) -> None:
    pair = DSN(scale, 3)
    assert (pair.scale, pair.channels) == (pair.up.scale, pair.up.channels) == (scale, 3)
    assert pair.down.factor == Fraction(1, scale)
    assert pair.up.factor == scale
    assert pair.down.multiple_of == scale
    assert pair.up.multiple_of == 1
    assert pair.output_layers() == [pair.down.residual, pair.up.residual]


class TestGrowth:
    @pytest.mark.parametrize(("width", "depth", "conditions"), [(7, 2, 0), (4, 3, 0), (7, 4, 3), (4, 2, 0)])
    def test_it_starts_as_the_smaller_network(self, width: int, depth: int, conditions: int) -> None:
        """Whatever it is newly told."""
        smaller = randomised(UpSNet(2, 3, width=4, depth=2))
        larger = UpSNet(2, 3, width, depth, conditions).double()
        larger.load_state_dict(larger.grown_from(smaller.state_dict()))
        low = picture(3, 6, 5)
        told = torch.cat((low, torch.full_like(low, 0.7)), dim=1) if conditions else low
        torch.testing.assert_close(larger(told), smaller(low), rtol=0, atol=1e-12)

    def test_what_is_new_learns(self) -> None:
        larger = UpSNet(2, 1, width=7, depth=3).double()
        larger.load_state_dict(larger.grown_from(randomised(UpSNet(2, 1, width=4, depth=2)).state_dict()))
        optimiser = torch.optim.SGD(larger.parameters(), lr=1e-2)
        for _ in range(3):  # zeros in front of zeros need a step each to come alive
            optimiser.zero_grad()
            larger(picture(1, 6, 5)).square().mean().backward()
            optimiser.step()
        for name, parameter in larger.named_parameters():
            assert parameter.grad is not None
            assert parameter.grad.abs().max() > 0, name
        new = larger.residual.weight.unflatten(1, (4, 7))  # what four layers made, seven maps each
        assert (new[:, :3, 4:].abs().amax(dim=(0, 2, 3, 4)) > 0).all()
        assert new[:, 3].abs().max() > 0

    @pytest.mark.parametrize("other", [{"width": 8}, {"depth": 3}, {"channels": 1}, {"conditions": 3}, {"scale": 3}])
    def test_refuses_what_is_larger_or_of_another_kind(self, other: dict[str, int]) -> None:
        trained = UpSNet(**({"scale": 2, "channels": 3, "width": 4, "depth": 2} | other))
        with pytest.raises(ValueError, match=r"^(head|convs\.2|residual)\.weight"):
            UpSNet(2, 3, width=4, depth=2).grown_from(trained.state_dict())
