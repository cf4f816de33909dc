"""What networks of several sizes have in common: what data, training, tiling and export rely on."""

import math
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tests.nets.explicit import picture, randomised  # noqa: E402
from twinscale.engine import Runtime, run  # noqa: E402
from twinscale.engine.operation import Operation  # noqa: E402
from twinscale.nets import Upscaler, create  # noqa: E402

SCALES = [2, 3, 4]
SMALL: dict[str, dict[str, Any]] = {
    "compressed-sr": {"repair_depth": 4, "repair_width": 5, "width": 5, "blocks": 2},
    "d-dbpn": {"features": 6, "width": 4, "stages": 2},
    "edsr": {"width": 5, "blocks": 2},
    "lean": {"width": 5, "blocks": 2},
    "rcan": {"width": 8, "groups": 2, "blocks": 2, "reduction": 2},
    "rdn": {"width": 5, "blocks": 2, "layers": 2, "growth": 4},
    "sesr": {"features": 4, "blocks": 2},
    "span": {"width": 4},
    "srdensenet": {"blocks": 2, "layers": 2, "growth": 4, "width": 8},
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


@pytest.mark.parametrize("architecture", SMALL)
def test_it_learns(architecture: str) -> None:
    from lightning_fabric import Fabric

    from twinscale.training.learner import Learner
    from twinscale.training.recipe import OptimisationSpec

    network = make(architecture, 4)
    spec = OptimisationSpec(steps=100, loss="l1", optimiser="muon", learning_rate=2e-3, decay="none")
    learner = Learner(network, spec, Fabric(accelerator="cpu", devices=1))
    low, high = picture(3, 8, 8).float(), torch.nn.functional.interpolate(picture(3, 8, 8).float(), scale_factor=4)
    losses = [learner.step(step, low, high).item() for step in range(10)]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("architecture", ["d-dbpn", "rcan", "rdn", "srdensenet"])
def test_exported_it_is_the_same_and_its_tiles_are_exact(architecture: str) -> None:
    pytest.importorskip("onnxscript")
    from twinscale.training.export import to_onnx

    network = randomised(make(architecture, 4)).half().float()  # as weights are stored
    exported = Runtime(1).load(to_onnx(network), name=architecture)
    low = picture(3, 41, 30)[0].float()
    with torch.no_grad():
        expected = network(low[None]).permute(0, 2, 3, 1).numpy()
    planes = low.permute(1, 2, 0).numpy()
    extent = np.abs(expected).max()
    np.testing.assert_allclose(exported(planes[None]), expected, rtol=0, atol=1e-4 * extent)

    def within_range(batch: np.ndarray) -> np.ndarray:
        return exported(batch) / (2 * extent) + np.float32(0.5)

    operation = Operation.of(within_range, scale=network.factor, radius=network.radius)
    whole = run(operation, planes, tile=0)
    np.testing.assert_allclose(whole, expected[0] / (2 * extent) + 0.5, rtol=0, atol=1e-4)
    if math.isfinite(network.radius):
        np.testing.assert_allclose(run(operation, planes, tile=12), whole, rtol=0, atol=1e-6)
