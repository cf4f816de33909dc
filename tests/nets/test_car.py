"""CAR, against the layers of the public code as the field describes them, in float64 and tap by tap."""

from fractions import Fraction

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch.nn import functional as F  # noqa: E402

from tests.nets.explicit import picture, randomised  # noqa: E402
from tests.nets.receptive import measured_radius  # noqa: E402
from twinscale.errors import UsageError  # noqa: E402
from twinscale.images.resize import imresize  # noqa: E402
from twinscale.nets import create  # noqa: E402
from twinscale.nets.car import CAR, ResamplerNet  # noqa: E402
from twinscale.nets.layers.soft_round import SoftRound  # noqa: E402
from twinscale.rescale.channel import EightBits, Jpeg, Unchanged  # noqa: E402

SCALES = [2, 4]
PUBLISHED_EDSR = {"width": 256, "blocks": 32, "residual_scale": 0.1}


def small(scale: int, **changes: object) -> ResamplerNet:
    return ResamplerNet(scale, **({"width": 3, "blocks": 2} | changes))


def trained_looking(network: ResamplerNet) -> ResamplerNet:
    """In float64, with kernels that differ from pixel to pixel, weights at both ends of the clamp, and moving taps."""
    network = randomised(network)
    for conv in network.output_layers():
        torch.nn.init.normal_(conv.weight, std=0.3, generator=torch.Generator().manual_seed(2))
    return network


@pytest.mark.parametrize(("scale", "resampler", "edsr"), [(2, 10.65e6, 40.73e6), (4, 9.90e6, 43.09e6)])
def test_published_parameter_counts(scale: int, resampler: float, edsr: float) -> None:
    with torch.device("meta"):
        pair = create("car", scale=scale, upscaler_parameters=PUBLISHED_EDSR)
    for network, count in ((pair.down, resampler), (pair.up, edsr)):
        assert sum(p.numel() for p in network.parameters()) == pytest.approx(count, abs=0.005e6)


def test_layers_of_the_published_network() -> None:
    """Inputs, outputs and sides of all convolutions at x4; the taps are 13 x 13."""
    with torch.device("meta"):
        convs = [m for m in ResamplerNet(4).modules() if isinstance(m, torch.nn.Conv2d)]
    found = sorted((c.in_channels, c.out_channels, c.kernel_size[0]) for c in convs)
    trunk = [(256, 256, 3)] * 3 + [(256, 1024, 1), (256, 256, 3)]
    head = [(256, 256, 3), (256, 169, 3)]
    rest = [(3, 64, 5), (256, 128, 1), (512, 128, 1), *[(128, 128, 3)] * 10, (512, 256, 1)]
    assert found == sorted([*rest, *trunk * 2, *head * 3])
    for conv in convs:
        assert conv.padding[0] == conv.kernel_size[0] // 2
        assert conv.padding_mode == ("reflect" if conv.kernel_size[0] > 1 else "zeros")


def conv(x: torch.Tensor, layer: torch.nn.Module) -> torch.Tensor:
    """A convolution of the picture continued by its mirror image."""
    margin = layer.kernel_size[0] // 2
    padded = torch.from_numpy(np.pad(x.detach().numpy(), [(0, 0), (0, 0)] + [(margin, margin)] * 2, mode="reflect"))
    return F.conv2d(padded, layer.weight, layer.bias)


def unshuffled(x: torch.Tensor) -> torch.Tensor:
    n, c, h, w = x.shape
    return x.reshape(n, c, h // 2, 2, w // 2, 2).permute(0, 1, 3, 5, 2, 4).reshape(n, 4 * c, h // 2, w // 2)


def shuffled(x: torch.Tensor, r: int) -> torch.Tensor:
    n, c, h, w = x.shape
    return x.reshape(n, c // r**2, r, r, h, w).permute(0, 1, 4, 2, 5, 3).reshape(n, c // r**2, h * r, w * r)


@pytest.mark.parametrize("scale", SCALES)
def test_kernels_and_offsets_layer_by_layer(scale: int) -> None:
    network = trained_looking(small(scale))
    high = picture(3, 32, 48)

    def leaky(x: torch.Tensor) -> torch.Tensor:
        return torch.where(x > 0, x, 0.2 * x)

    x = leaky(conv(high - torch.tensor([0.4488, 0.4371, 0.4040]).double()[:, None, None], network.head))
    for layer in network.halve:
        x = conv(unshuffled(x), layer)  # no activation
    inner = x
    for first, second in network.body:
        inner = inner + conv(leaky(conv(inner, first)), second)
    x = conv(unshuffled(inner + x), network.context)

    def trunk(layers: torch.nn.Sequential, x: torch.Tensor) -> torch.Tensor:
        first, second, third, enlarging, last = (m for m in layers if isinstance(m, torch.nn.Conv2d))
        for layer in (first, second, third):
            x = conv(x, layer).clamp(min=0)
        return conv(shuffled(conv(x, enlarging), 8 // scale), last).clamp(min=0)

    def head(layers: torch.nn.Sequential, x: torch.Tensor) -> torch.Tensor:
        first, last = (m for m in layers if isinstance(m, torch.nn.Conv2d))
        return conv(conv(x, first).clamp(min=0), last)

    kernels = head(network.kernels, trunk(network.kernel_trunk, x)).clip(1e-6, 1)
    kernels = kernels / kernels.sum(dim=1, keepdim=True)
    features = trunk(network.offset_trunk, x)
    vertical, horizontal = (scale * torch.tanh(head(layers, features)) for layers in network.offsets)
    made = network.resampling(high)
    assert made.kernels.shape == (2, (3 * scale + 1) ** 2, 32 // scale, 48 // scale)
    for part, expected in zip(made, (kernels, vertical, horizontal), strict=True):
        torch.testing.assert_close(part, expected, rtol=0, atol=1e-8)
    assert kernels.std(dim=(2, 3)).max() > 0.005
    assert vertical.abs().max() > 0.9 * scale


@pytest.mark.parametrize("scale", SCALES)
def test_each_small_pixel_is_a_weighted_mean_so_flat_stays_flat_and_no_false_colour_appears(scale: int) -> None:
    network = trained_looking(small(scale))
    flat = torch.tensor([0.9, 0.2, 0.5], dtype=torch.float64)[:, None, None].expand(1, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(network(flat), flat[:, :, ::scale, ::scale], rtol=0, atol=1e-6)
        high = picture(3, 32, 32)
        low, made = network(high), network.resampling(high)
    assert made.kernels.min() > 0
    torch.testing.assert_close(made.kernels.sum(dim=1), torch.ones_like(made.kernels[:, 0]), rtol=0, atol=1e-5)
    assert made.vertical.abs().max() <= scale
    assert made.horizontal.abs().max() <= scale
    lowest, highest = high.amin(dim=(2, 3), keepdim=True), high.amax(dim=(2, 3), keepdim=True)
    assert ((low > lowest) & (low < highest)).all()


@pytest.mark.parametrize("scale", SCALES)
def test_training_starts_from_a_smooth_reduction(scale: int) -> None:
    """Near the bicubic one, with every tap in its place and inside the clamp."""
    network = small(scale)
    coarse = torch.rand(1, 3, 12, 12, generator=torch.Generator().manual_seed(0))
    high = F.interpolate(coarse, size=(96, 96), mode="bicubic").clamp(0, 1)
    with torch.no_grad():
        low, made = network(high), network.resampling(high)
    bicubic = imresize(high[0].permute(1, 2, 0).numpy(), 1 / scale)
    np.testing.assert_allclose(low[0].permute(1, 2, 0).numpy(), bicubic, rtol=0, atol=0.05)
    assert not made.vertical.any()
    assert not made.horizontal.any()
    assert made.kernels.min() > 1e-5


@pytest.mark.parametrize("scale", SCALES)
def test_luminance_passes_through_to_the_small_pixels_that_it_makes(scale: int) -> None:
    """But for what random layers add, which begins small."""
    torch.manual_seed(0)
    network = ResamplerNet(scale, width=16, blocks=2, head_width=32)
    arrived = {}
    network.offset_trunk[-3].register_forward_hook(lambda module, inputs, output: arrived.update(luminance=output))
    high = torch.rand(1, 3, 32, 48, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        network(high)
    luminance = (high * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(dim=1)
    for row, column in np.ndindex(scale, scale):
        made = arrived["luminance"][0, row * scale + column] / 2  # the outer skip doubles it
        covered = luminance[0, row::scale, column::scale]
        torch.testing.assert_close(made - made.mean(), covered - covered.mean(), rtol=0, atol=0.05)


@pytest.mark.parametrize("scale", SCALES)
def test_heads_begin_with_what_makes_products_of_contrasts(scale: int) -> None:
    """Of each pixel's with those that one small pixel covers, and of these with the small pixels around."""
    torch.manual_seed(0)
    network = ResamplerNet(scale, width=32, blocks=1)
    arrived = {}
    network.kernels[1].register_forward_hook(lambda module, inputs, output: arrived.update(filters=output[0]))
    high = torch.rand(1, 3, 48, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        network(high)
    luminance = (high[0] * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(dim=0)
    means = F.avg_pool2d(luminance[None], scale)[0]
    around = means.unfold(0, 3, 1).unfold(1, 3, 1).mean(dim=(2, 3))
    b = (means[1:-1, 1:-1] - around).numpy()
    first, second, third, fourth = arrived["filters"][: 4 * scale**2, 1:-1, 1:-1].unflatten(0, (4, -1)).numpy()
    likeness = []
    for number, (row, column) in enumerate(np.ndindex(scale, scale)):
        a = (luminance[row::scale, column::scale] - means)[1:-1, 1:-1].numpy()
        made = (first + fourth - second - third)[number]
        likeness.append(np.corrcoef(made.ravel(), (np.abs(a + b) - np.abs(a - b)).ravel())[0, 1])
    assert min(likeness) > 0.99


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("size", [5, None])
def test_radius_of_every_part(scale: int, size: int | None) -> None:
    for blocks in (0, 1):
        network = small(scale, channels=1, blocks=blocks, size=size)
        assert network.radius == 2 + 8 * blocks + 8 * (4 if scale == 2 else 5)
        assert network.radius == measured_radius(network)


def test_kernels_that_reach_further_than_the_layers() -> None:
    network = small(2, blocks=0, size=81)
    assert network.radius == 40 + 1 + 1


def test_declares_what_it_wants() -> None:
    network = ResamplerNet(4, width=2)
    assert (network.scale, network.channels, network.factor, network.multiple_of) == (4, 3, Fraction(1, 4), 16)
    with torch.no_grad():
        assert network(torch.rand(1, 3, 16, 32)).shape == (1, 3, 4, 8)  # its smallest picture


def test_without_offsets_taps_stay() -> None:
    network = trained_looking(small(2, offsets=False))
    made = network.resampling(picture(3, 16, 16))
    assert not made.vertical.any()
    assert not made.horizontal.any()
    assert len(network.output_layers()) == 1
    assert sum(p.numel() for p in network.parameters()) < sum(p.numel() for p in small(2).parameters())


@pytest.mark.parametrize("upscaler", ["bicubic", "espcn", "edsr"])
def test_pair_shrinks_rounds_and_restores(upscaler: str) -> None:
    pair = create("car", scale=2, upscaler=upscaler, width=3, blocks=1)
    assert isinstance(pair, CAR)
    high = torch.rand(1, 3, 16, 32, generator=torch.Generator().manual_seed(0))
    made = pair(high)
    levels = made.low * 255
    torch.testing.assert_close(levels, levels.round(), rtol=0, atol=1e-4)
    torch.testing.assert_close(made.low, pair.down(high), rtol=0, atol=0.51 / 255)
    torch.testing.assert_close(made.restored, pair.up(made.low), rtol=0, atol=0)
    assert all(torch.equal(*parts) for parts in zip(made.resampling, pair.down.resampling(high), strict=True))
    made.restored.sum().backward()
    assert all(conv.weight.grad.abs().sum() > 0 for conv in pair.down.output_layers())


def test_eight_bits_are_rounded_softly_and_other_channels_as_they_are() -> None:
    high = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    for channel, received in ((EightBits(), SoftRound()), (Unchanged(), torch.nn.Identity())):
        pair = create("car", scale=2, width=2, blocks=0, upscaler="bicubic", channel=channel)
        made = pair(high)
        torch.testing.assert_close(made.sent, pair.down(high), rtol=0, atol=0)
        torch.testing.assert_close(made.low, received(made.sent), rtol=0, atol=0)
        gradients = [torch.autograd.grad(low.sum(), made.sent)[0] for low in (made.low, received(made.sent))]
        torch.testing.assert_close(*gradients, rtol=0, atol=0)


def test_only_an_upscaler_that_can_be_told_is() -> None:
    for upscaler, conditions in (("bicubic", 0), ("edsr", 0), ("lean", 3)):
        pair = create("car", scale=2, width=2, blocks=0, upscaler=upscaler, channel=Jpeg())
        assert isinstance(pair, CAR)
        assert pair.up.conditions == conditions
        assert pair(torch.rand(1, 3, 16, 16)).restored.shape == (1, 3, 16, 16)


def test_bfloat16_moves_no_tap_far() -> None:
    """Autocast computes the layers in bfloat16; kernels and offsets stay near those of float32."""
    torch.manual_seed(0)
    network = small(4, width=8)
    for conv in network.output_layers():
        torch.nn.init.normal_(conv.weight, std=0.3)
    high = torch.rand(1, 3, 32, 32)
    exact = network.resampling(high)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = network.resampling(high)
    assert all(part.dtype == torch.float32 for part in rough)
    assert exact.vertical.abs().max() > 1
    assert (rough.vertical - exact.vertical).abs().mean() < 0.05
    torch.testing.assert_close(rough.kernels.sum(dim=1), torch.ones(1, 8, 8), rtol=0, atol=1e-5)


def test_other_scales_are_refused() -> None:
    with pytest.raises(UsageError, match=r"^CAR has no scale 3: use 2 or 4"):
        create("car", scale=3)


def test_even_kernels_are_refused() -> None:
    with pytest.raises(UsageError, match=r"^size = 12 must be odd"):
        create("car", scale=4, size=12)


@pytest.mark.parametrize("upscaler", ["vdsr", "twin"])
def test_upscalers_that_take_no_small_picture_are_refused(upscaler: str) -> None:
    with pytest.raises(UsageError, match=f"^upscaler = '{upscaler}' must enlarge the small picture itself"):
        create("car", scale=2, upscaler=upscaler)


def test_parameters_of_the_upscaler_are_its_own() -> None:
    assert create("car", scale=2, upscaler_parameters={"width": 8, "blocks": 3}, width=2).up.radius == 2 * 3 + 3 + 1
    with pytest.raises(UsageError, match="edsr has no parameter 'wide'"):
        create("car", scale=2, upscaler_parameters={"wide": 8})
