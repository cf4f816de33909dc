"""What EDSR, SESR, SPAN and Lean have in common: the declarations that data, tiling and export rely on."""

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from tests.nets.explicit import picture  # noqa: E402
from twinscale.nets import Upscaler, create  # noqa: E402

SCALES = [2, 3, 4]
SMALL: dict[str, dict[str, Any]] = {
    "edsr": {"width": 5, "blocks": 2},
    "lean": {"width": 5, "blocks": 2},
    "sesr": {"features": 4, "blocks": 2},
    "span": {"width": 4},
}


def make(architecture: str, scale: int, channels: int = 3) -> Upscaler:
    torch.manual_seed(0)
    network = create(architecture, scale=scale, channels=channels, **SMALL[architecture])
    assert isinstance(network, Upscaler)
    return network


@pytest.mark.parametrize("architecture", SMALL)
@pytest.mark.parametrize("scale", SCALES)
class TestUpscaler:
    @pytest.mark.parametrize("channels", [1, 3])
    def test_size_and_declarations(self, architecture: str, scale: int, channels: int) -> None:
        network = make(architecture, scale, channels)
        assert network(picture(channels, 5, 7).float()).shape == (2, channels, 5 * scale, 7 * scale)
        assert (network.scale, network.channels, network.factor, network.multiple_of) == (scale, channels, scale, 1)
        assert not network.interpolated_input

    def test_gradients_reach_every_parameter(self, architecture: str, scale: int) -> None:
        network = make(architecture, scale)
        for parameter in network.parameters():  # far from the zeros that some start at
            torch.nn.init.normal_(parameter, std=0.2)
        network(picture(3, 8, 11).float()).square().mean().backward()
        for name, parameter in network.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.abs().max() > 0, name
