"""The network of Jin et al., against §2 of their paper."""

import pytest

torch = pytest.importorskip("torch")

from tests.nets.explicit import picture, randomised  # noqa: E402
from tests.nets.receptive import measured_radius  # noqa: E402
from twinscale.nets.compressed_sr import CompressedSR  # noqa: E402

SMALL = {"repair_depth": 4, "repair_width": 5, "width": 5, "blocks": 2}


def test_parameters_of_the_published_sizes() -> None:
    # By hand, x2 in RGB. Repair: the outer layers; between them 16 without biases, with a factor and an offset a map.
    repair = 9 * 3 * 64 + 64 + 16 * (9 * 64**2 + 2 * 64) + 9 * 64 * 3 + 3
    # Enlargement: head, 32 blocks of two layers, the last layer, one to four times as many maps, and the output.
    conv = 9 * 256**2 + 256
    enlarge = 9 * 3 * 256 + 256 + 65 * conv + 4 * conv + 9 * 256 * 3 + 3
    with torch.device("meta"):
        network = CompressedSR(2, repair_width=64, width=256, blocks=32, residual_scale=0.1)
    assert sum(p.numel() for p in network.repair.parameters()) == repair == 595_395
    assert sum(p.numel() for p in network.parameters()) == repair + enlarge == 41_324_998


@pytest.mark.parametrize("channels", [1, 3])
def test_it_enlarges_what_it_repaired(channels: int) -> None:
    network = randomised(CompressedSR(2, channels, **SMALL))
    assert (network.repair.channels, network.enlarge.channels) == (channels, channels)
    low = picture(channels, 6, 9)
    torch.testing.assert_close(network(low), network.enlarge(network.repair(low)), rtol=0, atol=0)


def test_parts_have_their_sizes() -> None:
    network = CompressedSR(3, 1, **SMALL, residual_scale=0.5)
    assert (len(network.repair.body), network.repair.head.out_channels) == (2, 5)
    assert (len(network.enlarge.body), network.enlarge.head.out_channels, network.enlarge.scale) == (2, 5, 3)
    low = picture(1, 6, 9).float()
    network.eval()
    before = network(low)
    network.enlarge._residual_scale = 0.25
    assert not torch.equal(before, network(low))


def test_declared_radius_is_the_measured_one() -> None:
    network = CompressedSR(2, 1, **SMALL)
    assert network.radius == 4 + 8 == measured_radius(network)
