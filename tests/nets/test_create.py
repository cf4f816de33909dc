"""Building networks by name."""

from fractions import Fraction

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tests.nets.explicit import randomised  # noqa: E402
from twinscale.engine import Operation, Runtime  # noqa: E402
from twinscale.errors import UsageError  # noqa: E402
from twinscale.nets import ARCHITECTURES, Pair, Upscaler, create  # noqa: E402


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_architecture_declares_itself(architecture: str, scale: int, channels: int) -> None:
    network = create(architecture, scale=scale, channels=channels)
    assert (network.scale, network.channels) == (scale, channels)
    assert isinstance(network, Pair | Upscaler)
    for part in (network.down, network.up) if isinstance(network, Pair) else (network,):
        assert part.radius >= 0
        assert part.multiple_of >= 1
        assert part.factor in (1, scale, Fraction(1, scale))
        assert set(part.output_layers()) <= set(part.modules())


@pytest.mark.parametrize("architecture", ["espcn", "fsrcnn", "upsnet", "vdsr"])
def test_onnx_computes_what_torch_computes(architecture: str) -> None:
    pytest.importorskip("onnxscript")
    from twinscale.training.export import to_onnx

    network = randomised(create(architecture, scale=3, channels=3))
    network = network.half().float()  # as weights are stored
    planes = np.random.default_rng(0).random((9, 13, 3), dtype=np.float32)
    result = Operation.of(Runtime(1).load(to_onnx(network), name=architecture))(planes)
    with torch.no_grad():
        expected = network(torch.from_numpy(planes).permute(2, 0, 1)[None])[0].permute(1, 2, 0)
    assert expected.shape == (9 * network.factor, 13 * network.factor, 3)
    np.testing.assert_allclose(result, expected, rtol=0, atol=1e-4)


def test_unknown_architecture() -> None:
    with pytest.raises(UsageError, match=f"unknown architecture 'dns': use one of {', '.join(sorted(ARCHITECTURES))}$"):
        create("dns", scale=2)


def test_unknown_parameter() -> None:
    with pytest.raises(UsageError, match="dsn has no parameter 'width': it takes scale, channels, channel"):
        create("dsn", scale=2, width=8)
