"""Twin, against its definition computed without torch, and its cost against DSN's."""

from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from tests.nets.explicit import correlate, picture, randomised, strided  # noqa: E402
from tests.nets.receptive import measured_radius  # noqa: E402
from twinscale.engine import Operation, Runtime, run  # noqa: E402
from twinscale.errors import UsageError  # noqa: E402
from twinscale.nets import Pair, create  # noqa: E402
from twinscale.nets.dsn import DSN, UpSNet  # noqa: E402
from twinscale.nets.lean import Lean  # noqa: E402
from twinscale.nets.twin import Twin, TwinDown  # noqa: E402
from twinscale.rescale.channel import Jpeg  # noqa: E402

SCALES = [2, 3, 4]
# Windows of a block and half a block around it: 4 at scale 2; at scale 3 half a block is one whole pixel.
KERNELS = {2: 4, 3: 5, 4: 8}
RADII = {2: 1 + 6, 3: 1 + 9, 4: 2 + 12}


def weights(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def block_means(x: NDArray, scale: int) -> NDArray:
    means = np.zeros((len(x), x.shape[1] // scale, x.shape[2] // scale))
    for row, column in np.ndindex(scale, scale):
        means += x[:, row::scale, column::scale] / scale**2
    return means


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("d", SCALES)
def test_layers(d: int, channels: int) -> None:
    network = TwinDown(d, channels)
    convs = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    assert convs == [network.head, *network.features, network.residual]
    assert [(c.in_channels, c.out_channels, c.kernel_size, c.stride, c.padding) for c in convs] == [
        (channels, 64, (KERNELS[d],) * 2, (d, d), ((KERNELS[d] - d) // 2,) * 2),
        (64, 64, (3, 3), (1, 1), (1, 1)),
        (64, 64, (3, 3), (1, 1), (1, 1)),
        (64, channels, (3, 3), (1, 1), (1, 1)),
    ]
    expected = (KERNELS[d] ** 2 * channels * 64 + 64) + 2 * (9 * 64 * 64 + 64) + (9 * 64 * channels + channels)
    assert weights(network) == expected


def test_parameters_of_the_luminance_networks() -> None:
    # By hand: 1088, 1664 and 4160 for the first layer, then 36928 + 36928 + 577.
    assert [weights(TwinDown(d)) for d in SCALES] == [75521, 76097, 78593]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("scale", SCALES)
def test_the_restoring_half_is_up_snet(scale: int, channels: int) -> None:
    pair = Twin(scale, channels)
    assert type(pair.up) is UpSNet
    shapes = {name: tensor.shape for name, tensor in DSN(scale, channels).up.state_dict().items()}
    assert {name: tensor.shape for name, tensor in pair.up.state_dict().items()} == shapes


@pytest.mark.parametrize("scale", SCALES)
def test_a_pair_that_is_newly_told_starts_as_before(scale: int) -> None:
    """Whatever it is told, and with half of the weights that there were."""
    trained = randomised(UpSNet(scale, 3))
    low, told = picture(3, 5, 7), torch.rand(2, 3, 1, 1, dtype=torch.float64).expand(-1, -1, 5, 7)
    up = Twin(scale, 3, Jpeg()).double().up
    assert (up.conditions, up.planes) == (3, 6)
    up.load_state_dict(up.grown_from(trained.state_dict()))
    torch.testing.assert_close(up(torch.cat((low, told), dim=1)), trained(low), rtol=0, atol=1e-12)
    again = Twin(scale, 3, Jpeg()).double().up
    again.load_state_dict(again.grown_from(up.state_dict()))
    with pytest.raises(ValueError, match=r"head\.weight"):
        trained.grown_from(up.state_dict())


def test_another_network_may_restore() -> None:
    pair = Twin(2, 3, Jpeg(), "lean", {"width": 6, "blocks": 1})
    assert isinstance(pair.up, Lean)
    assert pair.up.conditions == 3
    assert pair(torch.rand(1, 3, 16, 18)).restored.shape == (1, 3, 16, 18)
    with pytest.raises(UsageError, match="upscaler = 'vdsr' must enlarge the small picture itself"):
        Twin(2, 3, upscaler="vdsr")


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("d", SCALES)
def test_down_is_block_means_and_a_residual(d: int, channels: int) -> None:
    network = randomised(TwinDown(d, channels))
    high = picture(channels, 3 * d, 5 * d)
    for given, result in zip(high.numpy(), network(high).detach().numpy(), strict=True):
        x = strided(given, network.head, d)
        x = np.maximum(x, 0.05 * x)
        for conv in network.features:
            x = correlate(x, conv)
            x = np.maximum(x, 0.05 * x)
        expected = block_means(given, d) + correlate(x, network.residual)
        np.testing.assert_allclose(result, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("d", SCALES)
def test_without_a_residual_block_means_are_left(d: int, channels: int) -> None:
    network = randomised(TwinDown(d, channels))
    for parameter in network.residual.parameters():
        nn.init.zeros_(parameter)
    high = picture(channels, 4 * d, 3 * d)
    expected = np.stack([block_means(given, d) for given in high.numpy()])
    np.testing.assert_allclose(network(high).detach().numpy(), expected, rtol=0, atol=1e-15)


@pytest.mark.parametrize("scale", SCALES)
def test_training_starts_near_averaging(scale: int) -> None:
    torch.manual_seed(0)
    high = picture(3, 8 * scale, 8 * scale).float()
    expected = np.stack([block_means(given, scale) for given in high.numpy()])
    np.testing.assert_allclose(TwinDown(scale, 3)(high).detach().numpy(), expected, rtol=0, atol=0.1)


@pytest.mark.parametrize("scale", SCALES)
def test_declared_radius_is_the_measured_one(scale: int) -> None:
    network = TwinDown(scale)
    assert network.radius == RADII[scale] == measured_radius(network)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("scale", SCALES)
def test_cost(scale: int, channels: int) -> None:
    """About as many parameters as DSN, for less work."""
    pytest.importorskip("onnx")
    from twinscale.training.export import count_multiply_adds

    twin, dsn = Twin(scale, channels), DSN(scale, channels)
    assert weights(twin) == pytest.approx(weights(dsn), rel=0.1)
    head = KERNELS[scale] ** 2 * channels * 64
    counted = count_multiply_adds(twin.down)
    assert counted == (head + 2 * 9 * 64 * 64 + 9 * 64 * channels) / scale**2
    assert counted <= count_multiply_adds(dsn.down)
    assert count_multiply_adds(twin.up) <= count_multiply_adds(dsn.up)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("scale", SCALES)
def test_pair_shapes_and_gradients(scale: int, channels: int) -> None:
    torch.manual_seed(0)
    pair = create("twin", scale=scale, channels=channels)
    assert isinstance(pair, Twin)
    high = picture(channels, 5 * scale, 7 * scale).float() * 0.8 + 0.1  # inside Q-BReLU's margins
    _, low, restored, *_ = pair(high)
    assert low.shape == (2, channels, 5, 7)
    assert restored.shape == high.shape
    levels = pair.down.within_mirror_image(high).detach() * 255
    torch.testing.assert_close(low.detach() * 255, levels.clamp(0, 255).add(0.5).floor(), rtol=0, atol=1e-4)
    torch.testing.assert_close(restored, pair.up.within_mirror_image(low), rtol=0, atol=0)
    (restored - high).abs().mean().backward()
    for name, parameter in pair.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize("scale", SCALES)
def test_both_halves_see_the_mirror_image(scale: int) -> None:
    """By far enough that what lies beyond it, which a wider one would change, makes no difference."""
    pair = randomised(Twin(scale, 3))
    high = picture(3, 5 * scale, 7 * scale)
    for network, given in ((pair.down, high), (pair.up, high[:, :, :9, :11])):
        margin = 24
        around = ((0, 0), (0, 0), (margin, margin), (margin, margin))
        wide = network(torch.from_numpy(np.pad(given.numpy(), around, mode="symmetric")))
        result = network.within_mirror_image(given)
        cut = int(margin * network.factor)
        torch.testing.assert_close(result, wide[:, :, cut:-cut, cut:-cut], rtol=0, atol=1e-12)
        assert (result - network(given)).abs().max() > 1e-3


def test_a_network_that_sees_far_learns_with_eight_small_pixels_of_the_mirror_image() -> None:
    up = randomised(Twin(2, 3, upscaler="lean", upscaler_parameters={"width": 6, "blocks": 7})).up
    given = picture(3, 60, 50)
    assert up.radius == 16
    around = np.pad(given.numpy(), ((0, 0), (0, 0), (8, 8), (8, 8)), mode="symmetric")
    expected = up(torch.from_numpy(around))[:, :, 16:-16, 16:-16]
    torch.testing.assert_close(up.train().within_mirror_image(given), expected, rtol=0, atol=1e-12)
    difference = (up.eval().within_mirror_image(given) - expected).abs()
    assert difference.max() > 1e-6
    assert difference[:, :, 16:-16, 16:-16].max() < 1e-12


@pytest.mark.parametrize("scale", SCALES)
def test_flat_pictures_stay_flat_up_to_the_border(scale: int) -> None:
    pair = randomised(Twin(scale, 3))
    flat = torch.rand(2, 3, 1, 1, dtype=torch.float64).expand(-1, -1, 6 * scale, 5 * scale)
    made = pair(flat)
    for result, block in ((made.sent, 1), (made.restored, scale)):
        first = result[:, :, :block, :block].repeat(1, 1, 6, 5)
        torch.testing.assert_close(result, first, rtol=0, atol=1e-12)


def test_the_small_picture_is_clipped() -> None:
    torch.manual_seed(0)
    low = create("twin", scale=2)(picture(1, 10, 14).float() * 9 - 4).low
    assert (low.min(), low.max()) == (0, 1)


@pytest.mark.parametrize("scale", SCALES)
def test_declarations(scale: int) -> None:
    pair = Twin(scale, 3)
    assert isinstance(pair, Pair)
    assert (pair.scale, pair.channels, pair.up.scale, pair.up.channels) == (scale, 3, scale, 3)
    assert (pair.down.factor, pair.down.multiple_of) == (Fraction(1, scale), scale)
    assert pair.output_layers() == [pair.down.residual, pair.up.residual]


def operation(network: TwinDown, function) -> Operation:
    return Operation(function, scale=Fraction(1, network.scale), radius=network.radius, multiple_of=network.multiple_of)


@pytest.mark.parametrize("scale", SCALES)
def test_tiles_are_exact(scale: int) -> None:
    network = randomised(TwinDown(scale, 3)).float()

    @torch.no_grad()
    def function(planes: NDArray) -> NDArray:
        return network(torch.from_numpy(planes).permute(2, 0, 1)[None])[0].permute(1, 2, 0).numpy()

    assert_seamless(operation(network, function), scale)


def test_tiles_of_the_exported_network_are_exact() -> None:
    pytest.importorskip("onnxscript")
    from twinscale.training.export import to_onnx

    network = randomised(TwinDown(3, 3)).float()
    network.load_state_dict({name: tensor.half().float() for name, tensor in network.state_dict().items()})
    exported = Operation.of(Runtime(1).load(to_onnx(network), name="twin"))
    whole = assert_seamless(operation(network, exported), 3)
    with torch.no_grad():
        expected = network(torch.from_numpy(pixels(3)).permute(2, 0, 1)[None])[0].permute(1, 2, 0)
    np.testing.assert_allclose(whole, expected.clamp(0, 1), rtol=0, atol=1e-4)


def pixels(scale: int) -> NDArray:
    return np.random.default_rng(0).random((19 * scale, 26 * scale, 3), dtype=np.float32) * 0.5 + 0.25


def assert_seamless(operation: Operation, scale: int) -> NDArray:
    """Compare tiles with the whole picture, which is returned; one that is not local enough must fail."""
    whole = run(operation, pixels(scale), tile=0)
    assert whole.shape == (19, 26, 3)
    assert whole.std() > 0.1  # clipping leaves enough to compare
    for tile in (3, 8):
        np.testing.assert_allclose(run(operation, pixels(scale), tile=tile), whole, rtol=0, atol=1e-5)
    return whole


def test_the_small_one_of_a_grey_picture_is_filed_without_colours() -> None:
    torch.manual_seed(0)
    pair = randomised(Twin(2, 3))
    coloured = torch.rand(2, 3, 16, 12, dtype=torch.float64)
    made = pair(torch.cat((coloured, coloured[:, :1].expand(-1, 3, -1, -1))))
    red, green, blue = made.sent.unbind(dim=1)
    luma = (0.299 * red + 0.587 * green + 0.114 * blue)[:, None].expand(-1, 3, -1, -1)
    for low, sent in ((made.low[:2], made.sent[:2]), (made.low[2:], luma[2:])):
        torch.testing.assert_close(low, (sent.clamp(0, 1) * 255).round() / 255, rtol=0, atol=0.51 / 255)
    assert (made.sent[2:] - made.sent[2:, :1]).abs().max() > 0.05
    torch.testing.assert_close(made.restored, pair.up.within_mirror_image(made.low))
