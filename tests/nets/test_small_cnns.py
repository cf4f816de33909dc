"""The small CNNs, against Tables 1 to 4 of Ding's paper."""

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tests.nets.explicit import correlate, picture, randomised  # noqa: E402
from tests.nets.receptive import measured_radius  # noqa: E402
from twinscale.engine import Operation, Runtime  # noqa: E402
from twinscale.images.colour import luminance  # noqa: E402
from twinscale.nets.small_cnns import WIDTHS, SmallCNN  # noqa: E402

# The printed tables: in channels, out channels, parameters.
TABLES = {
    "small": [(1, 8, 80), (8, 16, 1168), (16, 3, 435)],
    "medium": [(1, 16, 160), (16, 32, 4640), (32, 64, 18496), (64, 32, 18464), (32, 3, 867)],
    "deep": [
        (1, 32, 320),
        (32, 64, 18496),
        (64, 128, 73856),
        (128, 128, 147584),
        (128, 64, 73792),
        (64, 32, 18464),
        (32, 3, 867),
    ],
    "waifu2x": [
        (1, 32, 320),
        (32, 32, 9248),
        (32, 64, 18496),
        (64, 64, 36928),
        (64, 128, 73856),
        (128, 128, 147584),
        (128, 3, 3459),
    ],
}
VARIANTS = list(TABLES)


@pytest.mark.parametrize("variant", VARIANTS)
def test_layers_and_parameters_as_printed(variant: str) -> None:
    network = SmallCNN(2, variant=variant, luminance_input=True)
    assert [
        (conv.in_channels, conv.out_channels, sum(p.numel() for p in conv.parameters())) for conv in network.convs
    ] == TABLES[variant]
    assert all((conv.kernel_size, conv.padding) == ((3, 3), (1, 1)) for conv in network.convs)


def test_printed_parameters_follow_from_printed_channels() -> None:
    for layers in TABLES.values():
        for ins, outs, parameters in layers:
            assert ins * outs * 3**2 + outs == parameters


@pytest.mark.parametrize("variant", VARIANTS)
def test_rgb_differs_in_the_first_layer_only(variant: str) -> None:
    network = SmallCNN(2, 3, variant)
    expected = [parameters for _, _, parameters in TABLES[variant]]
    expected[0] += 2 * 9 * WIDTHS[variant][0]
    assert [sum(p.numel() for p in conv.parameters()) for conv in network.convs] == expected


@pytest.mark.parametrize(("channels", "luminance_input"), [(3, False), (3, True), (1, False), (1, True)])
@pytest.mark.parametrize("variant", ["small", "medium"])
def test_forward_layer_by_layer(variant: str, channels: int, luminance_input: bool) -> None:
    network = randomised(SmallCNN(2, channels, variant, luminance_input))
    enlarged = picture(channels, 5, 7)
    for given, result in zip(enlarged.numpy(), network(enlarged).detach().numpy(), strict=True):
        x = given
        if luminance_input and channels == 3:
            x = luminance(given.transpose(1, 2, 0)).transpose(2, 0, 1)
        for conv in network.convs:
            x = np.maximum(correlate(x, conv), 0)
        assert result.shape == (channels, 5, 7)
        np.testing.assert_allclose(result, x, rtol=0, atol=1e-12)


@pytest.mark.parametrize("variant", VARIANTS)
def test_declared_radius_is_the_measured_one(variant: str) -> None:
    network = SmallCNN(2, variant=variant)
    assert network.radius == len(TABLES[variant]) == measured_radius(network)


@pytest.mark.parametrize("variant", VARIANTS)
def test_starts_from_the_enlargement(variant: str) -> None:
    torch.manual_seed(0)
    enlarged = picture(3, 24, 20)
    difference = (SmallCNN(2, 3, variant).double()(enlarged) - enlarged).abs()
    assert difference.mean() < 0.03
    grey = enlarged.new_tensor(luminance(enlarged.numpy().transpose(0, 2, 3, 1))).permute(0, 3, 1, 2)
    difference = (SmallCNN(2, 3, variant, luminance_input=True).double()(enlarged) - grey).abs()
    assert difference.mean() < 0.03


@pytest.mark.parametrize("variant", VARIANTS)
def test_weights_beside_the_path_keep_the_variance(variant: str) -> None:
    torch.manual_seed(0)
    *hidden, last = SmallCNN(2, 3, variant).convs
    for conv in hidden:
        weight = conv.weight[3:]
        expected = math.sqrt(2 / (9 * conv.in_channels))
        assert weight.std().item() == pytest.approx(expected, rel=5 / math.sqrt(2 * weight.numel()))
    assert last.weight.std() < 0.2
    assert all(conv.bias.abs().max() == 0 for conv in (*hidden, last))


@pytest.mark.parametrize("luminance_input", [False, True])
@pytest.mark.parametrize("variant", VARIANTS)
def test_gradients_reach_every_parameter(variant: str, luminance_input: bool) -> None:
    torch.manual_seed(0)
    network = SmallCNN(2, 3, variant, luminance_input)
    network(picture(3, 16, 16).float()).square().mean().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize("luminance_input", [False, True])
def test_onnx_computes_what_torch_computes(luminance_input: bool) -> None:
    pytest.importorskip("onnxscript")
    from twinscale.training.export import to_onnx

    network = randomised(SmallCNN(2, 3, "small", luminance_input)).half().float()  # as weights are stored
    planes = np.random.default_rng(0).random((9, 13, 3), dtype=np.float32)
    result = Operation.of(Runtime(1).load(to_onnx(network), name="small-cnn"))(planes)
    with torch.no_grad():
        expected = network(torch.from_numpy(planes).permute(2, 0, 1)[None])[0].permute(1, 2, 0)
    np.testing.assert_allclose(result, expected, rtol=0, atol=1e-5)


def test_declarations() -> None:
    network = SmallCNN(4)
    assert (network.scale, network.channels, network.factor, network.multiple_of) == (4, 3, 1, 1)
    assert network.interpolated_input
    assert network.output_layers() == [network.convs[-1]]
