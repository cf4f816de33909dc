"""Building networks by name."""

import pytest

pytest.importorskip("torch")

from twinscale.errors import UsageError
from twinscale.nets import ARCHITECTURES, Pair, Upscaler, create


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
        assert part.factor in (1, scale, 1 / scale)
        assert set(part.output_layers()) <= set(part.modules())


def test_unknown_architecture() -> None:
    with pytest.raises(UsageError, match="unknown architecture 'dns': use one of dsn, srcnn"):
        create("dns", scale=2)


def test_unknown_parameter() -> None:
    with pytest.raises(UsageError, match="dsn has no parameter 'width': it takes scale, channels"):
        create("dsn", scale=2, width=8)
