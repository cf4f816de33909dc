"""SRDenseNet, against Fig. 1 and 2 (c) of Tong et al."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tests.nets.explicit import correlate, deconvolved, picture, randomised  # noqa: E402
from twinscale.nets.srdensenet import SRDenseNet  # noqa: E402


# The paper does not count; these are the sums over its layers.
@pytest.mark.parametrize(("channels", "expected"), [(1, 2_659_585), (3, 2_659_585 + 2 * 9 * 128 + 2 * (9 * 256 + 1))])
def test_parameters(channels: int, expected: int) -> None:
    with torch.device("meta"):
        network = SRDenseNet(4, channels, blocks=8, layers=8, growth=16, width=256)
    first = sum(9 * 128 * (i + 1) * 16 + 16 for i in range(8))
    others = 8 * sum(9 * 16 * i * 16 + 16 for i in range(1, 8))
    bottleneck, deconvs = 9 * 128 * 256 + 256, 2 * (9 * 256 * 256 + 256)
    ends = (9 * channels * 128 + 128) + (9 * 256 * channels + channels)
    assert sum(p.numel() for p in network.parameters()) == first + others + bottleneck + deconvs + ends == expected


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("scale", "steps"), [(2, [2]), (3, [3]), (4, [2, 2])])
def test_layer_by_layer(scale: int, steps: list[int], channels: int) -> None:
    network = randomised(SRDenseNet(scale, channels, blocks=2, layers=3, growth=2, width=4))
    low = picture(channels, 3, 4)
    for given, result in zip(low.numpy(), network(low).detach().numpy(), strict=True):
        levels = [np.maximum(correlate(given, network.head), 0)]
        for block in network.body:
            first, *others = block.convs
            features = [np.maximum(correlate(np.concatenate(levels), first), 0)]
            for conv in others:
                features.append(np.maximum(correlate(np.concatenate(features), conv), 0))
            levels += features
        x = np.maximum(correlate(np.concatenate(levels), network.bottleneck), 0)
        for step, deconv in zip(steps, network.enlarge, strict=True):
            x = np.maximum(deconvolved(x, deconv, step), 0)
        np.testing.assert_allclose(result, correlate(x, network.output), rtol=0, atol=1e-12)
