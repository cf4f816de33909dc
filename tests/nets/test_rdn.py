"""RDN, against Fig. 2 and 3 and §5.2 of Zhang et al."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tests.nets.explicit import correlate, picture, randomised, shuffled  # noqa: E402
from twinscale.nets.rdn import RDN  # noqa: E402


# Tables of later papers give 22.1, 22.3 and 22.3 million for x2, x3 and x4.
@pytest.mark.parametrize(("scale", "millions"), [(2, 22.1), (3, 22.3), (4, 22.3)])
def test_parameters(scale: int, millions: float) -> None:
    with torch.device("meta"):
        network = RDN(scale, width=64, blocks=16, layers=8, growth=64)
    block = 9 * 64 * sum(64 * (i + 1) for i in range(8)) + 8 * 64 + (64 * 9 * 64 + 64)
    conv = 9 * 64 * 64 + 64
    ends = (27 * 64 + 64) + conv + (16 * 64 * 64 + 64) + conv + (27 * 64 + 3)
    enlarging = {2: 4 * conv, 3: 9 * conv, 4: 8 * conv}[scale]
    counted = sum(p.numel() for p in network.parameters())
    assert counted == 16 * block + ends + enlarging
    assert counted / 1e6 == pytest.approx(millions, abs=0.05)


@pytest.mark.parametrize(("scale", "steps"), [(2, [2]), (3, [3]), (4, [2, 2])])
def test_layer_by_layer(scale: int, steps: list[int]) -> None:
    network = randomised(RDN(scale, width=4, blocks=2, layers=3, growth=3))
    low = picture(3, 3, 4)
    for given, result in zip(low.numpy(), network(low).detach().numpy(), strict=True):
        shallow = correlate(given, network.head)
        x, results = correlate(shallow, network.second), []
        for block in network.body:
            features = [x]
            for conv in block.convs:
                features.append(np.maximum(correlate(np.concatenate(features), conv), 0))
            x = correlate(np.concatenate(features), block.fuse) + x
            results.append(x)
        x = np.concatenate(results)
        for conv in network.fuse:
            x = correlate(x, conv)
        x = x + shallow
        for step, conv in zip(steps, network.enlarge, strict=True):
            x = shuffled(correlate(x, conv), step)
        np.testing.assert_allclose(result, correlate(x, network.output), rtol=0, atol=1e-12)
