"""Bicubic enlargement as a network, against ``imresize``, which the resizing tests hold to MATLAB's results."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tests.nets.explicit import picture  # noqa: E402
from twinscale.engine import Runtime  # noqa: E402
from twinscale.images.resize import imresize  # noqa: E402
from twinscale.nets import Downscaler, Pair  # noqa: E402
from twinscale.nets.bicubic import Bicubic  # noqa: E402
from twinscale.rescale.channel import Unchanged  # noqa: E402

SCALES = [2, 3, 4]
SIZES = [(1, 1), (1, 7), (2, 1), (3, 2), (9, 13)]


def enlarged(batch: torch.Tensor, scale: int) -> np.ndarray:
    """``(N, C, h, w)`` enlarged by ``imresize``."""
    return np.stack([imresize(low.transpose(1, 2, 0), scale).transpose(2, 0, 1) for low in batch.numpy()])


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("scale", SCALES)
def test_it_is_imresize(scale: int, height: int, width: int, channels: int) -> None:
    low = picture(channels, height, width)
    expected = enlarged(low, scale)
    network = Bicubic(scale, channels)
    np.testing.assert_allclose(network(low.float()), expected, rtol=0, atol=3e-7)
    np.testing.assert_allclose(network.double()(low), expected, rtol=0, atol=1e-7)  # the weights are float32


@pytest.mark.parametrize("scale", SCALES)
def test_exported(scale: int) -> None:
    pytest.importorskip("onnxscript")
    from twinscale.training.export import count_activation_bytes, to_onnx

    data = to_onnx(Bicubic(scale))
    # In the end, it holds the transposed result beside the result.
    assert count_activation_bytes(data) == 2 * 3 * 4 * scale**2
    exported = Runtime(1).load(data, name="bicubic")
    for height, width in SIZES:
        low = picture(3, height, width).float()
        result = np.moveaxis(exported(np.moveaxis(low.numpy(), 1, 3)), 3, 1)
        np.testing.assert_allclose(result, enlarged(low, scale), rtol=0, atol=1e-6)


def test_mixed_precision_does_not_reach_it() -> None:
    low = picture(3, 5, 6).float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        np.testing.assert_allclose(Bicubic(2)(low), enlarged(low, 2), rtol=0, atol=3e-7)


@pytest.mark.parametrize("scale", SCALES)
def test_gradient(scale: int) -> None:
    low = torch.rand(1, 2, 2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(Bicubic(scale, channels=2).double(), low)


class Strided(Downscaler):
    """One convolution."""

    def __init__(self, scale: int, channels: int) -> None:
        super().__init__(scale, channels, radius=0)
        self.conv = torch.nn.Conv2d(channels, channels, scale, stride=scale)

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        low: torch.Tensor = self.conv(picture)
        return low

    def output_layers(self) -> list[torch.nn.Module]:
        return [self.conv]


@pytest.mark.parametrize("optimiser", ["adam", "muon", "sgd"])
def test_what_shrinks_learns_through_it(optimiser: str) -> None:
    from lightning_fabric import Fabric

    from twinscale.training.learner import Learner
    from twinscale.training.recipe import OptimisationSpec

    torch.manual_seed(0)
    pair = Pair(Strided(2, 3), Bicubic(2, 3), Unchanged())
    assert {name.split(".")[0] for name in pair.state_dict()} == {"down"}
    spec = OptimisationSpec(steps=100, optimiser=optimiser, learning_rate=1e-2, decay="none")
    learner = Learner(pair, spec, Fabric(accelerator="cpu", devices=1))
    high = picture(3, 16, 16).float()
    losses = [learner.step(step, high, high).item() for step in range(20)]
    assert losses[-1] < losses[0]
